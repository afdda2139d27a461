/** The client of a running core against a server that is no core. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { CoreClient } from '#http/client/core-client';

test('the core client follows no redirect, and names the address to give instead', async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    response.writeHead(301, { location: `https://elsewhere.example${request.url}` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const client = new CoreClient(url, 'a key');
    const advice = `${url} redirects to https://elsewhere.example; give that address with --url`;
    await expect(client.jobs({})).rejects.toThrow(advice);
    await expect(client.submit({ text: '안녕' })).rejects.toThrow(advice);
    expect(requests).toEqual(['/jobs?', '/chat']);
  } finally {
    server.close();
  }
});

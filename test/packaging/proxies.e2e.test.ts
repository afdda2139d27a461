/** The proxy examples in deploy/proxy, run by the real programs: pages and streams pass, and events without delay. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openCore } from '#test/support/core';
import { startChild } from '#test/support/child-server';
import { freePort } from '#test/support/free-port';
import { says } from '#test/support/fake-llm-replies';
import { caddy, nginx } from '#test/support/proxies';
import { folderForTest } from '#test/events/nats-fixture';
import { projectRoot } from '#test/support/project-root';

const read = (name: string): string =>
  readFileSync(join(projectRoot, 'deploy', 'proxy', name), 'utf8');

/**
 * The example on a free port of the loopback, without TLS, in front of `upstream`. Returns the program and its
 * arguments.
 */
type Prepare = (port: number, upstream: string, folder: string) => string[];

const asNginx: Prepare = (port, upstream, folder) => {
  const server = read('nginx.conf')
    .replace('listen 443 ssl', `listen 127.0.0.1:${port}`)
    .replace(/^ *ssl_.*$/gm, '')
    .replaceAll('127.0.0.1:8100', upstream);
  const files = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const config = `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${files.join('\n')}\n${server}\n}\n`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  return [nginx()!, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
};

const asCaddy: Prepare = (port, upstream, folder) => {
  const site = read('Caddyfile')
    .replace(/^gatehouse\.example\.org/m, `http://127.0.0.1:${port}`)
    .replaceAll('127.0.0.1:8100', upstream);
  const config = `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${folder}\n}\n${site}`;
  writeFileSync(join(folder, 'Caddyfile'), config);
  return [caddy()!, 'run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')];
};

test.for([
  { name: 'nginx', program: nginx(), prepare: asNginx },
  { name: 'caddy', program: caddy(), prepare: asCaddy },
])(
  'behind $name an event stream arrives before the job ends, and the pages open (skipped without it)',
  { timeout: 60_000 },
  async ({ program, prepare }, context) => {
    if (program === null) return context.skip();
    const key = 'ab'.repeat(20);
    const fixture = await openCore({ server: { port: 0, apiKeys: [key] } });
    onTestFinished(() => fixture.close());
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const [command = '', ...args] = prepare(port, new URL(fixture.core.url).host, folderForTest());
    const isUp = (): Promise<boolean> =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    const proxy = await startChild(command, args, isUp);
    onTestFinished(() => proxy.stop());

    expect((await fetch(`${url}/inspect`)).status).toBe(200);
    // The model answers only after the stream has shown the first event: a proxy that buffers would block here.
    const opened = Promise.withResolvers<void>();
    fixture.small.script(async (exchange) => {
      await opened.promise;
      return says('{"action": "direct", "response": "네"}')(exchange);
    });
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      // The header of a browser on a page of this proxy.
      origin: url,
    };
    const body = JSON.stringify({ message: '안녕하세요' });
    const sent = await fetch(`${url}/chat`, { method: 'POST', headers, body });
    const { job_id: id } = (await sent.json()) as { job_id: string };
    const stream = await fetch(`${url}/chat/${id}/stream`, { headers });
    let text = '';
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.includes('"type":"ack"')) opened.resolve();
    }
    expect(text).toContain('"type":"done"');
  },
);

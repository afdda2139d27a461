/**
 * A proxy between a gate and a real model server that counts the requests open at the same time. The server has one
 * slot and would hide them in its own queue. If a client disconnects, the proxy disconnects from the server too.
 */
import {
  createServer,
  request as send,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CountingProxy {
  /** `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  /** Chat requests so far. */
  readonly requests: number;
  /** The largest number of chat requests that were open at the same time. */
  readonly overlapMax: number;
  close(): Promise<void>;
}

export async function startCountingProxy(targetBaseUrl: string): Promise<CountingProxy> {
  const target = new URL(targetBaseUrl);
  const counts = { requests: 0, open: 0, overlapMax: 0 };

  const forward = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { method = 'GET', url = '/', headers } = incoming;
    if (method === 'POST') {
      counts.requests += 1;
      counts.open += 1;
      counts.overlapMax = Math.max(counts.overlapMax, counts.open);
      response.once('close', () => (counts.open -= 1));
    }
    const { hostname, port } = target;
    const outgoing = send({ hostname, port, path: url, method, headers }, (upstream) => {
      response.writeHead(upstream.statusCode ?? 502, upstream.headers);
      upstream.pipe(response);
      upstream.once('error', () => response.destroy());
    });
    outgoing.once('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  };

  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    get requests() {
      return counts.requests;
    },
    get overlapMax() {
      return counts.overlapMax;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * An address at which a connection is neither accepted nor refused, as at a host that drops packets: a listener with a
 * backlog of one and a sleeping thread. When the backlog is full, the next connection hangs.
 */
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

export interface FullBacklog {
  readonly port: number;
  close(): Promise<void>;
}

const listener = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    // Keeps the thread from ever accepting, until it is terminated.
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** A connection on loopback needs well under 1 ms; after this time it counts as hanging. */
const HANGS_AFTER_MS = 200;

const connects = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HANGS_AFTER_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
    socket.on('error', () => {});
  });

/** Resolves when connections to the port hang. Close it after the test. */
export async function startFullBacklog(): Promise<FullBacklog> {
  const worker = new Worker(listener, { eval: true });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const fillers: Socket[] = [];
  for (let tries = 0; tries < 16; tries++) {
    const socket = connect(port, '127.0.0.1');
    fillers.push(socket);
    if (!(await connects(socket))) break;
  }
  return {
    port,
    async close() {
      for (const socket of fillers) socket.destroy();
      await worker.terminate();
    },
  };
}

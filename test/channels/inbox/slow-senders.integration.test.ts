/** Slow senders do not block other senders: requests and connections are limited per address. */
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startBridgeServer } from '#channels/bridge-server';
import { silentLog } from '#shared/log';

const body = 'post_id=1';

async function startWebhook() {
  const server = await startBridgeServer({
    host: '127.0.0.1',
    port: 0,
    webhook: { path: '/webhook/synology', handle: () => Promise.resolve(null) },
    health: () => ({}),
    log: silentLog(),
  });
  onTestFinished(() => server.close());
  const port = Number(new URL(server.url).port);
  /** A request with an incomplete body, or a connection without a request; `from` is a loopback address. */
  const open = (from: string, sent: string | null): Socket => {
    const head = `POST /webhook/synology HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    if (sent !== null) socket.write(head + sent);
    return socket;
  };
  return { open };
}

/** The status line, or `closed`. */
const answerOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('data', (data: Buffer) => resolve(data.toString().slice(9, 12)));
    socket.once('close', () => resolve('closed'));
  });

// Only Linux has more than one loopback address by default.
describe.skipIf(process.platform !== 'linux')('slow senders', () => {
  test('of one address hold at most eight requests, and another address is still served', async () => {
    const { open } = await startWebhook();
    const slow = Array.from({ length: 32 }, () => open('127.0.0.2', 'post'));
    const refused = await new Promise((resolve) => {
      let count = 0;
      for (const socket of slow) socket.once('data', () => (count += 1) === 24 && resolve(count));
    });
    expect(refused).toBe(24);
    expect(await answerOf(open('127.0.0.3', body))).toBe('200');
    // A request that ends frees its place for the next request.
    const eight = slow.filter(({ bytesRead }) => bytesRead === 0);
    expect(eight).toHaveLength(8);
    eight[0]!.write(body.slice(4));
    expect(await answerOf(eight[0]!)).toBe('200');
    expect(await answerOf(open('127.0.0.2', body))).toBe('200');
  });

  test('of one address hold at most 64 connections, and another address is still served', async () => {
    const { open } = await startWebhook();
    const idle = Array.from({ length: 70 }, () => open('127.0.0.2', null));
    const closed = await new Promise((resolve) => {
      let count = 0;
      for (const socket of idle) {
        socket.once('close', () => socket.bytesRead === 0 && (count += 1) === 6 && resolve(count));
      }
    });
    expect(closed).toBe(6);
    expect(await answerOf(open('127.0.0.3', body))).toBe('200');
  });
});

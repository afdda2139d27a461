/**
 * The connections under the requests: how many, from whom, and how long one may take to say what it wants.
 * Nobody has shown a key yet at this point; what is refused here costs nothing more than a socket.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { errorTable, type ErrorCode } from '../lib/errors.ts';
import { addressOf } from './limits.ts';

export interface Patience {
  /** Until all headers are there. */
  headersMs: number;
  /** Until the whole request is there. */
  requestMs: number;
  /** How often connections are looked at. */
  checkMs: number;
}

/**
 * - headers 10 s: one packet, seconds on the worst radio link; longer lets a few machines hold all places.
 * - request 30 s: 12 MB at 4 Mbit/s.
 */
export const usualPatience: Patience = { headersMs: 10_000, requestMs: 30_000, checkMs: 5_000 };

/** Node's own default, stated because more would be memory for whoever asks; ours have less than 1 KiB. */
const headerBytesMax = 16 * 1024;

/** Options of Node's server. */
export const serverTimes = ({ headersMs, requestMs, checkMs }: Patience) => ({
  headersTimeout: headersMs,
  requestTimeout: requestMs,
  connectionsCheckingInterval: checkMs,
  maxHeaderSize: headerBytesMax,
  requireHostHeader: true,
  insecureHTTPParser: false,
});

/**
 * At most `connectionsMax` connections, and half of them for one address: a single machine cannot take the
 * last place. Loopback is not counted apart: proxies and our own programs come from there.
 */
export function boundConnections(server: Server, connectionsMax: number): void {
  if (connectionsMax === 0) return;
  server.maxConnections = connectionsMax;
  const counts = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket);
    if (address.startsWith('127.') || address === '::1') return;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > connectionsMax / 2) {
      socket.destroy();
      return;
    }
    counts.set(address, count);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
  });
}

/** What was no HTTP, or came too slowly, is told so in our shape; there is no request yet, only bytes. */
export function refuseBytes(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, code, detail] = whyNot(error.code ?? '');
  const body = JSON.stringify({
    type: `urn:gatehouse:error:${code}`,
    title: errorTable[code].title,
    status,
    detail,
    code,
  });
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${status === 408 ? 'Request Timeout' : 'Bad Request'}\r\n` +
        `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
        `connection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}

function whyNot(code: string): [status: number, code: ErrorCode, detail: string] {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return [431, 'GH_REQUEST_INVALID', `The headers are larger than ${headerBytesMax} bytes`];
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, 'GH_REQUEST_INVALID', 'The request came too slowly'];
  }
  return [400, 'GH_REQUEST_INVALID', 'This is not an HTTP request'];
}

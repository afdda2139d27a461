/**
 * Limits on connections: how many, from which address, and how long a client may take to send its request. No key has
 * been checked at this point; a refused connection costs no more than a socket.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { errorTable, type ErrorCode } from '#shared/errors';
import { addressOf } from './rate-limiter.ts';

export interface ServerTimeouts {
  /** Until all headers have been received. */
  headersMs: number;
  /** Until the whole request has been received. */
  requestMs: number;
  /** Interval between checks of the connections. */
  checkMs: number;
}

/**
 * - headers 10 s: one packet, seconds on a very slow radio link; a longer time lets a few machines use up all
 *   connections.
 * - request 30 s: 12 MB at 4 Mbit/s.
 */
export const defaultTimeouts: ServerTimeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 5_000,
};

/** Node's own default, set explicitly: a higher limit would let clients use more memory. Ours send less than 1 KiB. */
const headerBytesMax = 16 * 1024;

export const nodeServerOptions = ({ headersMs, requestMs, checkMs }: ServerTimeouts) => ({
  headersTimeout: headersMs,
  requestTimeout: requestMs,
  connectionsCheckingInterval: checkMs,
  maxHeaderSize: headerBytesMax,
  requireHostHeader: true,
  insecureHTTPParser: false,
});

/**
 * At most `connectionsMax` connections, and half of them per address: a single machine cannot use up all of them.
 * Loopback has no limit of its own: proxies and our own programs connect from there.
 */
export function limitConnections(server: Server, connectionsMax: number): void {
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

/** Sends our error body for bytes that are not HTTP or came too slowly; there is no request object yet. */
export function handleClientError(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, code, detail] = clientErrorStatus(error.code ?? '');
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

function clientErrorStatus(code: string): [status: number, code: ErrorCode, detail: string] {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return [431, 'GH_REQUEST_INVALID', `The headers are larger than ${headerBytesMax} bytes`];
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return [408, 'GH_REQUEST_INVALID', 'The request came too slowly'];
  }
  return [400, 'GH_REQUEST_INVALID', 'This is not an HTTP request'];
}

/**
 * Discards a request body that was refused unread. Closing a connection with unread bytes resets it, and the client
 * loses the response. So the rest of the body is read and thrown away, within limits, before the response is sent.
 */
import type { IncomingMessage } from 'node:http';

/** More than any body that is sent by mistake; above it the connection is reset. */
const bytesMax = 64 * 1024 * 1024;
/** Clients that wait for the response before they send the body get it after this time. */
const idleTimeoutMs = 1_000;

/** Resolves when the body has ended, when no more data arrives, or at the limit. */
export function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', finish).off('close', finish).off('error', finish);
      // Later data is dropped, so it takes no memory and does not block the connection.
      request.resume();
      resolve();
    };
    const onData = (part: Buffer): void => {
      bytes += part.length;
      timer.refresh();
      if (bytes > bytesMax) finish();
    };
    const timer = setTimeout(finish, idleTimeoutMs);
    request.on('data', onData).on('end', finish).on('close', finish).on('error', finish);
    request.resume();
  });
}

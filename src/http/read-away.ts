/**
 * A body that is refused before it was read. Closing a connection with unread bytes resets it, and the client loses
 * the answer with it: so what still comes is read and thrown away, within bounds, and then the answer is sent.
 */
import type { IncomingMessage } from 'node:http';

/** More than any body that somebody sends by mistake; beyond it the connection is reset. */
const bytesMax = 64 * 1024 * 1024;
/** A client that waits for an answer before it sends its body is answered after this. */
const stillMsMax = 1_000;

/** Resolves when the body has ended, when nothing comes any more, or at the bound. */
export function readAway(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const settle = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', settle).off('close', settle).off('error', settle);
      // Nothing is kept in memory, and the connection is not held up.
      request.resume();
      resolve();
    };
    const onData = (part: Buffer): void => {
      bytes += part.length;
      timer.refresh();
      if (bytes > bytesMax) settle();
    };
    const timer = setTimeout(settle, stillMsMax);
    request.on('data', onData).on('end', settle).on('close', settle).on('error', settle);
    request.resume();
  });
}

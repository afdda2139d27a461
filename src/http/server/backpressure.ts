/** Backpressure: data that the client has not read yet stays in the database, not in memory. */
import type { ServerResponse } from 'node:http';

/**
 * Resolves with true when more can be written, with false when the connection is closed or the client read nothing for
 * `timeoutMs`. Removes its listeners.
 */
export function waitForDrain(response: ServerResponse, timeoutMs: number): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const finish = (isRead: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      resolve(isRead && !response.destroyed);
    };
    const onDrain = (): void => finish(true);
    const onClose = (): void => finish(false);
    const timer = setTimeout(finish, timeoutMs, false);
    response.on('drain', onDrain).on('close', onClose);
  });
}

/** A client on a very slow radio link reads something within this time; a longer limit only keeps dead connections. */
export const drainTimeoutMs = 30_000;

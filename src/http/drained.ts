/** Writing at the pace of who reads: what one does not take stays where it is stored, not in memory. */
import type { ServerResponse } from 'node:http';

/**
 * Resolves when more can be written, with false when nobody reads any more: the connection is closed, or nothing
 * was taken for `patienceMs`. Leaves no listener behind.
 */
export function drained(
  response: ServerResponse,
  patienceMs = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (isRead: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      resolve(isRead && !response.destroyed);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    const timer = Number.isFinite(patienceMs) ? setTimeout(settle, patienceMs, false) : undefined;
    response.on('drain', onDrain).on('close', onClose);
  });
}

/** A reader on the worst radio link takes something within this time; longer keeps connections of the dead. */
export const readerPatienceMs = 30_000;

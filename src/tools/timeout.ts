/** Bounds the wait for a promise; the work is aborted through its signal. */

export type TimeoutResult<Value> = { in: 'time'; value: Value } | { in: 'limit' } | { in: 'abort' };

/**
 * Runs `work` with a signal that aborts after `limitMs` or when `signal` does, and resolves at that moment even if
 * the work ignores the signal. Errors that `work` throws in time are rethrown.
 */
export async function withTimeout<Value>(
  limitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<TimeoutResult<Value>> {
  const controller = new AbortController();
  const ended = Promise.withResolvers<TimeoutResult<Value>>();
  const end = (how: 'limit' | 'abort'): void => {
    ended.resolve({ in: how });
    controller.abort(new Error(how));
  };
  const onAbort = (): void => end('abort');
  if (signal.aborted) return { in: 'abort' };
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => end('limit'), limitMs);
  try {
    const running = work(controller.signal).then((value) => ({ in: 'time' as const, value }));
    // Prevents an unhandled rejection when abandoned work fails later.
    running.catch(() => undefined);
    return await Promise.race([running, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

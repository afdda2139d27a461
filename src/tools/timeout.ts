/** Bounds the wait for a promise; the work is aborted through its signal. */

export type TimeoutResult<Value> =
  | { kind: 'completed'; value: Value }
  | { kind: 'timedOut' }
  | { kind: 'aborted' };

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
  const end = (kind: 'timedOut' | 'aborted'): void => {
    ended.resolve({ kind });
    controller.abort(new Error(kind));
  };
  const onAbort = (): void => end('aborted');
  if (signal.aborted) return { kind: 'aborted' };
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => end('timedOut'), limitMs);
  try {
    const running = work(controller.signal).then((value) => ({
      kind: 'completed' as const,
      value,
    }));
    // Prevents an unhandled rejection when abandoned work fails later.
    running.catch(() => undefined);
    return await Promise.race([running, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

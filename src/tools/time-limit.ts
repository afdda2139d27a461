/** Bounds how long somebody waits for a promise; the work is told through its signal. */

export type Limited<Value> = { in: 'time'; value: Value } | { in: 'limit' } | { in: 'abort' };

/**
 * Runs `work` with a signal that ends after `limitMs` or when `signal` does, and answers at that moment even
 * if the work does not heed it. What the work throws is thrown on, if it comes in time.
 */
export async function withinLimit<Value>(
  limitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Limited<Value>> {
  const controller = new AbortController();
  const ended = Promise.withResolvers<Limited<Value>>();
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
    // Late failures of abandoned work have nobody left to hear them.
    running.catch(() => undefined);
    return await Promise.race([running, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

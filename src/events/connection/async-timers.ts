/** Timeouts and retries. */
import { abortableSleep } from '#shared/abortable-sleep';
import { exponentialBackoffMs } from '#shared/backoff';

/** Resolves when the promise has settled, or after `ms`; returns whether it settled. */
export async function settledWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const completion = work.then(
    () => true,
    () => true,
  );
  const late = abortableSleep(ms, over.signal).then(() => false);
  try {
    return await Promise.race([completion, late]);
  } finally {
    over.abort();
  }
}

/** Repeats `work` until the signal aborts, also after it returns; waits after each run, with exponential backoff. */
export async function retryForever(options: {
  work: () => Promise<void>;
  onError: (error: unknown) => void;
  timings: { retryMs: number; retryMsMax: number };
  signal: AbortSignal;
}): Promise<void> {
  const { work, onError, timings, signal } = options;
  let attempt = 0;
  while (!signal.aborted) {
    const began = performance.now();
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
    }
    if (signal.aborted) return;
    // A run longer than the longest wait counts as a success: its failure starts a new backoff.
    attempt = performance.now() - began > timings.retryMsMax ? 0 : attempt + 1;
    await abortableSleep(
      exponentialBackoffMs(attempt, timings.retryMs, timings.retryMsMax),
      signal,
    );
  }
}

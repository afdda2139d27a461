/** Waiting that ends at once when it is no longer wanted. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or when the signal aborts. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted: whoever waits looks at the signal.
  }
}

/** Resolves when the promise has settled or after `ms`, whichever is first; says whether it settled. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const settled = work.then(
    () => true,
    () => true,
  );
  const late = pause(ms, over.signal).then(() => false);
  try {
    return await Promise.race([settled, late]);
  } finally {
    over.abort();
  }
}

/** The wait before attempt `attempt` (from 0): doubled each time, with jitter so that many do not come at once. */
export const backoffMs = (
  attempt: number,
  { retryMs, retryMsMax }: { retryMs: number; retryMsMax: number },
): number =>
  Math.min(retryMsMax, retryMs * 2 ** Math.min(attempt, 20)) * (0.75 + Math.random() / 2);

/** Repeats `work` until the signal aborts; after a failure it waits, longer each time. `work` that ends begins again. */
export async function keepRunning(options: {
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
    // What ran for a while has worked: the next failure is a new one.
    attempt = performance.now() - began > timings.retryMsMax ? 0 : attempt + 1;
    await pause(backoffMs(attempt, timings), signal);
  }
}

/** A loop that waits until somebody rings or a time has come. */
export interface Bell {
  /** Ends the wait, or the next one where nobody waits. */
  ring(): void;
  /** Resolves at the ring, after `ms` (Infinity: never by itself), or when the signal aborts. Never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Longer than any pause here; a timer of more days would fire at once. */
const waitMsMax = 24 * 3_600_000;

export function createBell(): Bell {
  let wake: (() => void) | null = null;
  let isRung = false;
  return {
    ring() {
      if (wake === null) isRung = true;
      else wake();
    },
    async wait(ms, signal) {
      if (isRung || signal.aborted || ms <= 0) {
        isRung = false;
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.min(ms, waitMsMax));
      const onAbort = (): void => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      wake = resolve;
      await promise;
      clearTimeout(timer);
      // The signal lives as long as the process: what is left on it is never freed.
      signal.removeEventListener('abort', onAbort);
      wake = null;
      isRung = false;
    },
  };
}

/** The wait before try `tries` (from 0), doubled each time, with jitter so that many do not come at once. */
export const backoffMs = (tries: number, firstMs: number, maxMs: number): number =>
  Math.min(maxMs, firstMs * 2 ** Math.min(tries, 20)) * (0.75 + Math.random() / 2);

/** A wake-up signal with a timeout, for a loop that waits for work. */
/** Longer than any wait here; a timer above 24.8 days would fire at once. */
const waitMsMax = 24 * 3_600_000;

export function createWakeSignal() {
  let wake: (() => void) | null = null;
  let isNotified = false;
  return {
    /** Ends the current wait, or the next one if there is none. */
    notify(): void {
      if (wake === null) isNotified = true;
      else wake();
    },
    /** Resolves on notify, after `ms` (Infinity: never), or when the signal aborts. Never rejects. */
    async wait(ms: number, signal: AbortSignal): Promise<void> {
      if (isNotified || signal.aborted || ms <= 0) {
        isNotified = false;
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.min(ms, waitMsMax));
      const onAbort = (): void => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      wake = resolve;
      await promise;
      clearTimeout(timer);
      // The signal lives as long as the process: a listener left on it would leak.
      signal.removeEventListener('abort', onAbort);
      wake = null;
      isNotified = false;
    },
  };
}
export type WakeSignal = ReturnType<typeof createWakeSignal>;

/** Repeats one step of work until stopped; after a failure it waits longer each time. */
import { exponentialBackoffMs } from '#shared/backoff';
import type { Log } from '#shared/log';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import { createWakeSignal } from './wake-signal.ts';

export interface RepeatedStepParts {
  /** Returns the wait in ms before the next step (Infinity: until woken). `retry`, or an error: a backoff. */
  step(signal: AbortSignal): Promise<number | 'retry'>;
  retryMs: { first: number; max: number };
  /** Log line for an error, throttled. */
  failure: string;
  log: Log;
}

export function createRepeatedStep(parts: RepeatedStepParts) {
  const { step, retryMs, failure, log } = parts;
  const stopping = new AbortController();
  const { signal } = stopping;
  const wakeSignal = createWakeSignal();
  const errorLog = createThrottledErrorLog(log, failure);
  let running = Promise.resolve();

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      let waitMs: number | 'retry' = 'retry';
      try {
        waitMs = await step(signal);
        errorLog.recovered();
      } catch (error) {
        if (!signal.aborted) errorLog.error(error);
      }
      if (waitMs !== 'retry') failures = 0;
      else waitMs = exponentialBackoffMs(failures++, retryMs.first, retryMs.max);
      if (waitMs > 0) await wakeSignal.wait(waitMs, signal);
    }
  };
  return {
    start: (): void => void (running = run()),
    /** Ends the wait before the next step. */
    wake: (): void => wakeSignal.notify(),
    /** Ends waits, and resolves after the step in progress. */
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
export type RepeatedStep = ReturnType<typeof createRepeatedStep>;

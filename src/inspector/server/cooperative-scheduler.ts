/**
 * Cooperative scheduling of expensive reads: rows are replayed and jobs are searched in slices of a few milliseconds.
 * All viewers together get one slice per round of the event loop, so that the core's own work is not delayed.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';

/** Rows that are replayed in one slice: about a millisecond, ten where each row has pages of text. */
export const rowsPerSlice = 10;

export interface TimeSlicer {
  /** Resolves when the caller may run its next slice, in the order of the calls. */
  nextSlice(): Promise<void>;
}

export function createTimeSlicer(): TimeSlicer {
  let last = Promise.resolve();
  return {
    nextSlice() {
      last = last.then(() => yieldToEventLoop());
      return last;
    },
  };
}

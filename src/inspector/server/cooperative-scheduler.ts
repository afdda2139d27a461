/**
 * Cooperative scheduling of expensive reads: rows are replayed and jobs are searched in slices of a few milliseconds.
 * All viewers together get one slice per round of the event loop, so that the core's own work is not delayed.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { GatehouseError } from '#shared/errors';

/** Rows that are replayed in one slice: about a millisecond, ten where each row has pages of text. */
export const rowsPerSlice = 10;

export function createTimeSlicer() {
  let last = Promise.resolve();
  return {
    /** Resolves when the caller may run its next slice, in the order of the calls. */
    nextSlice(): Promise<void> {
      last = last.then(() => yieldToEventLoop());
      return last;
    },
  };
}
export type TimeSlicer = ReturnType<typeof createTimeSlicer>;

/** Charges one request to the user; false where the limit of the minute is used up. Null: the operator, not limited. */
export function tryCharge(
  { limits }: { limits?: { chargeUser(user: string, requests: number): void } },
  user: string | null,
): boolean {
  try {
    if (user !== null) limits?.chargeUser(user, 1);
    return true;
  } catch (error) {
    if (error instanceof GatehouseError) return false;
    throw error;
  }
}

/**
 * Much to look at, without holding up those who only look on: rows are replayed and jobs are searched in
 * slices of a few milliseconds, and all onlookers together get one slice in each round of the event loop.
 */
import { GatehouseError } from '../lib/errors.ts';
import { othersTurn } from '../lib/others-turn.ts';
import type { InspectorOptions } from './parts.ts';

/** Rows of a job that are run in one slice, about a millisecond; ten where each row has pages of text. */
export const rowsPerSlice = 10;

export interface Slices {
  /** Resolves when it is the caller's turn, in the order in which they came. */
  turn(): Promise<void>;
}

export function createSlices(): Slices {
  let last = Promise.resolve();
  return {
    turn() {
      last = last.then(othersTurn);
      return last;
    },
  };
}

/** Takes a request of what the person may ask for in a minute; false where there is none left. Null: the operator. */
export function pays({ limits }: Pick<InspectorOptions, 'limits'>, user: string | null): boolean {
  try {
    if (user !== null) limits?.chargePerson(user, 1);
    return true;
  } catch (error) {
    if (error instanceof GatehouseError) return false;
    throw error;
  }
}

/** Whether a figure is stable: the middle third of a run compared with the last. The first third is warm-up. */

export interface Course {
  name: string;
  values: readonly number[];
  /** Growth up to this amount is noise; in the unit of the figure. */
  slack: number;
}

export interface Verdict {
  name: string;
  middle: number;
  last: number;
  isFlat: boolean;
}

/** A leak is a steady slope; runs without a leak also differ by up to 10 % between two thirds. */
const growthMax = 1.1;

/** Compares the means of the two thirds. `values`: at least three. */
export function verdictOf({ name, values, slack }: Course): Verdict {
  const third = Math.floor(values.length / 3);
  const middle = mean(values.slice(third, values.length - third));
  const last = mean(values.slice(values.length - third));
  return { name, middle, last, isFlat: last <= middle * growthMax + slack };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Whether a figure stays where it is: the middle third of a run against the last. The first third is warm-up. */

export interface Course {
  name: string;
  values: readonly number[];
  /** What it may grow by without being called growth: noise of this figure, in its own unit. */
  slack: number;
}

export interface Verdict {
  name: string;
  middle: number;
  last: number;
  isFlat: boolean;
}

/** A leak shows as a slope; 10 % between two thirds is a spread that quiet runs have too. */
const growthMax = 1.1;

/** Means of the two thirds. @param course at least three values */
export function verdictOf({ name, values, slack }: Course): Verdict {
  const third = Math.floor(values.length / 3);
  const middle = mean(values.slice(third, values.length - third));
  const last = mean(values.slice(values.length - third));
  return { name, middle, last, isFlat: last <= middle * growthMax + slack };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Histogram buckets, shared so that dashboard panels of the same kind are comparable. */

/** Model calls, and therefore jobs, take from tens of milliseconds to minutes. */
export const secondsBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Most HTTP requests take milliseconds, but a request that waits for a model's whole answer takes minutes. */
export const requestSecondsBuckets = [
  0.0025, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

/** Commits and pauses of the process: a good disk is in the lowest buckets, a problem in the highest. */
export const shortSecondsBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

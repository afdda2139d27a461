/** Bounds of histograms, chosen once so that panels of one kind can be laid over each other. */

/** Model calls, and with them jobs, take from tens of milliseconds to minutes. */
export const secondsBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Requests over HTTP: most take a moment, but one that waits for a whole answer of a model takes minutes. */
export const requestSecondsBuckets = [
  0.0025, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

/** Commits and pauses of the process: a good disk is at the left end, trouble at the right. */
export const shortSecondsBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** The wait in ms before retry `attempt` (from 0): exponential from `firstMs` to `maxMs`. For times that are stored. */
export const exponentialDelayMs = (
  attempt: number,
  firstMs: number,
  maxMs: number,
  growth = 2,
): number => Math.min(maxMs, firstMs * growth ** Math.min(attempt, 20));

/** The same with jitter of a quarter to both sides, so that many clients do not retry at the same moment. */
export const exponentialBackoffMs = (attempt: number, firstMs: number, maxMs: number): number =>
  exponentialDelayMs(attempt, firstMs, maxMs) * (0.75 + Math.random() / 2);

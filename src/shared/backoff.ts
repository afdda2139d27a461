/**
 * The wait in ms before retry `attempt` (from 0): exponential backoff from `firstMs` to `maxMs`, with jitter of a quarter
 * to both sides so that many clients do not retry at the same moment.
 */
export const exponentialBackoffMs = (attempt: number, firstMs: number, maxMs: number): number =>
  Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 20)) * (0.75 + Math.random() / 2);

/** The only door to wall clock time. Everything that needs the time is handed one of these. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** The only source of wall clock time. Code that needs the time takes a `Clock` as a parameter. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

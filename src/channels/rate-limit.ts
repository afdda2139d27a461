/** Rate limiter of the inbound messages, per user and target (lane). */
import { createTokenBuckets } from '#shared/token-buckets';

export interface RateLimit {
  /** Takes one token; false: none left. */
  tryConsume(person: string): boolean;
  /** True at most once per minute and key: then the user is notified. */
  shouldNotify(person: string): boolean;
}

/** A home chat has few users. */
const peopleMax = 5_000;

/** @param now milliseconds of a monotonic clock */
export function createRateLimit(perMinute: number, now: () => number): RateLimit {
  const messages = createTokenBuckets({ perMinute, keysMax: peopleMax, now });
  const notices = createTokenBuckets({ perMinute: 1, keysMax: peopleMax, now });
  return {
    tryConsume: (person) => messages.take(person, 1) === 0,
    shouldNotify: (person) => notices.take(person, 1) === 0,
  };
}

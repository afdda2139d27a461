/** Rate limiter of the inbound messages, per user and target (lane). */
import { createTokenBuckets } from '#shared/token-buckets';

/** A home chat has few users. */
const peopleMax = 5_000;

/** @param now milliseconds of a monotonic clock */
export function createRateLimit(perMinute: number, now: () => number) {
  const messages = createTokenBuckets({ perMinute, keysMax: peopleMax, now });
  const notices = createTokenBuckets({ perMinute: 1, keysMax: peopleMax, now });
  return {
    /** Takes one token; false: none left. */
    tryConsume: (person: string): boolean => messages.take(person, 1) === 0,
    /** True at most once per minute and key: then the user is notified. */
    shouldNotify: (person: string): boolean => notices.take(person, 1) === 0,
  };
}
export type RateLimit = ReturnType<typeof createRateLimit>;

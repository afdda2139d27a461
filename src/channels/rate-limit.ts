/** Rate limiter: a token bucket per user and target (lane), refilled over a minute. */
export interface RateLimit {
  /** Takes one token; false: none left. */
  tryConsume(person: string): boolean;
  /** True at most once per minute and key: then the user is notified. */
  shouldNotify(person: string): boolean;
}

const minuteMs = 60_000;
/** A home chat has few users. Beyond this the oldest bucket is dropped, and starts full again. */
const peopleMax = 5_000;

interface Bucket {
  level: number;
  at: number;
  notifiedAt: number;
}

/** @param now milliseconds of a monotonic clock */
export function createRateLimit(perMinute: number, now: () => number): RateLimit {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (person: string): Bucket => {
    const at = now();
    const bucket = buckets.get(person) ?? { level: perMinute, at, notifiedAt: -minuteMs };
    bucket.level = Math.min(perMinute, bucket.level + ((at - bucket.at) * perMinute) / minuteMs);
    bucket.at = at;
    buckets.delete(person);
    buckets.set(person, bucket);
    if (buckets.size > peopleMax) buckets.delete(buckets.keys().next().value!);
    return bucket;
  };
  return {
    tryConsume(person) {
      const bucket = bucketOf(person);
      if (bucket.level < 1) return false;
      bucket.level -= 1;
      return true;
    },
    shouldNotify(person) {
      const bucket = bucketOf(person);
      if (now() - bucket.notifiedAt < minuteMs) return false;
      bucket.notifiedAt = now();
      return true;
    },
  };
}

/** A bucket of tokens per person: so many messages at once, refilled over a minute. */
export interface RateLimit {
  /** False: too fast. Takes one token where there is one. */
  take(person: string): boolean;
  /** True once per minute and person: worth a word to them. */
  shouldTell(person: string): boolean;
}

const minuteMs = 60_000;
/** People in a chat at home are few; more are forgotten, oldest first, and begin with a full bucket. */
const peopleMax = 5_000;

interface Bucket {
  level: number;
  at: number;
  toldAt: number;
}

/** @param now milliseconds of a clock that never goes back */
export function createRateLimit(perMinute: number, now: () => number): RateLimit {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (person: string): Bucket => {
    const at = now();
    const bucket = buckets.get(person) ?? { level: perMinute, at, toldAt: -minuteMs };
    bucket.level = Math.min(perMinute, bucket.level + ((at - bucket.at) * perMinute) / minuteMs);
    bucket.at = at;
    buckets.delete(person);
    buckets.set(person, bucket);
    if (buckets.size > peopleMax) buckets.delete(buckets.keys().next().value!);
    return bucket;
  };
  return {
    take(person) {
      const bucket = bucketOf(person);
      if (bucket.level < 1) return false;
      bucket.level -= 1;
      return true;
    },
    shouldTell(person) {
      const bucket = bucketOf(person);
      if (now() - bucket.toldAt < minuteMs) return false;
      bucket.toldAt = now();
      return true;
    },
  };
}

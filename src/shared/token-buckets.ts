/**
 * Token buckets per key with a capacity of one minute, refilled continuously. Memory is bounded: with very many keys the
 * ones that were used longest ago are forgotten, and start full again.
 */
import { minuteMs } from './calendar/time-units.ts';
export interface TokenBuckets {
  /** Takes `count` tokens and returns 0; or takes none and returns the milliseconds until there are enough. */
  take(key: string, count: number): number;
  /** Takes `count` tokens, even below zero. */
  overdraw(key: string, count: number): void;
  /** Milliseconds until there is a token; 0: there is one. Takes none. */
  waitMs(key: string): number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export interface TokenBucketOptions {
  /** 0: never empty. */
  perMinute: number;
  /** Each key costs about 200 bytes. */
  keysMax: number;
  /** Milliseconds of a monotonic clock. */
  now?: () => number;
}

export function createTokenBuckets(options: TokenBucketOptions): TokenBuckets {
  const { perMinute, keysMax, now = () => performance.now() } = options;
  const buckets = new Map<string, Bucket>();
  const filled = (key: string): Bucket => {
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: perMinute, at };
    const tokens = Math.min(perMinute, bucket.tokens + ((at - bucket.at) * perMinute) / minuteMs);
    return { tokens, at };
  };
  const put = (key: string, bucket: Bucket): void => {
    buckets.delete(key);
    buckets.set(key, bucket);
    evictOldest(buckets, keysMax);
  };
  const missing = (tokens: number, count: number): number =>
    Math.ceil(((count - tokens) * minuteMs) / perMinute);
  return {
    take(key, count) {
      if (perMinute === 0) return 0;
      const bucket = filled(key);
      // A request above the capacity is accepted by a full bucket, which then has a debt: large, but rare.
      const needed = Math.min(count, perMinute);
      if (bucket.tokens < needed) return missing(bucket.tokens, needed);
      put(key, { ...bucket, tokens: bucket.tokens - count });
      return 0;
    },
    overdraw(key, count) {
      if (perMinute === 0) return;
      const bucket = filled(key);
      put(key, { ...bucket, tokens: bucket.tokens - count });
    },
    waitMs(key) {
      if (perMinute === 0 || !buckets.has(key)) return 0;
      const { tokens } = filled(key);
      return tokens >= 1 ? 0 : missing(tokens, 1);
    },
  };
}

/** Evicts many at a time: finding a map's first entry is slow after many single deletes. */
export function evictOldest(map: Map<string, unknown>, keysMax: number): void {
  if (map.size <= keysMax) return;
  for (const key of [...map.keys()].slice(0, Math.ceil(keysMax / 10))) map.delete(key);
}

/** When the next post to each place of a chat may be sent, where the chat limits its places (`ChannelAdapter.paceOf`). */
import { createTokenBuckets, evictOldest, type TokenBuckets } from '#shared/token-buckets';
import type { Pace } from '../channel-adapter-port.ts';

/** A home chat has few places; one that was forgotten may be posted to at once. */
const placesMax = 5_000;

/** @param now milliseconds of a monotonic clock */
export function createPlacePace(now: () => number) {
  const readyAt = new Map<string, number>();
  const buckets = new Map<number, TokenBuckets>();
  const bucketsOf = (perMinute: number): TokenBuckets => {
    const known = buckets.get(perMinute);
    if (known !== undefined) return known;
    const made = createTokenBuckets({ perMinute, keysMax: placesMax, now });
    buckets.set(perMinute, made);
    return made;
  };
  const waitUntil = (place: string, at: number): void => {
    const later = Math.max(at, readyAt.get(place) ?? at);
    readyAt.delete(place);
    readyAt.set(place, later);
    evictOldest(readyAt, placesMax);
  };
  return {
    /** Milliseconds until the next post; 0: now. */
    waitMs: ({ place, perMinute }: Pace): number =>
      Math.max(0, (readyAt.get(place) ?? 0) - now(), bucketsOf(perMinute).waitMs(place)),
    /** A post was sent. */
    record({ place, minIntervalMs, perMinute }: Pace): void {
      bucketsOf(perMinute).overdraw(place, 1);
      waitUntil(place, now() + minIntervalMs);
    },
    /** The chat has asked for a pause there. */
    pause: ({ place }: Pace, ms: number): void => waitUntil(place, now() + ms),
  };
}

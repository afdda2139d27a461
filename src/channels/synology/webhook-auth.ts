/**
 * Authenticates webhooks by token, compared in constant time, and counts failures per address.
 *
 * T1: a correct token is always accepted, also from an address with many failures: behind a proxy all clients share
 *     one address, and an attacker must not be able to lock the NAS out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Target } from './targets.ts';

/** A token of 64 letters cannot be guessed; this only limits the noise. The value that other bridges use. */
const failuresMax = 10;
const windowMs = 60_000;
/** Tracked addresses. A botnet has more; then the oldest are dropped. */
const addressesMax = 2_000;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @param now milliseconds of a monotonic clock */
export function createWebhookAuthenticator(targets: readonly Target[], now: () => number) {
  const known = targets.flatMap((target) =>
    target.tokens.map((token) => ({ target, hash: digest(token) })),
  );
  const failures = new Map<string, { count: number; since: number }>();
  return {
    /** Targets that this token gives access to. None for an empty token. */
    targetsForToken(token: string): Target[] {
      const given = digest(token);
      // Every token is compared: the time does not reveal which one matched, or how much of it.
      const found = new Set<Target>();
      for (const { target, hash } of known) if (timingSafeEqual(hash, given)) found.add(target);
      return token === '' ? [] : [...found];
    },
    /** Counts a wrong token; true if there were too many from this address. */
    recordFailure(address: string): boolean {
      const at = now();
      const last = failures.get(address);
      const isFresh = last !== undefined && at - last.since < windowMs;
      const entry = isFresh ? last : { count: 0, since: at };
      entry.count += 1;
      failures.delete(address);
      failures.set(address, entry);
      if (failures.size > addressesMax) failures.delete(failures.keys().next().value!);
      return entry.count > failuresMax;
    },
  };
}
export type WebhookAuthenticator = ReturnType<typeof createWebhookAuthenticator>;

/**
 * Who may come in: the token of a bot, compared in constant time, and who has tried wrong ones too often.
 *
 * T1: the right token always passes, also from an address that wrong ones came from: behind a proxy all have
 *     one address, and nobody must be able to lock the NAS out.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Target } from './targets.ts';

export interface TokenGuard {
  /** Targets that this token opens. None for an empty one. */
  targetsOf(token: string): Target[];
  /** Counts a wrong token; true when there were too many from this address. */
  isTooOften(address: string): boolean;
}

/** 64 letters cannot be guessed; this only keeps the noise down. As other bridges have it. */
const wrongMax = 10;
const windowMs = 60_000;
/** Addresses that are remembered. A network of bots has more; then the oldest are forgotten. */
const addressesMax = 2_000;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @param now milliseconds of a clock that never goes back */
export function createTokenGuard(targets: readonly Target[], now: () => number): TokenGuard {
  const known = targets.flatMap((target) =>
    target.tokens.map((token) => ({ target, hash: digest(token) })),
  );
  const wrong = new Map<string, { count: number; since: number }>();
  return {
    targetsOf(token) {
      const given = digest(token);
      // Each is compared: the time says nothing about which of them, or how much of it, was right.
      const found = new Set<Target>();
      for (const { target, hash } of known) if (timingSafeEqual(hash, given)) found.add(target);
      return token === '' ? [] : [...found];
    },
    isTooOften(address) {
      const at = now();
      const last = wrong.get(address);
      const isFresh = last !== undefined && at - last.since < windowMs;
      const entry = isFresh ? last : { count: 0, since: at };
      entry.count += 1;
      wrong.delete(address);
      wrong.set(address, entry);
      if (wrong.size > addressesMax) wrong.delete(wrong.keys().next().value!);
      return entry.count > wrongMax;
    },
  };
}

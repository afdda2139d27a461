/**
 * The API keys of the configuration: who stands behind a key that somebody shows at a door.
 *
 * A plain key is the operator's: it may act for every user. A key with a user is that person's: it sees and
 * moves nothing of anybody else.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export type ApiKey = string | { key: string; user: string };

export interface Caller {
  /** Null: the operator. */
  user: string | null;
}

export interface KeyRing {
  /** No key is set: only loopback is served, and everybody there is the operator. */
  readonly isOpen: boolean;
  /** Null for a key that is none. Takes the same time for every key. */
  callerOf(given: string): Caller | null;
}

export const operator: Caller = { user: null };

export function createKeyRing(keys: readonly ApiKey[]): KeyRing {
  const known = keys.map((one) =>
    typeof one === 'string'
      ? { digest: digestOf(one), caller: operator }
      : { digest: digestOf(one.key), caller: { user: one.user } },
  );
  return {
    isOpen: known.length === 0,
    callerOf(given) {
      const digest = digestOf(given);
      let caller: Caller | null = null;
      // Every key is compared, each in constant time: the answer's time tells nothing about the keys.
      for (const one of known) if (timingSafeEqual(one.digest, digest)) ({ caller } = one);
      return caller;
    },
  };
}

/** The key with which our own commands come: the first of the operator, else the first. Null where none is set. */
export function commandKey(keys: readonly ApiKey[]): string | null {
  const chosen = keys.find((one) => typeof one === 'string') ?? keys[0];
  return typeof chosen === 'object' ? chosen.key : (chosen ?? null);
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

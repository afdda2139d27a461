/**
 * The API keys of the configuration and the caller that each key stands for.
 *
 * A plain key belongs to the operator: it may act for every user. A key with a user reads and changes only that user's
 * data.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export type ApiKey = string | { key: string; user: string };

export interface Caller {
  /** Null: the operator. */
  user: string | null;
}

export interface ApiKeyAuthenticator {
  /** No key is set: only loopback connections are served, and each of them acts as the operator. */
  readonly hasNoKeys: boolean;
  /** Null for an unknown key. Takes the same time for every key. */
  authenticate(given: string): Caller | null;
}

export const operatorCaller: Caller = { user: null };

export function createApiKeyAuthenticator(keys: readonly ApiKey[]): ApiKeyAuthenticator {
  const known = keys.map((one) =>
    typeof one === 'string'
      ? { digest: digestOf(one), caller: operatorCaller }
      : { digest: digestOf(one.key), caller: { user: one.user } },
  );
  return {
    hasNoKeys: known.length === 0,
    authenticate(given) {
      const digest = digestOf(given);
      let caller: Caller | null = null;
      // Every key is compared, each in constant time: the response time reveals nothing about the keys.
      for (const one of known) if (timingSafeEqual(one.digest, digest)) ({ caller } = one);
      return caller;
    },
  };
}

/** The key that the CLI sends: the first key of the operator, else the first key. Null where none is set. */
export function cliApiKey(keys: readonly ApiKey[]): string | null {
  const chosen = keys.find((one) => typeof one === 'string') ?? keys[0];
  return typeof chosen === 'object' ? chosen.key : (chosen ?? null);
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

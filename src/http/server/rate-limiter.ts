/**
 * Rate limiter per caller: requests per minute, concurrent requests, wrong keys. The limits prevent that one caller, by
 * mistake or on purpose, blocks the others.
 *
 * L1 A user's keys are counted per user, requests without a key per address. The operator is not counted: that key may
 *    stop the whole server anyway, and the bridges and other programs of the installation use it.
 * L2 Memory is bounded: with very many callers the caller that was idle longest is forgotten, which can only be to its
 *    advantage.
 * L3 A right key keeps working at an address where it has worked before, whatever else comes from there: behind a proxy
 *    all clients have one address, and a stranger must not lock out a user by guessing keys.
 * L4 A wrong key counts as one guess per minute, however often it is sent: an open page keeps sending a key that was
 *    withdrawn. A key is known to be wrong only after it was counted. A key that was refused unchecked gets the same
 *    error as a right key, also when it is sent again.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { minuteMs } from '#shared/calendar/time-units';
import { GatehouseError } from '#shared/errors';
import type { Caller } from '#shared/api-keys';
import { createTokenBuckets, evictOldest } from '#shared/token-buckets';

/** Counts; 0: no limit. */
export interface RateLimitSettings {
  requestsPerMinute: number;
  wrongKeysPerMinute: number;
  /** From one address; from all together `addressesOfCodes` times as many. */
  wrongCodesPerMinute: number;
  openRequests: number;
}

export const noLimits: RateLimitSettings = {
  requestsPerMinute: 0,
  wrongKeysPerMinute: 0,
  wrongCodesPerMinute: 0,
  openRequests: 0,
};

/** The client's end of a connection. */
export interface Peer {
  remoteAddress?: string | undefined;
}

/** The rate-limit key of a user. */
export const userLimitKey = (user: string): string => `person ${user}`;

/** People of a home who mistype an invite code in the same minute; a guesser with many addresses is more. */
const addressesOfCodes = 4;

/** Each costs about 200 bytes. A home has about a hundred devices; an outside scan can have any number of addresses. */
const callersMax = 10_000;
/**
 * A body or response of this size counts as one more request: parsing 1 MB as a calendar blocks the event loop for a
 * second, writing 1 MB of a list for some 10 ms.
 */
const bytesPerRequest = 64 * 1024;

export function createRateLimiter(settings: RateLimitSettings) {
  const requests = createTokenBuckets({
    perMinute: settings.requestsPerMinute,
    keysMax: callersMax,
  });
  const wrongKeys = createTokenBuckets({
    perMinute: settings.wrongKeysPerMinute,
    keysMax: callersMax,
  });
  const perCodes = settings.wrongCodesPerMinute;
  const codesOfAddress = createTokenBuckets({ perMinute: perCodes, keysMax: callersMax });
  const codes = createTokenBuckets({ perMinute: perCodes * addressesOfCodes, keysMax: 1 });
  const trustedAddresses = createTrustedAddresses();
  const failedKeys = createFailedKeyCache();
  const open = new Map<string, number>();

  const release = (who: string): void => {
    const left = (open.get(who) ?? 1) - 1;
    if (left === 0) open.delete(who);
    else open.set(who, left);
  };

  return {
    /**
     * Must be called for every `key` that a client sends; `caller` null: the key is unknown.
     * @throws GH_REQUEST_TOO_MANY after too many wrong keys from this address; then for a right key too
     */
    checkKey(peer: Peer, caller: Caller | null, key: string): void {
      const address = addressOf(peer);
      if (caller !== null && trustedAddresses.has(address, caller)) return;
      if (caller === null && failedKeys.has(address, key)) return;
      const waitMs = caller === null ? wrongKeys.take(address, 1) : wrongKeys.waitMs(address);
      if (waitMs > 0) throw tooMany('Too many wrong keys from this address', waitMs);
      if (caller === null) failedKeys.add(address, key);
      else trustedAddresses.add(address, caller);
    },
    /**
     * Counts an invite code before it is tried, so that tries at once count too. The returned function takes that back for
     * a right code.
     * @throws GH_REQUEST_TOO_MANY after too many wrong codes; then for a right one too
     */
    takeCode(peer: Peer): () => void {
      const address = addressOf(peer);
      const waitMs = codesOfAddress.take(address, 1) || codes.take(everybody, 1);
      if (waitMs > 0) throw tooMany('Too many wrong codes', waitMs);
      return () => {
        codesOfAddress.overdraw(address, -1);
        codes.overdraw(everybody, -1);
      };
    },
    /** Counts a request until its response has ended. @throws GH_REQUEST_TOO_MANY */
    acquire(who: string, reply: FastifyReply): void {
      const waitMs = requests.take(who, 1);
      if (waitMs > 0) throw tooMany('Too many requests in a minute', waitMs);
      const count = (open.get(who) ?? 0) + 1;
      if (settings.openRequests > 0 && count > settings.openRequests) {
        throw tooMany('Too many requests and streams are open', 1_000);
      }
      open.set(who, count);
      reply.raw.once('close', () => release(who));
    },
    /** Charges a request body by its size. @throws GH_REQUEST_TOO_MANY */
    consumeBytes(who: string, bodyBytes: number): void {
      const cost = Math.floor(bodyBytes / bytesPerRequest);
      const waitMs = cost === 0 ? 0 : requests.take(who, cost);
      if (waitMs > 0) throw tooMany('Too much was sent in a minute', waitMs);
    },
    /**
     * Charges a response: it is never refused, but the next request waits until it is paid for. Charges whole requests;
     * returns the bytes that were charged.
     */
    chargeResponse(who: string, bytes: number): number {
      const cost = Math.floor(bytes / bytesPerRequest);
      if (cost > 0) requests.overdraw(who, cost);
      return cost * bytesPerRequest;
    },
    /** Milliseconds until the debt is paid; 0: no debt. */
    owedMs: (who: string): number => requests.waitMs(who),
    /** Charges a user for extra work, as a number of requests. @throws GH_REQUEST_TOO_MANY, and then charges none */
    chargeUser(user: string, cost: number): void {
      const waitMs = cost === 0 ? 0 : requests.take(userLimitKey(user), cost);
      if (waitMs > 0) throw tooMany('Too much was asked for in a minute', waitMs);
    },
  };
}
export type RateLimiter = ReturnType<typeof createRateLimiter>;

const everybody = 'all';

const tooMany = (message: string, retryAfterMs: number): GatehouseError =>
  new GatehouseError('GH_REQUEST_TOO_MANY', message, { retryAfterMs });

/** The address under which a connection is counted. For IPv6 the network: a host can use any address of its network. */
export function addressOf({ remoteAddress: address = '' }: Peer): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return address.includes(':') ? networkOf(address) : address;
}

/** The first 64 bits. In `fe80::1` the zeros are in the middle: only the groups left of `::` count. */
function networkOf(address: string): string {
  const [left = ''] = address.split('%')[0]!.split('::');
  const groups = left === '' ? [] : left.split(':').slice(0, 4);
  const isLoopback = address === '::1';
  return isLoopback ? address : `${[...groups, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`;
}

/** The callers whose keys have worked, by address. */
function createTrustedAddresses(): {
  has(address: string, caller: Caller): boolean;
  add(address: string, caller: Caller): void;
} {
  const seen = new Map<string, Set<Caller['user']>>();
  return {
    has: (address, { user }) => seen.get(address)?.has(user) === true,
    add(address, { user }) {
      seen.set(address, (seen.get(address) ?? new Set()).add(user));
      evictOldest(seen, callersMax);
    },
  };
}

/**
 * Keys counted as wrong in the last minute, by address. Stored as digests, since a mistyped key is nearly a right one.
 */
function createFailedKeyCache(): {
  has(address: string, key: string): boolean;
  add(address: string, key: string): void;
} {
  const countedAt = new Map<string, number>();
  const nameOf = (address: string, key: string): string =>
    `${address} ${createHash('sha256').update(key).digest('base64')}`;
  return {
    has(address, key) {
      const at = countedAt.get(nameOf(address, key));
      return at !== undefined && performance.now() - at < minuteMs;
    },
    add(address, key) {
      const name = nameOf(address, key);
      countedAt.delete(name);
      countedAt.set(name, performance.now());
      evictOldest(countedAt, callersMax);
    },
  };
}

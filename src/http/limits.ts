/**
 * What one caller may take of the server: requests in a minute, requests at once, wrong keys. A limit is
 * there so that one caller, by fault or by intent, does not shut out the others.
 *
 * L1 Counted is a person's key by its person, and who shows no key by address. The operator is not counted:
 *    that key may stop the whole server anyway, and programs of the house come with it.
 * L2 Memory is bounded: of very many callers the one that was quiet longest is forgotten, which can only be
 *    to its advantage.
 * L3 A right key goes on working at an address where it has worked before, whatever else comes from there:
 *    behind a proxy all have one address, and a stranger must not lock out a person by guessing.
 * L4 A wrong key is one guess a minute, however often it is shown: an open page goes on asking with a key that was
 *    withdrawn. Only a key that was counted is known to be wrong; one that was refused unseen is told what a right
 *    one is told, also when it comes again.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { GatehouseError } from '../lib/errors.ts';
import type { Caller } from '../lib/key-ring.ts';

/** Counts; 0 is no limit. */
export interface LimitSettings {
  requestsPerMinute: number;
  wrongKeysPerMinute: number;
  openRequests: number;
}

export const noLimits: LimitSettings = {
  requestsPerMinute: 0,
  wrongKeysPerMinute: 0,
  openRequests: 0,
};

/** The other end of a connection. */
export interface Peer {
  remoteAddress?: string | undefined;
}

export interface Limits {
  /**
   * Call for every `key` that was shown; `caller` null: it is none.
   * @throws GH_REQUEST_TOO_MANY where too many wrong ones came from there, also for a right one.
   */
  checkKey(peer: Peer, caller: Caller | null, key: string): void;
  /** Counts a request until its answer has ended. @throws GH_REQUEST_TOO_MANY */
  enter(who: string, reply: FastifyReply): void;
  /** A body costs what it makes the server do. @throws GH_REQUEST_TOO_MANY */
  charge(who: string, bodyBytes: number): void;
  /**
   * What an answer has cost: never refused, but the next request waits until it is paid for. Counts whole requests;
   * returns the bytes that were counted.
   */
  spend(who: string, bytes: number): number;
  /** Milliseconds until what was spent is paid for; 0: nothing is owed. */
  owedMs(who: string): number;
  /** What a person has us do besides, as so many requests. @throws GH_REQUEST_TOO_MANY, and takes none */
  chargePerson(user: string, requests: number): void;
}

/** The name under which a person is counted. */
export const personOf = (user: string): string => `person ${user}`;

/** Each costs about 200 bytes; a home has a hundred devices, a scan from outside has no end. */
const callersMax = 10_000;
const minuteMs = 60_000;
/**
 * A body or an answer this large counts as one request more: reading 1 MB as a calendar takes a second of everybody's
 * time, and writing 1 MB of a list some 10 ms.
 */
const bytesPerRequest = 64 * 1024;

export function createLimits(settings: LimitSettings): Limits {
  const requests = createBuckets(settings.requestsPerMinute);
  const wrongKeys = createBuckets(settings.wrongKeysPerMinute);
  const known = createKnown();
  const wrong = createWrongKeys();
  const open = new Map<string, number>();

  const leave = (who: string): void => {
    const left = (open.get(who) ?? 1) - 1;
    if (left === 0) open.delete(who);
    else open.set(who, left);
  };

  return {
    checkKey(peer, caller, key) {
      const address = addressOf(peer);
      if (caller !== null && known.has(address, caller)) return;
      if (caller === null && wrong.has(address, key)) return;
      const waitMs = caller === null ? wrongKeys.take(address, 1) : wrongKeys.waitMs(address);
      if (waitMs > 0) throw tooMany('Too many wrong keys from this address', waitMs);
      if (caller === null) wrong.add(address, key);
      else known.add(address, caller);
    },
    enter(who, reply) {
      const waitMs = requests.take(who, 1);
      if (waitMs > 0) throw tooMany('Too many requests in a minute', waitMs);
      const count = (open.get(who) ?? 0) + 1;
      if (settings.openRequests > 0 && count > settings.openRequests) {
        throw tooMany('Too many requests and streams are open', 1_000);
      }
      open.set(who, count);
      reply.raw.once('close', () => leave(who));
    },
    charge(who, bodyBytes) {
      const cost = Math.floor(bodyBytes / bytesPerRequest);
      const waitMs = cost === 0 ? 0 : requests.take(who, cost);
      if (waitMs > 0) throw tooMany('Too much was sent in a minute', waitMs);
    },
    spend(who, bytes) {
      const cost = Math.floor(bytes / bytesPerRequest);
      if (cost > 0) requests.owe(who, cost);
      return cost * bytesPerRequest;
    },
    owedMs: (who) => requests.waitMs(who),
    chargePerson(user, cost) {
      const waitMs = cost === 0 ? 0 : requests.take(personOf(user), cost);
      if (waitMs > 0) throw tooMany('Too much was asked for in a minute', waitMs);
    },
  };
}

const tooMany = (message: string, retryAfterMs: number): GatehouseError =>
  new GatehouseError('GH_REQUEST_TOO_MANY', message, { retryAfterMs });

/** What a connection is counted under. Of an IPv6 address the network: a host has as many of them as it likes. */
export function addressOf({ remoteAddress: address = '' }: Peer): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return address.includes(':') ? networkOf(address) : address;
}

/** The first 64 bits. `fe80::1` has its zeros in the middle: what stands left of them is all that counts. */
function networkOf(address: string): string {
  const [left = ''] = address.split('%')[0]!.split('::');
  const groups = left === '' ? [] : left.split(':').slice(0, 4);
  const isLoopback = address === '::1';
  return isLoopback ? address : `${[...groups, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`;
}

interface Buckets {
  /** Takes so many; 0, or the time until there are as many again (then none was taken). */
  take(who: string, count: number): number;
  /** Takes so many, also those that are not there yet. */
  owe(who: string, count: number): void;
  /** 0 while there is one. Takes none. */
  waitMs(who: string): number;
}

/** Token buckets that hold a minute's worth and fill evenly. `perMinute` 0: never empty. */
function createBuckets(perMinute: number): Buckets {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const filled = (who: string): { tokens: number; at: number } => {
    const now = performance.now();
    const bucket = buckets.get(who) ?? { tokens: perMinute, at: now };
    const tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) * perMinute) / minuteMs);
    return { tokens, at: now };
  };
  const put = (who: string, bucket: { tokens: number; at: number }): void => {
    buckets.delete(who);
    buckets.set(who, bucket);
    forgetOldest(buckets);
  };
  const missing = (tokens: number, count: number): number =>
    Math.ceil(((count - tokens) * minuteMs) / perMinute);
  return {
    take(who, count) {
      if (perMinute === 0) return 0;
      const bucket = filled(who);
      // What no bucket can hold is let in by a full one, which is then in debt: large, but rare.
      const needed = Math.min(count, perMinute);
      if (bucket.tokens < needed) return missing(bucket.tokens, needed);
      put(who, { ...bucket, tokens: bucket.tokens - count });
      return 0;
    },
    owe(who, count) {
      if (perMinute === 0) return;
      const bucket = filled(who);
      put(who, { ...bucket, tokens: bucket.tokens - count });
    },
    waitMs(who) {
      if (perMinute === 0 || !buckets.has(who)) return 0;
      const { tokens } = filled(who);
      return tokens >= 1 ? 0 : missing(tokens, 1);
    },
  };
}

/** Whose keys have worked at which address. */
function createKnown(): {
  has(address: string, caller: Caller): boolean;
  add(address: string, caller: Caller): void;
} {
  const seen = new Map<string, Set<Caller['user']>>();
  return {
    has: (address, { user }) => seen.get(address)?.has(user) === true,
    add(address, { user }) {
      seen.set(address, (seen.get(address) ?? new Set()).add(user));
      forgetOldest(seen);
    },
  };
}

/** Which keys were counted as wrong at which address in the last minute: as digests, for a slip is nearly a key. */
function createWrongKeys(): {
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
      forgetOldest(countedAt);
    },
  };
}

/** Many at a time: a map is slow to find its first entry behind those that were deleted one by one. */
function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= callersMax) return;
  for (const who of [...map.keys()].slice(0, callersMax / 10)) map.delete(who);
}

/**
 * Signing in browsers: by a key or a one-time code to a session, and by the token of a session to its person.
 *
 * N1 A token is made by the sign-in and never taken from a request, so nobody can plant one before (session fixation).
 *    Only its hash is stored.
 * N2 A session gives the access of a key of its person, nothing else. It ends with the person, and with the key that it was
 *    made with: both are looked up in the configuration each time.
 * N3 An invite is used once, whoever comes first; the database decides.
 * N4 Every use looks at the database, so a session that another worker has ended is refused at once. Open streams are closed
 *    at once where it was ended, and within `checkEveryMs` elsewhere.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from '#shared/api-keys';
import { minuteMs } from '#shared/calendar/time-units';
import type { Clock } from '#shared/clock';
import { GatehouseError, messageOf } from '#shared/errors';
import type { IdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import { deviceNameOf } from './device-name.ts';
import { createInviteCode, hashInviteCode, normalizeInviteCode } from './invite-code.ts';
import type { NewSession, SessionCursor, SessionStorage } from './session-port.ts';
import type { Invite, Session } from './session.ts';

export interface SessionsParts {
  storage: SessionStorage;
  /** Of the configuration: those of the server and of the persons. */
  apiKeys: readonly ApiKey[];
  isPerson(userId: string): boolean;
  /** A session that is not used for so long ends. */
  idleMs: number;
  clock: Clock;
  nextId: IdSource;
  log: Log;
}

/** A session with the token for its cookie. */
export interface SignedIn {
  session: Session;
  token: string;
}

/** A use is written down when the last one that was is as old: the time of the last use is to this. */
const touchEveryMs = 5 * minuteMs;

/** Streams of sessions that were ended elsewhere are found at this interval. */
const checkEveryMs = 10_000;

const tokenForm = /^[A-Za-z0-9_-]{43}$/;

export class Sessions {
  readonly #parts: SessionsParts;
  /** What is open for each session in this process. */
  readonly #open = new Map<string, Set<() => void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** @param user that of the key; null: the operator. @param userAgent of the browser */
  async signInByKey(key: string, user: string | null, userAgent: string): Promise<SignedIn> {
    const { token, session } = this.#create(userAgent);
    const made = { ...session, userId: user, keyProof: proofOf(token, key) };
    await this.#parts.storage.add(made);
    return { token, session: made };
  }

  /** @param code as it was typed. @returns null for a wrong, used, expired or withdrawn code, which is counted */
  async signInByCode(code: string, userAgent: string): Promise<SignedIn | null> {
    const { storage, clock, log } = this.#parts;
    const normal = normalizeInviteCode(code);
    const now = clock.now();
    const invites = normal === null ? [] : await storage.openInvites(now);
    const hash = Buffer.from(hashInviteCode(normal ?? ''), 'hex');
    let found: Invite | null = null;
    // Every open code is compared, each in constant time.
    for (const one of invites) {
      if (timingSafeEqual(hash, Buffer.from(one.codeHash, 'hex'))) found = one;
    }
    if (found !== null && this.#isKnown(found.userId)) {
      const { token, session } = this.#create(userAgent);
      const { userId, ...made } = { ...session, userId: found.userId, keyProof: null };
      if (await storage.redeem(found.id, made, now)) return { token, session: { ...made, userId } };
    }
    const withdrawn = await storage.countWrongTry(now);
    if (withdrawn > 0) log.warn({ withdrawn }, 'open invites were withdrawn: too many wrong codes');
    return null;
  }

  /**
   * Null: the token is that of no session, or its person or key is not in the configuration any more. `isRenewed`: its end
   * was put off by this use.
   */
  async find(token: string): Promise<{ session: Session; isRenewed: boolean } | null> {
    const { storage, clock, idleMs, log } = this.#parts;
    if (!tokenForm.test(token)) return null;
    const session = await storage.find(hashOf(token));
    const now = clock.now();
    if (session === null || session.expiresAt <= now || !this.#isGranted(session, token)) {
      return null;
    }
    if (now - session.usedAt < touchEveryMs) return { session, isRenewed: false };
    const used = { ...session, usedAt: now, expiresAt: now + idleMs };
    try {
      await storage.touch(session.id, used.usedAt, used.expiresAt);
    } catch (error) {
      // The database can be read, and the person has a right to it: the next request writes it down.
      log.warn({ error: messageOf(error) }, 'the use of a session could not be stored');
      return { session, isRenewed: false };
    }
    return { session: used, isRenewed: true };
  }

  /** Newest first; `userId` null: of all people and the operator. */
  list(userId: string | null, after: SessionCursor | null, limit: number): Promise<Session[]> {
    return this.#parts.storage.list(userId, this.#parts.clock.now(), after, limit);
  }

  /** @param userId null: whoever it belongs to. @throws GH_SESSION_NOT_FOUND */
  async end(id: string, userId: string | null): Promise<void> {
    const { storage, clock } = this.#parts;
    if (!(await storage.end(id, userId, clock.now()))) {
      throw new GatehouseError('GH_SESSION_NOT_FOUND');
    }
    this.#closeAll(id);
  }

  /** @returns the code, which is stored nowhere. @throws GH_PERSON_UNKNOWN, GH_SESSION_NO_KEYS */
  async invite(userId: string, validMs: number): Promise<Invite & { code: string }> {
    const { storage, apiKeys, clock, nextId } = this.#parts;
    if (apiKeys.length === 0) throw new GatehouseError('GH_SESSION_NO_KEYS');
    if (!this.#isKnown(userId)) {
      throw new GatehouseError(
        'GH_PERSON_UNKNOWN',
        `user_id: ${userId} is no person, and has no key; gatehouse persons lists them`,
      );
    }
    const code = createInviteCode();
    const createdAt = clock.now();
    const invite = { id: nextId(), userId, createdAt, expiresAt: createdAt + validMs };
    const codeHash = hashInviteCode(normalizeInviteCode(code)!);
    await storage.addInvite({ ...invite, codeHash });
    return { ...invite, code };
  }

  /**
   * Calls `close` when the session is ended while something of it is open, here or at another worker; perhaps more than
   * once. Returns the function that forgets it.
   */
  attach(id: string, close: () => void): () => void {
    const closers = this.#open.get(id) ?? new Set();
    this.#open.set(id, closers.add(close));
    this.#timer ??= setInterval(() => void this.#check(), checkEveryMs).unref();
    return () => {
      closers.delete(close);
      if (closers.size === 0 && this.#open.get(id) === closers) this.#open.delete(id);
    };
  }

  /** Stops the timer. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Closes what is open for sessions that have been ended elsewhere, or have expired. */
  async #check(): Promise<void> {
    const { storage, clock, log } = this.#parts;
    const ids = [...this.#open.keys()];
    if (ids.length === 0) return;
    try {
      const alive = new Set(await storage.alive(ids, clock.now()));
      for (const id of ids) if (!alive.has(id)) this.#closeAll(id);
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'open sessions are checked later');
    }
  }

  #closeAll(id: string): void {
    for (const close of this.#open.get(id) ?? []) close();
  }

  #create(userAgent: string): { token: string; session: Omit<NewSession, 'userId' | 'keyProof'> } {
    const { clock, nextId, idleMs } = this.#parts;
    const token = randomBytes(32).toString('base64url');
    const now = clock.now();
    const session = {
      id: nextId(),
      tokenHash: hashOf(token),
      device: deviceNameOf(userAgent),
      createdAt: now,
      usedAt: now,
      expiresAt: now + idleMs,
    };
    return { token, session };
  }

  #isKnown(userId: string): boolean {
    const { apiKeys, isPerson } = this.#parts;
    return isPerson(userId) || apiKeys.some((one) => userOf(one) === userId);
  }

  #isGranted({ userId, keyProof }: Session, token: string): boolean {
    if (keyProof === null) return userId !== null && this.#isKnown(userId);
    const proof = Buffer.from(keyProof, 'hex');
    return this.#parts.apiKeys.some(
      (one) =>
        userOf(one) === userId &&
        timingSafeEqual(proof, Buffer.from(proofOf(token, textOf(one)), 'hex')),
    );
  }
}

const userOf = (key: ApiKey): string | null => (typeof key === 'string' ? null : key.user);
const textOf = (key: ApiKey): string => (typeof key === 'string' ? key : key.key);
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const proofOf = (token: string, key: string): string =>
  createHmac('sha256', token).update(key).digest('hex');

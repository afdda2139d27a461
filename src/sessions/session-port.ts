/** Storage port of the sessions and invites. Nothing here names SQL, and no token, code or key ever gets here: only hashes. */
import type { Invite, Session } from './session.ts';

export interface NewSession extends Session {
  tokenHash: string;
}

export interface StoredInvite extends Invite {
  codeHash: string;
}

/** The place after which a list goes on. */
export interface SessionCursor {
  createdAt: number;
  id: string;
}

/**
 * Wrong codes of anybody after which an invite that is open meanwhile is withdrawn. Codes have 24^10 forms: a guesser that
 * uses up all of them hits one of ten open codes with a chance of about 1 in 300,000,000,000. People mistype one or two.
 */
export const wrongTriesMax = 20;

/** Invites of one person that can be open at once; the oldest one is withdrawn. For the phone and the tablet, and a retry. */
export const invitesOfPersonMax = 5;

/** All calls may answer later; a call that fails rejects with GH_STORE_UNAVAILABLE. */
export interface SessionStorage {
  /** Also one that has expired. */
  find(tokenHash: string): Promise<Session | null>;
  add(session: NewSession): Promise<void>;
  /** Does nothing for a session that has been ended. Times never go back. */
  touch(id: string, usedAt: number, expiresAt: number): Promise<void>;
  /** Sessions that have not expired, newest first; `userId` null: of all people and the operator. */
  list(
    userId: string | null,
    now: number,
    after: SessionCursor | null,
    limit: number,
  ): Promise<Session[]>;
  /** @param userId null: whoever it belongs to. @returns whether there was one that has not expired */
  end(id: string, userId: string | null, now: number): Promise<boolean>;
  /** Those of the ids whose sessions have neither been ended nor expired. */
  alive(ids: readonly string[], now: number): Promise<string[]>;
  /** Withdraws the oldest invites of the person above `invitesOfPersonMax`, and removes all that have expired. */
  addInvite(invite: StoredInvite): Promise<void>;
  /** Invites that can be used: not expired, and not withdrawn. */
  openInvites(now: number): Promise<StoredInvite[]>;
  /**
   * Uses an invite and adds the session of its person, in one transaction: of several calls for one invite exactly one
   * resolves with true. The person of `session` is that of the invite.
   */
  redeem(inviteId: string, session: Omit<NewSession, 'userId'>, now: number): Promise<boolean>;
  /** A wrong code was tried: counts it for all open invites. Resolves with the number that this has withdrawn. */
  countWrongTry(now: number): Promise<number>;
  /** Removes what has expired before `before`; returns the number of sessions and invites. */
  prune(before: number): Promise<number>;
}

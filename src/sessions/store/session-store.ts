/** Sessions and invites on SQLite. */
import type { Database } from '#storage/database';
import { guardStorage } from '#storage/guard-storage';
import type { InviteTable, SessionTable } from '#storage/schema';
import {
  invitesOfPersonMax,
  wrongTriesMax,
  type NewSession,
  type SessionStorage,
  type StoredInvite,
} from '../session-port.ts';
import { inviteOf, sessionOf, sessionRowOf } from './session-rows.ts';

export function createSessionStore(database: Database): SessionStorage {
  const { connection } = database;
  const statements = prepare(database);
  const read = <Value>(work: () => Value): Promise<Value> =>
    Promise.resolve().then(() => guardStorage('The database cannot be read', work));
  const write = async <Value>(work: () => Value): Promise<Value> =>
    guardStorage('The sign-in could not be stored', () => {
      database.ensureInPlace();
      return work();
    });

  const putInvite = connection.transaction((invite: StoredInvite): void => {
    statements.removeExpired.run(invite.createdAt);
    statements.addInvite.run(invite);
    statements.removeSurplus.run(invite.userId, invitesOfPersonMax);
  });
  const redeem = connection.transaction(
    (inviteId: string, session: Omit<NewSession, 'userId'>, now: number): boolean => {
      const used = statements.useInvite.get(inviteId, now);
      if (used === undefined) return false;
      statements.add.run(sessionRowOf({ ...session, userId: used.user_id }));
      return true;
    },
  );

  return {
    find: (tokenHash) =>
      read(() => {
        const row = statements.find.get(tokenHash);
        return row === undefined ? null : sessionOf(row);
      }),
    add: (session) => write(() => void statements.add.run(sessionRowOf(session))),
    touch: (id, usedAt, expiresAt) =>
      write(() => void statements.touch.run({ id, usedAt, expiresAt })),
    list: (userId, now, after, limit) =>
      read(() => {
        const place = { at: after?.createdAt ?? Number.MAX_SAFE_INTEGER, id: after?.id ?? '' };
        return statements.list.all({ ...place, userId, now, limit }).map(sessionOf);
      }),
    end: (id, userId, now) => write(() => statements.end.run({ id, userId, now }).changes > 0),
    alive: (ids, now) => read(() => ids.filter((id) => statements.alive.get(id, now))),
    addInvite: (invite) => write(() => putInvite.immediate(invite)),
    openInvites: (now) => read(() => statements.openInvites.all(now).map(inviteOf)),
    redeem: (inviteId, session, now) => write(() => redeem.immediate(inviteId, session, now)),
    countWrongTry: (now) =>
      write(
        () =>
          statements.countWrongTry.all(now).filter((row) => row.wrong_tries === wrongTriesMax)
            .length,
      ),
    prune: (before) =>
      write(
        () => statements.prune.run(before).changes + statements.removeExpired.run(before).changes,
      ),
  };
}

function prepare({ connection }: Database) {
  const isOpen = `expires_at > ? and wrong_tries < ${wrongTriesMax}`;
  return {
    find: connection.prepare<[string], SessionTable>('select * from session where token_hash = ?'),
    add: connection.prepare<[SessionTable]>(
      `insert into session (id, token_hash, user_id, key_proof, device, created_at, used_at, expires_at)
        values (@id, @token_hash, @user_id, @key_proof, @device, @created_at, @used_at, @expires_at)`,
    ),
    touch: connection.prepare<[{ id: string; usedAt: number; expiresAt: number }]>(
      `update session set used_at = max(used_at, @usedAt), expires_at = max(expires_at, @expiresAt)
        where id = @id`,
    ),
    list: connection.prepare<
      [{ userId: string | null; now: number; at: number; id: string; limit: number }],
      SessionTable
    >(
      `select * from session where (@userId is null or user_id = @userId) and expires_at > @now
          and (created_at < @at or (created_at = @at and id < @id))
        order by created_at desc, id desc limit @limit`,
    ),
    end: connection.prepare<[{ id: string; userId: string | null; now: number }]>(
      `delete from session where id = @id and (@userId is null or user_id = @userId)
        and expires_at > @now`,
    ),
    alive: connection.prepare<[string, number], { id: string }>(
      'select id from session where id = ? and expires_at > ?',
    ),
    prune: connection.prepare<[number]>('delete from session where expires_at < ?'),
    addInvite: connection.prepare<[StoredInvite]>(
      `insert into invite (id, code_hash, user_id, created_at, expires_at, wrong_tries)
        values (@id, @codeHash, @userId, @createdAt, @expiresAt, 0)`,
    ),
    openInvites: connection.prepare<[number], InviteTable>(
      `select * from invite where ${isOpen} order by id`,
    ),
    useInvite: connection.prepare<[string, number], { user_id: string }>(
      `delete from invite where id = ? and ${isOpen} returning user_id`,
    ),
    countWrongTry: connection.prepare<[number], { wrong_tries: number }>(
      `update invite set wrong_tries = wrong_tries + 1 where ${isOpen} returning wrong_tries`,
    ),
    removeExpired: connection.prepare<[number]>('delete from invite where expires_at < ?'),
    removeSurplus: connection.prepare<[string, number]>(
      `delete from invite where id in (select id from invite where user_id = ?
        order by created_at desc, id desc limit -1 offset ?)`,
    ),
  };
}

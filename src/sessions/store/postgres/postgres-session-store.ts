/**
 * Sessions and invites on PostgreSQL. Every write is one statement that may run twice, so it is repeated after a lost
 * connection; no lease is needed: any worker signs people in.
 */
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { InviteTable, SessionTable } from '#storage/schema';
import { invitesOfPersonMax, wrongTriesMax, type SessionStorage } from '../../session-port.ts';
import { inviteOf, sessionOf, sessionRowOf } from '../session-rows.ts';

export function createPostgresSessionStore(database: PostgresDatabase): SessionStorage {
  const read = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));
  const write = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The sign-in could not be stored', () => database.run(statement, values));
  const textOrNull = (text: string | null) => (text === null ? null : storableText(text));

  return {
    find: async (tokenHash) => {
      const [row] = await read(statements.find, tokenHash);
      return row === undefined ? null : sessionOf(row);
    },
    async add(session) {
      const row = sessionRowOf(session);
      await write(statements.add, ...sessionColumns.map((name) => row[name]));
    },
    async touch(id, usedAt, expiresAt) {
      await write(statements.touch, id, usedAt, expiresAt);
    },
    list: async (userId, now, after, limit) => {
      const { createdAt, id } = after ?? { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
      const values = [textOrNull(userId), now, createdAt, storableText(id), limit];
      return (await read(statements.list, ...values)).map(sessionOf);
    },
    end: async (id, userId, now) =>
      (await write(statements.end, storableText(id), textOrNull(userId), now)).length > 0,
    alive: async (ids, now) => (await read(statements.alive, ids, now)).map((row) => row.id),
    async addInvite({ id, codeHash, userId, createdAt, expiresAt }) {
      const owner = storableText(userId);
      await write(statements.addInvite, id, codeHash, owner, createdAt, expiresAt);
    },
    openInvites: async (now) => (await read(statements.openInvites, now)).map(inviteOf),
    redeem: async (inviteId, session, now) => {
      const row = sessionRowOf({ ...session, userId: null });
      const values = redeemedColumns.map((name) => row[name]);
      return (await write(statements.redeem, inviteId, now, ...values)).length > 0;
    },
    countWrongTry: async (now) => (await write(statements.countWrongTry, now))[0]!.withdrawn,
    prune: async (before) => (await write(statements.prune, before))[0]!.count,
  };
}

/** In the order of the values of `redeem` after the first two. */
const redeemedColumns = [
  'id',
  'token_hash',
  'key_proof',
  'device',
  'created_at',
  'used_at',
  'expires_at',
] as const satisfies readonly (keyof SessionTable)[];
const sessionColumns = [...redeemedColumns, 'user_id'] as const;
const isOpen = `wrong_tries < ${wrongTriesMax}`;

const statements = {
  find: {
    name: 'find_session',
    text: 'select * from session where token_hash = $1',
  } as PreparedStatement<SessionTable>,
  add: {
    name: 'add_session',
    text: `insert into session (${sessionColumns.join(', ')})
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing`,
  } as PreparedStatement<never>,
  touch: {
    name: 'touch_session',
    text: `update session set used_at = greatest(used_at, $2::bigint),
      expires_at = greatest(expires_at, $3::bigint) where id = $1`,
  } as PreparedStatement<never>,
  list: {
    name: 'list_sessions',
    text: `select * from session where ($1::text is null or user_id = $1) and expires_at > $2::bigint
        and (created_at, id) < ($3::bigint, $4)
      order by created_at desc, id desc limit $5`,
  } as PreparedStatement<SessionTable>,
  end: {
    name: 'end_session',
    text: `delete from session where id = $1 and ($2::text is null or user_id = $2)
      and expires_at > $3::bigint returning id`,
  } as PreparedStatement<{ id: string }>,
  alive: {
    name: 'alive_sessions',
    text: 'select id from session where id = any($1::text[]) and expires_at > $2::bigint',
  } as PreparedStatement<{ id: string }>,
  addInvite: {
    name: 'add_invite',
    // The new row is not among those that `surplus` sees.
    text: `with expired as (delete from invite where expires_at < $4::bigint),
      surplus as (delete from invite where id in (select id from invite
        where user_id = $3 and expires_at >= $4::bigint and id <> $1
        order by created_at desc, id desc offset ${invitesOfPersonMax - 1} for update))
      insert into invite (id, code_hash, user_id, created_at, expires_at, wrong_tries)
        values ($1, $2, $3, $4, $5, 0) on conflict (id) do nothing`,
  } as PreparedStatement<never>,
  openInvites: {
    name: 'open_invites',
    text: `select * from invite where expires_at > $1::bigint and ${isOpen} order by id`,
  } as PreparedStatement<InviteTable>,
  redeem: {
    name: 'redeem_invite',
    // Run again after a lost connection, it finds the session that the first run has made.
    text: `with used as (
        delete from invite where id = $1 and expires_at > $2::bigint and ${isOpen} returning user_id),
      made as (insert into session (${redeemedColumns.join(', ')}, user_id)
        select $3, $4, $5, $6, $7::bigint, $8::bigint, $9::bigint, user_id from used returning id)
      select id from made union all select id from session where id = $3`,
  } as PreparedStatement<{ id: string }>,
  countWrongTry: {
    name: 'count_wrong_try',
    // In one order: two at once must not wait for each other.
    text: `with open as (select id from invite where expires_at > $1::bigint and ${isOpen}
        order by id for update),
      counted as (update invite set wrong_tries = wrong_tries + 1 from open
        where invite.id = open.id returning wrong_tries)
      select count(*)::integer as withdrawn from counted where wrong_tries = ${wrongTriesMax}`,
  } as PreparedStatement<{ withdrawn: number }>,
  prune: {
    name: 'prune_sessions',
    text: `with sessions as (delete from session where expires_at < $1::bigint returning 1),
      invites as (delete from invite where expires_at < $1::bigint returning 1)
      select ((select count(*) from sessions) + (select count(*) from invites))::integer as count`,
  } as PreparedStatement<{ count: number }>,
};

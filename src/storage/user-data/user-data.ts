/** What is stored under one user id, counted. It is read while a core runs, and changes nothing. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { Kysely, sql, SqliteDialect } from 'kysely';
import { migrations } from '../database.ts';
import { openPostgres, type PostgresOptions } from '../postgres/postgres-database.ts';
import { appliedMigrations, assertNoneMissing, assertSchemaNotNewer } from '../schema-version.ts';
import type { Schema } from '../schema.ts';

export interface UserData {
  jobs: number;
  /** Of them, not ended. */
  openJobs: number;
  documents: number;
  calendarEntries: number;
  schedules: number;
  /** Facts of the memory, also forgotten ones that are not erased yet. */
  facts: number;
  /** Of the jobs and schedules, in the order of their names. */
  channels: string[];
}

export interface UserDataReader {
  /** @throws the error of the driver */
  of(userId: string): Promise<UserData>;
  close(): Promise<void>;
}

/**
 * Null: there is no database yet.
 * @param database the path of a SQLite file, or a PostgreSQL server
 * @throws GH_STORE_NEWER, GH_STORE_OLDER, and what opening a PostgreSQL database throws
 */
export async function openUserData(
  database: string | PostgresOptions,
): Promise<UserDataReader | null> {
  if (typeof database !== 'string') {
    const { query, close } = await openPostgres({ ...database, schema: 'check' });
    // The tables that are counted have all columns of SQLite's.
    return readerOf(query as unknown as Kysely<Schema>, close);
  }
  if (!existsSync(database)) return null;
  const connection = new Sqlite(database, { readonly: true, fileMustExist: true });
  try {
    const known = Object.keys(migrations);
    assertSchemaNotNewer(connection, database, known);
    const had = appliedMigrations(connection) ?? [];
    if (had.length > 0) assertNoneMissing(had, database, known);
    else {
      connection.close();
      return null;
    }
  } catch (error) {
    connection.close();
    throw error;
  }
  const query = new Kysely<Schema>({ dialect: new SqliteDialect({ database: connection }) });
  return readerOf(query, () => query.destroy());
}

const readerOf = (query: Kysely<Schema>, close: () => Promise<void>): UserDataReader => ({
  of: (userId) => readUserData(query, userId),
  close,
});

export async function readUserData(query: Kysely<Schema>, userId: string): Promise<UserData> {
  const { rows } = await sql<Record<Exclude<keyof UserData, 'channels'>, number>>`select
      (select count(*) from job where user_id = ${userId}) as jobs,
      (select count(*) from job where user_id = ${userId} and ended_at is null) as "openJobs",
      (select count(*) from document where owner = ${userId}) as documents,
      (select count(*) from calendar_event where owner = ${userId}) as "calendarEntries",
      (select count(*) from schedule where user_id = ${userId}) as schedules,
      (select count(*) from memory_fact where user_id = ${userId}) as facts`.execute(query);
  const channels = await sql<{ channel: string }>`
    select channel from job where user_id = ${userId}
    union select channel from schedule where user_id = ${userId}`.execute(query);
  return { ...rows[0]!, channels: channels.rows.map(({ channel }) => channel).toSorted() };
}

/** Whether nothing is stored under the id. */
export const isWithoutData = ({ channels: _channels, ...counts }: UserData): boolean =>
  Object.values(counts).every((count) => count === 0);

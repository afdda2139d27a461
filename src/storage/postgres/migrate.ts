/**
 * Brings the schema to the version of this program. The migrations have the names of SQLite's: one version describes both
 * databases. All missing ones run in one transaction, and processes that start at the same time wait for each other.
 */
import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { migrations as sqliteMigrations } from '../database.ts';
import { GatehouseError } from '#shared/errors';
import { assertNoneMissing, assertNoneNewer } from '../schema-version.ts';
import { initial } from './migrations/0001-initial.ts';
import { tools } from './migrations/0002-tools.ts';
import { drafts } from './migrations/0003-drafts.ts';
import { vectors } from './migrations/0004-vectors.ts';
import { lists, purge, upkeep, words } from './migrations/0005-to-0008.ts';
import { schedules } from './migrations/0009-schedules.ts';
import { commits } from './migrations/0010-commits.ts';
import { overlap } from './migrations/0011-overlap.ts';
import { memory } from './migrations/0012-memory.ts';
import { sessions } from './migrations/0013-sessions.ts';
import type { PostgresSchema } from './schema.ts';

/** The compiler asks for a migration here when SQLite gets one. */
export const postgresMigrations: Record<keyof typeof sqliteMigrations, Migration> = {
  '0001-initial': initial,
  '0002-tools': tools,
  '0003-drafts': drafts,
  '0004-vectors': vectors,
  '0005-upkeep': upkeep,
  '0006-purge': purge,
  '0007-lists': lists,
  '0008-words': words,
  '0009-schedules': schedules,
  '0010-commits': commits,
  '0011-overlap': overlap,
  '0012-memory': memory,
  '0013-sessions': sessions,
};

/** Any number: the same for all versions of Gatehouse. */
const migrationLock = 0x4748_636f;

/** Another program may use `kysely_migration` in the same database. */
const migrationTable = 'gatehouse_migration';

/** @throws GH_STORE_NEWER when a newer version has made the schema; it is then unchanged */
export async function migratePostgres(
  query: Kysely<PostgresSchema>,
  where: string,
  migrations: Record<string, Migration> = postgresMigrations,
): Promise<void> {
  await query.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction);
    const had = (await appliedPostgresMigrations(transaction)) ?? [];
    assertNoneNewer(had, where, Object.keys(migrations));
    // Kysely's Migrator goes on in a transaction that an error has aborted, and then reports that.
    await sql`create table if not exists ${sql.table(migrationTable)}
      (name text primary key, timestamp text not null)`.execute(transaction);
    for (const [name, migration] of Object.entries(migrations)) {
      if (had.includes(name)) continue;
      await migration.up(transaction);
      await sql`insert into ${sql.table(migrationTable)} (name, timestamp)
        values (${name}, ${new Date().toISOString()})`.execute(transaction);
    }
  });
}

/** @throws GH_STORE_OPEN, GH_STORE_NEWER, GH_STORE_OLDER for anything but a schema of this version */
export async function assertCurrentSchema(
  query: Kysely<PostgresSchema>,
  where: string,
): Promise<void> {
  const had = await appliedPostgresMigrations(query);
  if (had === null || had.length === 0) {
    throw new GatehouseError('GH_STORE_OPEN', `${where}: is not a database of Gatehouse`);
  }
  assertNoneNewer(had, where, Object.keys(postgresMigrations));
  assertNoneMissing(had, where, Object.keys(postgresMigrations));
}

/**
 * How many migrations the next start runs; null when the database was never one of Gatehouse.
 * @throws GH_STORE_NEWER when a newer version has made the schema
 */
export async function countMissingMigrations(
  query: Kysely<PostgresSchema>,
  where: string,
): Promise<number | null> {
  const had = await appliedPostgresMigrations(query);
  const known = Object.keys(postgresMigrations);
  assertNoneNewer(had ?? [], where, known);
  return had && known.filter((name) => !had.includes(name)).length;
}

/** @throws GH_STORE_COPY for a database that `gatehouse migrate` has not completed */
export async function assertNoOpenCopy(
  query: Kysely<PostgresSchema>,
  where: string,
): Promise<void> {
  const { rows } = await sql<{ name: string | null }>`
    select to_regclass('gatehouse_copy')::text as name`.execute(query);
  if ((rows[0]?.name ?? null) === null) return;
  throw new GatehouseError(
    'GH_STORE_COPY',
    `${where}: is a copy that is not complete; run gatehouse migrate again, it goes on where it stopped`,
  );
}

/** Names in order; null when the database was never one of Gatehouse. */
async function appliedPostgresMigrations(query: Kysely<PostgresSchema>): Promise<string[] | null> {
  const table = await sql<{ name: string | null }>`
    select to_regclass(${migrationTable})::text as name`.execute(query);
  if ((table.rows[0]?.name ?? null) === null) return null;
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(migrationTable)} order by name`.execute(query);
  return rows.map(({ name }) => name);
}

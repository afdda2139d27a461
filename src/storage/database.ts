/**
 * Opens the SQLite file of the core: owner's lock, pragmas, migrations. A database that cannot be written, is owned by
 * another process, is damaged or comes from a newer version is refused with a one-line error.
 */
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import { Migrator } from 'kysely/migration';
import { initial } from './migrations/0001-initial.ts';
import { tools } from './migrations/0002-tools.ts';
import { drafts } from './migrations/0003-drafts.ts';
import { vectors } from './migrations/0004-vectors.ts';
import { upkeep } from './migrations/0005-upkeep.ts';
import { purge } from './migrations/0006-purge.ts';
import { lists } from './migrations/0007-lists.ts';
import { words } from './migrations/0008-words.ts';
import { schedules } from './migrations/0009-schedules.ts';
import { scheduleCommits } from './migrations/0010-commits.ts';
import { overlap } from './migrations/0011-overlap.ts';
import { memory } from './migrations/0012-memory.ts';
import { sessions } from './migrations/0013-sessions.ts';
import { acquireDatabaseFile, type DatabaseFile } from './database-file.ts';
import { applicationIds } from './verify-database-kind.ts';
import { classifyOpenError } from './open-error.ts';
import type { Schema } from './schema.ts';
import { assertSchemaNotNewer } from './schema-version.ts';

/** Append only: the names give the order, and a migration that has run on a user's disk is never edited. */
export const migrations = {
  '0001-initial': initial,
  '0002-tools': tools,
  '0003-drafts': drafts,
  '0004-vectors': vectors,
  '0005-upkeep': upkeep,
  '0006-purge': purge,
  '0007-lists': lists,
  '0008-words': words,
  '0009-schedules': schedules,
  '0010-commits': scheduleCommits,
  '0011-overlap': overlap,
  '0012-memory': memory,
  '0013-sessions': sessions,
};

/** Size of the WAL file after a burst: twice the size at which SQLite makes a checkpoint (4 MB). */
const walBytesKept = 8 * 1024 * 1024;

/** Enough for all regular queries, and some more. */
const statementsMax = 200;

export type SqliteConnection = Sqlite.Database;

export interface Database {
  /** For prepared statements on the hot path. */
  readonly connection: SqliteConnection;
  /** For everything else: typed queries. 50 to 70 µs slower each, so never once per step of a job. */
  readonly query: Kysely<Schema>;
  /** Call before anything is acknowledged. @throws GH_STORE_UNAVAILABLE when the file was deleted or replaced */
  ensureInPlace(): void;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Path of the file, or `:memory:`. */
  path: string;
  /** `FULL`: a power cut loses nothing acknowledged. `NORMAL`: safe only against a crash of the process. */
  synchronous?: 'FULL' | 'NORMAL';
}

export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { path } = options;
  let file: DatabaseFile | null = null;
  let connection: SqliteConnection | null = null;
  try {
    if (path !== ':memory:') file = acquireDatabaseFile(path, 'core');
    connection = new Sqlite(file?.path ?? path);
    assertSchemaNotNewer(connection, path, Object.keys(migrations));
    // Takes effect only before the first table exists; older files are rewritten below.
    connection.pragma('auto_vacuum = INCREMENTAL');
    connection.pragma('journal_mode = WAL');
    connection.pragma(`journal_size_limit = ${walBytesKept}`);
    connection.pragma(`synchronous = ${options.synchronous ?? 'FULL'}`);
    connection.pragma('foreign_keys = ON');
    await migrate(connection);
    connection.pragma(`application_id = ${applicationIds.core}`);
    const dialect = new SqliteDialect({ database: withStatementCache(connection) });
    const query = new Kysely<Schema>({ dialect });
    if (path !== ':memory:') enableIncrementalVacuum(connection);
    const [open, owner] = [connection, file];
    return {
      connection: open,
      query,
      ensureInPlace: () => owner?.ensureInPlace(),
      async close() {
        await query.destroy();
        if (open.open) open.close();
        owner?.release();
      },
    };
  } catch (error) {
    connection?.close();
    file?.release();
    throw classifyOpenError(error, path);
  }
}

/** Runs all missing migrations or none: Kysely would leave half a migration behind on SQLite. */
async function migrate(connection: SqliteConnection): Promise<void> {
  const query = new Kysely<Schema>({ dialect: new SqliteDialect({ database: connection }) });
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  connection.exec('begin immediate');
  try {
    const { error } = await new Migrator({ db: query, provider }).migrateToLatest();
    if (error !== undefined) throw error;
    connection.exec('commit');
  } catch (error) {
    if (connection.inTransaction) connection.exec('rollback');
    throw error;
  }
}

/** Kysely prepares each query anew, which takes longer than running most of them: 0.3 ms for the view `job_now`. */
function withStatementCache(connection: SqliteConnection): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => connection.close(),
    prepare(sql) {
      const statement = kept.get(sql) ?? connection.prepare(sql);
      // Evicts the least recently used statement: lists of values make many texts of one query.
      kept.delete(sql);
      kept.set(sql, statement);
      if (kept.size > statementsMax) kept.delete(kept.keys().next().value!);
      return statement;
    },
  };
}

/** Rewrites a file that was created without incremental vacuum, once; seconds per gigabyte. */
function enableIncrementalVacuum(connection: SqliteConnection): void {
  const incremental = 2;
  if (connection.pragma('auto_vacuum', { simple: true }) === incremental) return;
  try {
    connection.pragma('auto_vacuum = INCREMENTAL');
    connection.exec('vacuum');
  } catch (error) {
    // No room for the copy: the database works without it, and the next start tries again.
    if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
  }
}

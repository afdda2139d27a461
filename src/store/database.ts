/**
 * Opens the one SQLite file of the core: owner's lock, pragmas, migrations. A database that cannot be
 * written, is owned by another process, is damaged or comes from a newer version is refused with one line.
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
import { claimDatabaseFile, type DatabaseFile } from './database-file.ts';
import { applicationIds } from './database-look.ts';
import { classifyOpenError } from './open-error.ts';
import type { Schema } from './schema.ts';
import { refuseNewer } from './schema-version.ts';

/** Append only: the name is the order, and what has run on someone's disk is never edited. */
export const migrations = {
  '0001-initial': initial,
  '0002-tools': tools,
  '0003-drafts': drafts,
  '0004-vectors': vectors,
  '0005-upkeep': upkeep,
  '0006-purge': purge,
  '0007-lists': lists,
  '0008-words': words,
};

/** What the log's file keeps after a burst: twice of what SQLite lets it grow to before a checkpoint (4 MB). */
const logBytesKept = 8 * 1024 * 1024;

/** All that is asked for regularly, and some more. */
const statementsMax = 200;

export type SqliteConnection = Sqlite.Database;

export interface Database {
  /** For prepared statements on the hot path. */
  readonly connection: SqliteConnection;
  /** For everything else: typed queries. 50 to 70 µs dearer each, so never once per step of a job. */
  readonly query: Kysely<Schema>;
  /** Before whatever is acknowledged. @throws GH_STORE_UNAVAILABLE when the file was deleted or replaced */
  ensureInPlace(): void;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Path of the file, or `:memory:`. */
  path: string;
  /** `FULL`: a power cut loses nothing acknowledged. `NORMAL` survives only the end of the process. */
  synchronous?: 'FULL' | 'NORMAL';
}

export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { path } = options;
  let file: DatabaseFile | null = null;
  let connection: SqliteConnection | null = null;
  try {
    if (path !== ':memory:') file = claimDatabaseFile(path, 'core');
    connection = new Sqlite(file?.path ?? path);
    refuseNewer(connection, path, Object.keys(migrations));
    // Takes effect before the first table only; what is older is rewritten below.
    connection.pragma('auto_vacuum = INCREMENTAL');
    connection.pragma('journal_mode = WAL');
    connection.pragma(`journal_size_limit = ${logBytesKept}`);
    connection.pragma(`synchronous = ${options.synchronous ?? 'FULL'}`);
    connection.pragma('foreign_keys = ON');
    await migrate(connection);
    connection.pragma(`application_id = ${applicationIds.core}`);
    const dialect = new SqliteDialect({ database: keepingStatements(connection) });
    const query = new Kysely<Schema>({ dialect });
    if (path !== ':memory:') makeShrinkable(connection);
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

/** All that are missing, or none: Kysely would leave half a migration behind on SQLite. */
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

/** Kysely prepares each query anew, which takes longer than most of them run: 0.3 ms over the view of jobs. */
function keepingStatements(connection: SqliteConnection): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => connection.close(),
    prepare(sql) {
      const statement = kept.get(sql) ?? connection.prepare(sql);
      // The one that was used longest ago goes: lists of values make many texts of one query.
      kept.delete(sql);
      kept.set(sql, statement);
      if (kept.size > statementsMax) kept.delete(kept.keys().next().value!);
      return statement;
    },
  };
}

/** Rewrites a file of a version that could not give pages back, once; seconds per gigabyte. */
function makeShrinkable(connection: SqliteConnection): void {
  const incremental = 2;
  if (connection.pragma('auto_vacuum', { simple: true }) === incremental) return;
  try {
    connection.pragma('auto_vacuum = INCREMENTAL');
    connection.exec('vacuum');
  } catch (error) {
    // No room for the copy: it works without, and the next start tries again.
    if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error;
  }
}

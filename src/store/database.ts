/**
 * Opens the one SQLite file of the core: owner's lock, pragmas, migrations. A database that cannot be
 * written, is owned by another process, is damaged or comes from a newer version is refused with one line.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { initial } from './migrations/0001-initial.ts';
import { tools } from './migrations/0002-tools.ts';
import { lockOwner, type OwnerLock } from './owner-lock.ts';
import type { Schema } from './schema.ts';

/** Append only: the name is the order, and what has run on someone's disk is never edited. */
const migrations = { '0001-initial': initial, '0002-tools': tools };

export type SqliteConnection = Sqlite.Database;

export interface Database {
  /** For prepared statements on the hot path. */
  readonly connection: SqliteConnection;
  /** For everything else: typed queries. 50 to 70 µs each, so never once per step of a job. */
  readonly query: Kysely<Schema>;
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
  let lock: OwnerLock | null = null;
  let connection: SqliteConnection | null = null;
  try {
    if (path !== ':memory:') {
      mkdirSync(dirname(path), { recursive: true });
      lock = lockOwner(`${path}.lock`);
    }
    connection = new Sqlite(path);
    connection.pragma('journal_mode = WAL');
    connection.pragma(`synchronous = ${options.synchronous ?? 'FULL'}`);
    connection.pragma('foreign_keys = ON');
    const query = new Kysely<Schema>({ dialect: new SqliteDialect({ database: connection }) });
    await migrate(query);
    const [open, owner] = [connection, lock];
    return {
      connection: open,
      query,
      async close() {
        await query.destroy();
        if (open.open) open.close();
        owner?.release();
      },
    };
  } catch (error) {
    connection?.close();
    lock?.release();
    throw classifyOpenError(error, path);
  }
}

async function migrate(query: Kysely<Schema>): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  const { error } = await new Migrator({ db: query, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}

function classifyOpenError(error: unknown, path: string): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const text = messageOf(error);
  const code = (error as { code?: string }).code ?? '';
  const fail = (
    kind: 'GH_STORE_READ_ONLY' | 'GH_STORE_NEWER' | 'GH_STORE_CORRUPT' | 'GH_STORE_OPEN',
    why: string,
  ) => new GatehouseError(kind, `${path}: ${why}`, { cause: error });
  if (text.includes('corrupted migrations')) {
    return fail('GH_STORE_NEWER', 'made by a newer version of Gatehouse; run that version');
  }
  if (code.startsWith('SQLITE_READONLY') || ['EACCES', 'EROFS', 'EPERM'].includes(code)) {
    return fail('GH_STORE_READ_ONLY', `cannot be written (${text}); check its permissions`);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return fail('GH_STORE_CORRUPT', `is not a healthy SQLite database (${text})`);
  }
  return fail('GH_STORE_OPEN', `cannot be opened (${text})`);
}

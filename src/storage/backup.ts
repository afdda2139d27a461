/**
 * Backups of the database, made while the core runs, and restored while it does not.
 *
 * 1. A backup is one moment of the database: it is made in one read transaction, which blocks no commit.
 * 2. A backup is verified before it gets its name, and again before it replaces a database.
 * 3. A restore deletes nothing: the previous database is kept beside the new one.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { GatehouseError, messageOf } from '#shared/errors';
import { migrations, type SqliteConnection } from './database.ts';
import { lockInode, realPathOf } from './database-file.ts';
import { verifyDatabaseKind } from './verify-database-kind.ts';
import { lockOwner, type OwnerLock } from './owner-lock.ts';
import { copyOwner } from './file-permissions.ts';
import { appliedMigrations, assertSchemaNotNewer } from './schema-version.ts';

export interface BackupReport {
  file: string;
  bytes: number;
  jobs: number;
  /** Of these, not ended: they continue where the backup is restored. */
  openJobs: number;
  /** Name of the last migration that was applied. */
  schema: string;
}

export interface RestoreReport extends BackupReport {
  /** Path of the previous database; null if there was none. */
  kept: string | null;
}

/**
 * Watermark by which the relay detects a restore: the end of the stream belongs to another history
 * (docs/operations.md).
 */
const restoredMark = 'restored';
/**
 * More rows than are written between a backup and its restore. The number cannot be read from the replaced database: it
 * may be a new one, created after the loss of the one that held those rows.
 */
const positionsSkipped = 1_000_000;

/**
 * Writes a backup of the database, in use or not, to a new file that only its owner can read. Durable when it returns.
 * @throws GH_STORE_OPEN, GH_STORE_CORRUPT, GH_STORE_TARGET
 */
export function backUp(database: string, file: string): BackupReport {
  if (!existsSync(database))
    throw new GatehouseError('GH_STORE_OPEN', `${database}: there is none`);
  if (existsSync(file)) {
    throw new GatehouseError('GH_STORE_TARGET', `${file}: is there already, and is left as it is`);
  }
  const partial = `${file}.partial`;
  removeCopy(partial);
  try {
    // Readable only by its owner from its creation on: it holds all conversations.
    closeSync(openSync(partial, 'wx', 0o600));
    const source = new Sqlite(database, { readonly: true });
    try {
      source.prepare('vacuum into ?').run(partial);
    } finally {
      source.close();
    }
    const report = verifyCopy(partial);
    fsyncPath(partial);
    renameSync(partial, file);
    fsyncPath(dirname(file));
    return { ...report, file };
  } catch (error) {
    removeCopy(partial);
    throw asStoreError(error, file);
  }
}

/**
 * Replaces the database by a backup. Durable when it returns; the previous database is kept under the name in the
 * report.
 * @throws GH_STORE_LOCKED while a core owns the database; GH_STORE_CORRUPT, GH_STORE_NEWER, GH_STORE_OPEN,
 *   GH_STORE_TARGET. The database is then unchanged.
 */
export function restore(file: string, path: string, now: number): RestoreReport {
  if (!existsSync(file)) throw new GatehouseError('GH_STORE_OPEN', `${file}: there is none`);
  let owners: OwnerLock[] = [];
  let incoming: string | null = null;
  let database = path;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = realPathOf(path);
    assertOwnDatabase(database);
    owners = lockForRestore(database);
    incoming = `${database}.incoming`;
    copyFileSync(file, incoming);
    chmodSync(incoming, 0o600);
    const report = verifyCopy(incoming, file);
    markRestored(incoming, existsSync(database) ? lastPosition(database) : null);
    fsyncPath(incoming);
    for (const path of [incoming, `${database}.lock`]) copyOwner(path, database);
    const kept = existsSync(database) ? linkPreviousDatabase(database, now) : null;
    // Atomic: if the database were missing for a moment, a core that starts then would create an empty one.
    renameSync(incoming, database);
    fsyncPath(dirname(database));
    return { ...report, file: database, kept };
  } catch (error) {
    if (incoming !== null) removeCopy(incoming);
    throw asStoreError(error, file, database);
  } finally {
    for (const owner of owners) owner.release();
  }
}

/** Refuses the file of another program. A damaged database of our own passes: it is what a restore is for. */
function assertOwnDatabase(database: string): void {
  try {
    verifyDatabaseKind(database, 'core');
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'GH_STORE_OPEN') throw error;
  }
}

function lockForRestore(database: string): OwnerLock[] {
  const beside = lockOwner(`${database}.lock`, database);
  try {
    const inode = existsSync(database) ? lockInode(database) : null;
    return inode === null ? [beside] : [beside, inode];
  } catch (error) {
    beside.release();
    throw error;
  }
}

/** Removes an unfinished backup, with the files that SQLite made beside it. */
function removeCopy(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(path + end, { force: true });
}

/** `name`: the path for error messages. */
function verifyCopy(path: string, name = path): BackupReport {
  const copy = new Sqlite(path);
  try {
    const integrityErrors = copy.pragma('integrity_check(3)') as { integrity_check: string }[];
    const [integrityError] = integrityErrors
      .map((row) => row.integrity_check)
      .filter((text) => text !== 'ok');
    if (integrityError !== undefined)
      throw new GatehouseError('GH_STORE_CORRUPT', `${name}: ${integrityError}`);
    const schema = appliedMigrations(copy)?.at(-1);
    if (schema === undefined) {
      throw new GatehouseError('GH_STORE_OPEN', `${name}: is not a database of Gatehouse`);
    }
    assertSchemaNotNewer(copy, name, Object.keys(migrations));
    const count = copy.prepare<[], { jobs: number; open: number }>(
      'select count(*) as jobs, count(*) filter (where ended_at is null) as open from job',
    );
    const { jobs, open } = count.get()!;
    return { file: path, bytes: statSync(path).size, jobs, openJobs: open, schema };
  } finally {
    copy.close();
  }
}

/** Readers of the journal remember positions: a lost position must not be given to another row. */
function markRestored(path: string, lastLost: number | null): void {
  const copy = new Sqlite(path);
  try {
    copy.pragma('journal_mode = DELETE');
    const last = positionOf(copy);
    const next = Math.max(last, lastLost ?? 0) + positionsSkipped;
    copy.transaction(() => {
      copy.prepare("delete from sqlite_sequence where name = 'journal'").run();
      copy.prepare("insert into sqlite_sequence (name, seq) values ('journal', ?)").run(next);
      copy.prepare('insert or replace into relay (name, pos) values (?, 1)').run(restoredMark);
    })();
  } finally {
    copy.close();
  }
}

const positionOf = (connection: SqliteConnection): number =>
  connection
    .prepare<[], { seq: number }>("select seq from sqlite_sequence where name = 'journal'")
    .get()?.seq ?? 0;

/** Null when the database cannot be read: the damage may be the reason for the restore. */
function lastPosition(database: string): number | null {
  try {
    const connection = new Sqlite(database, { readonly: true });
    try {
      return positionOf(connection);
    } finally {
      connection.close();
    }
  } catch {
    return null;
  }
}

/**
 * Gives the database and its WAL a second name. Then the WAL must be removed, whether it could be checkpointed or not:
 * SQLite would apply it to the restored database.
 */
function linkPreviousDatabase(database: string, now: number): string {
  const kept = `${database}.before-restore-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  linkSync(database, kept);
  if (statSync(`${database}-wal`, { throwIfNoEntry: false })?.size) {
    copyFileSync(`${database}-wal`, `${kept}-wal`);
    copyOwner(`${kept}-wal`, database);
    fsyncPath(`${kept}-wal`);
  }
  try {
    const connection = new Sqlite(database);
    try {
      connection.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      connection.close();
    }
  } catch {
    // Damaged: kept as it is.
  }
  for (const log of ['-wal', '-shm']) rmSync(database + log, { force: true });
  return kept;
}

/** For files and folders: a new name is durable once its folder is synced. */
export function fsyncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** `copy`: the file that may be damaged; `target`: the file that may not be writable. */
function asStoreError(error: unknown, copy: string, target = copy): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const { code = '' } = error as { code?: string };
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new GatehouseError(
      'GH_STORE_CORRUPT',
      `${copy}: is not a healthy SQLite database (${messageOf(error)})`,
      { cause: error },
    );
  }
  return new GatehouseError('GH_STORE_TARGET', `${target}: ${messageOf(error)}`, { cause: error });
}

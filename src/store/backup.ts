/**
 * Copies of the database, made while the core runs, and put back while it does not.
 *
 * 1. A copy is one moment of the database: it is made in one read transaction, which holds up no commit.
 * 2. A copy is checked before it gets its name, and again before it takes the place of a database.
 * 3. A restore puts nothing out of the world: what was there is kept beside it.
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
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { migrations, type SqliteConnection } from './database.ts';
import { lockInode, realPathOf } from './database-file.ts';
import { lookAtDatabase } from './database-look.ts';
import { lockOwner, type OwnerLock } from './owner-lock.ts';
import { handOver } from './private-file.ts';
import { migrationsOf, refuseNewer } from './schema-version.ts';

export interface CopyReport {
  file: string;
  bytes: number;
  jobs: number;
  /** Of these, not ended: they go on where the copy is put back. */
  openJobs: number;
  /** The last migration that it has had. */
  schema: string;
}

export interface RestoreReport extends CopyReport {
  /** Where the database is that was there before; null where there was none. */
  kept: string | null;
}

/** Watermark that tells the relay of a restore: what the stream ends with is of another history (docs/operations.md). */
const restoredMark = 'restored';
/**
 * More rows than are written between a backup and its restore. The database that is replaced cannot say how many:
 * it may be a fresh one, begun after the loss of that in which they were.
 */
const positionsSkipped = 1_000_000;

/**
 * Writes a copy of the database, used or not, to a new file that only its owner can read. Durable when it returns.
 * @throws GH_STORE_OPEN, GH_STORE_CORRUPT, GH_STORE_TARGET
 */
export function backUp(database: string, file: string): CopyReport {
  if (!existsSync(database))
    throw new GatehouseError('GH_STORE_OPEN', `${database}: there is none`);
  if (existsSync(file)) {
    throw new GatehouseError('GH_STORE_TARGET', `${file}: is there already, and is left as it is`);
  }
  const partial = `${file}.partial`;
  removeCopy(partial);
  try {
    // Nobody else may read it, not even for a moment: it holds everything that was said.
    closeSync(openSync(partial, 'wx', 0o600));
    const source = new Sqlite(database, { readonly: true });
    try {
      source.prepare('vacuum into ?').run(partial);
    } finally {
      source.close();
    }
    const report = checkCopy(partial);
    sync(partial);
    renameSync(partial, file);
    sync(dirname(file));
    return { ...report, file };
  } catch (error) {
    removeCopy(partial);
    throw asStoreError(error, file);
  }
}

/**
 * Puts a copy in the place of the database. Durable when it returns; what was there is kept under the name in the report.
 * @throws GH_STORE_LOCKED while a core owns the database; GH_STORE_CORRUPT, GH_STORE_NEWER, GH_STORE_OPEN,
 *   and nothing has changed
 */
export function restore(file: string, path: string, now: number): RestoreReport {
  if (!existsSync(file)) throw new GatehouseError('GH_STORE_OPEN', `${file}: there is none`);
  let owners: OwnerLock[] = [];
  let incoming: string | null = null;
  let database = path;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = realPathOf(path);
    refuseForeign(database);
    owners = lockForRestore(database);
    incoming = `${database}.incoming`;
    copyFileSync(file, incoming);
    chmodSync(incoming, 0o600);
    const report = checkCopy(incoming, file);
    markRestored(incoming, existsSync(database) ? lastPosition(database) : null);
    sync(incoming);
    for (const path of [incoming, `${database}.lock`]) handOver(path, database);
    const kept = existsSync(database) ? keep(database, now) : null;
    // In one step: at no moment is there no database, for a core would begin an empty one.
    renameSync(incoming, database);
    sync(dirname(database));
    return { ...report, file: database, kept };
  } catch (error) {
    if (incoming !== null) removeCopy(incoming);
    throw asStoreError(error, file, database);
  } finally {
    for (const owner of owners) owner.release();
  }
}

/** A file of another program is not put aside; one of ours that is damaged is what a restore is for. */
function refuseForeign(database: string): void {
  try {
    lookAtDatabase(database, 'core');
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

/** A copy that is given up, with what SQLite made beside it. */
function removeCopy(path: string): void {
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(path + end, { force: true });
}

/** `name`: how people know it. */
function checkCopy(path: string, name = path): CopyReport {
  const copy = new Sqlite(path);
  try {
    const faults = copy.pragma('integrity_check(3)') as { integrity_check: string }[];
    const [fault] = faults.map((row) => row.integrity_check).filter((text) => text !== 'ok');
    if (fault !== undefined) throw new GatehouseError('GH_STORE_CORRUPT', `${name}: ${fault}`);
    const schema = migrationsOf(copy)?.at(-1);
    if (schema === undefined) {
      throw new GatehouseError('GH_STORE_OPEN', `${name}: is not a database of Gatehouse`);
    }
    refuseNewer(copy, name, Object.keys(migrations));
    const count = copy.prepare<[], { jobs: number; open: number }>(
      'select count(*) as jobs, count(*) filter (where ended_at is null) as open from job',
    );
    const { jobs, open } = count.get()!;
    return { file: path, bytes: statSync(path).size, jobs, openJobs: open, schema };
  } finally {
    copy.close();
  }
}

/** Readers of the journal remember positions: none of the lost ones may be given to another row. */
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

/** Null where the database cannot be read any more: that may be why another is put in its place. */
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
 * Gives the database and its log a second name. After that the log must go, whether it could be brought into the
 * database or not: it would be read into the one that takes its place.
 */
function keep(database: string, now: number): string {
  const kept = `${database}.before-restore-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  linkSync(database, kept);
  if (statSync(`${database}-wal`, { throwIfNoEntry: false })?.size) {
    copyFileSync(`${database}-wal`, `${kept}-wal`);
    handOver(`${kept}-wal`, database);
    sync(`${kept}-wal`);
  }
  try {
    const connection = new Sqlite(database);
    try {
      connection.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      connection.close();
    }
  } catch {
    // Damaged: it is kept as it is.
  }
  for (const log of ['-wal', '-shm']) rmSync(database + log, { force: true });
  return kept;
}

/** Files and folders alike: a name is durable when its folder is. */
function sync(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** `copy` is what may be damaged, `target` what may not be writable. */
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

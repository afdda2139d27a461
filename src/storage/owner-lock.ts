/**
 * One process owns the database. There are no leases, so after a crash all open jobs continue at once.
 *
 * The lock is SQLite's own write lock on a separate file beside the database, held for the life of the process. The
 * operating system releases it when the process ends, in whatever way; a pid file would stay.
 */
import Sqlite from 'better-sqlite3';
import { GatehouseError } from '#shared/errors';

export interface OwnerLock {
  release(): void;
}

/**
 * `path`: the lock file; `database`: the file that it guards. @throws GH_STORE_LOCKED when another process holds it.
 */
export function lockOwner(path: string, database: string): OwnerLock {
  const file = new Sqlite(path, { timeout: 0 });
  try {
    file.exec(
      'create table if not exists owner (id integer primary key check (id = 1), pid integer)',
    );
    file.prepare('insert or replace into owner (id, pid) values (1, ?)').run(process.pid);
    file.exec('begin immediate');
  } catch (error) {
    const holder = readHolder(file);
    file.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    const who = holder === null ? 'another process' : `process ${holder}`;
    throw new GatehouseError('GH_STORE_LOCKED', `${database} is in use by ${who}`, {
      cause: error,
    });
  }
  return {
    release() {
      if (file.open) file.close();
    },
  };
}

function readHolder(file: Sqlite.Database): number | null {
  try {
    return (file.prepare('select pid from owner').get() as { pid: number }).pid;
  } catch {
    return null;
  }
}

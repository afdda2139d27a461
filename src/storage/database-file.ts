/**
 * Acquires a database file for this process: verifies its kind, takes the owner's locks, and checks later that the file
 * is still in place.
 *
 * F1. Nothing is changed before the kind is verified: a file of another program keeps its content, its mode and its
 *     journal.
 * F2. One file has one owner, by whatever path it is opened: one lock is beside the real path, and a second one is
 *     keyed by device and inode, which hard links share and which stays when the first lock file is removed.
 * F3. A file that was moved, deleted or replaced while it is open takes no further writes: they would be lost.
 */
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { GatehouseError } from '#shared/errors';
import { verifyDatabaseKind, type DatabaseKind } from './verify-database-kind.ts';
import { lockOwner, type OwnerLock } from './owner-lock.ts';
import { restrictToOwner } from './file-permissions.ts';

export interface DatabaseFile {
  /** Without symbolic links. */
  readonly path: string;
  /**
   * Costs one `stat`, about 2 µs. @throws GH_STORE_UNAVAILABLE when the file at the path is missing or another one (F3)
   */
  ensureInPlace(): void;
  release(): void;
}

/**
 * Creates the file if there is none. `path` may be a symbolic link.
 * @throws GH_STORE_LOCKED, GH_STORE_OPEN, GH_STORE_CORRUPT; errors of the file system
 */
export function acquireDatabaseFile(path: string, kind: DatabaseKind): DatabaseFile {
  mkdirSync(dirname(path), { recursive: true });
  const real = realPathOf(path);
  const locks: OwnerLock[] = [];
  const release = (): void => {
    for (const lock of locks.splice(0).toReversed()) lock.release();
  };
  const hold = (lock: OwnerLock | null): void => void (lock && locks.push(lock));
  try {
    // First: by another path (a hard link) SQLite does not find the WAL of a database in use, and reads inconsistent
    // content.
    if (fileIdOf(real) !== null) hold(lockInode(real));
    verifyDatabaseKind(real, kind);
    hold(lockOwner(`${real}.lock`, real));
    const isNew = fileIdOf(real) === null;
    restrictToOwner(real);
    if (isNew) hold(lockInode(real));
    const ownId = fileIdOf(real);
    return {
      path: real,
      ensureInPlace() {
        if (fileIdOf(real) === ownId) return;
        throw new GatehouseError(
          'GH_STORE_UNAVAILABLE',
          `${real}: the file was moved, deleted or replaced while it is in use; stop Gatehouse, put the file back, start again`,
        );
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** @throws GH_STORE_OPEN for a dangling symbolic link: a new file would be created somewhere else. */
export function realPathOf(path: string): string {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new GatehouseError('GH_STORE_OPEN', `${path}: is a symbolic link that leads nowhere`);
  }
  return join(realpathSync(dirname(path)), basename(path));
}

/** Device and inode; null where there is no file. */
function fileIdOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}-${found.ino}`;
}

/**
 * A lock in the folder for temporary files, in a subfolder that only this user can enter; null when that is not
 * possible. Guards against other processes of this user; the lock beside the file guards against those of other users.
 */
export function lockInode(real: string): OwnerLock | null {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `gatehouse-locks-${uid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== uid)) return null;
    return lockOwner(join(folder, `${fileIdOf(real)}.lock`), real);
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    return null;
  }
}

/**
 * Claims the file of a database for this process: the look at what it holds, the owner's locks, and the check
 * that it is still in its place.
 *
 * F1. Nothing is changed before the look: a file of another program keeps its content, its mode and its journal.
 * F2. One file has one owner, by whatever name it is opened: the lock is beside the real path, and a second one is
 *     keyed by device and inode, which hard links share and which stays when the first lock file is removed.
 * F3. A file that was moved, deleted or replaced while it is open takes no further writes: they would be lost.
 */
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { GatehouseError } from '../lib/errors.ts';
import { lookAtDatabase, type DatabaseKind } from './database-look.ts';
import { lockOwner, type OwnerLock } from './owner-lock.ts';
import { keepPrivate } from './private-file.ts';

export interface DatabaseFile {
  /** Without symbolic links. */
  readonly path: string;
  /** Costs one `stat`, about 2 µs. @throws GH_STORE_UNAVAILABLE when another file, or none, is in its place (F3) */
  ensureInPlace(): void;
  release(): void;
}

/**
 * Makes the file where there is none. `path` may be a symbolic link.
 * @throws GH_STORE_LOCKED, GH_STORE_OPEN, GH_STORE_CORRUPT; errors of the file system
 */
export function claimDatabaseFile(path: string, kind: DatabaseKind): DatabaseFile {
  mkdirSync(dirname(path), { recursive: true });
  const real = realPathOf(path);
  const locks: OwnerLock[] = [];
  const release = (): void => {
    for (const lock of locks.splice(0).toReversed()) lock.release();
  };
  const hold = (lock: OwnerLock | null): void => void (lock && locks.push(lock));
  try {
    // First: under another name the log of a database in use is not found, and what is read would make no sense.
    if (idOf(real) !== null) hold(lockInode(real));
    lookAtDatabase(real, kind);
    hold(lockOwner(`${real}.lock`, real));
    const isNew = idOf(real) === null;
    keepPrivate(real);
    if (isNew) hold(lockInode(real));
    const own = idOf(real);
    return {
      path: real,
      ensureInPlace() {
        if (idOf(real) === own) return;
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

/** @throws GH_STORE_OPEN for a symbolic link that leads nowhere: a new file would be made somewhere else. */
export function realPathOf(path: string): string {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    throw new GatehouseError('GH_STORE_OPEN', `${path}: is a symbolic link that leads nowhere`);
  }
  return join(realpathSync(dirname(path)), basename(path));
}

/** Device and inode; null where there is no file. */
function idOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}-${found.ino}`;
}

/**
 * In the folder for temporary files, in a folder that only this user can enter; null where that cannot be had. It
 * guards the processes of one user; those of others are kept out by the lock beside the file.
 */
export function lockInode(real: string): OwnerLock | null {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `gatehouse-locks-${uid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== uid)) return null;
    return lockOwner(join(folder, `${idOf(real)}.lock`), real);
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    return null;
  }
}

/** Permissions of files that hold conversations: only their owner may read them. */
import { chmodSync, chownSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const ownerOnly = 0o600;
const groupAndOtherBits = 0o077;

/**
 * Creates the database file if there is none, and removes the permissions of other users from a file and a WAL that an
 * older version created with them. SQLite gives a new WAL the permissions of the database file.
 */
export function restrictToOwner(database: string): void {
  closeSync(openSync(database, 'a', ownerOnly));
  for (const path of [database, `${database}-wal`, `${database}-shm`]) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & groupAndOtherBits) !== 0) chmodSync(path, ownerOnly);
  }
}

/**
 * Gives a new file the owner of the file `like`, else of its folder: root can restore a backup for a service that runs
 * as another user.
 */
export function copyOwner(path: string, like: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like, { throwIfNoEntry: false }) ?? statSync(dirname(path));
  chownSync(path, uid, gid);
}

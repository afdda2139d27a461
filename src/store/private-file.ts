/** Files that hold what people said: nobody else on the machine reads them. */
import { chmodSync, chownSync, closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const ownerOnly = 0o600;
const rightsOfOthers = 0o077;

/**
 * Makes the file of a database where there is none, and takes the rights of others from one that an older version
 * made with them, also from its log. SQLite gives a new log the rights of the file.
 */
export function keepPrivate(database: string): void {
  closeSync(openSync(database, 'a', ownerOnly));
  for (const path of [database, `${database}-wal`, `${database}-shm`]) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & rightsOfOthers) !== 0) chmodSync(path, ownerOnly);
  }
}

/**
 * Gives a new file to who owns the one that it stands beside, else the folder: root can put a backup in its place for
 * a service that runs as somebody else.
 */
export function handOver(path: string, like: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like, { throwIfNoEntry: false }) ?? statSync(dirname(path));
  chownSync(path, uid, gid);
}

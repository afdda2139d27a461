/**
 * Checks a file that the configuration names as a database before anything is written to it: a mistyped path must not
 * change the file of another program.
 */
import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { GatehouseError } from '#shared/errors';

export type DatabaseKind = 'core' | 'bridge';

/** SQLite's `application_id`: `GHco` and `GHbr` in ASCII. Databases of versions before 0.2 have none. */
export const applicationIds: Readonly<Record<DatabaseKind, number>> = {
  core: 0x4748636f,
  bridge: 0x47486272,
};

/** Tables that identify a database without an id. */
const knownTables: Readonly<Record<DatabaseKind, readonly string[]>> = {
  core: ['kysely_migration', 'job', 'journal'],
  bridge: ['inbox', 'outbox', 'post_limit'],
};

const owners: Readonly<Record<DatabaseKind, string>> = {
  core: 'the core (database)',
  bridge: 'the bridge (`database` in the section of its chat)',
};

/** SQLite file format, section 1.3: the header, and the application id within it. */
const headerBytes = 100;
const headerText = 'SQLite format 3\0';
const idOffset = 68;

/** Changes nothing. @throws GH_STORE_OPEN, GH_STORE_CORRUPT for a file that is not a database of this kind */
export function verifyDatabaseKind(path: string, kind: DatabaseKind): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isFile()) {
    throw foreignDatabaseError(
      path,
      found.isDirectory() ? 'is a folder' : 'is not an ordinary file',
    );
  }
  if (found.size === 0) return;
  const header = readHeader(path);
  if (header.toString('latin1', 0, headerText.length) !== headerText) {
    throw new GatehouseError(
      'GH_STORE_CORRUPT',
      `${path}: is not a healthy SQLite database; nothing in it was changed`,
    );
  }
  if (header.readUInt32BE(idOffset) === applicationIds[kind]) return;
  const { id, tables } = readContent(path);
  if (id === applicationIds[kind] || (id === 0 && tables.length === 0)) return;
  if (id === 0 && knownTables[kind].every((table) => tables.includes(table))) return;
  for (const other of Object.keys(applicationIds) as DatabaseKind[]) {
    const isOther =
      id === applicationIds[other] || knownTables[other].every((one) => tables.includes(one));
    if (isOther) throw foreignDatabaseError(path, `is the database of ${owners[other]}`);
  }
  throw foreignDatabaseError(path, 'is a database of another program');
}

const foreignDatabaseError = (path: string, what: string): GatehouseError =>
  new GatehouseError('GH_STORE_OPEN', `${path}: ${what}; nothing in it was changed`);

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(headerBytes);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, headerBytes, 0);
  } finally {
    closeSync(file);
  }
  return header;
}

/**
 * A new database may have its tables in the WAL only, so SQLite reads them. The files that SQLite makes for that are
 * removed.
 */
function readContent(path: string): { id: number; tables: string[] } {
  const made = ['-wal', '-shm'].map((end) => path + end).filter((file) => !existsSync(file));
  const connection = new Sqlite(path, { readonly: true, fileMustExist: true });
  try {
    const id = connection.pragma('application_id', { simple: true }) as number;
    const rows = connection
      .prepare<[], { name: string }>("select name from sqlite_schema where type = 'table'")
      .all();
    return { id, tables: rows.map(({ name }) => name) };
  } finally {
    connection.close();
    if (made.length === 2) for (const file of made) rmSync(file, { force: true });
  }
}

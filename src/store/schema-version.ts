/** Which migrations a database has had: what tells an old one from a new one, and ours from somebody else's. */
import { GatehouseError } from '../lib/errors.ts';
import type { SqliteConnection } from './database.ts';

/** Names in order; null where it never was a database of Gatehouse. */
export function migrationsOf(connection: SqliteConnection): string[] | null {
  const table = connection
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'kysely_migration'")
    .get();
  if (table === undefined) return null;
  return connection
    .prepare<[], { name: string }>('select name from kysely_migration order by name')
    .all()
    .map(({ name }) => name);
}

/** Looks before anything is written. @throws GH_STORE_NEWER when it has had a migration that is not in `known`. */
export function refuseNewer(
  connection: SqliteConnection,
  path: string,
  known: readonly string[],
): void {
  const newer = (migrationsOf(connection) ?? []).filter((name) => !known.includes(name));
  if (newer.length === 0) return;
  throw new GatehouseError(
    'GH_STORE_NEWER',
    `${path}: made by a newer version of Gatehouse (it has ${newer.at(-1)}, this version ends with ${known.at(-1)}); ` +
      'run that version, or restore a backup made before the upgrade',
  );
}

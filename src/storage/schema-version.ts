/** The migrations that a database has had: they distinguish old from new, and a Gatehouse database from any other. */
import { GatehouseError } from '#shared/errors';
import type Sqlite from 'better-sqlite3';

/** Names in order; null when the file was never a Gatehouse database. */
export function appliedMigrations(connection: Sqlite.Database): string[] | null {
  const table = connection
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'kysely_migration'")
    .get();
  if (table === undefined) return null;
  return connection
    .prepare<[], { name: string }>('select name from kysely_migration order by name')
    .all()
    .map(({ name }) => name);
}

/** Checks before anything is written. @throws GH_STORE_NEWER when it has had a migration that is not in `known`. */
export const assertSchemaNotNewer = (
  connection: Sqlite.Database,
  path: string,
  known: readonly string[],
): void => assertNoneNewer(appliedMigrations(connection) ?? [], path, known);

/** @throws GH_STORE_NEWER when a migration of `had` is not in `known` */
export function assertNoneNewer(
  had: readonly string[],
  path: string,
  known: readonly string[],
): void {
  const newer = had.filter((name) => !known.includes(name));
  if (newer.length === 0) return;
  throw new GatehouseError(
    'GH_STORE_NEWER',
    `${path}: made by a newer version of Gatehouse (it has ${newer.at(-1)}, this version ends with ${known.at(-1)}); ` +
      'run that version, or restore a backup made before the upgrade',
  );
}

/** @throws GH_STORE_OLDER when a migration of `known` is not in `had` */
export function assertNoneMissing(
  had: readonly string[],
  where: string,
  known: readonly string[],
): void {
  if (known.every((name) => had.includes(name))) return;
  throw new GatehouseError(
    'GH_STORE_OLDER',
    `${where}: made by an older version of Gatehouse (it ends with ${had.at(-1)}, this version with ${known.at(-1)}); ` +
      'start this version once with it, which upgrades it',
  );
}

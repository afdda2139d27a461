/** `gatehouse backup` and `gatehouse restore`: copies the database into a file, also while the core runs, and back. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '#app/config/config';
import { loadConfig } from '#app/config/load-config';
import { GatehouseError } from '#shared/errors';
import { backUp, restore, type BackupReport } from '#storage/backup';
import { UsageError } from '#http/client/core-client';

export function backupTo(file: string, configFile: string | undefined, json: boolean): void {
  const { database } = loadConfig(configFile).config;
  const report = backUp(sqlitePath(database, 'pg_dump --format=custom'), file);
  console.log(json ? JSON.stringify(report) : `${file}: ${describe(report)}`);
}

export function restoreFrom(file: string, configFile: string | undefined, json: boolean): void {
  const { config, file: found } = loadConfig(configFile);
  const database = resolve(sqlitePath(config.database, 'pg_restore'));
  if (found === null && !existsSync(database)) {
    throw new UsageError(
      `there is no configuration here, and no ${database}: name the core's own with --config`,
    );
  }
  const report = restore(file, database, Date.now());
  if (json) return console.log(JSON.stringify(report));
  console.log(`${database}: ${describe(report)}`);
  if (report.kept !== null) console.log(`what was there is kept: ${report.kept}`);
}

/** @throws GH_CONFIG_INVALID for PostgreSQL, which has its own tools for that */
function sqlitePath(database: Config['database'], tool: string): string {
  if (typeof database === 'string') return database;
  throw new GatehouseError(
    'GH_CONFIG_INVALID',
    `database: is a PostgreSQL database, use its own tools (${tool}, docs/operations.md)`,
  );
}

const describe = ({ bytes, jobs, openJobs, schema }: BackupReport): string =>
  `${(bytes / 1024 / 1024).toFixed(1)} MB, ${jobs} jobs (${openJobs} open), schema ${schema}`;

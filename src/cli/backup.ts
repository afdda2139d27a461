/** `gatehouse backup` and `gatehouse restore`: copies the database into a file, also while the core runs, and back. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig } from '#app/config/load-config';
import { backUp, restore, type BackupReport } from '#storage/backup';
import { UsageError } from '#http/client/core-client';

export function backupTo(file: string, configFile: string | undefined, json: boolean): void {
  const report = backUp(loadConfig(configFile).config.database, file);
  console.log(json ? JSON.stringify(report) : `${file}: ${describe(report)}`);
}

export function restoreFrom(file: string, configFile: string | undefined, json: boolean): void {
  const { config, file: found } = loadConfig(configFile);
  const database = resolve(config.database);
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

const describe = ({ bytes, jobs, openJobs, schema }: BackupReport): string =>
  `${(bytes / 1024 / 1024).toFixed(1)} MB, ${jobs} jobs (${openJobs} open), schema ${schema}`;

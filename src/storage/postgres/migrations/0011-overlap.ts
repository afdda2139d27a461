import { sqlMigration } from './sql-migration.ts';

/** Without a default: a worker of the version before writes rows that lack them. */
export const overlap = sqlMigration(
  'alter table schedule add column overlap text, add column last text',
);

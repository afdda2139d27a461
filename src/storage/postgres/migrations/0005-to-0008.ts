/** The migrations after the first ones: on PostgreSQL each is a statement or two. */
import { commitLibrary } from './commit-library.ts';
import { sqlMigration } from './sql-migration.ts';

export const upkeep = sqlMigration(
  'create index job_ended on job (ended_at) where ended_at is not null',
  'create index delivery_at on delivery (at)',
  'create index document_event_at on document_event (at)',
);

export const purge = sqlMigration(
  'create index document_deleted on document (deleted_at) where deleted_at is not null',
);

export const lists = sqlMigration('create index job_user on job (user_id, num)');

export const words = sqlMigration(
  'create table document_words_backlog (document bigint primary key)',
  commitLibrary,
);

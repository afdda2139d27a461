import { sqlMigration } from './sql-migration.ts';

export const sessions = sqlMigration(
  // Pages of lists are in the order of bytes on both databases.
  `create table session (
    id text collate "C" primary key, token_hash text not null, user_id text, key_proof text,
    device text not null, created_at bigint not null, used_at bigint not null,
    expires_at bigint not null)`,
  `create table invite (
    id text collate "C" primary key, code_hash text not null, user_id text not null,
    created_at bigint not null, expires_at bigint not null, wrong_tries integer not null)`,
  'create unique index session_token on session (token_hash)',
  'create index session_person on session (user_id, created_at, id)',
  'create index session_time on session (created_at, id)',
  'create index session_end on session (expires_at)',
  'create index invite_end on invite (expires_at)',
);

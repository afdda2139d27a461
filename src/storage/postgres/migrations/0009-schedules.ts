import { sqlMigration } from './sql-migration.ts';

export const schedules = sqlMigration(
  `create table schedule (
    id text primary key, user_id text not null, channel text not null, thread text,
    kind text not null, text text not null, rule text not null, zone text not null,
    start_wall text, end_wall text, count integer, catch_up text not null,
    catch_up_ms bigint not null, pause_on_failures integer not null, created_by text not null,
    created_at bigint not null, updated_at bigint not null,
    state text not null constraint schedule_state
      check (state in ('active', 'paused', 'done', 'cancelled')),
    pause_reason text, cursor_wall bigint not null, next_at bigint, next_wall bigint, settled integer not null,
    missed integer not null, failures integer not null, last_job_id text, revision integer not null)`,
  `create table schedule_occurrence (
    schedule_id text not null, wall text not null, due_at bigint not null, at bigint not null,
    outcome text not null, missed_before integer not null, job_id text not null,
    primary key (schedule_id, wall))`,
  'create index schedule_next on schedule (next_at, id) where next_at is not null',
  'create index schedule_user on schedule (user_id, state, id)',
);

import { sqlMigration } from './sql-migration.ts';

/**
 * A batch of changes of schedules in one call: the compare-and-set on the leases of their people, then the revisions, then
 * the rows. Lists are JSON: each has its own columns. Error: GH002, a schedule has another revision.
 */
const commitSchedules = `
create function commit_schedules(
  by_worker text, lease_name text[], lease_epoch bigint[], pos_before bigint[], pos_after bigint[],
  schedules json, occurrences json, events json
) returns void language plpgsql as $$
declare
  one record;
begin
  perform advance_leases(by_worker, lease_name, lease_epoch, pos_before, pos_after);
  if exists (select 1 from json_to_recordset(schedules) as next (id text, revision integer)
      left join schedule on schedule.id = next.id
      where coalesce(schedule.revision, 0) <> next.revision - 1) then
    raise exception 'a schedule has another revision' using errcode = 'GH002';
  end if;
  delete from schedule using json_to_recordset(schedules) as next (id text)
    where schedule.id = next.id;
  insert into schedule select * from json_populate_recordset(null::schedule, schedules);
  insert into schedule_occurrence
    select * from json_populate_recordset(null::schedule_occurrence, occurrences)
    on conflict do nothing;
  for one in select * from json_to_recordset(events) as event (document_id text, user_id text,
      type text, state text, at bigint, data text, part smallint, pos bigint) loop
    insert into document_event (pos, part, at, seq, document_id, user_id, type, state, data)
      values (one.pos, one.part, one.at,
        (select coalesce(max(seq), 0) + 1 from document_event where document_id = one.document_id),
        one.document_id, one.user_id, one.type, one.state, one.data);
  end loop;
end $$`;

export const commits = sqlMigration(
  'alter table schedule add column undelivered_at bigint',
  // Pages of lists are in the order of bytes on both databases.
  'alter table schedule alter column id type text collate "C"',
  'alter table schedule_occurrence alter column wall type text collate "C"',
  commitSchedules,
  `alter table worker
    add column name text not null default '', add column isolated boolean not null default false,
    add column info text not null default '{}', add column clock_ms bigint`,
  // Two processes never have one name at the same time.
  `create unique index worker_name on worker (name) where not gone and name <> ''`,
);

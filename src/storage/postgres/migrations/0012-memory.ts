import { sqlMigration } from './sql-migration.ts';

/**
 * A batch of changes of facts in one call: the compare-and-set on the leases of their people, then the basis, then the rows.
 * Lists are JSON: each has its own columns. Error: GH002, a fact has another revision, its person has another fact with these
 * words, or too many.
 */
const commitFacts = `
create function commit_facts(
  by_worker text, lease_name text[], lease_epoch bigint[], pos_before bigint[], pos_after bigint[],
  facts json, terms json, events json, per_user_max integer
) returns void language plpgsql as $$
declare
  one record;
begin
  perform advance_leases(by_worker, lease_name, lease_epoch, pos_before, pos_after);
  if exists (select 1 from json_populate_recordset(null::memory_fact, facts) as next
      left join memory_fact on memory_fact.id = next.id
      where coalesce(memory_fact.revision, 0) <> next.revision - 1)
    or exists (select 1 from json_populate_recordset(null::memory_fact, facts) as next
      join memory_fact on memory_fact.user_id = next.user_id and memory_fact.digest = next.digest
      where memory_fact.id <> next.id) then
    raise exception 'a fact has another revision, or is known' using errcode = 'GH002';
  end if;
  delete from memory_term using json_to_recordset(facts) as next (id text)
    where memory_term.fact = next.id;
  delete from memory_fact using json_to_recordset(facts) as next (id text)
    where memory_fact.id = next.id;
  insert into memory_fact select * from json_populate_recordset(null::memory_fact, facts);
  insert into memory_term select * from json_populate_recordset(null::memory_term, terms);
  if exists (select 1 from memory_fact where forgotten_at is null and user_id in (
        select user_id from json_to_recordset(facts) as next (user_id text, revision integer)
          where revision = 1)
      group by user_id having count(*) > per_user_max) then
    raise exception 'a person has too many facts' using errcode = 'GH002';
  end if;
  for one in select * from json_to_recordset(events) as event (document_id text, user_id text,
      type text, state text, at bigint, data text, part smallint, pos bigint) loop
    insert into document_event (pos, part, at, seq, document_id, user_id, type, state, data)
      values (one.pos, one.part, one.at,
        (select coalesce(max(seq), 0) + 1 from document_event where document_id = one.document_id),
        one.document_id, one.user_id, one.type, one.state, one.data);
  end loop;
end $$`;

export const memory = sqlMigration(
  // Pages of lists are in the order of bytes on both databases.
  `create table memory_fact (
    id text collate "C" primary key, user_id text not null, text text not null, digest text,
    created_by text not null, channel text, job_id text, created_at bigint not null,
    forgotten_at bigint, forgotten_by text, revision integer not null)`,
  `create table memory_term (
    user_id text not null, term text collate "C" not null, created_at bigint not null,
    fact text collate "C" not null, primary key (user_id, term, created_at, fact))`,
  'create unique index memory_same on memory_fact (user_id, digest) where digest is not null',
  'create index memory_user on memory_fact (user_id, created_at, id) where forgotten_at is null',
  'create index memory_time on memory_fact (created_at, id) where forgotten_at is null',
  'create index memory_forgotten on memory_fact (forgotten_at) where forgotten_at is not null',
  'create index memory_term_fact on memory_term (fact)',
  commitFacts,
);

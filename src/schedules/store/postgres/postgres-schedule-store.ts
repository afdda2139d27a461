/**
 * Schedules on PostgreSQL. A commit holds the leases of the partitions of its people, as one of their jobs does: of several
 * workers only the owner of a partition settles its schedules.
 */
import { scheduleEventOf } from '#storage/document-event-row';
import { partitions } from '#storage/postgres/partition';
import { commitRows, pruneInBatches } from '#storage/postgres/commit-rows';
import type { PartitionWriter } from '#storage/postgres/partition-writer';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { DocumentEventTable, ScheduleOccurrenceTable, ScheduleTable } from '#storage/schema';
import type {
  NextTime,
  ScheduleChange,
  ScheduleOverview,
  ScheduleStorage,
} from '../../schedule-port.ts';
import { calendarOrigin } from '../../schedule.ts';
import {
  eventRowsOf,
  occurrenceOf,
  occurrenceRowOf,
  scheduleOf,
  scheduleRowOf,
} from '../schedule-rows.ts';

export function createPostgresScheduleStore(
  database: PostgresDatabase,
  writer: PartitionWriter,
): ScheduleStorage {
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));
  const schedules = async (statement: PreparedStatement<ScheduleTable>, ...values: unknown[]) =>
    (await all(statement, ...values)).map(scheduleOf);
  const ownPartitions = (): number[] =>
    Array.from({ length: partitions }, (_, one) => one).filter((one) => writer.holds(one));

  return {
    find: async (id) => (await schedules(statements.find, storableText(id)))[0] ?? null,
    list: ({ userId, states, createdBy }, after, limit) =>
      schedules(
        statements.list,
        storableText(after),
        limit,
        userId === undefined ? null : storableText(userId),
        states ?? null,
        createdBy ?? null,
      ),
    countOpen: async (userId) =>
      (await all(statements.countOpen, storableText(userId)))[0]?.count ?? 0,
    overview: async (now, userId) =>
      (await all(statements.overview, now, userId === null ? null : storableText(userId)))[0]!,
    due: (now, limit, kind) => schedules(statements.due, now, limit, ownPartitions(), kind ?? null),
    nextTimes: (after, limit) =>
      all(statements.nextTimes, storableText(after), limit, ownPartitions()),
    nextDueAt: async () => (await all(statements.nextDue, ownPartitions()))[0]?.next_at ?? null,
    changedAfter: (at, limit) => schedules(statements.changedAfter, at, limit, ownPartitions()),
    occurrences: async (id, limit) =>
      (await all(statements.occurrences, storableText(id), limit)).map(occurrenceOf),
    events: async (id, afterSeq, limit) =>
      (await all(statements.events, storableText(id), afterSeq, limit)).map(scheduleEventOf),
    newestEvents: async (id, limit) =>
      (await all(statements.newestEvents, storableText(id), limit)).map(scheduleEventOf),
    commit: (changes) => commit(writer, changes),
    prune: (before) =>
      pruneInBatches(
        before,
        async (latest, limit) => (await all(statements.prune, latest, limit))[0]!.count,
      ),
  };
}

const commit = (
  writer: PartitionWriter,
  changes: readonly ScheduleChange[],
): Promise<'done' | 'conflict'> =>
  commitRows(writer, {
    procedure: 'commit_schedules',
    owners: changes.map(({ schedule }) => schedule.userId),
    rows: [
      changes.map(({ schedule }) => scheduleRowOf(schedule)),
      changes.flatMap(({ occurrence }) => occurrence ?? []).map(occurrenceRowOf),
    ],
    events: changes.flatMap(eventRowsOf),
  });

/** The partition of a person, as `partitionOf`: of the few rows that are due it is computed, not stored. */
const isOf = (partition: string): string =>
  `get_byte(sha256(convert_to(user_id, 'UTF8')), 0) % ${partitions} = any(${partition}::integer[])`;

const statements = {
  find: {
    name: 'find_schedule',
    text: 'select * from schedule where id = $1',
  } as PreparedStatement<ScheduleTable>,
  list: {
    name: 'list_schedules',
    text: `select * from schedule where id > $1 and ($3::text is null or user_id = $3)
      and ($4::text[] is null or state = any($4))
      and ($5::text is null or created_by = $5)
      order by id limit $2`,
  } as PreparedStatement<ScheduleTable>,
  countOpen: {
    name: 'count_open_schedules',
    text: `select count(*)::integer as count from schedule
      where user_id = $1 and state in ('active', 'paused') and created_by <> '${calendarOrigin}'`,
  } as PreparedStatement<{ count: number }>,
  overview: {
    name: 'schedule_overview',
    text: `select count(*) filter (where state = 'active')::integer as active,
        count(*) filter (where state = 'paused')::integer as paused,
        count(*) filter (where next_at <= $1)::integer as due, min(next_at) as "nextAt"
      from schedule where state in ('active', 'paused') and ($2::text is null or user_id = $2)`,
  } as PreparedStatement<ScheduleOverview>,
  due: {
    name: 'due_schedules',
    text: `select * from schedule where next_at <= $1 and ${isOf('$3')}
      and ($4::text is null or kind = $4) order by next_at, id limit $2`,
  } as PreparedStatement<ScheduleTable>,
  nextTimes: {
    name: 'next_schedule_times',
    text: `select id, zone, next_at as at, next_wall as wall from schedule
      where id > $1 and next_at is not null and next_wall is not null and ${isOf('$3')}
      order by id limit $2`,
  } as PreparedStatement<NextTime>,
  nextDue: {
    name: 'next_due_schedule',
    text: `select next_at from schedule where next_at is not null and ${isOf('$1')}
      order by next_at, id limit 1`,
  } as PreparedStatement<{ next_at: number }>,
  changedAfter: {
    name: 'schedules_changed_after',
    text: `select * from schedule where state = 'active' and updated_at > $1 and ${isOf('$3')}
      order by id limit $2`,
  } as PreparedStatement<ScheduleTable>,
  occurrences: {
    name: 'schedule_occurrences',
    text: 'select * from schedule_occurrence where schedule_id = $1 order by wall desc limit $2',
  } as PreparedStatement<ScheduleOccurrenceTable>,
  events: {
    name: 'schedule_events',
    text: `select * from document_event where document_id = $1 and seq > $2::bigint
      order by seq limit $3`,
  } as PreparedStatement<DocumentEventTable>,
  newestEvents: {
    name: 'newest_schedule_events',
    text: 'select * from document_event where document_id = $1 order by seq desc limit $2',
  } as PreparedStatement<DocumentEventTable>,
  prune: {
    name: 'prune_schedules',
    text: `with old as (
        delete from schedule where id in (select id from schedule
          where state in ('done', 'cancelled') and updated_at < $1
            and (created_by <> '${calendarOrigin}' or cursor_wall < $1) limit $2) returning id),
      gone as (delete from schedule_occurrence using old where schedule_id = old.id),
      told as (delete from document_event using old where document_id = old.id)
      select count(*)::integer as count from old`,
  } as PreparedStatement<{ count: number }>,
};

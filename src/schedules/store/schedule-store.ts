/** Schedules on SQLite. */
import type { Database } from '#storage/database';
import { scheduleEventOf } from '#storage/document-event-row';
import { createRowAppender } from '#storage/event-appender';
import { guardStorage } from '#storage/guard-storage';
import type { DocumentEventTable, ScheduleOccurrenceTable, ScheduleTable } from '#storage/schema';
import type {
  NextTime,
  ScheduleChange,
  ScheduleOverview,
  ScheduleStorage,
} from '../schedule-port.ts';
import { calendarOrigin } from '../schedule.ts';
import {
  eventRowsOf,
  occurrenceOf,
  occurrenceRowOf,
  scheduleColumns,
  scheduleOf,
  scheduleRowOf,
} from './schedule-rows.ts';

/** Rows per transaction of a purge: the journal commits in between. */
const pruneBatch = 500;

export function createScheduleStore(database: Database): ScheduleStorage {
  const { connection, query } = database;
  const statements = prepare(database);
  const append = createRowAppender(database);
  const writeAll = connection.transaction((changes: readonly ScheduleChange[]): boolean => {
    for (const { schedule } of changes) {
      const stored = statements.revision.get(schedule.id)?.revision ?? 0;
      if (stored !== schedule.revision - 1) return false;
    }
    for (const change of changes) {
      statements.put.run(scheduleRowOf(change.schedule));
      if (change.occurrence !== null) statements.settle.run(occurrenceRowOf(change.occurrence));
      for (const event of eventRowsOf(change)) append(event);
    }
    return true;
  });
  const read = <Value>(work: () => Promise<Value>): Promise<Value> =>
    work().catch((error: unknown) =>
      guardStorage('The database cannot be read', () => {
        throw error;
      }),
    );

  return {
    find: (id) =>
      read(async () => {
        const row = statements.find.get(id);
        return row === undefined ? null : scheduleOf(row);
      }),
    list: ({ userId, states, createdBy }, after, limit) =>
      read(async () => {
        let rows = query.selectFrom('schedule').selectAll().where('id', '>', after);
        if (userId !== undefined) rows = rows.where('user_id', '=', userId);
        if (states !== undefined) rows = rows.where('state', 'in', [...states]);
        if (createdBy !== undefined) rows = rows.where('created_by', '=', createdBy);
        return (await rows.orderBy('id').limit(limit).execute()).map(scheduleOf);
      }),
    countOpen: (userId) => read(async () => statements.countOpen.get(userId)?.count ?? 0),
    overview: (now, userId) =>
      read(async () =>
        userId === null
          ? statements.overview.get({ now })!
          : statements.overviewOf.get({ now, userId })!,
      ),
    due: (now, limit, kind) =>
      read(async () => statements.due.all({ now, limit, kind: kind ?? null }).map(scheduleOf)),
    nextTimes: (after, limit) => read(async () => statements.nextTimes.all(after, limit)),
    nextDueAt: () => read(async () => statements.nextDue.get()?.next_at ?? null),
    changedAfter: (at, limit) =>
      read(async () => statements.changedAfter.all(at, limit).map(scheduleOf)),
    occurrences: (id, limit) =>
      read(async () => statements.occurrences.all(id, limit).map(occurrenceOf)),
    events: (id, afterSeq, limit) =>
      read(async () => statements.events.all(id, afterSeq, limit).map(scheduleEventOf)),
    newestEvents: (id, limit) =>
      read(async () => statements.newestEvents.all(id, limit).map(scheduleEventOf)),
    commit: async (changes) =>
      guardStorage('The schedule could not be stored', () => {
        database.ensureInPlace();
        return writeAll.immediate(changes) ? 'done' : 'conflict';
      }),
    prune: async (before) => guardStorage(undefined, () => pruneSchedules(database, before)),
  };
}

/** Each part reads an index. */
const overviewOf = (filter: string): string => `select
  (select count(*) from schedule where ${filter} and state = 'active') as active,
  (select count(*) from schedule where ${filter} and state = 'paused') as paused,
  (select count(*) from schedule where ${filter} and next_at <= @now) as due,
  (select min(next_at) from schedule where ${filter} and next_at is not null) as nextAt`;

function pruneSchedules({ connection }: Database, before: number): number {
  // An alarm that a person has cancelled stays until its time: its calendar would plan it again.
  const old = connection.prepare<[{ before: number; limit: number }], { id: string }>(
    `select id from schedule where state in ('done', 'cancelled') and updated_at < @before
      and (created_by <> '${calendarOrigin}' or cursor_wall < @before) limit @limit`,
  );
  const removals = [
    'delete from schedule_occurrence where schedule_id = ?',
    'delete from document_event where document_id = ?',
    'delete from schedule where id = ?',
  ].map((text) => connection.prepare<[string]>(text));
  const remove = connection.transaction((ids: readonly { id: string }[]) => {
    for (const { id } of ids) for (const removal of removals) removal.run(id);
  });
  for (let removed = 0; ;) {
    const ids = old.all({ before, limit: pruneBatch });
    remove(ids);
    removed += ids.length;
    if (ids.length < pruneBatch) return removed;
  }
}

function prepare({ connection }: Database) {
  const all = <Params extends unknown[]>(rest: string) =>
    connection.prepare<Params, ScheduleTable>(`select * from schedule ${rest}`);
  return {
    find: all<[string]>('where id = ?'),
    due: all<[{ now: number; limit: number; kind: string | null }]>(
      'where next_at <= @now and (@kind is null or kind = @kind) order by next_at, id limit @limit',
    ),
    changedAfter: all<[number, number]>(
      "where state = 'active' and updated_at > ? order by id limit ?",
    ),
    nextTimes: connection.prepare<[string, number], NextTime>(
      `select id, zone, next_at as at, next_wall as wall from schedule
        where id > ? and next_at is not null and next_wall is not null order by id limit ?`,
    ),
    nextDue: connection.prepare<[], { next_at: number | null }>(
      'select min(next_at) as next_at from schedule where next_at is not null',
    ),
    countOpen: connection.prepare<[string], { count: number }>(
      `select count(*) as count from schedule
        where user_id = ? and state in ('active', 'paused') and created_by <> '${calendarOrigin}'`,
    ),
    overview: connection.prepare<[{ now: number }], ScheduleOverview>(overviewOf('true')),
    overviewOf: connection.prepare<[{ now: number; userId: string }], ScheduleOverview>(
      overviewOf('user_id = @userId'),
    ),
    revision: connection.prepare<[string], { revision: number }>(
      'select revision from schedule where id = ?',
    ),
    put: connection.prepare<[ScheduleTable]>(
      `insert or replace into schedule (${scheduleColumns.join(', ')})
        values (${scheduleColumns.map((name) => `@${name}`).join(', ')})`,
    ),
    settle: connection.prepare<[ScheduleOccurrenceTable]>(
      `insert into schedule_occurrence (schedule_id, wall, due_at, at, outcome, missed_before, job_id)
        values (@schedule_id, @wall, @due_at, @at, @outcome, @missed_before, @job_id)
        on conflict do nothing`,
    ),
    occurrences: connection.prepare<[string, number], ScheduleOccurrenceTable>(
      'select * from schedule_occurrence where schedule_id = ? order by wall desc limit ?',
    ),
    events: connection.prepare<[string, number, number], DocumentEventTable>(
      'select * from document_event where document_id = ? and seq > ? order by seq limit ?',
    ),
    newestEvents: connection.prepare<[string, number], DocumentEventTable>(
      'select * from document_event where document_id = ? order by seq desc limit ?',
    ),
  };
}

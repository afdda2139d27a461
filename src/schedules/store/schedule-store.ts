/** Schedules on SQLite. */
import type { Database } from '#storage/database';
import { guardStorage } from '#storage/guard-storage';
import type { ScheduleOccurrenceTable, ScheduleTable } from '#storage/schema';
import type { ScheduleChange, ScheduleStorage } from '../schedule-port.ts';
import type { OccurrenceRecord, Schedule, ScheduleRule } from '../schedule.ts';

/** Rows per transaction of a purge: the journal commits in between. */
const pruneBatch = 500;

export function createScheduleStore(database: Database): ScheduleStorage {
  const { connection, query } = database;
  const statements = prepare(database);
  const writeAll = connection.transaction((changes: readonly ScheduleChange[]): boolean => {
    for (const { schedule } of changes) {
      const stored = statements.revision.get(schedule.id)?.revision ?? 0;
      if (stored !== schedule.revision - 1) return false;
    }
    for (const { schedule, occurrence } of changes) {
      statements.put.run(toRow(schedule));
      if (occurrence !== null) statements.settle.run(toOccurrenceRow(occurrence));
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
        return row === undefined ? null : toSchedule(row);
      }),
    list: ({ userId, states }, after, limit) =>
      read(async () => {
        let rows = query.selectFrom('schedule').selectAll().where('id', '>', after);
        if (userId !== undefined) rows = rows.where('user_id', '=', userId);
        if (states !== undefined) rows = rows.where('state', 'in', [...states]);
        return (await rows.orderBy('id').limit(limit).execute()).map(toSchedule);
      }),
    countOpen: (userId) => read(async () => statements.countOpen.get(userId)?.count ?? 0),
    due: (now, limit) => read(async () => statements.due.all(now, limit).map(toSchedule)),
    nextDueAt: () => read(async () => statements.nextDue.get()?.next_at ?? null),
    changedAfter: (at, limit) =>
      read(async () => statements.changedAfter.all(at, limit).map(toSchedule)),
    occurrences: (id, limit) =>
      read(async () => statements.occurrences.all(id, limit).map(toOccurrence)),
    commit: async (changes) =>
      guardStorage('The schedule could not be stored', () => {
        database.ensureInPlace();
        return writeAll.immediate(changes) ? 'done' : 'conflict';
      }),
    prune: async (before) =>
      guardStorage(undefined, () => {
        let removed = 0;
        for (;;) {
          const ids = statements.old.all(before, pruneBatch);
          connection.transaction(() => {
            for (const { id } of ids) {
              statements.removeOccurrences.run(id);
              statements.remove.run(id);
            }
          })();
          removed += ids.length;
          if (ids.length < pruneBatch) return removed;
        }
      }),
  };
}

const columns = (
  'id user_id channel thread kind text rule zone start_wall end_wall count catch_up catch_up_ms ' +
  'pause_on_failures created_by created_at updated_at state pause_reason cursor_wall next_at ' +
  'next_wall settled missed failures last_job_id revision'
).split(' ');

function prepare({ connection }: Database) {
  const all = <Params extends unknown[]>(rest: string) =>
    connection.prepare<Params, ScheduleTable>(`select * from schedule ${rest}`);
  return {
    find: all<[string]>('where id = ?'),
    due: all<[number, number]>('where next_at <= ? order by next_at, id limit ?'),
    changedAfter: all<[number, number]>(
      "where state = 'active' and updated_at > ? order by id limit ?",
    ),
    nextDue: connection.prepare<[], { next_at: number | null }>(
      'select min(next_at) as next_at from schedule where next_at is not null',
    ),
    countOpen: connection.prepare<[string], { count: number }>(
      "select count(*) as count from schedule where user_id = ? and state in ('active', 'paused')",
    ),
    revision: connection.prepare<[string], { revision: number }>(
      'select revision from schedule where id = ?',
    ),
    put: connection.prepare<[ScheduleTable]>(
      `insert or replace into schedule (${columns.join(', ')})
        values (${columns.map((name) => `@${name}`).join(', ')})`,
    ),
    settle: connection.prepare<[ScheduleOccurrenceTable]>(
      `insert into schedule_occurrence (schedule_id, wall, due_at, at, outcome, missed_before, job_id)
        values (@schedule_id, @wall, @due_at, @at, @outcome, @missed_before, @job_id)
        on conflict do nothing`,
    ),
    occurrences: connection.prepare<[string, number], ScheduleOccurrenceTable>(
      'select * from schedule_occurrence where schedule_id = ? order by wall desc limit ?',
    ),
    old: connection.prepare<[number, number], { id: string }>(
      "select id from schedule where state in ('done', 'cancelled') and updated_at < ? limit ?",
    ),
    remove: connection.prepare<[string]>('delete from schedule where id = ?'),
    removeOccurrences: connection.prepare<[string]>(
      'delete from schedule_occurrence where schedule_id = ?',
    ),
  };
}

const toRow = (one: Schedule): ScheduleTable => ({
  id: one.id,
  user_id: one.userId,
  channel: one.channel,
  thread: one.thread,
  kind: one.kind,
  text: one.text,
  rule: JSON.stringify(one.rule),
  zone: one.zone,
  start_wall: one.start,
  end_wall: one.end,
  count: one.count,
  catch_up: one.catchUp,
  catch_up_ms: one.catchUpMs,
  pause_on_failures: one.pauseOnFailures,
  created_by: one.createdBy,
  created_at: one.createdAt,
  updated_at: one.updatedAt,
  state: one.state,
  pause_reason: one.pauseReason,
  cursor_wall: one.cursor,
  next_at: one.nextAt,
  next_wall: one.nextWall,
  settled: one.settled,
  missed: one.missed,
  failures: one.failures,
  last_job_id: one.lastJobId,
  revision: one.revision,
});

const toSchedule = (row: ScheduleTable): Schedule => ({
  id: row.id,
  userId: row.user_id,
  channel: row.channel,
  thread: row.thread,
  kind: row.kind as Schedule['kind'],
  text: row.text,
  rule: toRule(row.rule),
  zone: row.zone,
  start: row.start_wall,
  end: row.end_wall,
  count: row.count,
  catchUp: row.catch_up as Schedule['catchUp'],
  catchUpMs: row.catch_up_ms,
  pauseOnFailures: row.pause_on_failures,
  createdBy: row.created_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  state: row.state as Schedule['state'],
  pauseReason: row.pause_reason,
  cursor: row.cursor_wall,
  nextAt: row.next_at,
  nextWall: row.next_wall,
  settled: row.settled,
  missed: row.missed,
  failures: row.failures,
  lastJobId: row.last_job_id,
  revision: row.revision,
});

/** A damaged rule becomes one that cannot be read: only its schedule is paused. */
function toRule(text: string): ScheduleRule {
  try {
    return JSON.parse(text) as ScheduleRule;
  } catch {
    return { cron: text };
  }
}

const toOccurrenceRow = (one: OccurrenceRecord): ScheduleOccurrenceTable => ({
  schedule_id: one.scheduleId,
  wall: one.wall,
  due_at: one.dueAt,
  at: one.at,
  outcome: one.outcome,
  missed_before: one.missedBefore,
  job_id: one.jobId,
});

const toOccurrence = (row: ScheduleOccurrenceTable): OccurrenceRecord => ({
  scheduleId: row.schedule_id,
  wall: row.wall,
  dueAt: row.due_at,
  at: row.at,
  outcome: row.outcome as OccurrenceRecord['outcome'],
  missedBefore: row.missed_before,
  jobId: row.job_id,
});

/** Maps schedules and occurrences to their rows, which are the same on both databases. */
import { scheduleTypePrefix, type NewEventRow } from '#storage/document-event-row';
import type { ScheduleOccurrenceTable, ScheduleTable } from '#storage/schema';
import type { OccurrenceRecord, Schedule, ScheduleRule } from '../schedule.ts';
import type { ScheduleChange } from '../schedule-port.ts';

export const scheduleColumns = (
  'id user_id channel thread kind text rule zone start_wall end_wall count catch_up catch_up_ms ' +
  'pause_on_failures created_by created_at updated_at state pause_reason cursor_wall next_at ' +
  'next_wall settled missed failures last_job_id revision undelivered_at overlap last'
).split(' ');

export const scheduleRowOf = (one: Schedule): ScheduleTable => ({
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
  undelivered_at: one.undeliveredAt,
  overlap: one.overlap,
  last: one.last === null ? null : JSON.stringify(one.last),
});

export const scheduleOf = (row: ScheduleTable): Schedule => ({
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
  undeliveredAt: row.undelivered_at,
  overlap: (row.overlap ?? 'skip') as Schedule['overlap'],
  last: row.last === null ? null : (JSON.parse(row.last) as Schedule['last']),
});

/** A damaged rule becomes one that cannot be read: only its schedule is paused. */
function toRule(text: string): ScheduleRule {
  try {
    return JSON.parse(text) as ScheduleRule;
  } catch {
    return { cron: text };
  }
}

export const eventRowsOf = ({ schedule, events }: ScheduleChange): NewEventRow[] =>
  events.map(({ type, data }) => ({
    documentId: schedule.id,
    userId: schedule.userId,
    type: `${scheduleTypePrefix}${type}`,
    state: schedule.state,
    at: schedule.updatedAt,
    data: { kind: schedule.kind, ...data },
  }));

export const occurrenceRowOf = (one: OccurrenceRecord): ScheduleOccurrenceTable => ({
  schedule_id: one.scheduleId,
  wall: one.wall,
  due_at: one.dueAt,
  at: one.at,
  outcome: one.outcome,
  missed_before: one.missedBefore,
  job_id: one.jobId,
});

export const occurrenceOf = (row: ScheduleOccurrenceTable): OccurrenceRecord => ({
  scheduleId: row.schedule_id,
  wall: row.wall,
  dueAt: row.due_at,
  at: row.at,
  outcome: row.outcome as OccurrenceRecord['outcome'],
  missedBefore: row.missed_before,
  jobId: row.job_id,
});

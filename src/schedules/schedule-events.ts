/** The events of a schedule's changes. Pure. */
import { isoTime } from '#shared/calendar/time-units';
import type { OccurrenceRecord, Schedule } from './schedule.ts';
import type { NewScheduleEvent } from './schedule-port.ts';

const timeOf = (at: number | null): string | null => (at === null ? null : isoTime(at));

/** All that a subscriber needs to show the schedule. */
const whole = ({ text, rule, zone, channel, thread, nextAt }: Schedule) => ({
  text,
  rule,
  zone,
  channel,
  thread,
  next_at: timeOf(nextAt),
});

export const created = (one: Schedule): NewScheduleEvent => ({
  type: 'created',
  data: { ...whole(one), created_by: one.createdBy },
});

export const changed = (one: Schedule): NewScheduleEvent => ({ type: 'changed', data: whole(one) });

/** @param jobId of the message that says so */
export const paused = (one: Schedule, jobId?: string): NewScheduleEvent => ({
  type: 'paused',
  data: { reason: one.pauseReason, ...(jobId === undefined ? {} : { job_id: jobId }) },
});

export const resumed = ({ nextAt }: Schedule): NewScheduleEvent => ({
  type: 'resumed',
  data: { next_at: timeOf(nextAt) },
});

export const deleted = (by: 'person' | 'calendar'): NewScheduleEvent => ({
  type: 'deleted',
  data: { by },
});

export const failed = (jobId: string, failures: number): NewScheduleEvent => ({
  type: 'failed',
  data: { job_id: jobId, failures },
});

/** `next`: the schedule after the occurrence. */
export function settled(record: OccurrenceRecord, next: Schedule): NewScheduleEvent {
  const { outcome, wall, dueAt, at, missedBefore, jobId } = record;
  return {
    type: outcome === 'manual' ? 'fired' : outcome,
    data: {
      outcome,
      wall,
      due_at: isoTime(dueAt),
      late_ms: at - dueAt,
      missed_before: missedBefore,
      job_id: jobId,
      next_at: timeOf(next.nextAt),
    },
  };
}

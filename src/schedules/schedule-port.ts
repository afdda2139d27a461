/** Storage port of schedules: reads, and writes as commands. Nothing here names SQL. */
import type { ScheduleEvent, ScheduleEventType } from '#shared/wire/schedule-event';
import type { OccurrenceRecord, Schedule, ScheduleKind, ScheduleState } from './schedule.ts';

export interface ScheduleChange {
  /** As it shall be stored; its `revision` is that of the basis plus 1, or 1 for a new one. */
  schedule: Schedule;
  /** Null unless the change settles an occurrence. One that is stored already stays as it is. */
  occurrence: OccurrenceRecord | null;
  /** What the change is to others; stored with it, in this order, each with the next `seq` of the schedule. */
  events: readonly NewScheduleEvent[];
}

/** Its person, state and time are those of the changed schedule. */
export interface NewScheduleEvent {
  type: ScheduleEventType;
  data: Record<string, unknown>;
}

/** The next occurrence of an active schedule, as it was computed. */
export interface NextTime {
  id: string;
  zone: string;
  at: number;
  wall: number;
}

/** Of one person, or of all. */
export interface ScheduleOverview {
  active: number;
  paused: number;
  /** Active ones whose time has come, and that have not fired yet. */
  due: number;
  /** The earliest next occurrence, epoch ms; null: none. */
  nextAt: number | null;
}

export interface ScheduleFilter {
  /** Omitted: all people. */
  userId?: string;
  states?: readonly ScheduleState[];
  createdBy?: string;
}

/**
 * All calls may answer later; a call that fails rejects. `due`, `nextDueAt` and `changedAfter` see the schedules that this
 * process fires: of several workers on one database, those of the partitions that it owns.
 */
export interface ScheduleStorage {
  find(id: string): Promise<Schedule | null>;
  /** By id, at most `limit`, after the id `after`. */
  list(filter: ScheduleFilter, after: string, limit: number): Promise<Schedule[]>;
  /** Number of schedules of one person that are active or paused, without alarms of the calendar. */
  countOpen(userId: string): Promise<number>;
  /** Cheap enough for every scrape. `userId` null: of all people, at all workers. */
  overview(now: number, userId: string | null): Promise<ScheduleOverview>;
  /** Active schedules whose next occurrence is not after `now`, earliest first; `kind` omitted: of every kind. */
  due(now: number, limit: number, kind?: ScheduleKind): Promise<Schedule[]>;
  /** Of schedules that this process fires, by id, at most `limit` after the id `after`. */
  nextTimes(after: string, limit: number): Promise<NextTime[]>;
  /** The earliest next occurrence, epoch ms. */
  nextDueAt(): Promise<number | null>;
  /** Active schedules that were changed after `at`, by id: the clock has been set back since. */
  changedAfter(at: number, limit: number): Promise<Schedule[]>;
  /** Settled occurrences of a schedule, newest first. */
  occurrences(scheduleId: string, limit: number): Promise<OccurrenceRecord[]>;
  /**
   * Writes all changes in one transaction, durable when it resolves.
   * @returns `conflict`, with nothing written, if a stored schedule has another revision than the basis of its change
   * @throws GH_STORE_UNAVAILABLE, GH_STORE_FENCED when another process owns the partition of one of the people
   */
  commit(changes: readonly ScheduleChange[]): Promise<'done' | 'conflict'>;
  /** Events with `seq` above `afterSeq`, in order; at most `limit`. */
  events(scheduleId: string, afterSeq: number, limit: number): Promise<ScheduleEvent[]>;
  /** The last events, newest first. */
  newestEvents(scheduleId: string, limit: number): Promise<ScheduleEvent[]>;
  /** Removes final schedules that were last changed before `before`, with occurrences and events; returns their number. */
  prune(before: number): Promise<number>;
}

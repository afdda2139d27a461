/**
 * Which occurrences of a schedule are due, and what becomes of them. Pure.
 *
 * All occurrences that are due at the same time are settled together, by the last of them: a machine that was off for a
 * week sends one message, not seven.
 */
import type { WallMs, Zones } from '#shared/calendar/zoned-time';
import {
  cursorAfter,
  nextAfterInstant,
  nextOccurrence,
  type Occurrence,
} from './next-occurrence.ts';
import type { JobState } from './occurrence-jobs-port.ts';
import type { OccurrenceOutcome, Schedule } from './schedule.ts';

/** More are not counted one by one: a schedule of every minute has 1,440 a day. */
const countedMax = 500;

/** An occurrence that is more than this late is reported as late: the misfire threshold of other schedulers. */
export const lateMs = 60_000;

/** The occurrences that are due at `now`, earliest first. */
export function dueOccurrences(schedule: Schedule, now: number, zones: Zones): Occurrence[] {
  const due: Occurrence[] = [];
  let { cursor } = schedule;
  while (due.length < countedMax) {
    const next = nextOccurrence(schedule, cursor, schedule.settled + due.length, zones);
    if (next === null || next.at > now) break;
    due.push(next);
    cursor = cursorAfter(next, schedule.zone, zones);
  }
  return due;
}

export interface Situation {
  now: number;
  /** The job of the previous run; null: there is none. */
  before: JobState | null;
}

export function outcomeOf(
  schedule: Schedule,
  { at }: Occurrence,
  { now, before }: Situation,
): OccurrenceOutcome {
  if (schedule.kind !== 'reminder' && overlaps(schedule, before)) return 'skipped';
  const delayMs = now - at;
  if (delayMs <= lateMs) return 'fired';
  return schedule.catchUp === 'skip' && delayMs > schedule.catchUpMs ? 'missed' : 'late';
}

function overlaps({ overlap }: Schedule, before: JobState | null): boolean {
  switch (overlap) {
    case 'skip':
      return before === 'waiting' || before === 'open';
    case 'queue-one':
      return before === 'waiting';
    case 'queue-all':
      return false;
  }
}

/** The schedule after the occurrences `due` (at least one) were settled at `now`. */
export function settledSchedule(
  schedule: Schedule,
  due: readonly Occurrence[],
  now: number,
  zones: Zones,
): Schedule {
  const last = due.at(-1)!;
  const settled = schedule.settled + due.length;
  let cursor: WallMs = cursorAfter(last, schedule.zone, zones);
  let next = nextOccurrence(schedule, cursor, settled, zones);
  if (due.length === countedMax && next !== null && next.at <= now) {
    cursor = zones.toWallTime(now, schedule.zone);
    next = nextAfterInstant(schedule, now, settled, zones);
  }
  return withNext({ ...schedule, cursor, settled, missed: schedule.missed + due.length - 1 }, next);
}

/** An active schedule with its next occurrence; without one it is done. */
export const withNext = (schedule: Schedule, next: Occurrence | null): Schedule => ({
  ...schedule,
  state: next === null ? 'done' : 'active',
  nextAt: next?.at ?? null,
  nextWall: next?.wall ?? null,
});

/** What a new schedule has besides its owner and its timing; `withNext` completes it. */
export const newState = (now: number) => ({
  createdAt: now,
  updatedAt: now,
  state: 'active' as const,
  pauseReason: null,
  nextAt: null,
  nextWall: null,
  settled: 0,
  missed: 0,
  failures: 0,
  lastJobId: null,
  last: null,
  undeliveredAt: null,
  revision: 1,
});

/** The same schedule as a change of `schedule` at `now`. */
export const revised = (schedule: Schedule, now: number): Schedule => ({
  ...schedule,
  updatedAt: now,
  revision: schedule.revision + 1,
});

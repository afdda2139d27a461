/**
 * A schedule as it is stored: wall-clock times with their IANA zone, so that "every day at 9" stays at 9 when the clocks
 * change, and when the zone's rules do.
 */
import { z } from 'zod';

export const scheduleKinds = ['reminder', 'prompt', 'digest'] as const;
export type ScheduleKind = (typeof scheduleKinds)[number];

/** `createdBy` of the alarms of calendar entries. They do not count for the limit of a person. */
export const calendarOrigin = 'calendar';

/** `done`: no further occurrence. `cancelled`: by a person. Both are final. */
export const scheduleStates = ['active', 'paused', 'done', 'cancelled'] as const;
export type ScheduleState = (typeof scheduleStates)[number];

/** `YYYY-MM-DDTHH:MM`, with optional seconds: a time on the wall clock of the schedule's zone. */
export const wallTimeText = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/, 'must be YYYY-MM-DDTHH:MM');

/** When it is due. */
export const scheduleRule = z.union([
  z.strictObject({
    once: wallTimeText,
    /** Of an hour that an autumn change repeats, the second one. Omitted: the first. */
    repeated: z.literal('second').optional(),
  }),
  z.strictObject({
    /** Five fields: minute, hour, day of month (`L`: the last), month, weekday (0 or 7: Sunday). */
    cron: z.string().min(9).max(200),
    /** Every n-th day, week (from Monday) or month that has a match, counted from that of the start. */
    every: z
      .strictObject({ n: z.int().min(2).max(366), unit: z.enum(['day', 'week', 'month']) })
      .optional(),
  }),
]);
export type ScheduleRule = z.infer<typeof scheduleRule>;

export interface Timing {
  rule: ScheduleRule;
  /** IANA name. */
  zone: string;
  /** First possible time; null: from its creation. */
  start: string | null;
  /** Last possible time, included; null: without end. */
  end: string | null;
  /** Number of occurrences in total; null: without limit. */
  count: number | null;
}

/** What happens to an occurrence whose time has passed while the process, or the machine, was off. */
export interface CatchUpPolicy {
  /** `once-late`: the last missed occurrence fires, and says how late it is. `skip`: not beyond `catchUpMs`. */
  catchUp: 'once-late' | 'skip';
  catchUpMs: number;
  /** Consecutive failed jobs after which the schedule is paused; 0: never. */
  pauseOnFailures: number;
}

export interface Schedule extends Timing, CatchUpPolicy {
  id: string;
  /** Its owner; a message goes to this person in `channel` and `thread`. */
  userId: string;
  channel: string;
  thread: string | null;
  kind: ScheduleKind;
  /** The reminder, or the message of a `prompt`; a digest has its title. */
  text: string;
  /** `chat`, `http`, `terminal` … */
  createdBy: string;
  /** Epoch ms, as all times below. */
  createdAt: number;
  updatedAt: number;
  state: ScheduleState;
  /** Why it is paused; null otherwise. */
  pauseReason: string | null;
  /** Wall time, as ms in UTC, up to which all occurrences are settled. */
  cursor: number;
  /** The next occurrence; null unless active. */
  nextAt: number | null;
  /** Wall time of `nextAt`: shows whether the zone's rules have changed since. */
  nextWall: number | null;
  /** Occurrences so far that count for `count`: fired, late, missed and skipped ones. */
  settled: number;
  missed: number;
  /** Consecutive failed jobs. */
  failures: number;
  /** The job of the last occurrence. */
  lastJobId: string | null;
  /** When the last message of it reached no channel of its person; null: it reached one. */
  undeliveredAt: number | null;
  /** Grows with each change: the basis of optimistic concurrency. */
  revision: number;
}

/** `fired` on time, `late` after its time; `missed` and `skipped` ones have a job that says so. */
export const occurrenceOutcomes = ['fired', 'late', 'missed', 'skipped', 'manual'] as const;
export type OccurrenceOutcome = (typeof occurrenceOutcomes)[number];

/** One settled occurrence. Unique by schedule and scheduled wall time. */
export interface OccurrenceRecord {
  scheduleId: string;
  /** Scheduled wall time, `YYYY-MM-DDTHH:MM:SS`, with a suffix for one that was run by hand. */
  wall: string;
  /** Scheduled instant, epoch ms. */
  dueAt: number;
  /** When it was settled, epoch ms. */
  at: number;
  outcome: OccurrenceOutcome;
  /** Earlier occurrences that were due as well: one message reports all of them. */
  missedBefore: number;
  jobId: string;
}

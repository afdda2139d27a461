/**
 * A schedule as it is stored: wall-clock times with their IANA zone, so that "every day at 9" stays at 9 when the clocks
 * change, and when the zone's rules do.
 */
import type {
  OccurrenceOutcome,
  OverlapPolicy,
  ScheduleKind,
  ScheduleRule,
  ScheduleState,
} from '#shared/wire/schedule-service';

export type { OccurrenceOutcome, ScheduleKind, ScheduleRule, ScheduleState };

/** `createdBy` of the alarms of calendar entries. They do not count for the limit of a person. */
export const calendarOrigin = 'calendar';

/** When it is due. */
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

/** What happens to an occurrence that cannot run at its time, or whose runs fail. */
export interface RunPolicy {
  /** `once-late`: the last missed occurrence fires, and says how late it is. `skip`: not beyond `catchUpMs`. */
  catchUp: 'once-late' | 'skip';
  catchUpMs: number;
  /**
   * The run before has not ended (`prompt`, `digest`). `skip`: it is left out, with a message. `queue-one`: it waits for that
   * run, unless one waits already. `queue-all`: it waits for all runs before it.
   */
  overlap: OverlapPolicy;
  /** Consecutive failed jobs after which the schedule is paused; 0: never. */
  pauseOnFailures: number;
}

export interface Schedule extends Timing, RunPolicy {
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
  /** The job of the last occurrence, or of the message that it was paused. */
  lastJobId: string | null;
  /** The last occurrence that was settled, or run by hand. */
  last: LastOccurrence | null;
  /** When the last message of it reached no channel of its person; null: it reached one. */
  undeliveredAt: number | null;
  /** Grows with each change: the basis of optimistic concurrency. */
  revision: number;
}

export interface LastOccurrence {
  /** When it was settled, epoch ms. */
  at: number;
  jobId: string;
  outcome: OccurrenceOutcome;
}

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

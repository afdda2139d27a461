/** Port to the jobs: what a due occurrence opens. */
import type { ScheduledOccurrence } from '#machines/job-types';
import { wallText } from './next-occurrence.ts';
import type { Schedule } from './schedule.ts';
import { occurrenceText, type OccurrenceReport } from './schedule-texts.ts';
import type { WallMs } from '#shared/calendar/zoned-time';

export interface OccurrenceMessage {
  /** Belongs to one job, for good. */
  key: string;
  userId: string;
  channel: string;
  thread: string | null;
  text: string;
  scheduled: Omit<ScheduledOccurrence, 'decision' | 'offers'>;
  /** The whole answer; null: the text is done as a message of the person, or is a digest. */
  reply: string | null;
}

/** What a job of a schedule said in the end, and where. */
export interface ScheduledMessage {
  scheduleId: string;
  scheduled: OccurrenceMessage['scheduled'];
  /** Places that have refused it before: `channel` or `channel/thread`. */
  tried: readonly string[];
  channel: string;
  thread: string | null;
  reply: string;
  /** `seq` of its last event. */
  lastSeq: number;
}

/** `waiting`: it has not begun. `ended` also for a job that retention has removed. */
export type JobState = 'waiting' | 'open' | 'failed' | 'ended';

export interface OccurrenceJobs {
  /**
   * Opens a job, or finds the one of the same key. When it resolves, both are on disk.
   * @throws GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  open(message: OccurrenceMessage): Promise<string>;
  /** The job of a key. */
  find(key: string): Promise<string | null>;
  /** The message of a job that a schedule has opened, after its end; null for any other job. */
  messageOf(jobId: string): Promise<ScheduledMessage | null>;
  stateOf(jobId: string): Promise<JobState>;
}

/** The key of an occurrence. Submissions of people have keys of two parts. */
export const keyOf = (scheduleId: string, wall: WallMs): string =>
  JSON.stringify(['schedule', scheduleId, wallText(wall)]);

export const pauseKeyOf = ({ id, revision }: Schedule): string =>
  JSON.stringify(['schedule', id, `paused ${revision}`]);

/** `report` is null for a message that is about no occurrence; its reply is set by the caller. */
export function occurrenceMessage(
  schedule: Schedule,
  report: OccurrenceReport | null,
  key: string,
): OccurrenceMessage {
  const { id, kind, userId, channel, thread, text } = schedule;
  const outcome = report?.outcome ?? 'paused';
  const isRun = outcome === 'fired' || outcome === 'late' || outcome === 'manual';
  return {
    key,
    userId,
    channel,
    thread,
    // A digest answers with its text first: a late one says so there.
    text: kind === 'digest' && outcome === 'late' ? occurrenceText(schedule, report!) : text,
    scheduled: {
      scheduleId: id,
      kind,
      wall: report === null ? '' : wallText(report.wall),
      outcome,
    },
    reply:
      report === null || (isRun && kind !== 'reminder') ? null : occurrenceText(schedule, report),
  };
}

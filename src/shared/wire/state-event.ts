/**
 * The state event: the published form of every change of a job. The same object on NATS, on SSE, in the journal
 * listing and in the inspector (docs/events.md).
 */
import { z } from 'zod';
import { stateEventTypes, type JobEmitted } from '#machines/job-types';

export const stateEventSchema = z
  .strictObject({
    /** `<job_id>:<seq>`. The same on a redelivery. */
    id: z.string(),
    job_id: z.string(),
    /** Counts from 1 per job, without gaps. */
    seq: z.int(),
    type: z.enum(stateEventTypes),
    /** The job's state when the event was made. */
    state: z.string(),
    at: z.iso.datetime({ offset: true }),
    user_id: z.string(),
    channel: z.string(),
    data: z.record(z.string(), z.unknown()).describe('By type: docs/events.md.'),
  })
  .meta({ id: 'StateEvent' });
export type StateEvent = z.infer<typeof stateEventSchema>;

/** A piece of an answer in progress: not stored, and not counted in `seq`. */
export interface TokenChunk {
  job_id: string;
  /** Counts the chunks of this job in this process. */
  n: number;
  /** Offset of `content` in the answer, in UTF-16 code units; 0: discard the earlier text. */
  off: number;
  content: string;
}

export const eventId = (jobId: string, seq: number): string => `${jobId}:${seq}`;

/** The published state events of one journal row. Pure. */
export function stateEventsOf(
  job: { jobId: string; userId: string; channel: string },
  row: { at: number; seq: number; emitted: readonly JobEmitted[] },
): StateEvent[] {
  const at = new Date(row.at).toISOString();
  return row.emitted.map(({ type, state, data }, index) => ({
    id: eventId(job.jobId, row.seq + index),
    job_id: job.jobId,
    seq: row.seq + index,
    type,
    state,
    at,
    user_id: job.userId,
    channel: job.channel,
    data,
  }));
}

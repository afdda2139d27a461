/**
 * The one door through which messages come in and jobs are looked at, whatever carries them: HTTP, NATS or
 * a command. Same shapes, same limits, same errors everywhere.
 */
import { z } from 'zod';
import type { StateEvent } from './state-event.ts';

/** The body of `POST /chat` and of a submit over NATS. Unknown fields are ignored. */
export const submitBody = z.object({
  message: z.string(),
  user_id: z.string().min(1).max(256).optional(),
  channel: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}')
    .optional(),
  idempotency_key: z.string().min(1).max(256).optional(),
});

export const listQuery = z.object({
  state: z.string().max(32).optional(),
  user_id: z.string().max(256).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** Opaque; `next_cursor` of the page before. */
  cursor: z.string().max(64).optional(),
});

export interface JobView {
  job_id: string;
  user_id: string;
  channel: string;
  message: string;
  state: string;
  outcome: string | null;
  /** Null until the job has ended. */
  reply: string | null;
  seq: number;
  queue: { position: number; ahead: number; etaMs: number | null } | null;
  created_at: string;
  updated_at: string;
  /** Milliseconds spent in each state so far. */
  timings: Record<string, number>;
}

export interface JobPage {
  jobs: Omit<JobView, 'timings' | 'queue'>[];
  next_cursor: string | null;
}

export interface Accepted {
  job_id: string;
  /** What answers this message comes after this event: 0 for a new job, more for a word to one that waits. */
  after_seq: number;
}

/** All calls throw GatehouseError, with the codes of docs/errors.md. */
export interface JobDoor {
  /**
   * Resolves when the message is on disk. `body` is unchecked input. A word of consent while a draft of this
   * user waits is an event for that job, and its id is returned.
   * @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY, GH_REQUEST_TOO_LONG, GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE
   */
  submit(body: unknown, defaults?: { userId?: string; channel?: string }): Promise<Accepted>;
  /** @throws GH_JOB_NOT_FOUND */
  get(jobId: string): Promise<JobView>;
  /** @throws GH_REQUEST_INVALID */
  list(query: unknown): Promise<JobPage>;
  /** All state events of the job with `seq` greater than `afterSeq`. @throws GH_JOB_NOT_FOUND */
  events(jobId: string, afterSeq?: number): Promise<StateEvent[]>;
  /** Resolves when the cancel is on disk. @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT */
  cancel(jobId: string, by: string): Promise<void>;
  confirm(jobId: string, by: string): Promise<void>;
  reject(jobId: string, by: string): Promise<void>;
  /** What has been written of the answer so far, or the whole reply of an ended job. @throws GH_JOB_NOT_FOUND */
  text(jobId: string): Promise<{ job_id: string; text: string; final: boolean }>;
}

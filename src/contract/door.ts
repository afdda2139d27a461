/**
 * The one door through which messages come in and jobs are looked at, whatever carries them: HTTP, NATS or
 * a command. Same shapes, same limits, same errors everywhere.
 */
import { z } from 'zod';
import { jobStates, outcomes } from '../../machines/job-types.ts';
import type { Listing } from '../lib/listing.ts';
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
  /** Where in the channel: messages of different threads are different conversations. */
  thread: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}')
    .optional(),
  /** The text of a file that came with the message: kept as a document of the user, and shown to the models. */
  attachment: z
    .object({ name: z.string().min(1).max(200), text: z.string().min(1).max(60_000) })
    .optional(),
  /** Which draft the sender sees. Left out: the newest draft that waits in the conversation is meant. */
  draft: z
    .object({
      job_id: z.string().min(1).max(64),
      draft_seq: z.int().min(1).describe('`seq` of the event that showed the draft.'),
    })
    .nullable()
    .optional()
    .describe(
      'The draft on the screen of the sender. A yes, a no or a change is meant for this draft only: where it does not wait any more, or another one stands in its place, the message is refused (`GH_JOB_CONFLICT`) and nothing is written. null: the sender sees no draft, and the message answers none.',
    ),
});

/** The body of a confirm, over HTTP and over NATS. */
export const confirmBody = z.object({
  draft_seq: z
    .int()
    .min(1)
    .optional()
    .describe(
      '`seq` of the event that showed the draft. Where the job shows another draft by now, nothing is written. Without it the draft is meant that waits.',
    ),
});

/** How a job has ended, as `outcome` of `listQuery` takes it. A cancelled job has the outcome null, and is found by its own word. */
export const jobOutcomes = [...outcomes, 'cancelled'] as const;

const oneOf = <Word extends string>(words: readonly Word[]) =>
  z.enum(words, { error: `expected one of ${words.join(', ')}` });

/** Of a list whose rows have long texts. */
export const wholeTexts = z
  .union([z.boolean(), z.stringbool()])
  .default(false)
  .describe('`1`: with whole texts. Without it a text is cut after 1,000 characters.');

export const listQuery = z.object({
  state: oneOf(jobStates).optional(),
  outcome: oneOf(jobOutcomes)
    .optional()
    .describe('How the job has ended. `cancelled` finds the same jobs as the state of that name.'),
  user_id: z.string().max(256).optional(),
  channel: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** Opaque; `next` of the page before. */
  cursor: z.string().max(64).optional(),
  texts: wholeTexts,
});

/** What `GET /jobs/:id/events` takes. */
export const eventsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  cursor: z.coerce.number().int().min(0).default(0).describe('`next` of the page before: a `seq`.'),
});

export interface JobView {
  job_id: string;
  user_id: string;
  channel: string;
  /** Where in the channel, as the message said it; null: the channel itself. */
  thread: string | null;
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
  /** Set where a reply of the job did not surely arrive in its chat. */
  delivery: 'uncertain' | 'dead' | null;
  /** Replies that were to be posted in a chat, oldest first; empty where no bridge has reported. */
  deliveries: DeliveryView[];
  /** Of a job that failed: what its last `error` event says. */
  cause: CauseView | null;
}

/** Why a job failed: its code and, where a server is the cause, what that did and said. */
export interface CauseView {
  code: string;
  error_reason: string | null;
  /** Backend, status and the first line of the answer, without keys and logins; at most 240 characters. */
  error_detail: string | null;
}

/** What became of one reply of a job in its chat. */
export interface DeliveryView {
  reply_id: string;
  /** `uncertain`: it may be there or not, and was not sent again. `dead`: given up. */
  status: 'sent' | 'uncertain' | 'dead';
  parts: number;
  error: string | null;
  at: string;
}

/** A job in a list. */
export type ListedJob = Omit<JobView, 'timings' | 'queue' | 'deliveries' | 'cause'> & {
  /** The message goes on: it is whole in `GET /chat/:id`. */
  message_cut?: true;
  /** The reply goes on: it is whole in `GET /chat/:id`. */
  reply_cut?: true;
};

export interface JobPage {
  jobs: ListedJob[];
  /** Null: there is no more. A page with a cursor may be short, or empty: a filter is looked for a bounded way back. */
  next: string | null;
  /** The same as `next`. */
  next_cursor: string | null;
  /** Jobs that were looked at for this page. */
  looked: number;
}

export interface Accepted {
  job_id: string;
  /** What answers this message comes after this event: 0 for a new job, more for a word to one that waits. */
  after_seq: number;
}

/** What a door knows besides the body. */
export interface SubmitDefaults {
  userId?: string;
  channel?: string;
  /** The header as it came, unchecked; one that is not valid is ignored. */
  traceparent?: string | undefined;
}

/** All calls throw GatehouseError, with the codes of docs/errors.md. */
export interface JobDoor {
  /**
   * Resolves when the message is on disk. `body` is unchecked input. A word of consent while a draft of this
   * user waits is an event for that job, and its id is returned.
   * @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY, GH_REQUEST_TOO_LONG, GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE; where
   *   the body names a `draft`: GH_JOB_NOT_FOUND (no job of this conversation), GH_JOB_CONFLICT (it is decided or changed)
   */
  submit(body: unknown, defaults?: SubmitDefaults): Promise<Accepted>;
  /** @throws GH_JOB_NOT_FOUND */
  get(jobId: string): Promise<JobView>;
  /** A page of at most `bytesMax` bytes of JSON, 1 MiB where nothing is said. @throws GH_REQUEST_INVALID */
  list(query: unknown, bytesMax?: number): Promise<JobPage>;
  /** The same page in slices, read as they are asked for. @throws GH_REQUEST_INVALID */
  listing(query: unknown, bytesMax?: number): Listing<ListedJob>;
  /**
   * State events of the job with `seq` greater than `afterSeq`, in order, as many as one list carries: there are no
   * more where it is empty. @throws GH_JOB_NOT_FOUND
   */
  events(jobId: string, afterSeq?: number): Promise<StateEvent[]>;
  /** A page of them in slices; its cursor is a `seq`. @throws GH_JOB_NOT_FOUND */
  eventListing(jobId: string, page: { cursor: number; limit: number }): Listing<StateEvent>;
  /** Resolves when the cancel is on disk. @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT */
  cancel(jobId: string, by: string): Promise<void>;
  /** `draftSeq`: as in `confirmBody`; for another draft GH_JOB_CONFLICT. */
  confirm(jobId: string, by: string, draftSeq?: number): Promise<void>;
  reject(jobId: string, by: string): Promise<void>;
  /** What has been written of the answer so far, or the whole reply of an ended job. @throws GH_JOB_NOT_FOUND */
  text(jobId: string): Promise<{ job_id: string; text: string; final: boolean }>;
}

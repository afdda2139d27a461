/**
 * The entry point for messages and job queries, shared by all transports (HTTP, NATS, CLI): same shapes, same limits,
 * same errors.
 */
import { z } from 'zod';
import { jobStates, outcomes, replyOffers, type ReplyPlace } from '#machines/job-types';
import type { Listing } from '../listing.ts';
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
  /** Thread within the channel: different threads are different conversations. */
  thread: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}')
    .optional(),
  /** Text of a file that came with the message: stored as a document of the user, and shown to the models. */
  attachment: z
    .object({ name: z.string().min(1).max(200), text: z.string().min(1).max(60_000) })
    .optional(),
  /** The message is a press on a button under an earlier answer. */
  offer: z
    .object({ job_id: z.string().min(1).max(64), name: z.enum(replyOffers) })
    .optional()
    .describe(
      'A button under an answer: the job whose `done` event named it in `offers`. The message then says what that button says, and it is about that answer only. It is refused where the answer has no such button (`GH_JOB_CONFLICT`).',
    ),
  /** The draft that the sender sees. Absent: the newest draft waiting in the conversation. */
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

/** Values of the `outcome` filter. A cancelled job has outcome null and is found by `cancelled`. */
const jobOutcomes = [...outcomes, 'cancelled'] as const;

const oneOf = <Word extends string>(words: readonly Word[]) =>
  z.enum(words, { error: `expected one of ${words.join(', ')}` });

/** Query option of lists whose rows have long texts. */
export const wholeTexts = z
  .union([z.boolean(), z.stringbool()])
  .default(false)
  .describe('`1`: with whole texts. Without it a text is cut after 1,000 characters.');

/** Rows of one page of a list of jobs, at most. */
export const listLimitMax = 500;

export const listQuery = z.object({
  state: oneOf(jobStates).optional(),
  outcome: oneOf(jobOutcomes)
    .optional()
    .describe('How the job has ended. `cancelled` finds the same jobs as the state of that name.'),
  user_id: z.string().max(256).optional(),
  channel: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(listLimitMax).default(50),
  /** Opaque: `next` of the previous page. */
  cursor: z.string().max(64).optional(),
  texts: wholeTexts,
});

/** Query of `GET /jobs/:id/events`. */
export const eventsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  cursor: z.coerce.number().int().min(0).default(0).describe('`next` of the page before: a `seq`.'),
});

const time = z.iso.datetime({ offset: true });

const queueSchema = z.strictObject({
  position: z.int(),
  ahead: z.int(),
  etaMs: z.number().nullable().describe('An estimate, from measured times.'),
});

/** Fields of a job that lists have too. */
const listedFields = {
  job_id: z.string(),
  user_id: z.string(),
  channel: z.string(),
  thread: z.string().nullable().describe('Null: the channel itself.'),
  message: z.string(),
  state: z.string(),
  outcome: z.enum(outcomes).nullable(),
  reply: z.string().nullable().describe('Null until the job has ended.'),
  seq: z.int(),
  created_at: time,
  updated_at: time,
  delivery: z
    .enum(['uncertain', 'dead'])
    .nullable()
    .describe('A reply did not surely arrive in its chat.'),
};

/** Delivery of one reply of a job to its chat. */
const deliverySchema = z.strictObject({
  reply_id: z.string(),
  /** `uncertain`: it may have been posted, and is not sent again. `dead`: given up. */
  status: z.enum(['sent', 'uncertain', 'dead']),
  parts: z.int(),
  error: z.string().nullable(),
  at: time,
});

/** Why a job failed: the error code and, if a model server caused it, the server's reason and message. */
const causeSchema = z.strictObject({
  code: z.string(),
  error_reason: z.string().nullable(),
  /** At most 240 characters. */
  error_detail: z
    .string()
    .nullable()
    .describe('Backend, status and the first line of the answer, without keys and logins.'),
});
export type CauseView = z.infer<typeof causeSchema>;

export const jobSchema = z
  .strictObject({
    ...listedFields,
    queue: queueSchema.nullable(),
    timings: z.record(z.string(), z.number()).describe('Milliseconds in each state so far.'),
    /** Oldest first; empty if no bridge has reported. */
    deliveries: z.array(deliverySchema),
    cause: causeSchema
      .nullable()
      .describe('Of a job that failed: what its last `error` event says.'),
  })
  .meta({ id: 'Job' });
export type JobView = z.infer<typeof jobSchema>;

const isCut = z.literal(true).optional();
const previewFields = {
  ...listedFields,
  message_cut: isCut.describe('The message goes on: it is whole in `GET /chat/:id`.'),
  reply_cut: isCut.describe('The reply goes on: it is whole in `GET /chat/:id`.'),
};
export const listedJobSchema = z.strictObject(previewFields).meta({ id: 'ListedJob' });
export type ListedJob = z.infer<typeof listedJobSchema>;

/** A job in the results of a search. */
export const foundJobSchema = z.strictObject({ ...previewFields, queue: queueSchema.nullable() });

export const nextCursor = z.string().nullable().describe('Null: there is no more.');
/** The end of a page of a list; a page with a cursor may be short or empty. */
export const nextPage = {
  next: nextCursor.describe('`cursor` of the next page. Null: there is no more.'),
  next_cursor: nextCursor.describe('The same as `next`.'),
};

export const jobPageSchema = z.strictObject({
  jobs: z.array(listedJobSchema),
  ...nextPage,
  looked: z.int().describe('Jobs that were looked at for this page.'),
});
export type JobPage = z.infer<typeof jobPageSchema>;

export const submitReceiptSchema = z.strictObject({
  job_id: z.string(),
  /** 0 for a new job, more for a message to a waiting job. */
  after_seq: z.int().describe('What answers this message comes after this event of the job.'),
});
export type SubmitReceipt = z.infer<typeof submitReceiptSchema>;

/** What the transport knows besides the body. */
export interface SubmitContext {
  userId?: string;
  channel?: string;
  /** The raw header; an invalid one is ignored. */
  traceparent?: string | undefined;
  /**
   * Names the request among those of its user: `jobOfRequest` finds its job. As an `idempotency_key`, but of the user and not of the conversation;
   * that key is ignored then.
   */
  requestKey?: string | undefined;
  /** The message answers the question about `draft`: what is neither yes, no nor a change shows the draft again. */
  isDraftAnswer?: boolean | undefined;
}

/**
 * All calls throw GatehouseError, with the codes of docs/errors.md. `via`: the place where the person decided, if it is not
 * that of the job; what follows is told there too.
 */
export interface JobService {
  /**
   * Resolves when the message is on disk. `body` is unchecked input. A consent while a draft of this user waits becomes
   * an event of that job, and returns its id.
   * @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY, GH_REQUEST_TOO_LONG, GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE; if
   *   the body names a `draft`: GH_JOB_NOT_FOUND (no job of this conversation), GH_JOB_CONFLICT (decided or changed)
   */
  submit(body: unknown, context?: SubmitContext): Promise<SubmitReceipt>;
  /** The id of the job that a request with this key has opened or changed; null: there is none. */
  jobOfRequest(userId: string, requestKey: string): Promise<string | null>;
  /** @throws GH_JOB_NOT_FOUND */
  get(jobId: string): Promise<JobView>;
  /** A page of at most `bytesMax` bytes of JSON (default 1 MiB). @throws GH_REQUEST_INVALID */
  list(query: unknown, bytesMax?: number): Promise<JobPage>;
  /** The same page as a stream of slices, read on demand. @throws GH_REQUEST_INVALID */
  listing(query: unknown, bytesMax?: number): Listing<ListedJob>;
  /**
   * State events of the job with `seq` above `afterSeq`, in order, at most one list long; empty: no more events.
   * @throws GH_JOB_NOT_FOUND
   */
  events(jobId: string, afterSeq?: number): Promise<StateEvent[]>;
  /** A page of events as slices; its cursor is a `seq`. @throws GH_JOB_NOT_FOUND */
  eventListing(jobId: string, page: { cursor: number; limit: number }): Listing<StateEvent>;
  /** Resolves when the cancel is on disk. @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT */
  cancel(jobId: string, by: string, via?: ReplyPlace): Promise<void>;
  /** `draftSeq` as in `confirmBody`. @throws GH_JOB_CONFLICT for another draft */
  confirm(jobId: string, by: string, draftSeq?: number, via?: ReplyPlace): Promise<void>;
  reject(jobId: string, by: string, via?: ReplyPlace): Promise<void>;
  /** The answer as written so far, or the whole reply of an ended job. @throws GH_JOB_NOT_FOUND */
  text(jobId: string): Promise<{ job_id: string; text: string; final: boolean }>;
}

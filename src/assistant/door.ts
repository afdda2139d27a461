/**
 * The door of CONTRACT sections 3 and 5: checks what comes in, decides whether a message is a new job or a
 * word to a job that waits, and shows jobs as the outside sees them.
 */
import {
  submitBody,
  type Accepted,
  type CauseView,
  type JobDoor,
  type JobView,
  type SubmitDefaults,
} from '../contract/door.ts';
import { conversationOf } from '../contract/conversation.ts';
import type { Delivery } from '../contract/outbox-storage.ts';
import { readTraceParent, traceParentOf } from '../contract/trace.ts';
import type { Clock } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { IdSource } from '../lib/ids.ts';
import type { JobEvent, JobLimits } from '../../machines/job-types.ts';
import { collected } from '../lib/listing.ts';
import { localeOf, type Locale } from '../../machines/texts.ts';
import type { Journal } from '../journal/journal.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { JobListing, JobQueries } from '../store/job-queries.ts';
import type { JobStorage, StoredJob } from '../store/job-storage.ts';
import { parse } from './door-input.ts';
import { eventListing, jobListing, listedJob, pageOf } from './job-lists.ts';

export interface DoorOptions {
  journal: Journal;
  storage: Pick<JobStorage, 'waitingJob' | 'runningJob' | 'find' | 'jobOfKey' | 'seqBeforeKey'>;
  queries: JobQueries;
  hub: LiveHub;
  clock: Clock;
  nextId: IdSource;
  messageMaxChars: number;
  limits: JobLimits;
  locale: 'auto' | Locale;
  /** What a message means to a draft that waits for this user; null: it is a question like any other. */
  readReply(message: string, nowMs: number): DraftReply | null;
  /** Whether a message asks to stop what runs for this user; of it and a draft that waits the newer one is meant. */
  readCancel?(message: string): boolean;
  /** What became of the replies of a job in its chat, oldest first. */
  deliveriesOf?(jobId: string): Omit<Delivery, 'job_id' | 'channel'>[];
  /** Keeps a file's text that came with a message as a document of the user. The same file twice is one document. */
  keepAttachment?(userId: string, attachment: Attachment): void;
}

interface Attachment {
  name: string;
  text: string;
}

export type DraftReply =
  | { type: 'confirm' }
  | { type: 'reject' }
  /** About the draft, but no plain answer: the draft is shown again. */
  | { type: 'unclear' }
  | { type: 'edit'; changes: Record<string, unknown> };

/** Who speaks where nobody says: one person on their own machine. */
const defaultUser = 'local';
const defaultChannel = 'http';
/** Events of one reading: those of the longest jobs, where their texts are short. */
const eventsMax = 10_000;

export function createDoor(options: DoorOptions): JobDoor {
  const { journal, queries, hub } = options;

  const find = async (jobId: string): Promise<JobListing> => {
    const job = await queries.find(jobId);
    if (job === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
    return job;
  };

  return {
    submit: (body, defaults = {}) => submit(options, body, defaults),

    async get(jobId) {
      const job = await find(jobId);
      const cause = job.outcome === 'failed' ? await causeOf(queries, jobId) : null;
      return { ...viewOf(job, await queries.path(job.num), options), cause };
    },

    list: (query, bytesMax) => pageOf(jobListing(queries, query, bytesMax)),
    listing: (query, bytesMax) => jobListing(queries, query, bytesMax),
    events: async (jobId, afterSeq = 0) =>
      (await collected(eventListing(queries, jobId, { cursor: afterSeq, limit: eventsMax }))).rows,
    eventListing: (jobId, page) => eventListing(queries, jobId, page),

    cancel: (jobId, by) => journal.send(jobId, { type: 'cancel', by }),
    confirm: (jobId, by, draftSeq) =>
      journal.send(jobId, {
        type: 'confirm',
        by,
        ...(draftSeq === undefined ? {} : { draftSeq }),
      }),
    reject: (jobId, by) => journal.send(jobId, { type: 'reject', by }),

    async text(jobId) {
      const job = await find(jobId);
      const isEnded = job.ended_at !== null;
      const text = isEnded ? (job.reply ?? '') : (hub.textSoFar(jobId)?.content ?? '');
      return { job_id: jobId, text, final: isEnded };
    },
  };
}

async function causeOf(queries: JobQueries, jobId: string): Promise<CauseView | null> {
  const all = eventListing(queries, jobId, { cursor: 0, limit: eventsMax });
  const data = (await collected(all)).rows.findLast(({ type }) => type === 'error')?.data;
  if (data === undefined) return null;
  const textOf = (name: string): string | null =>
    typeof data[name] === 'string' ? data[name] : null;
  const [code, reason, detail] = ['code', 'error_reason', 'error_detail'].map(textOf);
  return { code: code ?? '', error_reason: reason ?? null, error_detail: detail ?? null };
}

async function submit(
  options: DoorOptions,
  body: unknown,
  defaults: SubmitDefaults,
): Promise<Accepted> {
  const { journal, storage, clock, nextId, limits } = options;
  const parsed = parse(submitBody, body);
  const message = checkMessage(parsed.message, options.messageMaxChars);
  const userId = (parsed.user_id ?? defaults.userId ?? defaultUser).toWellFormed();
  const channel = parsed.channel ?? defaults.channel ?? defaultChannel;
  const conversation = conversationOf({ channel, thread: parsed.thread, userId });
  // A key belongs to its sender: the same key of another user is another message.
  const key = parsed.idempotency_key;
  const idempotencyKey =
    key === undefined ? null : JSON.stringify([conversation, key.toWellFormed()]);
  const known = idempotencyKey === null ? null : storage.jobOfKey(idempotencyKey);
  if (known !== null) return { job_id: known, after_seq: storage.seqBeforeKey(idempotencyKey!) };

  // Kept before anything else: a file that comes with an answer to a draft is a document too, and a first step of
  // a new job may look for it. Where the message is refused, the next try finds the same document.
  const { thread, attachment } = parsed;
  if (attachment !== undefined) options.keepAttachment?.(userId, attachment);

  const { draft } = parsed;
  if (draft !== undefined && draft !== null) {
    const event = eventForDraft(options, conversation, draft, message, userId);
    if (event !== null) {
      const seq = storage.find(draft.job_id)?.head.seq ?? 0;
      await journal.send(draft.job_id, event, idempotencyKey);
      return { job_id: draft.job_id, after_seq: seq };
    }
  }
  const waiting = draft === undefined ? storage.waitingJob(conversation) : null;
  const reply = waiting === null ? null : options.readReply(message, clock.now());
  const stops = stoppedBy(options, conversation, message, waiting);
  if (stops !== null) {
    const event = { type: 'cancel' as const, by: userId };
    if (await tell(journal, stops.id, event, idempotencyKey)) {
      return { job_id: stops.id, after_seq: stops.head.seq };
    }
  }
  if (waiting !== null && reply !== null) {
    const seq = storage.find(waiting)?.head.seq ?? 0;
    const say = (event: JobEvent) => tell(journal, waiting, event, idempotencyKey);
    if (await answerDraft(reply, userId, seq, say)) return { job_id: waiting, after_seq: seq };
  }
  const jobId = nextId();
  const locale = options.locale === 'auto' ? localeOf(message) : options.locale;
  const caller = readTraceParent(defaults.traceparent);
  const input = {
    jobId,
    userId,
    channel,
    message,
    locale,
    limits,
    ...(thread === undefined ? {} : { thread }),
    ...(attachment === undefined ? {} : { attachment }),
    ...(caller === null ? {} : { traceparent: traceParentOf(caller) }),
  };
  const accepted = await journal.submit({ input, conversation, idempotencyKey });
  return { job_id: accepted.jobId, after_seq: 0 };
}

/**
 * What a message says to the draft that its sender sees; null: it is a message of its own. The job is the sender's:
 * one of another conversation is as unknown as one that never was.
 */
function eventForDraft(
  { storage, readReply, clock }: DoorOptions,
  conversation: string,
  { job_id: jobId, draft_seq: draftSeq }: { job_id: string; draft_seq: number },
  message: string,
  by: string,
): JobEvent | null {
  const job = storage.find(jobId);
  if (job?.conversation !== conversation) throw new GatehouseError('GH_JOB_NOT_FOUND');
  const reply = readReply(message, clock.now());
  // The journal looks once more, for a yes; the other answers write nothing.
  if (reply === null) return null;
  if (job.head.endedAt === null && job.head.seq !== draftSeq) {
    throw new GatehouseError('GH_JOB_CONFLICT', 'The draft has changed since');
  }
  return eventOf(reply, by, draftSeq);
}

/** `draftSeq`: of the event that showed the draft. A yes counts for that draft only; an unclear answer shows it again. */
function eventOf(reply: DraftReply, by: string, draftSeq: number): JobEvent {
  switch (reply.type) {
    case 'confirm':
      return { type: 'confirm', by, draftSeq };
    case 'unclear':
      return { type: 'confirm.early', by };
    default:
      return { ...reply, by };
  }
}

/** False where the draft was decided in the meantime. A yes to a draft that is being changed says nothing yet. */
const answerDraft = async (
  reply: DraftReply,
  by: string,
  draftSeq: number,
  say: (event: JobEvent) => Promise<boolean>,
): Promise<boolean> =>
  (await say(eventOf(reply, by, draftSeq))) ||
  (reply.type === 'confirm' && (await say({ type: 'confirm.early', by })));

/** The job that a word of stopping is meant for, unless it is the draft that waits: the newer one of the two. */
function stoppedBy(
  { storage, readCancel }: DoorOptions,
  conversation: string,
  message: string,
  waiting: string | null,
): StoredJob | null {
  if (readCancel?.(message) !== true) return null;
  const runningId = storage.runningJob(conversation);
  const running = runningId === null ? null : storage.find(runningId);
  const draft = waiting === null ? null : storage.find(waiting);
  return running !== null && running.num > (draft?.num ?? 0) ? running : null;
}

/** False when the draft was decided by someone else in the meantime: then the word is an ordinary message. */
async function tell(
  journal: Journal,
  jobId: string,
  event: JobEvent,
  idempotencyKey: string | null,
): Promise<boolean> {
  try {
    await journal.send(jobId, event, idempotencyKey);
    return true;
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'GH_JOB_CONFLICT') return false;
    throw error;
  }
}

function checkMessage(raw: string, maxChars: number): string {
  // A lone surrogate cannot be stored as UTF-8: it would come back as another character than it went in.
  const message = raw.toWellFormed();
  if (message.trim() === '') throw new GatehouseError('GH_REQUEST_EMPTY');
  const { length } = Array.from(message);
  if (length > maxChars) {
    throw new GatehouseError(
      'GH_REQUEST_TOO_LONG',
      `The message has ${length} characters; ${maxChars} is the limit`,
    );
  }
  return message;
}

const iso = (at: number): string => new Date(at).toISOString();

function viewOf(
  job: JobListing,
  path: [state: string, at: number][],
  { journal, clock, deliveriesOf }: DoorOptions,
): Omit<JobView, 'cause'> {
  const timings: Record<string, number> = {};
  path.forEach(([state, at], index) => {
    const until = path[index + 1]?.[1] ?? job.ended_at ?? clock.now();
    // A clock that was set back between two steps takes no time from them.
    timings[state] = (timings[state] ?? 0) + Math.max(0, until - at);
  });
  return {
    ...listedJob(job),
    queue: job.ended_at === null ? journal.queueOf(job.id) : null,
    timings,
    deliveries: (deliveriesOf?.(job.id) ?? []).map(({ reply_id, status, parts, error, at }) => ({
      reply_id,
      status,
      parts,
      error,
      at: iso(at),
    })),
  };
}

/**
 * The job service: validates input, decides whether a message is a new job or a reply to a waiting job, and shows jobs
 * as clients see them.
 */
import {
  submitBody,
  type SubmitReceipt,
  type CauseView,
  type JobService,
  type JobView,
  type SubmitContext,
} from '#shared/wire/job-service';
import { conversationKey } from '#shared/wire/conversation';
import { noPersons, type Persons } from '#shared/persons';
import { confirmState } from '#machines/job-states';
import type { Delivery } from '#shared/wire/delivery-report';
import { parseTraceParent, formatTraceParent } from '#shared/wire/trace';
import type { FairSlices } from '#shared/fair-slices';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { IdSource } from '#shared/ids';
import type { MaybePromise } from '#shared/maybe-promise';
import type { ToolCall } from '#machines/decision';
import type {
  JobEvent,
  JobLimits,
  OfferedCalls,
  QueuePosition,
  ReplyOffer,
} from '#machines/job-types';
import { collectListing } from '#shared/listing';
import { localeOf, type Locale } from '#machines/texts';
import type { Journal } from '../runtime/journal.ts';
import type { LiveHub } from '../runtime/live-hub.ts';
import type { JobListing, JobQueries } from '../store/job-queries.ts';
import type { JobStorage, StoredJob } from '../job-store-port.ts';
import { parseInput } from '#shared/parse-input';
import { eventListing, jobListing, toListedJob, toJobPage } from './job-listing.ts';

type StoredDelivery = Omit<Delivery, 'job_id' | 'channel'>;

export interface JobServiceOptions {
  journal: Pick<Journal, 'submit' | 'send' | 'queuePositionOf'>;
  /** Of an open job that may run in another process. Omitted: it runs here. */
  progressOf?(jobId: string, userId: string): Promise<JobProgress>;
  storage: Pick<JobStorage, 'waitingJob' | 'runningJob' | 'find' | 'jobOfKey'>;
  queries: JobQueries;
  /** Default: there are none, every user id is a user. */
  persons?: Persons;
  hub: LiveHub;
  slices: FairSlices;
  clock: Clock;
  nextId: IdSource;
  messageMaxChars: number;
  limits: JobLimits;
  locale: 'auto' | Locale;
  /** The meaning of a message for a draft that waits for this user; null: it is an ordinary question. */
  parseDraftReply(message: string, nowMs: number): DraftCommand | null;
  /** Whether a message asks to cancel. It applies to the newer of the user's running job and waiting draft. */
  isCancelRequest?(message: string): boolean;
  /** The deliveries of a job's replies to its chat, oldest first. */
  deliveriesOf?(jobId: string): MaybePromise<StoredDelivery[]>;
  /** Stores the text of an attached file as a document of the user. Idempotent: the same file is stored once. */
  keepAttachment?(userId: string, attachment: Attachment): Promise<void>;
}

export interface JobProgress {
  /** The answer so far; null when none is being written. */
  text: string | null;
  queue: QueuePosition | null;
}

interface Attachment {
  name: string;
  text: string;
}

export type DraftCommand =
  | { type: 'confirm' }
  | { type: 'reject' }
  /** About the draft, but neither yes nor no: the draft is shown again. */
  | { type: 'unclear' }
  | { type: 'edit'; changes: Record<string, unknown> };

/** The user if none is given: one user on their own machine. */
const defaultUser = 'local';
const defaultChannel = 'http';
/** Maximum events per read: those of the longest jobs, if their texts are short. */
const eventsMax = 10_000;

export function createJobService(options: JobServiceOptions): JobService {
  const { journal, queries, hub, slices } = options;
  const progressOf =
    options.progressOf ??
    (async (jobId: string): Promise<JobProgress> => ({
      text: hub.textSoFar(jobId)?.content ?? null,
      queue: journal.queuePositionOf(jobId),
    }));

  const find = async (jobId: string): Promise<JobListing> => {
    const job = await queries.find(jobId);
    if (job === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
    return job;
  };

  return {
    submit: (body, defaults = {}) => submit(options, body, defaults),

    jobOfRequest: async (userId, requestKey) =>
      (await options.storage.jobOfKey(requestKeyOf(userId, requestKey)))?.jobId ?? null,

    async get(jobId) {
      const job = await find(jobId);
      const cause = job.outcome === 'failed' ? await failureCause(options, jobId) : null;
      const deliveries = (await options.deliveriesOf?.(jobId)) ?? [];
      const isOpen = job.ended_at === null;
      const queue = isOpen ? (await progressOf(job.id, job.user_id)).queue : null;
      const path = await queries.path(job.num);
      return { ...toJobView(job, path, deliveries, options.clock), queue, cause };
    },

    list: (query, bytesMax) => toJobPage(jobListing(queries, query, slices, bytesMax)),
    listing: (query, bytesMax) => jobListing(queries, query, slices, bytesMax),
    events: async (jobId, afterSeq = 0) =>
      (
        await collectListing(
          eventListing(queries, jobId, { cursor: afterSeq, limit: eventsMax }, slices),
        )
      ).rows,
    eventListing: (jobId, page) => eventListing(queries, jobId, page, slices),

    cancel: (jobId, by, via) => journal.send(jobId, { type: 'cancel', by, ...optional({ via }) }),
    confirm: (jobId, by, draftSeq, via) =>
      journal.send(jobId, { type: 'confirm', by, ...optional({ draftSeq, via }) }),
    reject: (jobId, by, via) => journal.send(jobId, { type: 'reject', by, ...optional({ via }) }),

    async text(jobId) {
      const job = await find(jobId);
      const isEnded = job.ended_at !== null;
      const text = isEnded ? job.reply : (await progressOf(jobId, job.user_id)).text;
      return { job_id: jobId, text: text ?? '', final: isEnded };
    },
  };
}

async function failureCause(
  { queries, slices }: Pick<JobServiceOptions, 'queries' | 'slices'>,
  jobId: string,
): Promise<CauseView | null> {
  const all = eventListing(queries, jobId, { cursor: 0, limit: eventsMax }, slices);
  const data = (await collectListing(all)).rows.findLast(({ type }) => type === 'error')?.data;
  if (data === undefined) return null;
  const textOf = (name: string): string | null =>
    typeof data[name] === 'string' ? data[name] : null;
  const [code, reason, detail] = ['code', 'error_reason', 'error_detail'].map(textOf);
  return { code: code ?? '', error_reason: reason ?? null, error_detail: detail ?? null };
}

async function submit(
  options: JobServiceOptions,
  body: unknown,
  defaults: SubmitContext,
): Promise<SubmitReceipt> {
  const { journal, storage, clock } = options;
  const parsed = parseInput(submitBody, body);
  const message = checkMessage(parsed.message, options.messageMaxChars);
  const sender = senderOf(options, parsed, defaults);
  const { userId, conversation } = sender;
  const idempotencyKey = idempotencyKeyOf(parsed.idempotency_key, defaults, sender);
  const known = idempotencyKey === null ? null : await storage.jobOfKey(idempotencyKey);
  if (known !== null) return { job_id: known.jobId, after_seq: known.seqBefore };

  // Stored first: a file sent with a reply to a draft is a document too, and the first step of a new job may search for
  // it. If the message is refused, the retry finds the same document.
  const { attachment } = parsed;
  if (attachment !== undefined) await options.keepAttachment?.(userId, attachment);

  const { draft, offer } = parsed;
  const newMessage = { ...parsed, ...sender, message };
  if (offer !== undefined) {
    const pressed = await offeredCall(options, offer, sender);
    return open(options, { ...newMessage, pressed }, idempotencyKey, defaults);
  }
  if (draft !== undefined && draft !== null) {
    const job = await storage.find(draft.job_id);
    if (!mayDecide(sender, job)) throw new GatehouseError('GH_JOB_NOT_FOUND');
    const reply =
      options.parseDraftReply(message, clock.now()) ??
      (defaults.isDraftAnswer === true ? ({ type: 'unclear' } as const) : null);
    const event = draftEvent(reply, job, draft.draft_seq, userId);
    if (event !== null) {
      await journal.send(job.id, toldAt(sender, job, event), idempotencyKey);
      return { job_id: job.id, after_seq: job.head.seq };
    }
  }
  const waiting = draft === undefined ? await waitingJob(options, sender) : null;
  const reply = waiting === null ? null : options.parseDraftReply(message, clock.now());
  const cancelTarget = await jobToCancel(options, conversation, message, waiting);
  if (cancelTarget !== null) {
    const event = toldAt(sender, cancelTarget, { type: 'cancel', by: userId });
    if (await sendIfAccepted(journal, cancelTarget.id, event, idempotencyKey)) {
      return { job_id: cancelTarget.id, after_seq: cancelTarget.head.seq };
    }
  }
  if (waiting !== null && reply !== null) {
    const { id, head } = waiting;
    const sendEvent = (event: JobEvent) =>
      sendIfAccepted(journal, id, toldAt(sender, waiting, event), idempotencyKey);
    if (await applyDraftCommand(reply, userId, head.seq, sendEvent))
      return { job_id: id, after_seq: head.seq };
  }
  return open(options, newMessage, idempotencyKey, defaults);
}

/** A key belongs to its sender: the same key of another user is another message. */
function idempotencyKeyOf(
  key: string | undefined,
  { requestKey }: SubmitContext,
  { userId, keyScope }: Sender,
): string | null {
  if (requestKey !== undefined) return requestKeyOf(userId, requestKey);
  return key === undefined ? null : JSON.stringify([keyScope, key.toWellFormed()]);
}

const requestKeyOf = (userId: string, requestKey: string): string =>
  JSON.stringify(['request', userId, requestKey]);

/** Who says something, and where. */
interface Sender {
  userId: string;
  channel: string;
  thread?: string | undefined;
  conversation: string;
  /** Of its idempotency keys: the address as it was given, which stays when it becomes that of a person. */
  keyScope: string;
  /** Whether what is said here may decide drafts of the user's other conversations. */
  decidesElsewhere: boolean;
}

/** @throws GH_REQUEST_INVALID for a person who cannot be answered in this chat */
function senderOf(
  { persons = noPersons }: JobServiceOptions,
  parsed: {
    user_id?: string | undefined;
    channel?: string | undefined;
    thread?: string | undefined;
  },
  defaults: SubmitContext,
): Sender {
  const given = (parsed.user_id ?? defaults.userId ?? defaultUser).toWellFormed();
  const channel = parsed.channel ?? defaults.channel ?? defaultChannel;
  const { thread } = parsed;
  const userId = persons.userOf(channel, given);
  persons.requireAddress(userId, channel);
  const address = { channel, thread, userId };
  return {
    ...address,
    conversation: persons.conversationOf(address),
    keyScope: conversationKey({ ...address, userId: given }),
    decidesElsewhere: persons.decidesElsewhere(address),
  };
}

/** A job of another user, or of a conversation that is closed to this place, is reported as not found. */
const mayDecide = (sender: Sender, job: StoredJob | null): job is StoredJob =>
  job !== null &&
  (job.conversation === sender.conversation ||
    (sender.decidesElsewhere && job.input.userId === sender.userId));

/** The event, with its place if that is another one than that of the job. */
function toldAt<Event extends JobEvent>(
  { channel, thread }: Sender,
  { input }: StoredJob,
  event: Event,
): Event {
  if (input.channel === channel && input.thread === thread) return event;
  return { ...event, via: { channel, ...optional({ thread }) } };
}

/** The draft that waits in this conversation, else the newest one of the user, wherever it was shown. */
async function waitingJob(
  { storage, queries }: JobServiceOptions,
  { conversation, userId, decidesElsewhere }: Sender,
): Promise<StoredJob | null> {
  const here = await storage.waitingJob(conversation);
  if (here !== null || !decidesElsewhere) return here;
  const { jobs } = await queries.list({ userId, state: confirmState, limit: 10, textMax: 1 });
  for (const { id } of jobs) {
    const job = await storage.find(id);
    // One that is not parked is about to write, or changes its draft.
    if (job !== null && job.head.snapshot !== null) return job;
  }
  return null;
}

interface NewMessage extends Pick<Sender, 'userId' | 'channel' | 'thread' | 'conversation'> {
  message: string;
  attachment?: Attachment | undefined;
  pressed?: ToolCall;
}

/** A job of its own for a message. */
async function open(
  { journal, nextId, limits, locale: language }: JobServiceOptions,
  { message, userId, channel, conversation, thread, attachment, pressed }: NewMessage,
  idempotencyKey: string | null,
  defaults: SubmitContext,
): Promise<SubmitReceipt> {
  const jobId = nextId();
  const locale = language === 'auto' ? localeOf(message) : language;
  const parentTrace = parseTraceParent(defaults.traceparent);
  const input = {
    jobId,
    userId,
    channel,
    message,
    locale,
    limits,
    ...(thread === undefined ? {} : { thread }),
    ...(attachment === undefined ? {} : { attachment }),
    ...(pressed === undefined ? {} : { pressed }),
    ...(parentTrace === null ? {} : { traceparent: formatTraceParent(parentTrace) }),
  };
  const accepted = await journal.submit({ input, conversation, idempotencyKey });
  return { job_id: accepted.jobId, after_seq: 0 };
}

/** What the button calls, as its job has recorded it: the sender only names it. */
async function offeredCall(
  { storage, queries, slices }: JobServiceOptions,
  { job_id: jobId, name }: { job_id: string; name: ReplyOffer },
  sender: Sender,
): Promise<ToolCall> {
  const job = await storage.find(jobId);
  if (!mayDecide(sender, job)) throw new GatehouseError('GH_JOB_NOT_FOUND');
  const all = eventListing(queries, jobId, { cursor: 0, limit: eventsMax }, slices);
  const end = (await collectListing(all)).rows.findLast(({ type }) => type === 'done');
  const calls = end?.data['offer_calls'] as OfferedCalls | undefined;
  const call = calls?.[name];
  if (call === undefined) {
    throw new GatehouseError('GH_JOB_CONFLICT', `The answer has no button ${name}`);
  }
  return call;
}

/** The event for the draft that the sender sees; null: an ordinary message. */
function draftEvent(
  reply: DraftCommand | null,
  job: StoredJob,
  draftSeq: number,
  by: string,
): JobEvent | null {
  // For a confirmation the journal checks `draftSeq` again; the other replies write nothing.
  if (reply === null) return null;
  if (job.head.endedAt === null && job.head.seq !== draftSeq) {
    throw new GatehouseError('GH_JOB_CONFLICT', 'The draft has changed since');
  }
  return toJobEvent(reply, by, draftSeq);
}

/**
 * `draftSeq`: seq of the event that showed the draft. A confirmation is valid for that draft only; an unclear reply
 * shows it again.
 */
function toJobEvent(reply: DraftCommand, by: string, draftSeq: number): JobEvent {
  switch (reply.type) {
    case 'confirm':
      return { type: 'confirm', by, draftSeq };
    case 'unclear':
      return { type: 'confirm.early', by };
    default:
      return { ...reply, by };
  }
}

/**
 * False if the draft was decided in the meantime. A confirmation during an edit of the draft is sent as
 * `confirm.early`.
 */
const applyDraftCommand = async (
  reply: DraftCommand,
  by: string,
  draftSeq: number,
  sendEvent: (event: JobEvent) => Promise<boolean>,
): Promise<boolean> =>
  (await sendEvent(toJobEvent(reply, by, draftSeq))) ||
  (reply.type === 'confirm' && (await sendEvent({ type: 'confirm.early', by })));

/** The running job that a cancel request means; null if it means the waiting draft. The newer of the two is meant. */
async function jobToCancel(
  { storage, isCancelRequest }: JobServiceOptions,
  conversation: string,
  message: string,
  waiting: StoredJob | null,
): Promise<StoredJob | null> {
  if (isCancelRequest?.(message) !== true) return null;
  const running = await storage.runningJob(conversation);
  return running !== null && running.num > (waiting?.num ?? 0) ? running : null;
}

/** False if the draft was decided elsewhere in the meantime: then the message is an ordinary message. */
async function sendIfAccepted(
  journal: Pick<Journal, 'send'>,
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
  // A lone surrogate cannot be stored as UTF-8: a different character would be read back.
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

/** Without the fields that are not set. */
const optional = <Fields extends object>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<{
    [Name in keyof Fields]: NonNullable<Fields[Name]>;
  }>;

const toIso = (at: number): string => new Date(at).toISOString();

function toJobView(
  job: JobListing,
  path: [state: string, at: number][],
  deliveries: StoredDelivery[],
  clock: Clock,
): Omit<JobView, 'cause' | 'queue'> {
  const timings: Record<string, number> = {};
  path.forEach(([state, at], index) => {
    const until = path[index + 1]?.[1] ?? job.ended_at ?? clock.now();
    // If the clock was set back between two steps, the duration counts as 0.
    timings[state] = (timings[state] ?? 0) + Math.max(0, until - at);
  });
  return {
    ...toListedJob(job),
    timings,
    deliveries: deliveries.map(({ reply_id, status, parts, error, at }) => ({
      reply_id,
      status,
      parts,
      error,
      at: toIso(at),
    })),
  };
}

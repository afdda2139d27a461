/**
 * The data of the job machine: input, context, emitted events, and inputs and results of effects. Everything is plain
 * JSON: a context that does not survive `JSON.parse(JSON.stringify(…))` unchanged could not be replayed.
 */
import type { Decision, ToolCall } from './decision.ts';
import type { Locale } from './texts.ts';

/** The outcome of a job that was not cancelled. */
export const outcomes = ['answered', 'clarified', 'declined', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

/** The top-level states of a job, in the order in which a job can enter them. */
export const jobStates = [
  'ack',
  'classify',
  'route',
  'tools',
  'confirm-draft',
  'reason',
  'fallback',
  'done',
  'cancelled',
] as const;
export type JobState = (typeof jobStates)[number];

/** Types of the events that a job publishes (docs/events.md). */
export const stateEventTypes = [
  'ack',
  'state',
  'processing',
  'rewrite',
  'result',
  'error',
  'done',
  'cancelled',
] as const;
export type StateEventType = (typeof stateEventTypes)[number];

/** Limits in milliseconds or characters; part of the job's input, so that a replay uses the same values. */
export interface JobLimits {
  classifyTimeoutMs: number;
  toolTimeoutMs: number;
  confirmTtlMs: number;
  /** Maximum time for a model's answer before the job moves on; the backends' own timeouts are shorter. */
  answerTimeoutMs: number;
  /** Maximum wait at a gate. Guarantees P1 when a server hangs and its circuit does not open. */
  queueTimeoutMs: number;
  reasonPromptMaxChars: number;
  /** `false`: the action `route` is answered by the classifier model. */
  pipelineEnabled: boolean;
}

export interface JobInput {
  jobId: string;
  userId: string;
  channel: string;
  message: string;
  locale: Locale;
  limits: JobLimits;
  /** Thread of the channel in which the message was sent; replies carry it back. */
  thread?: string;
  /** The text of a file that came with the message. */
  attachment?: { name: string; text: string };
  /** Set for the job of a schedule's occurrence. */
  scheduled?: ScheduledOccurrence;
  /** The call behind a button under an earlier answer; `message` has the words for it. */
  pressed?: ToolCall;
  /** W3C trace context of the caller, if the message carried one; the job continues that trace. */
  traceparent?: string;
}

/** What a job has of the schedule that opened it. */
export interface ScheduledOccurrence {
  scheduleId: string;
  kind: string;
  /** Scheduled time on the wall clock of the schedule's zone. */
  wall: string;
  outcome: string;
  /** Places that have refused this message: `channel` or `channel/thread`. */
  tried?: string[];
  /** What to do, so that neither rules nor a model are asked; null: as for a message of the person. */
  decision: Decision | null;
  /** The buttons under its message. */
  offers?: OfferedCalls;
}

/** Why an effect failed. The only form in which an error enters the machine. */
export interface EffectFailure {
  /** `GH_…`, see docs/errors.md. */
  code: string;
  message: string;
  /** Set when a backend is the cause. */
  errorReason?: string;
  /** Backend, HTTP status and the first line of the server's message; bounded and redacted. */
  detail?: string;
}

/** Result of a tool: always data, also for a failure. */
export interface ToolResult {
  ok: boolean;
  tool: string;
  operation: string;
  data: unknown;
  /** A complete answer as text, usable without a model. */
  summary: string;
  error: EffectFailure | null;
  offers?: OfferedCalls;
}

/** The buttons under an answer: take back what was changed, or have a reminder again in 10 minutes. */
export const replyOffers = ['undo', 'snooze'] as const;
export type ReplyOffer = (typeof replyOffers)[number];

/** What a press on each button under an answer calls. */
export type OfferedCalls = Partial<Record<ReplyOffer, ToolCall>>;

/** A write that a tool executes after the user has confirmed it. */
export interface Draft {
  tool: string;
  /** The operation that writes. Only the `execute` effect ever calls it. */
  operation: string;
  params: Record<string, unknown>;
  /** The draft as text, as shown to the user. */
  summary: string;
}

export interface AdmitResult {
  /**
   * ISO 8601 with offset: the reference time for relative dates such as 내일. Fixed at admission, so that a replay gives
   * the same result.
   */
  now: string;
  /** Decision of the rules; null: the classifier must decide. */
  decision: Decision | null;
}

export interface ToolsReport {
  results: ToolResult[];
  draft: Draft | null;
}

export interface Answer {
  text: string;
  /** The backend that wrote it; null when no model was used. */
  backend: string | null;
  /** How long before the decision the backend was asked, if it was asked in advance. */
  aheadMs?: number;
}

export interface JobContext extends JobInput {
  /** The state last announced: `from` of the next `state` event. */
  state: JobState;
  /** Why the next state is entered; published with its `state` event. */
  why: string | null;
  now: string;
  decision: Decision | null;
  results: ToolResult[];
  draft: Draft | null;
  /** Requested changes of the draft; omitted before the first change. */
  changes?: Record<string, unknown>;
  failure: EffectFailure | null;
  outcome: Outcome | null;
  reply: string;
  /** Which backends wrote or classified, in order. */
  models: string[];
  /** Load of the reasoner when the message was sent to it; omitted unless busy. */
  reasonerLoad?: BusyLoad;
  cancelledBy: string | null;
}

/** A load level that is reported to the user. */
export type BusyLoad = 'busy' | 'very_busy';

/** Of a job or request that waits. */
export interface QueuePosition {
  /** From 1: the next. */
  position: number;
  /** Requests that run or wait before it. */
  ahead: number;
  /** Estimate of the wait in ms, from measured service times; null while nothing has been measured. */
  etaMs: number | null;
}

/** A place in a chat to which replies go. */
export interface ReplyPlace {
  channel: string;
  thread?: string;
}

/**
 * Events from outside, and progress events of running effects. `via`: a person has said it at another place than that of the
 * job, and what follows is told there too; only the journal reads it.
 */
export type JobEvent =
  | { type: 'cancel'; by: string; via?: ReplyPlace }
  /** `draftSeq`: sequence number of the event that showed the confirmed draft; omitted: the current draft. */
  | { type: 'confirm'; by: string; via?: ReplyPlace; draftSeq?: number }
  /**
   * A confirmation sent before the current draft was shown, or a reply that is not a plain yes or no. Nothing is
   * written.
   */
  | { type: 'confirm.early'; by: string; via?: ReplyPlace }
  | { type: 'reject'; by: string; via?: ReplyPlace }
  | { type: 'edit'; by: string; via?: ReplyPlace; changes: Record<string, unknown> }
  | { type: 'gate.queued'; queue: QueuePosition }
  | { type: 'gate.granted' }
  | { type: 'progress'; message?: string; queue?: QueuePosition };

/** Events that the machine publishes; the journal adds id, seq and time. */
export interface JobEmitted {
  type: StateEventType;
  state: JobState;
  data: Record<string, unknown>;
  /** Added by the journal: the place where the person has spoken last, if it is not that of the job. */
  via?: ReplyPlace;
}

export type { Locale };

/**
 * The data of the job machine: what comes in, what it remembers, what it tells the world and what it
 * asks to be done. Everything here is plain JSON: a context that does not survive
 * `JSON.parse(JSON.stringify(…))` unchanged could not be replayed.
 */
import type { Decision } from './decision.ts';
import type { Locale } from './texts.ts';

/** How a job ends that is not cancelled. */
export const outcomes = ['answered', 'clarified', 'declined', 'failed'] as const;
export type Outcome = (typeof outcomes)[number];

/** The top-level states of a job, in the order in which a job can meet them. */
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

/** What the world is told (docs/events.md). */
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

/** All limits in milliseconds or characters; part of the job's input, so that a replay sees the same ones. */
export interface JobLimits {
  classifyTimeoutMs: number;
  toolTimeoutMs: number;
  confirmTtlMs: number;
  /** Longest time a model may take for an answer before the job moves on; the backends' own timers are shorter. */
  answerTimeoutMs: number;
  /** Longest wait at a gate. Bounds P1 where a server is wedged and its circuit does not open. */
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
  /** Where in the channel the message was said; replies carry it back. */
  thread?: string;
  /** The text of a file that came with the message. */
  attachment?: { name: string; text: string };
  /** W3C trace context of the caller, where one came with the message: the job goes on in that trace. */
  traceparent?: string;
}

/** Why an effect gave no result. The only form in which an error enters the machine. */
export interface EffectFailure {
  /** `GH_…`, see docs/errors.md. */
  code: string;
  message: string;
  /** Where a backend is the cause. */
  errorReason?: string;
  /** Backend, status and the first line of what the server said; bounded and redacted. */
  detail?: string;
}

/** What a tool gave back: always data, also when it failed. */
export interface ToolResult {
  ok: boolean;
  tool: string;
  operation: string;
  data: unknown;
  /** A complete answer in words, good without a model. */
  summary: string;
  error: EffectFailure | null;
}

/** Something that a tool will write once the owner has said yes. */
export interface Draft {
  tool: string;
  /** The operation that writes. Only the `execute` effect ever calls it. */
  operation: string;
  params: Record<string, unknown>;
  /** The draft in words, as the owner is shown it. */
  summary: string;
}

export interface Admission {
  /** ISO 8601 with offset: the job's clock for words such as 내일. Fixed at admission, so that a replay agrees. */
  now: string;
  /** What the rules say, or null: ask the classifier. */
  decision: Decision | null;
}

export interface ToolsReport {
  results: ToolResult[];
  draft: Draft | null;
}

export interface Answer {
  text: string;
  /** The backend that wrote it; null where no model was asked. */
  backend: string | null;
}

export interface JobContext extends JobInput {
  /** The state last announced: `from` of the next `state` event. */
  state: JobState;
  /** Why the next state is entered, told with its `state` event. */
  why: string | null;
  now: string;
  decision: Decision | null;
  results: ToolResult[];
  draft: Draft | null;
  /** What is to be changed in the draft; left out before the first change. */
  changes?: Record<string, unknown>;
  failure: EffectFailure | null;
  outcome: Outcome | null;
  reply: string;
  /** Which backends wrote or classified, in order. */
  models: string[];
  /** The reasoner had much to do when the message was sent to it; left out where not. */
  reasonerLoad?: BusyLoad;
  cancelledBy: string | null;
}

/** A load that a person should hear of. */
export type BusyLoad = 'busy' | 'very_busy';

export interface QueueFacts {
  position: number;
  ahead: number;
  etaMs: number | null;
}

/** What may be said to a job from outside, and what its running effects say while they run. */
export type JobEvent =
  | { type: 'cancel'; by: string }
  /** `draftSeq`: of the event that showed the draft that is meant. Without it: the one that waits. */
  | { type: 'confirm'; by: string; draftSeq?: number }
  /** A yes that was said before the draft as it is now was shown, or an answer that is no plain yes or no: it writes nothing. */
  | { type: 'confirm.early'; by: string }
  | { type: 'reject'; by: string }
  | { type: 'edit'; by: string; changes: Record<string, unknown> }
  | { type: 'gate.queued'; queue: QueueFacts }
  | { type: 'gate.granted' }
  | { type: 'progress'; message?: string; queue?: QueueFacts };

/** What the machine tells the world; the journal adds id, seq and time. */
export interface JobEmitted {
  type: StateEventType;
  state: JobState;
  data: Record<string, unknown>;
}

export type { Locale };

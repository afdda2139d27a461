/**
 * Port to the effects that the job machine requests. The journal starts them after the commit of the step that caused
 * them (P2), posts their result to the job as an event, and aborts them when their state is left.
 */
import type { EffectFailure, JobContext, Locale, QueuePosition } from '#machines/job-types';

export type EffectResult = { ok: true; output: unknown } | { ok: false; failure: EffectFailure };

export interface EffectCall<Input = unknown> {
  jobId: string;
  userId: string;
  conversation: string;
  locale: Locale;
  /** Idempotency key, the same after every restart: a tool that writes must use it to write only once. */
  key: string;
  /** The effect was begun before a restart, and its result is not known. */
  isRepeat: boolean;
  input: Input;
  /** The machine's context when the effect was started; read only. */
  context: Readonly<JobContext>;
  /** Aborted when the job has left the state that invoked the effect. */
  signal: AbortSignal;
  report: EffectReport;
  /** W3C trace context for requests that the effect makes; undefined: none is sent. */
  traceparent: string | undefined;
}

/** Reports of a running effect. */
export interface EffectReport {
  /** It waits at a gate, at this position. The first report becomes an event at once, later ones with the heartbeat. */
  queued(queue: QueuePosition): void;
  granted(): void;
  /** A piece of the answer, sent to live subscribers at once; `replace` drops the text before it. */
  text(content: string, replace: boolean): void;
}

export interface Effect {
  /**
   * Starts when the scheduler lets the job run: in order within its conversation, and within the limit of concurrent
   * jobs. Must have no effect outside: it may run before the commit, and a result that it returns synchronously is
   * committed in the same batch.
   */
  isScheduled?: boolean;
  /** It changes something outside: a graceful shutdown gives it time to end. */
  writes?: boolean;
  /** Text of the progress events that are posted while it runs. */
  heartbeat?: (locale: Locale) => string;
  /** Throws only on bugs. */
  run(call: EffectCall): EffectResult | Promise<EffectResult>;
}

/** By the `src` of the machine's invoke. */
export type Effects = Readonly<Record<string, Effect>>;

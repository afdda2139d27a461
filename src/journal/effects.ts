/**
 * What carries out the effects that the job machine names. The journal starts them after the commit of the
 * step that caused them (P2), hands back their result as an event, and aborts them when their state is left.
 */
import type { EffectFailure, JobContext, Locale, QueueFacts } from '../../machines/job-types.ts';

export type EffectResult = { ok: true; output: unknown } | { ok: false; failure: EffectFailure };

export interface EffectCall<Input = unknown> {
  jobId: string;
  userId: string;
  conversation: string;
  locale: Locale;
  /** The same after every restart: what a tool that writes must use to write once. */
  key: string;
  input: Input;
  /** The machine's context when the effect was started; read only. */
  context: Readonly<JobContext>;
  /** Aborted when the job has left the state that wanted the effect. */
  signal: AbortSignal;
  report: EffectReport;
  /** W3C trace context for requests that the effect makes; undefined: there is none to name. */
  traceparent: string | undefined;
}

/** What a running effect may say before it ends. */
export interface EffectReport {
  /** It waits at a gate, and where. Told at once the first time, then with the heartbeat. */
  queued(queue: QueueFacts): void;
  granted(): void;
  /** A piece of the answer, straight to whoever listens; `replace` drops what came before. */
  text(content: string, replace: boolean): void;
}

export interface Effect {
  /**
   * Waits for the job's turn in its conversation and among all jobs. Nothing outside may see it: it may run
   * before the commit, and a result that it returns at once is committed with the step that asked for it.
   */
  takesTurn?: boolean;
  /** It changes something outside: a stopping process gives it time to end. */
  writes?: boolean;
  /** Heartbeat while it runs: what the person is told. */
  heartbeat?: (locale: Locale) => string;
  /** Never throws but for bugs. */
  run(call: EffectCall): EffectResult | Promise<EffectResult>;
}

/** By the name of the invoke's `src`. */
export type Effects = Readonly<Record<string, Effect>>;

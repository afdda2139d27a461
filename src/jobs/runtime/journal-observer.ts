/**
 * Port for metrics, traces and the log; the journal knows none of them. Called on the thread that commits, after the
 * fact: an observer must be quick, must copy what it keeps beyond the call, and must never throw.
 */
import type { Outcome } from '#machines/job-types';
import type { NewJob } from '../job-store-port.ts';
import type { EffectResult } from './effect-port.ts';

/** The fields of a job that never change. */
export type JobDescriptor = Readonly<Omit<NewJob, 'conversation'>>;

/** How a job ended. */
export interface JobEnd {
  /** Epoch ms. */
  at: number;
  /** Null when it was cancelled. */
  outcome: Outcome | null;
  /** The reply's length in characters (UTF-16 units), never its text. */
  replyLength: number;
  /** The decision, as in events; null when the job ended without one. */
  decision: { by: string; action: string } | null;
  /** Backends that classified the message or wrote the answer, in order. */
  models: readonly string[];
}

export interface EffectSpan {
  /** `traceparent` for requests that the effect makes; undefined: none is sent. */
  traceparent: string | undefined;
  /** `aborted`: its state was left, or the process is stopping. Called once. */
  ended(result: EffectResult | 'aborted'): void;
}

export interface JournalObserver {
  /** A new job is on disk. */
  accepted?(job: JobDescriptor): void;
  /** For effects that work outside the journal; at every start, also after a restart. */
  effectStarted?(job: JobDescriptor, effect: { id: string; src: string; key: string }): EffectSpan;
  /** The job's end is on disk. */
  ended?(job: JobDescriptor, end: JobEnd): void;
  /** One transaction; `ms` is the time from its begin to its fsync. */
  committed?(commit: { jobs: number; rows: number; ms: number }): void;
  commitFailed?(): void;
}

/**
 * Who watches the journal: figures, traces and the log hang here, and the journal knows none of them.
 * Called on the thread that commits, after the fact: an observer is quick, keeps nothing of what it is shown
 * beyond the call but what it copies, and never throws.
 */
import type { JobInput, Outcome } from '../../machines/job-types.ts';
import type { EffectResult } from './effects.ts';

/** What does not change in the life of a job. */
export interface WatchedJob {
  readonly id: string;
  readonly input: JobInput;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** How a job ended. */
export interface JobEnd {
  /** Epoch ms. */
  at: number;
  /** Null: it was cancelled. */
  outcome: Outcome | null;
  /** The reply's length in characters (UTF-16 units), never its text. */
  replyLength: number;
  /** What was decided, as in events; null where it came to no decision. */
  decision: { by: string; action: string } | null;
  /** Backends that classified or wrote, in order. */
  models: readonly string[];
}

export interface EffectWatch {
  /** The `traceparent` of requests that the effect makes; undefined: none is sent. */
  traceparent: string | undefined;
  /** `aborted`: its state was left, or the process stops. Called once. */
  ended(result: EffectResult | 'aborted'): void;
}

export interface JournalObserver {
  /** A new job is on disk. */
  accepted?(job: WatchedJob): void;
  /** Of an effect that works outside the journal; with every start, also after a restart. */
  effectStarted?(job: WatchedJob, effect: { id: string; src: string; key: string }): EffectWatch;
  /** The end is on disk. */
  ended?(job: WatchedJob, end: JobEnd): void;
  /** One transaction; `ms` from its begin to its fsync. */
  committed?(commit: { jobs: number; rows: number; ms: number }): void;
  commitFailed?(): void;
}

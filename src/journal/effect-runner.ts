/**
 * Runs effects, one at a time per key, and turns what they say into events for their job.
 *
 * E1: an effect is started once per process and key. E2: after `abort` nothing it says is heard.
 * E3: a heartbeat costs no time: it ticks beside the work, never inside it.
 */
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';
import { messageOf } from '../lib/errors.ts';
import { logFieldsOf } from '../contract/trace.ts';
import type { EffectFailure, QueueFacts } from '../../machines/job-types.ts';
import type { JournalEvent } from '../store/job-storage.ts';
import type { EffectReport, EffectResult, Effects } from './effects.ts';
import type { EffectWatch, JournalObserver, WatchedJob } from './journal-observer.ts';
import type { JobState, PendingEffect } from './job-state.ts';
import type { LiveHub } from './live-hub.ts';

export interface EffectRunner {
  start(job: EffectJob, effect: PendingEffect): void;
  abort(key: string): void;
  /** Aborts all. Effects that write are given `graceMs` to end, so that their result is not in doubt. */
  stop(graceMs: number): Promise<void>;
  /** Where the running effect of the job waits, if it does. */
  queueOf(jobId: string): QueueFacts | null;
  readonly running: number;
}

export interface EffectJob extends WatchedJob {
  conversation: string;
  state: JobState;
}

/** Posts an event to a job. `key` present: it comes from this effect and counts only while the effect is wanted. */
export type Post = (jobId: string, event: JournalEvent, key: string | null) => void;

export interface EffectRunnerOptions {
  effects: Effects;
  hub: LiveHub;
  post: Post;
  heartbeatMs: number;
  clock: Clock;
  log: Log;
  faults: Faults;
  observer: JournalObserver;
}

interface Running {
  jobId: string;
  writes: boolean;
  controller: AbortController;
  heartbeat: NodeJS.Timeout | null;
  queue: QueueFacts | null;
  /** When `queue` was said, epoch ms. */
  queueAt: number;
  watch: EffectWatch;
  ended: Promise<void>;
}

export function createEffectRunner(options: EffectRunnerOptions): EffectRunner {
  return new Runner(options);
}

class Runner implements EffectRunner {
  readonly #options: EffectRunnerOptions;
  readonly #running = new Map<string, Running>();
  readonly #byJob = new Map<string, Running>();

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.size;
  }

  start(job: EffectJob, effect: PendingEffect): void {
    if (this.#running.has(effect.key)) return;
    const { effects, faults, heartbeatMs, log } = this.#options;
    const implementation = effects[effect.src];
    const one: Running = {
      jobId: job.id,
      writes: implementation?.writes === true,
      controller: new AbortController(),
      heartbeat: null,
      queue: null,
      queueAt: 0,
      watch: this.#watch(job, effect),
      ended: Promise.resolve(),
    };
    this.#running.set(effect.key, one);
    this.#byJob.set(job.id, one);
    faults.hit('journal.effectStarted', effect.id);
    const result = this.#run(job, effect, one);
    if (!(result instanceof Promise)) {
      this.#finish(job.id, effect, result);
      return;
    }
    const message = implementation?.heartbeat?.(job.state.snapshot.context.locale);
    if (message !== undefined) {
      one.heartbeat = setInterval(() => this.#beat(one, message), heartbeatMs);
    }
    one.ended = result.then(
      (value) => this.#finish(job.id, effect, value),
      (error: unknown) => {
        log.error(
          {
            ...logFieldsOf(job.id, job.input.traceparent),
            effect: effect.id,
            error: messageOf(error),
          },
          'effect threw',
        );
        this.#finish(job.id, effect, failed(thrown(error)));
      },
    );
  }

  abort(key: string): void {
    const one = this.#running.get(key);
    if (one === undefined) return;
    this.#forget(key);
    one.watch.ended('aborted');
    one.controller.abort('cancelled');
  }

  async stop(graceMs: number): Promise<void> {
    const writers = [...this.#running.values()].filter((one) => one.writes);
    for (const [key, one] of this.#running) if (!one.writes) this.abort(key);
    const grace = new Promise((resolve) => setTimeout(resolve, graceMs).unref());
    await Promise.race([Promise.all(writers.map((one) => one.ended)), grace]);
    for (const key of this.#running.keys()) this.abort(key);
  }

  queueOf(jobId: string): QueueFacts | null {
    const one = this.#byJob.get(jobId);
    return one === undefined ? null : this.#queueNow(one);
  }

  /** The gate speaks when a place changes; in between, the estimate runs down with the clock. */
  #queueNow({ queue, queueAt }: Running): QueueFacts | null {
    if (queue === null || queue.etaMs === null) return queue;
    const passedMs = Math.max(0, this.#options.clock.now() - queueAt);
    return { ...queue, etaMs: Math.max(0, queue.etaMs - passedMs) };
  }

  /** What only takes a turn does nothing outside. Without an observer the caller's own trace is passed on. */
  #watch(job: EffectJob, effect: PendingEffect): EffectWatch {
    const { observer, effects } = this.#options;
    const { traceparent } = job.input;
    if (observer.effectStarted === undefined || effects[effect.src]?.takesTurn === true) {
      return { traceparent, ended: () => undefined };
    }
    return observer.effectStarted(job, effect);
  }

  #run(job: EffectJob, effect: PendingEffect, one: Running): EffectResult | Promise<EffectResult> {
    const implementation = this.#options.effects[effect.src];
    if (implementation === undefined) return failed(bug(`there is no effect ${effect.src}`));
    const { context } = job.state.snapshot;
    try {
      return implementation.run({
        jobId: job.id,
        userId: context.userId,
        conversation: job.conversation,
        locale: context.locale,
        key: effect.key,
        input: effect.input,
        context,
        signal: one.controller.signal,
        report: this.#reportOf(effect.key, one),
        traceparent: one.watch.traceparent,
      });
    } catch (error) {
      return failed(thrown(error));
    }
  }

  #reportOf(key: string, one: Running): EffectReport {
    const { post, hub, clock } = this.#options;
    const isHeard = (): boolean => this.#running.get(key) === one;
    return {
      queued(queue) {
        if (!isHeard()) return;
        const isFirst = one.queue === null;
        one.queue = queue;
        one.queueAt = clock.now();
        if (isFirst) post(one.jobId, { type: 'gate.queued', queue }, key);
      },
      granted() {
        if (!isHeard() || one.queue === null) return;
        one.queue = null;
        post(one.jobId, { type: 'gate.granted' }, key);
      },
      text(content, replace) {
        if (isHeard()) hub.text(one.jobId, content, replace);
      },
    };
  }

  #beat(one: Running, message: string): void {
    const queue = this.#queueNow(one);
    const event = queue === null ? { type: 'progress', message } : { type: 'progress', queue };
    this.#options.post(one.jobId, event, null);
  }

  #finish(jobId: string, effect: PendingEffect, result: EffectResult): void {
    // Aborted meanwhile: the machine has left the state and does not want the result (J1).
    const one = this.#running.get(effect.key);
    if (one === undefined) return;
    one.watch.ended(result);
    this.#forget(effect.key);
    this.#options.faults.hit('journal.effectEnded', effect.id);
    this.#options.post(jobId, resultEvent(effect.id, result), effect.key);
  }

  #forget(key: string): void {
    const one = this.#running.get(key);
    if (one === undefined) return;
    if (one.heartbeat !== null) clearInterval(one.heartbeat);
    this.#running.delete(key);
    if (this.#byJob.get(one.jobId) === one) this.#byJob.delete(one.jobId);
  }
}

const failed = (failure: EffectFailure): EffectResult => ({ ok: false, failure });
const bug = (message: string): EffectFailure => ({ code: 'GH_JOB_BUG', message });
const thrown = (error: unknown): EffectFailure => bug(messageOf(error));

function resultEvent(id: string, result: EffectResult): JournalEvent {
  return result.ok
    ? { type: `xstate.done.actor.${id}`, output: result.output }
    : { type: `xstate.error.actor.${id}`, error: result.failure };
}

/**
 * Runs effects, one at a time per key, and turns their reports into events for their job.
 *
 * E1: an effect is started once per process and key. E2: after `abort` its reports and its result are ignored.
 * E3: the heartbeat is a separate timer: it does not delay the work.
 */
import { removeNul } from '#shared/text/remove-nul';
import { messageOf } from '#shared/errors';
import { logFieldsOf } from '#shared/wire/trace';
import type { EffectFailure, QueuePosition } from '#machines/job-types';
import type { JournalEvent } from '../job-store-port.ts';
import type { ActiveJob } from './active-jobs.ts';
import type { EffectReport, EffectResult } from './effect-port.ts';
import type { EffectSpan } from './journal-observer.ts';
import { internalEnvelope } from './envelope.ts';
import type { PendingEffect } from './job-runtime-state.ts';
import type { JournalSurroundings } from './journal-surroundings.ts';
import type { Mailbox } from './mailbox.ts';

export type EffectRunnerOptions = JournalSurroundings & { mailbox: Mailbox; heartbeatMs: number };

interface RunningEffect {
  jobId: string;
  writes: boolean;
  controller: AbortController;
  heartbeat: NodeJS.Timeout | null;
  queue: QueuePosition | null;
  /** When `queue` was reported, epoch ms. */
  queueUpdatedAt: number;
  span: EffectSpan;
  ended: Promise<void>;
}

export class EffectRunner {
  readonly #options: EffectRunnerOptions;
  readonly #running = new Map<string, RunningEffect>();
  readonly #byJob = new Map<string, RunningEffect>();

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
  }

  /** @param isRepeat it may have been started before, by a process that has ended */
  start(job: ActiveJob, effect: PendingEffect, isRepeat = false): void {
    if (this.#running.has(effect.key)) return;
    const { effects, faults, heartbeatMs, log } = this.#options;
    const implementation = effects[effect.src];
    const one: RunningEffect = {
      jobId: job.id,
      writes: implementation?.writes === true,
      controller: new AbortController(),
      heartbeat: null,
      queue: null,
      queueUpdatedAt: 0,
      span: this.#startSpan(job, effect),
      ended: Promise.resolve(),
    };
    this.#running.set(effect.key, one);
    this.#byJob.set(job.id, one);
    faults.reach('journal.effectStarted', effect.id);
    const result = this.#run(job, effect, one, isRepeat);
    if (!(result instanceof Promise)) {
      this.#finish(job.id, effect, result);
      return;
    }
    const message = implementation?.heartbeat?.(job.state.snapshot.context.locale);
    if (message !== undefined) {
      one.heartbeat = setInterval(() => this.#postHeartbeat(one, message), heartbeatMs);
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
        this.#finish(job.id, effect, failed(thrownFailure(error)));
      },
    );
  }

  abort(key: string): void {
    const one = this.#running.get(key);
    if (one === undefined) return;
    this.#forget(key);
    one.span.ended('aborted');
    one.controller.abort('cancelled');
  }

  /** Aborts all effects. Effects that write get `graceMs` to end first, so that their result is known. */
  async stop(graceMs: number): Promise<void> {
    for (const [key, one] of this.#running) if (!one.writes) this.abort(key);
    await this.settleWriters([...this.#running.keys()], graceMs);
    for (const key of this.#running.keys()) this.abort(key);
  }

  /** Resolves when those of these effects that write have ended, after `graceMs` at the latest. */
  async settleWriters(keys: readonly string[], graceMs: number): Promise<void> {
    const writers = keys.flatMap((key) => {
      const one = this.#running.get(key);
      return one?.writes === true ? one.ended : [];
    });
    if (writers.length === 0) return;
    const grace = new Promise((resolve) => setTimeout(resolve, graceMs).unref());
    await Promise.race([Promise.all(writers), grace]);
  }

  /** Position at a gate of the job's running effect; null when it does not wait. */
  queuePositionOf(jobId: string): QueuePosition | null {
    const one = this.#byJob.get(jobId);
    return one === undefined ? null : this.#currentQueuePosition(one);
  }

  /** The gate reports only changed positions; between reports the estimate is reduced by the elapsed time. */
  #currentQueuePosition({ queue, queueUpdatedAt }: RunningEffect): QueuePosition | null {
    if (queue === null || queue.etaMs === null) return queue;
    const passedMs = Math.max(0, this.#options.clock.now() - queueUpdatedAt);
    return { ...queue, etaMs: Math.max(0, queue.etaMs - passedMs) };
  }

  /**
   * A scheduled effect works only inside the journal and gets no span. Without an observer the client's trace context
   * is passed on.
   */
  #startSpan(job: ActiveJob, effect: PendingEffect): EffectSpan {
    const { observer, effects } = this.#options;
    const { traceparent } = job.input;
    if (observer.effectStarted === undefined || effects[effect.src]?.isScheduled === true) {
      return { traceparent, ended: () => undefined };
    }
    return observer.effectStarted(job, effect);
  }

  #run(
    job: ActiveJob,
    effect: PendingEffect,
    one: RunningEffect,
    isRepeat: boolean,
  ): EffectResult | Promise<EffectResult> {
    const implementation = this.#options.effects[effect.src];
    if (implementation === undefined) return failed(bugFailure(`there is no effect ${effect.src}`));
    const { context } = job.state.snapshot;
    try {
      return implementation.run({
        jobId: job.id,
        userId: context.userId,
        conversation: job.conversation,
        locale: context.locale,
        key: effect.key,
        isRepeat,
        input: effect.input,
        context,
        signal: one.controller.signal,
        report: this.#createReport(effect.key, one),
        traceparent: one.span.traceparent,
      });
    } catch (error) {
      return failed(thrownFailure(error));
    }
  }

  #createReport(key: string, one: RunningEffect): EffectReport {
    const { mailbox, hub, clock } = this.#options;
    const post = (event: JournalEvent): void =>
      mailbox.post({ kind: 'effectResult', jobId: one.jobId, event, effectKey: key });
    const isCurrent = (): boolean => this.#running.get(key) === one;
    return {
      queued(queue) {
        if (!isCurrent()) return;
        const isFirst = one.queue === null;
        one.queue = queue;
        one.queueUpdatedAt = clock.now();
        if (isFirst) post({ type: 'gate.queued', queue });
      },
      granted() {
        if (!isCurrent() || one.queue === null) return;
        one.queue = null;
        post({ type: 'gate.granted' });
      },
      text(content, replace) {
        if (isCurrent()) hub.text(one.jobId, content, replace);
      },
    };
  }

  #postHeartbeat(one: RunningEffect, message: string): void {
    const queue = this.#currentQueuePosition(one);
    const event = queue === null ? { type: 'progress', message } : { type: 'progress', queue };
    this.#options.mailbox.post(internalEnvelope(one.jobId, event));
  }

  #finish(jobId: string, effect: PendingEffect, result: EffectResult): void {
    // Aborted meanwhile: the machine has left the state, and the result is dropped (J1).
    const one = this.#running.get(effect.key);
    if (one === undefined) return;
    one.span.ended(result);
    this.#forget(effect.key);
    const { faults, mailbox } = this.#options;
    faults.reach('journal.effectEnded', effect.id);
    // Of models and tools.
    const event = toResultEvent(effect.id, removeNul(result));
    mailbox.post({ kind: 'effectResult', jobId, event, effectKey: effect.key });
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
const bugFailure = (message: string): EffectFailure => ({ code: 'GH_JOB_BUG', message });
const thrownFailure = (error: unknown): EffectFailure => bugFailure(messageOf(error));

function toResultEvent(id: string, result: EffectResult): JournalEvent {
  return result.ok
    ? { type: `xstate.done.actor.${id}`, output: result.output }
    : { type: `xstate.error.actor.${id}`, error: result.failure };
}

/**
 * A turn of the journal: a pipeline that is read once, from top to bottom (`run`).
 *
 * Effects are started in one step for each kind: a scheduled effect works only inside the journal, and is part of the
 * transaction (`#admit`); every other effect starts after the commit (`#startEffects`).
 *
 * A storage that answers later delays the steps after `#write`; the mailbox gathers meanwhile. An envelope whose job must
 * be loaded from such a storage goes to a later turn, with all later envelopes of this job behind it.
 *
 * Q1: nothing is started, published or answered before the commit of the step that caused it (P2).
 * Q2: a turn that cannot be committed leaves no trace: jobs are as before, commands are refused, events from inside are
 *     retried.
 * Q4: a bug in a step ends the job that it concerns with a visible error (P1). The other jobs of the turn continue.
 */
import assert from 'node:assert/strict';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { FaultPoint } from '#shared/fault-points';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import { stateEventsOf } from '#shared/wire/state-event';
import { logFieldsOf } from '#shared/wire/trace';
import { GatehouseError, messageOf } from '#shared/errors';
import type { ActiveJob } from './active-jobs.ts';
import { acknowledgementOf, internalEnvelope, type Envelope } from './envelope.ts';
import { internalErrorEventType, isEnded, isParked, summaryOf } from './job-runtime-state.ts';
import type { JournalParts } from './journal-parts.ts';
import type { JobEnd } from './journal-observer.ts';
import {
  alreadyEnded,
  createTransactionBatch,
  type BatchedChange,
  type TransactionBatch,
} from './transaction-batch.ts';

/** Per turn: fsync costs the same for one row as for hundreds, but no event may wait long for the others. */
const envelopesMax = 512;
/** Retry interval on a full disk; shorter only burns CPU, longer makes users wait. */
const retryDelayMs = 250;

export class TurnPipeline {
  readonly #parts: JournalParts;
  readonly #writeErrorLog: ThrottledErrorLog;
  #isStorageUp = true;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#writeErrorLog = createThrottledErrorLog(parts.log, 'the turn could not be committed');
  }

  get isStorageUp(): boolean {
    return this.#isStorageUp;
  }

  /** @returns the delay of the next turn, ms */
  run(): MaybePromise<number> {
    const batch = createTransactionBatch(this.#parts);
    const taken = this.#applyEnvelopes(batch);
    if (batch.changes.size === 0) {
      batch.rejectRefused();
      return 0;
    }
    const beganAt = performance.now();
    return settle(
      () => this.#write(batch),
      () => this.#makeVisible(batch, performance.now() - beganAt),
      (error) => this.#undo(batch, taken, error),
    );
  }

  /** The steps after the commit. `writeMs`: from the begin of the transaction to its fsync. */
  #makeVisible(batch: TransactionBatch, writeMs: number): number {
    this.#recordCommit(batch, writeMs);
    batch.rejectRefused();
    for (const change of batch.changes.values()) {
      this.#acknowledge(change);
      this.#guard(change, this.#publish);
      this.#guard(change, this.#stopEffects);
      this.#guard(change, this.#startEffects);
      this.#guard(change, this.#setTimers);
      this.#guard(change, this.#unload);
    }
    return 0;
  }

  /** Applies the envelopes to their jobs in memory, also those that scheduled effects post meanwhile. */
  #applyEnvelopes(batch: TransactionBatch): Envelope[] {
    const { mailbox } = this.#parts;
    const taken: Envelope[] = [];
    for (;;) {
      const next = mailbox.take(envelopesMax - taken.length);
      if (next.length === 0) return taken;
      for (const envelope of next) {
        const job = this.#load(envelope);
        if (job === 'later') continue;
        taken.push(envelope);
        const change = batch.apply(envelope, job);
        if (change !== null) this.#guard(change, this.#admit);
      }
    }
  }

  /** The job of the envelope, null if there is none; `later`: the envelope comes again, or was refused. */
  #load(envelope: Envelope): ActiveJob | null | 'later' {
    const { activeJobs, mailbox } = this.#parts;
    const acknowledgement = acknowledgementOf(envelope);
    if (envelope.kind === 'open') return null;
    const job = settle(
      () => activeJobs.load(envelope.jobId),
      (loaded) => loaded,
      (error): 'later' => {
        // The database cannot be read: a command is refused, an event from inside is retried.
        if (acknowledgement !== null) acknowledgement.reject(error);
        else setTimeout(() => mailbox.post(envelope), retryDelayMs).unref();
        return 'later';
      },
    );
    if (!(job instanceof Promise)) return job;
    void job.then((loaded) => {
      if (loaded === null)
        acknowledgement?.reject(new GatehouseError('GH_JOB_CONFLICT', alreadyEnded));
      else if (loaded !== 'later') mailbox.post(envelope);
    });
    return 'later';
  }

  /** A new job waits for its place in the scheduler's queue; a scheduled effect runs at once when it has one. */
  readonly #admit = ({ job }: BatchedChange): void => {
    const { effects, scheduler, runner, positionNotifier, mailbox, isOpen } = this.#parts;
    for (const effect of job.state.effects) {
      if (effects[effect.src]?.isScheduled !== true || scheduler.has(job.id) || !isOpen()) continue;
      const { id: jobId, conversation, input } = job;
      scheduler.enqueue({ jobId, conversation, userId: input.userId }, () => {
        if (isOpen()) runner.start(job, effect);
      });
      const queue = positionNotifier.positionOf(jobId);
      if (queue !== null) mailbox.post(internalEnvelope(jobId, { type: 'progress', queue }));
    }
  };

  #write({ changes, toJobChanges }: TransactionBatch): MaybePromise<void> {
    const records = toJobChanges();
    this.#passFaultPoint('journal.beforeCommit', changes);
    const setNumbers = (): void => {
      for (const { jobId, num } of records) changes.get(jobId)!.job.num = num;
    };
    const committed = this.#parts.storage.commit(records);
    return committed instanceof Promise ? committed.then(setNumbers) : setNumbers();
  }

  #recordCommit({ changes }: TransactionBatch, ms: number): void {
    this.#isStorageUp = true;
    this.#writeErrorLog.recovered();
    let rows = 0;
    for (const change of changes.values()) rows += change.rows.length;
    this.#parts.observer.committed?.({ jobs: changes.size, rows, ms });
    this.#passFaultPoint('journal.afterCommit', changes);
  }

  #passFaultPoint(point: FaultPoint, changes: TransactionBatch['changes']): void {
    const { faults } = this.#parts;
    for (const { job } of changes.values()) faults.reach(point, job.state.snapshot.context.state);
  }

  #undo(batch: TransactionBatch, taken: readonly Envelope[], error: unknown): number {
    const { activeJobs, mailbox, observer, runner, scheduler } = this.#parts;
    this.#isStorageUp = false;
    this.#writeErrorLog.error((error as Error).cause ?? error);
    observer.commitFailed?.();
    for (const { job, before } of batch.changes.values()) {
      for (const effect of job.state.effects) {
        if (before === null || !before.effects.includes(effect)) runner.abort(effect.key);
      }
      if (before === null) scheduler.release(job.id);
    }
    batch.rollBack();
    batch.rejectRefused(error);
    for (const envelope of taken) acknowledgementOf(envelope)?.reject(error);
    // Events of jobs that were opened in this batch have no job any more; stale progress events are dropped.
    mailbox.putBack(
      taken.filter(
        (envelope) =>
          acknowledgementOf(envelope) === null &&
          envelope.event.type !== 'progress' &&
          activeJobs.get(envelope.jobId) !== undefined,
      ),
    );
    return retryDelayMs;
  }

  #acknowledge({ job, before, envelopes }: BatchedChange): void {
    for (const envelope of envelopes) acknowledgementOf(envelope)?.resolve();
    if (before === null) this.#parts.observer.accepted?.(job);
  }

  readonly #publish = ({ job, rows }: BatchedChange): void => {
    const { hub } = this.#parts;
    assert.notEqual(job.num, null, 'only a stored job is published');
    for (const row of rows) for (const event of stateEventsOf(job.input, row)) hub.event(event);
  };

  /** Aborts the effects whose state was left. */
  readonly #stopEffects = ({ job, before }: BatchedChange): void => {
    for (const effect of before?.effects ?? []) {
      if (!job.state.effects.includes(effect)) this.#parts.runner.abort(effect.key);
    }
  };

  /** An effect that a stopping process does not start is on disk, and starts with the next process. */
  readonly #startEffects = ({ job, before }: BatchedChange): void => {
    const { effects, scheduler, runner, isOpen } = this.#parts;
    if (!isOpen()) return;
    for (const effect of job.state.effects) {
      if (before?.effects.includes(effect)) continue;
      if (effects[effect.src]?.isScheduled !== true) runner.start(job, effect);
      else assert(scheduler.has(job.id), 'a job with a scheduled effect is in the scheduler');
    }
  };

  /** The timers of a job in memory are armed. A parked job has only its wake-up time. */
  readonly #setTimers = ({ job, before }: BatchedChange): void => {
    const { timers } = this.#parts;
    const { state } = job;
    const parked = isParked(state);
    for (const timer of before?.timers ?? []) {
      if (parked || !state.timers.includes(timer)) timers.clear(timer);
    }
    if (isEnded(state)) return;
    for (const timer of state.timers) {
      if (parked) timers.scheduleWake(timer.dueAt);
      else if (!before?.timers.includes(timer)) timers.arm(job.id, timer);
    }
  };

  /** A job that has ended or parked leaves the memory, and its place goes to the next job. */
  readonly #unload = (change: BatchedChange): void => {
    const { activeJobs, observer, scheduler } = this.#parts;
    const { job } = change;
    const hasEnded = isEnded(job.state);
    if (!hasEnded && !isParked(job.state)) return;
    activeJobs.evict(job.id);
    scheduler.release(job.id);
    if (hasEnded) observer.ended?.(job, jobEndOf(change));
    assert.equal(job.state.effects.length, 0, 'a job that has ended or parked runs no effect');
  };

  #guard(change: BatchedChange, step: (change: BatchedChange) => void): void {
    try {
      step(change);
    } catch (bug) {
      const { id, input } = change.job;
      const { log, mailbox } = this.#parts;
      log.error({ ...logFieldsOf(id, input.traceparent), error: messageOf(bug) }, 'job broken');
      mailbox.post(internalEnvelope(id, { type: internalErrorEventType, code: 'GH_JOB_BUG' }));
    }
  }
}

function jobEndOf({ job, rows }: BatchedChange): JobEnd {
  const { decision, models } = job.state.snapshot.context;
  const { outcome, reply } = summaryOf(job.state);
  return {
    at: rows.at(-1)?.at ?? job.createdAt,
    outcome: outcome as JobEnd['outcome'],
    replyLength: reply?.length ?? 0,
    decision: decision === null ? null : { by: decision.by, action: decision.action },
    models,
  };
}

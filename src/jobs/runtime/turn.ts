/**
 * A turn of the journal: a pipeline that is read once, from top to bottom (`run`).
 *
 * Effects are started in one step for each kind: a scheduled effect works only inside the journal, and is part of the
 * transaction (`#admit`); every other effect starts after the commit (committed-change.ts).
 *
 * A storage that answers later delays the steps after `#write`; the mailbox gathers meanwhile. An envelope whose job must
 * be loaded from such a storage goes to a later turn, with all later envelopes of this job behind it.
 *
 * Q1: nothing is started, published or answered before the commit of the step that caused it (P2).
 * Q2: a turn that cannot be committed leaves no trace: jobs are as before, commands are refused, events from inside are
 *     retried.
 * Q5: while it is not known whether a turn was committed, its jobs stay as the turn has left them: nothing of them is
 *     started, published or undone, and no other turn runs. Its callers get GH_STORE_UNKNOWN, other commands
 *     GH_STORE_UNAVAILABLE. When the outcome is known, the turn ends as committed, or as refused (Q2). A journal that
 *     stops meanwhile does neither: the next process reads the outcome from disk.
 * Q6: a turn that was refused because of the data of one job is committed job by job: only that job ends, visibly.
 * Q7: a turn that was refused because another process owns a partition is undone. The jobs of this partition leave the
 *     memory, and nothing of them is published; all others are applied again, and their callers see nothing of it.
 */
import assert from 'node:assert/strict';
import { FencedError, UnknownCommitError } from '#storage/commit-errors';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { FaultPoint } from '#shared/fault-points';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import { logFieldsOf } from '#shared/wire/trace';
import { GatehouseError, messageOf } from '#shared/errors';
import type { ActiveJob } from './active-jobs.ts';
import { guardStep, makeVisible } from './committed-change.ts';
import { acknowledgementOf, internalEnvelope, type Envelope } from './envelope.ts';
import { forgetJobsOf } from './eviction.ts';
import { internalErrorEventType, isParked } from './job-runtime-state.ts';
import { isBackground, isReminder } from './queue-limits.ts';
import type { JournalParts } from './journal-parts.ts';
import { alreadyEnded, TransactionBatch, type BatchedChange } from './transaction-batch.ts';

/** Per turn: fsync costs the same for one row as for hundreds, but no event may wait long for the others. */
const envelopesMax = 512;
/** Retry interval on a full disk; shorter only burns CPU, longer makes users wait. */
const retryDelayMs = 250;
/** Times of rows do not go back when the clock does, unless by more: then the clock was wrong before. */
const clockStepMaxMs = 60_000;

export class TurnPipeline {
  readonly #parts: JournalParts;
  readonly #writeErrorLog: ThrottledErrorLog;
  #isStorageUp = true;
  /** Time of the last turn, or of the last row of a partition that was taken over. */
  #lastAt = 0;
  /** The rest of a batch that is committed job by job. */
  #uncommitted: TransactionBatch[] = [];
  #abandonDoubt: (error: unknown) => void = () => undefined;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#writeErrorLog = createThrottledErrorLog(parts.log, 'the turn could not be committed');
  }

  get isStorageUp(): boolean {
    return this.#isStorageUp;
  }

  /** Later turns are not earlier than this time, epoch ms. */
  startAfter(at: number): void {
    this.#lastAt = Math.max(this.#lastAt, at);
  }

  /** The journal has stopped: the outcome of a commit in doubt is not waited for any more. */
  stop(): void {
    this.#abandonDoubt(new GatehouseError('GH_STORE_UNKNOWN'));
    for (const part of this.#uncommitted.splice(0)) {
      part.rejectAll(new GatehouseError('GH_SERVER_STOPPING'));
    }
  }

  /** @returns the delay of the next turn, ms */
  run(): MaybePromise<number> {
    const batch = new TransactionBatch(this.#parts, this.#time());
    this.#applyEnvelopes(batch);
    for (const job of batch.idleJobs) this.#parts.activeJobs.evict(job.id);
    return this.#commit(batch);
  }

  #time(): number {
    const now = this.#parts.clock.now();
    const isStep = this.#lastAt > now && this.#lastAt - now <= clockStepMaxMs;
    if (!isStep) this.#lastAt = now;
    return this.#lastAt;
  }

  #commit(batch: TransactionBatch): MaybePromise<number> {
    if (batch.changes.size === 0) {
      batch.rejectRefused();
      return 0;
    }
    const beganAt = performance.now();
    return settle(
      () => this.#write(batch),
      () => this.#afterCommit(batch, performance.now() - beganAt),
      (error) => this.#afterFailure(batch, error),
    );
  }

  /** `writeMs`: from the begin of the transaction to its fsync. */
  #afterCommit(batch: TransactionBatch, writeMs: number): number {
    this.#isStorageUp = true;
    this.#writeErrorLog.recovered();
    let rows = 0;
    for (const change of batch.changes.values()) rows += change.rows.length;
    this.#parts.observer.committed?.({ jobs: batch.changes.size, rows, ms: writeMs });
    this.#passFaultPoint('journal.afterCommit', batch);
    batch.rejectRefused();
    for (const change of batch.changes.values()) makeVisible(this.#parts, change);
    return 0;
  }

  #afterFailure(batch: TransactionBatch, error: unknown): MaybePromise<number> {
    if (error instanceof UnknownCommitError) return this.#awaitOutcome(batch, error);
    if (error instanceof FencedError) return this.#evict(batch, error);
    const isRejected = !(error instanceof GatehouseError) || error.code === 'GH_STORE_REJECTED';
    if (!isRejected) return this.#undo(batch, error);
    return batch.changes.size > 1 ? this.#commitEach(batch) : this.#endJob(batch, error);
  }

  /** Applies the envelopes to their jobs in memory, also those that scheduled effects post meanwhile. */
  #applyEnvelopes(batch: TransactionBatch): void {
    const { mailbox } = this.#parts;
    for (;;) {
      const next = mailbox.take(envelopesMax - batch.taken.length);
      if (next.length === 0) return;
      for (const envelope of next) {
        const job = this.#load(envelope);
        if (job === 'later') continue;
        const change = batch.apply(envelope, job);
        if (change !== null) guardStep(this.#parts, change, admit);
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
        // A command is refused. An event from inside is retried if the database cannot be read.
        if (acknowledgement !== null) acknowledgement.reject(error);
        else if (!(error instanceof FencedError))
          setTimeout(() => mailbox.post(envelope), retryDelayMs).unref();
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

  #write(batch: TransactionBatch): MaybePromise<void> {
    const records = batch.toJobChanges();
    this.#passFaultPoint('journal.beforeCommit', batch);
    const setNumbers = (): void => {
      for (const { jobId, num } of records) batch.changes.get(jobId)!.job.num = num;
    };
    const committed = this.#parts.storage.commit(records);
    return committed instanceof Promise ? this.#whenCommitted(committed, setNumbers) : setNumbers();
  }

  async #whenCommitted(committed: Promise<void>, setNumbers: () => void): Promise<void> {
    try {
      await committed;
    } catch (error) {
      if (!(error instanceof UnknownCommitError)) throw error;
      throw new UnknownCommitError(error.settled.then(setNumbers));
    }
    setNumbers();
  }

  #passFaultPoint(point: FaultPoint, { changes }: TransactionBatch): void {
    const { faults } = this.#parts;
    for (const { job } of changes.values()) faults.reach(point, job.state.snapshot.context.state);
  }

  /** Q5. The repeat of a message with its key waits for `outcome`. */
  async #awaitOutcome(batch: TransactionBatch, error: UnknownCommitError): Promise<number> {
    const { mailbox } = this.#parts;
    const beganAt = performance.now();
    const outcome = Promise.withResolvers<void>();
    outcome.promise.catch(() => undefined);
    this.#abandonDoubt = outcome.reject;
    this.#reportFailure(error);
    batch.rejectAll(new UnknownCommitError(outcome.promise));
    mailbox.beginDoubt(new GatehouseError('GH_STORE_UNAVAILABLE'));
    let failure: unknown = null;
    try {
      await error.settled;
    } catch (reason) {
      failure = reason;
    }
    // The storage was closed before it knew the outcome.
    const isUnknown = failure instanceof GatehouseError && failure.code === 'GH_STORE_UNKNOWN';
    if (isUnknown && !mailbox.isClosed) await new Promise(() => undefined);
    if (mailbox.isClosed) return 0;
    mailbox.endDoubt();
    if (failure === null) {
      outcome.resolve();
      return this.#afterCommit(batch, performance.now() - beganAt);
    }
    outcome.reject(failure);
    if (failure instanceof FencedError) return this.#evict(batch, failure);
    return this.#undo(batch, failure);
  }

  /** Q6. */
  async #commitEach(batch: TransactionBatch): Promise<number> {
    let delayMs = 0;
    this.#uncommitted = batch.split();
    for (let part; (part = this.#uncommitted.shift()) !== undefined;) {
      // The database has failed meanwhile.
      if (delayMs > 0) this.#undo(part, new GatehouseError('GH_STORE_UNAVAILABLE'));
      else delayMs = await this.#commit(part);
    }
    return delayMs;
  }

  /** Q6: the only job of the batch writes what cannot be stored. */
  #endJob(batch: TransactionBatch, error: unknown): number {
    const { activeJobs, log, mailbox, scheduler } = this.#parts;
    this.#restore(batch);
    for (const { job, before, rows } of batch.changes.values()) {
      const cause = (error as Error).cause ?? error;
      const who = logFieldsOf(job.id, job.input.traceparent);
      log.error({ ...who, error: messageOf(cause) }, 'what a job wrote cannot be stored');
      if (before === null) continue;
      const code = 'GH_STORE_REJECTED';
      if (rows.every(({ event }) => event.type !== internalErrorEventType)) {
        mailbox.post(internalEnvelope(job.id, { type: internalErrorEventType, code }));
        continue;
      }
      // Not even its end can be stored: it is read again with the next start.
      for (const timer of before.timers) this.#parts.timers.clear(timer);
      for (const { key } of before.effects) this.#parts.runner.abort(key);
      activeJobs.evict(job.id);
      scheduler.release(job.id);
    }
    batch.rejectAll(error);
    return 0;
  }

  /** Q7. */
  #evict(batch: TransactionBatch, error: FencedError): number {
    const { mailbox, onFenced, storage } = this.#parts;
    const lost = new Set(error.partitions);
    const [fenced, others] = [[] as TransactionBatch[], [] as TransactionBatch[]];
    for (const part of batch.split()) {
      const [change] = part.changes.values();
      const isFenced =
        change !== undefined && lost.has(storage.partitionOf(change.job.input.userId));
      (isFenced ? fenced : others).push(part);
    }
    assert(fenced.length > 0, 'Q7: a turn is fenced by a partition that it writes');
    this.#restore(batch);
    for (const part of fenced) part.rejectAll(error);
    forgetJobsOf(this.#parts, lost);
    mailbox.putBack(others.flatMap(({ taken }) => taken.filter((one) => this.#isRepeatable(one))));
    onFenced(error.partitions);
    return 0;
  }

  /** Q2. */
  #undo(batch: TransactionBatch, error: unknown): number {
    this.#reportFailure(error);
    this.#restore(batch);
    batch.rejectAll(error);
    // Stale progress events are dropped.
    const repeated = batch.taken.filter(
      (envelope) => envelope.event.type !== 'progress' && this.#isRepeatable(envelope),
    );
    this.#parts.mailbox.putBack(repeated);
    const repeatedJobs = new Set(repeated.map(({ jobId }) => jobId));
    for (const { job } of batch.changes.values()) {
      if (isParked(job.state) && !repeatedJobs.has(job.id)) this.#parts.activeJobs.evict(job.id);
    }
    return retryDelayMs;
  }

  /** Events of jobs that were opened in a batch that is undone have no job any more. */
  #isRepeatable(envelope: Envelope): boolean {
    const isInner = acknowledgementOf(envelope) === null;
    return !isInner || this.#parts.activeJobs.get(envelope.jobId) !== undefined;
  }

  #reportFailure(error: unknown): void {
    this.#isStorageUp = false;
    this.#writeErrorLog.error((error as Error).cause ?? error);
    this.#parts.observer.commitFailed?.();
  }

  /** Jobs are as before the batch. */
  #restore(batch: TransactionBatch): void {
    const { runner, scheduler } = this.#parts;
    // Jobs that wait are released before those that run: none of them may start.
    for (const { job, before } of [...batch.changes.values()].toReversed()) {
      for (const effect of job.state.effects) {
        if (before === null || !before.effects.includes(effect)) runner.abort(effect.key);
      }
      if (before === null) scheduler.release(job.id);
    }
    batch.rollBack();
  }
}

/** A new job waits for its place in the scheduler's queue; a scheduled effect runs at once when it has one. */
function admit(parts: JournalParts, { job }: BatchedChange): void {
  const { effects, scheduler, runner, positionNotifier, mailbox, isOpen } = parts;
  for (const effect of job.state.effects) {
    if (effects[effect.src]?.isScheduled !== true || scheduler.has(job.id) || !isOpen()) continue;
    const { id: jobId, conversation, input } = job;
    if (isReminder(input)) {
      scheduler.adopt(jobId, `reminder/${jobId}`);
      runner.start(job, effect);
      continue;
    }
    const waiter = { jobId, conversation, userId: input.userId, isBackground: isBackground(input) };
    scheduler.enqueue(waiter, () => {
      if (isOpen()) runner.start(job, effect);
    });
    const queue = positionNotifier.positionOf(jobId);
    if (queue !== null) mailbox.post(internalEnvelope(jobId, { type: 'progress', queue }));
  }
}

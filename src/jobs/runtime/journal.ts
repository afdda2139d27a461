/**
 * The actor runtime of the jobs: the only caller of the job machine. A mailbox takes events in the order of their
 * arrival; at the end of a turn of the event loop all of them are applied and committed in one transaction (group
 * commit), and only then made visible.
 *
 * Q1: nothing is started, published or answered before the commit of the step that caused it (P2).
 * Q2: a batch that cannot be committed leaves no trace: jobs are as before, commands are refused, events from inside
 *     are retried.
 * Q3: at most one batch runs at a time; a job's events are applied one after another.
 *
 * Must never: call a model, a tool or the network itself; keep a parked job in memory.
 */
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { jobMachineVersion } from '#machines/job';
import type { JobEvent, JobInput, QueuePosition } from '#machines/job-types';
import { createQueueLimits, type QueueLimits } from './queue-limits.ts';
import type { JobStorage } from '../job-store-port.ts';
import { createEffectRunner, type EffectRunner } from './effect-runner.ts';
import type { Effects } from './effect-port.ts';
import { initEvent, type PendingEffect } from './job-runtime-state.ts';
import { createActiveJobCache, type ActiveJob, type ActiveJobCache } from './active-jobs.ts';
import type { LiveHub } from './live-hub.ts';
import type { JournalObserver } from './journal-observer.ts';
import {
  createQueuePositionNotifier,
  type QueuePositionNotifier,
} from './queue-position-notifier.ts';
import { createJobMachineRunner } from './job-machine-runner.ts';
import { runAfterCommit, type AfterCommitContext } from './after-commit.ts';
import { createJobTimers, type JobTimers } from './job-timers.ts';
import {
  acknowledgementOf,
  internalEnvelope,
  type Acknowledgement,
  type Envelope,
} from './envelope.ts';
import { JobRecovery } from './job-recovery.ts';
import { createTransactionBatch, type TransactionBatch } from './transaction-batch.ts';
import { createJobScheduler, type JobScheduler } from './job-scheduler.ts';

export interface JournalOptions {
  storage: JobStorage;
  effects: Effects;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  faults: FaultInjector;
  maxConcurrent: number;
  /** Jobs that may wait to run; one more is refused. One user may have half of them, at least 10. */
  maxQueued: number;
  heartbeatMs: number;
  observer?: JournalObserver;
}

export interface Submission {
  input: JobInput;
  conversation: string;
  /** Used for one job only; null when the client sent none. */
  idempotencyKey: string | null;
}

/** The job that a message went to, and whether it existed before. */
export interface SubmitResult {
  jobId: string;
  isDuplicate: boolean;
}

export interface Journal {
  /**
   * Opens a job. When it resolves, the message is on disk. With an idempotency key that was used before, it returns the
   * earlier job and does nothing.
   * @throws GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  submit(submission: Submission): Promise<SubmitResult>;
  /**
   * Sends an event to a job. When it resolves, the event is on disk.
   * @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  send(jobId: string, event: JobEvent, idempotencyKey?: string | null): Promise<void>;
  /** Position of an open job that waits, in the scheduler's queue or at a gate; null when it does not wait. */
  queuePositionOf(jobId: string): QueuePosition | null;
  readonly stats: JournalStats;
  /** Resumes all open jobs in their states. Call once. */
  resume(): void;
  /** Commits accepted events and stops effects (they run again after the next start). Later events are refused. */
  stop(graceMs: number): Promise<void>;
}

export interface JournalStats {
  queued: number;
  running: number;
  /** Jobs in memory. */
  loaded: number;
  /** False after a batch that could not be committed, until the next commit. */
  isStorageUp: boolean;
}

/** Per batch: fsync costs the same for one row as for hundreds, but no event may wait long for the others. */
const batchEnvelopesMax = 512;
/** Retry interval on a full disk; shorter only burns CPU, longer makes users wait. */
const retryDelayMs = 250;

export function createJournal(options: JournalOptions): Journal {
  return new JobJournal(options);
}

class JobJournal implements Journal {
  readonly #options: JournalOptions;
  readonly #machine = createJobMachineRunner();
  readonly #activeJobs: ActiveJobCache;
  readonly #scheduler: JobScheduler;
  readonly #queueLimits: QueueLimits;
  readonly #timers: JobTimers;
  readonly #runner: EffectRunner;
  readonly #afterCommit: AfterCommitContext;
  readonly #positionNotifier: QueuePositionNotifier;
  readonly #recovery: JobRecovery;
  /** Submissions that are being committed, by idempotency key. */
  readonly #pendingSubmits = new Map<string, Promise<SubmitResult>>();
  #mailbox: Envelope[] = [];
  /** Cancels the scheduled batch; null when none is scheduled. */
  #cancelScheduledBatch: (() => void) | null = null;
  #isStorageUp = true;
  readonly #writeErrorLog: ThrottledErrorLog;
  #phase: 'open' | 'stopping' | 'stopped' = 'open';

  constructor(options: JournalOptions) {
    const { storage, hub, log, faults, clock } = options;
    this.#options = options;
    this.#writeErrorLog = createThrottledErrorLog(options.log, 'the turn could not be committed');
    this.#activeJobs = createActiveJobCache({
      storage,
      machine: this.#machine,
      machineVersion: jobMachineVersion,
      log,
    });
    this.#scheduler = createJobScheduler(options.maxConcurrent, clock);
    this.#queueLimits = createQueueLimits(this.#scheduler, options);
    this.#timers = createJobTimers(clock, (at) => this.#recovery.fireDueTimers(at));
    this.#runner = createEffectRunner({
      effects: options.effects,
      hub,
      heartbeatMs: options.heartbeatMs,
      clock,
      log,
      faults,
      observer: options.observer ?? {},
      post: (jobId, event, effectKey) =>
        this.#post(
          effectKey === null
            ? internalEnvelope(jobId, event)
            : { kind: 'effectResult', jobId, event, effectKey },
        ),
    });
    this.#positionNotifier = createQueuePositionNotifier({
      scheduler: this.#scheduler,
      intervalMs: options.heartbeatMs,
      notify: (jobId, queue) => this.#post(internalEnvelope(jobId, { type: 'progress', queue })),
    });
    this.#afterCommit = {
      activeJobs: this.#activeJobs,
      hub,
      runner: this.#runner,
      timers: this.#timers,
      scheduler: this.#scheduler,
      observer: options.observer ?? {},
      startEffect: (job, effect) => this.#startEffect(job, effect),
      post: (envelope) => this.#post(envelope),
    };
    this.#recovery = new JobRecovery({
      storage,
      effects: options.effects,
      clock,
      activeJobs: this.#activeJobs,
      scheduler: this.#scheduler,
      timers: this.#timers,
      runner: this.#runner,
      afterCommit: this.#afterCommit,
      readErrorLog: createThrottledErrorLog(log, 'the journal cannot be read'),
      post: (envelope) => this.#post(envelope),
      isOpen: () => this.#phase === 'open',
    });
  }

  submit(submission: Submission): Promise<SubmitResult> {
    return this.#deduplicate(submission.idempotencyKey, () => this.#openJob(submission));
  }

  /** An idempotency key is used once, also while its commit is still pending. */
  #deduplicate(key: string | null, work: () => Promise<SubmitResult>): Promise<SubmitResult> {
    if (key === null) return work();
    const pending = this.#pendingSubmits.get(key);
    if (pending !== undefined) return pending.then(({ jobId }) => ({ jobId, isDuplicate: true }));
    const earlier = this.#options.storage.jobOfKey(key);
    if (earlier !== null) return Promise.resolve({ jobId: earlier, isDuplicate: true });
    const result = work().finally(() => this.#pendingSubmits.delete(key));
    this.#pendingSubmits.set(key, result);
    return result;
  }

  async #openJob({ input, conversation, idempotencyKey }: Submission) {
    const { jobId } = input;
    const releaseReservation = this.#queueLimits.reserve(input.userId);
    const createdAt = this.#options.clock.now();
    const newJob = { id: jobId, num: null, conversation, input, createdAt };
    try {
      await this.#enqueueCommand(idempotencyKey, (acknowledgement) => ({
        kind: 'open',
        jobId,
        event: initEvent,
        newJob,
        acknowledgement,
      }));
    } finally {
      releaseReservation();
    }
    return { jobId, isDuplicate: false };
  }

  async send(jobId: string, event: JobEvent, idempotencyKey: string | null = null): Promise<void> {
    const { storage } = this.#options;
    if (this.#activeJobs.get(jobId) === undefined && storage.find(jobId) === null) {
      throw new GatehouseError('GH_JOB_NOT_FOUND');
    }
    await this.#deduplicate(idempotencyKey, async () => {
      await this.#enqueueCommand(idempotencyKey, (acknowledgement) => ({
        kind: 'command',
        jobId,
        event,
        acknowledgement,
      }));
      return { jobId, isDuplicate: false };
    });
  }

  queuePositionOf(jobId: string): QueuePosition | null {
    return this.#runner.queuePositionOf(jobId) ?? this.#positionNotifier.positionOf(jobId);
  }

  get stats(): JournalStats {
    return {
      queued: this.#scheduler.waiting,
      running: this.#scheduler.running,
      loaded: this.#activeJobs.size,
      isStorageUp: this.#isStorageUp,
    };
  }

  resume(): void {
    this.#recovery.resume();
  }

  async stop(graceMs: number): Promise<void> {
    this.#phase = 'stopping';
    this.#positionNotifier.stop();
    await this.#runner.stop(graceMs);
    if (this.#mailbox.length > 0) this.#runBatch();
    this.#phase = 'stopped';
    this.#cancelScheduledBatch?.();
    for (const envelope of this.#mailbox) {
      acknowledgementOf(envelope)?.reject(new GatehouseError('GH_SERVER_STOPPING'));
    }
    this.#mailbox = [];
    this.#timers.stop();
  }

  #post(envelope: Envelope): void {
    if (this.#phase === 'stopped') return;
    this.#mailbox.push(envelope);
    this.#scheduleBatch(0);
  }

  #enqueueCommand(
    key: string | null,
    envelopeWith: (acknowledgement: Acknowledgement) => Envelope,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#phase !== 'open') reject(new GatehouseError('GH_SERVER_STOPPING'));
      else this.#post(envelopeWith({ key, resolve, reject }));
    });
  }

  #startEffect(job: ActiveJob, effect: PendingEffect): void {
    // An effect that a stopping process does not start is on disk, and starts with the next process.
    if (this.#phase !== 'open') return;
    if (this.#options.effects[effect.src]?.isScheduled !== true) {
      this.#runner.start(job, effect);
      return;
    }
    if (this.#scheduler.has(job.id)) return;
    const { id: jobId, conversation, input } = job;
    this.#scheduler.enqueue({ jobId, conversation, userId: input.userId }, () => {
      if (this.#phase === 'open') this.#runner.start(job, effect);
    });
    const queue = this.#positionNotifier.positionOf(job.id);
    if (queue !== null) this.#post(internalEnvelope(job.id, { type: 'progress', queue }));
  }

  /** Schedules a batch at the end of this turn of the event loop, or after a delay, unless one is scheduled. */
  #scheduleBatch(afterMs: number): void {
    if (this.#cancelScheduledBatch !== null) return;
    if (afterMs === 0) {
      const handle = setImmediate(() => this.#runBatch());
      this.#cancelScheduledBatch = () => clearImmediate(handle);
    } else {
      const handle = setTimeout(() => this.#runBatch(), afterMs);
      this.#cancelScheduledBatch = () => clearTimeout(handle);
    }
  }

  #runBatch(): void {
    this.#cancelScheduledBatch = null;
    const { clock, log } = this.#options;
    const batch = createTransactionBatch({
      table: this.#activeJobs,
      machine: this.#machine,
      now: clock.now(),
      log,
    });
    const processed: Envelope[] = [];
    // Events that local effects post meanwhile are still part of the batch.
    while (this.#mailbox.length > 0 && processed.length < batchEnvelopesMax) {
      for (const envelope of this.#mailbox.splice(0, batchEnvelopesMax - processed.length)) {
        processed.push(envelope);
        this.#applyEnvelope(batch, envelope);
      }
    }
    if (batch.changes.size > 0) this.#commitBatch(batch, processed);
    else batch.rejectRefused();
    if (this.#mailbox.length > 0) this.#scheduleBatch(0);
  }

  #applyEnvelope(batch: TransactionBatch, envelope: Envelope): void {
    try {
      const change = batch.apply(envelope);
      if (change === null) return;
      for (const effect of change.job.state.effects) {
        if (this.#options.effects[effect.src]?.isScheduled) this.#startEffect(change.job, effect);
      }
    } catch (error) {
      // Only reading the database throws here: a command is refused, an event from inside is retried.
      const acknowledgement = acknowledgementOf(envelope);
      if (acknowledgement !== null) acknowledgement.reject(error);
      else setTimeout(() => this.#post(envelope), retryDelayMs).unref();
    }
  }

  #commitBatch(batch: TransactionBatch, processed: Envelope[]): void {
    const { storage, faults, observer } = this.#options;
    const records = batch.toJobChanges();
    const beganAt = performance.now();
    try {
      for (const { job } of batch.changes.values()) {
        faults.reach('journal.beforeCommit', job.state.snapshot.context.state);
      }
      storage.commit(records);
    } catch (error) {
      this.#rollBack(batch, processed, error);
      return;
    }
    this.#isStorageUp = true;
    this.#writeErrorLog.recovered();
    observer?.committed?.({
      jobs: records.length,
      rows: records.reduce((sum, { rows }) => sum + rows.length, 0),
      ms: performance.now() - beganAt,
    });
    for (const record of records) {
      const { job } = batch.changes.get(record.jobId)!;
      job.num = record.num;
      faults.reach('journal.afterCommit', job.state.snapshot.context.state);
    }
    batch.rejectRefused();
    for (const change of batch.changes.values()) runAfterCommit(change, this.#afterCommit);
  }

  #rollBack(batch: TransactionBatch, processed: Envelope[], error: unknown): void {
    const reason = (error as Error).cause ?? error;
    this.#writeErrorLog.error(reason);
    this.#isStorageUp = false;
    this.#options.observer?.commitFailed?.();
    for (const { job, before } of batch.changes.values()) {
      for (const effect of job.state.effects) {
        if (before === null || !before.effects.includes(effect)) this.#runner.abort(effect.key);
      }
      if (before === null) this.#scheduler.release(job.id);
    }
    batch.rollBack();
    batch.rejectRefused(error);
    for (const envelope of processed) acknowledgementOf(envelope)?.reject(error);
    // Events of jobs that were opened in this batch have no job any more; stale progress events are dropped.
    const toRetry = processed.filter(
      (envelope) =>
        acknowledgementOf(envelope) === null &&
        envelope.event.type !== 'progress' &&
        this.#activeJobs.get(envelope.jobId) !== undefined,
    );
    this.#mailbox = [...toRetry, ...this.#mailbox];
    this.#cancelScheduledBatch?.();
    this.#cancelScheduledBatch = null;
    if (this.#mailbox.length > 0) this.#scheduleBatch(retryDelayMs);
  }
}

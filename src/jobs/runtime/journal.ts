/**
 * The actor runtime of the jobs: the only caller of the job machine. The mailbox takes events in the order of their
 * arrival; at the end of a turn of the event loop all of them are applied and committed in one transaction (group
 * commit), and only then made visible (turn.ts).
 *
 * Must never: call a model, a tool or the network itself; keep a parked job in memory.
 */
import { UnknownCommitError } from '#storage/commit-errors';
import { GatehouseError } from '#shared/errors';
import type { JobEvent, JobInput, QueuePosition } from '#machines/job-types';
import type { MaybePromise } from '#shared/maybe-promise';
import type { StoredJob } from '../job-store-port.ts';
import { createActiveJobCache, ensureOwned } from './active-jobs.ts';
import { EffectRunner } from './effect-runner.ts';
import {
  acknowledgementOf,
  internalEnvelope,
  type Acknowledgement,
  type Envelope,
} from './envelope.ts';
import { createJobMachineRunner } from './job-machine-runner.ts';
import { abortEffectsOf, effectKeysOf, forgetJobsOf } from './eviction.ts';
import { JobRecovery } from './job-recovery.ts';
import { initEvent } from './job-runtime-state.ts';
import { createJobScheduler } from './job-scheduler.ts';
import { createJobTimers } from './job-timers.ts';
import type { JournalParts } from './journal-parts.ts';
import type { JournalSurroundings } from './journal-surroundings.ts';
import type { JournalObserver } from './journal-observer.ts';
import { Mailbox } from './mailbox.ts';
import { createQueueLimits, isReminder, type QueueLimits } from './queue-limits.ts';
import { createQueuePositionNotifier } from './queue-position-notifier.ts';
import { TurnPipeline } from './turn.ts';

export interface JournalOptions extends Omit<JournalSurroundings, 'observer' | 'onFenced'> {
  observer?: JournalObserver;
  onFenced?: JournalSurroundings['onFenced'];
  maxConcurrent: number;
  /** Jobs that may wait to run; one more is refused. One user may have half of them, at least 10. */
  maxQueued: number;
  heartbeatMs: number;
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

export interface JournalStats {
  queued: number;
  running: number;
  /** Jobs in memory. */
  loaded: number;
  /** False after a batch that could not be committed, or of which that is not known, until the next commit. */
  isStorageUp: boolean;
}

/** A repeat of a message waits so long for the outcome of the first, as the first did. */
const repeatWaitMs = 10_000;

export function createJournal(options: JournalOptions): Journal {
  return new Journal(options);
}

export class Journal {
  readonly #parts: JournalParts;
  readonly #turn: TurnPipeline;
  readonly #recovery: JobRecovery;
  readonly #queueLimits: QueueLimits;
  /** Outcomes of the submissions that are being committed, by idempotency key. */
  readonly #pendingSubmits = new Map<string, Promise<SubmitResult>>();
  /** Reads of jobs that are not in memory, by job. */
  readonly #lookups = new Map<string, Promise<StoredJob | null>>();
  /** Until stored jobs are in the scheduler's queue: a message that arrives meanwhile waits. */
  #resuming: Promise<void> | null = null;
  /** Until the jobs of lost partitions have left the memory: the same partitions may come back before. */
  #evicting: Promise<void> | null = null;
  #isOpen = true;

  constructor({ maxConcurrent, maxQueued, heartbeatMs, ...rest }: JournalOptions) {
    const surroundings = {
      ...rest,
      observer: rest.observer ?? {},
      onFenced: rest.onFenced ?? (() => undefined),
    };
    const { storage, clock, log } = surroundings;
    const machine = createJobMachineRunner();
    const mailbox = new Mailbox(() => this.#turn.run());
    const scheduler = createJobScheduler(maxConcurrent, clock);
    this.#parts = {
      ...surroundings,
      machine,
      mailbox,
      scheduler,
      isOpen: () => this.#isOpen,
      activeJobs: createActiveJobCache(storage, machine, log),
      timers: createJobTimers(clock, mailbox, (at) => this.#recovery.fireDueTimers(at)),
      runner: new EffectRunner({ ...surroundings, heartbeatMs, mailbox }),
      positionNotifier: createQueuePositionNotifier({
        scheduler,
        intervalMs: heartbeatMs,
        notify: (jobId, queue) =>
          mailbox.post(internalEnvelope(jobId, { type: 'progress', queue })),
      }),
    };
    this.#queueLimits = createQueueLimits(scheduler, { maxQueued, maxConcurrent });
    this.#turn = new TurnPipeline(this.#parts);
    this.#recovery = new JobRecovery(this.#parts);
  }

  /**
   * Opens a job. When it resolves, the message is on disk. With an idempotency key that was used before, it returns the
   * earlier job and does nothing.
   * @throws GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE, GH_STORE_UNKNOWN, GH_STORE_REJECTED, GH_STORE_FENCED,
   * GH_SERVER_STOPPING
   */
  async submit(submission: Submission): Promise<SubmitResult> {
    if (this.#resuming !== null) await this.#resuming;
    const { input, idempotencyKey } = submission;
    ensureOwned(this.#parts.storage, input.userId);
    return this.#deduplicate(idempotencyKey, input.jobId, () => this.#openJob(submission));
  }

  /**
   * An idempotency key is used once, also while its commit is pending. While the outcome of the commit is in doubt, a
   * repeat waits for it.
   * @throws GH_STORE_UNKNOWN for a repeat that has waited too long
   */
  async #deduplicate(
    key: string | null,
    jobId: string,
    work: () => Promise<void>,
  ): Promise<SubmitResult> {
    if (key === null) {
      await work();
      return { jobId, isDuplicate: false };
    }
    const pending = this.#pendingSubmits.get(key);
    if (pending !== undefined) return duplicateOf(pending);
    const answer = this.#useKey(key, jobId, work);
    const outcome = answer.catch(async (error: unknown) => {
      if (!(error instanceof UnknownCommitError)) throw error;
      await error.settled;
      return { jobId, isDuplicate: false };
    });
    this.#pendingSubmits.set(key, outcome);
    const forget = (): void => void this.#pendingSubmits.delete(key);
    outcome.then(forget, forget);
    return answer;
  }

  async #useKey(key: string, jobId: string, work: () => Promise<void>): Promise<SubmitResult> {
    const earlier = await this.#parts.storage.jobOfKey(key);
    if (earlier !== null) return { jobId: earlier.jobId, isDuplicate: true };
    await work();
    return { jobId, isDuplicate: false };
  }

  async #openJob({ input, conversation, idempotencyKey }: Submission): Promise<void> {
    const { jobId } = input;
    const releaseReservation = isReminder(input)
      ? () => undefined
      : this.#queueLimits.reserve(input.userId);
    const createdAt = this.#parts.clock.now();
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
  }

  /**
   * Sends an event to a job. When it resolves, the event is on disk.
   * @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT, and those of `submit` without GH_JOB_QUEUE_FULL
   */
  async send(jobId: string, event: JobEvent, idempotencyKey: string | null = null): Promise<void> {
    const { activeJobs, storage } = this.#parts;
    if (this.#resuming !== null) await this.#resuming;
    const job = activeJobs.get(jobId) ?? (await this.#find(jobId));
    if (job === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
    ensureOwned(storage, job.input.userId);
    await this.#deduplicate(idempotencyKey, jobId, () =>
      this.#enqueueCommand(idempotencyKey, (acknowledgement) => ({
        kind: 'command',
        jobId,
        event,
        acknowledgement,
      })),
    );
  }

  /** Senders that ask meanwhile share the answer: events go to the mailbox in the order in which they were sent. */
  #find(jobId: string): MaybePromise<StoredJob | null> {
    const pending = this.#lookups.get(jobId);
    if (pending !== undefined) return pending;
    const found = this.#parts.storage.find(jobId);
    if (!(found instanceof Promise)) return found;
    const shared = found.finally(() => this.#lookups.delete(jobId));
    this.#lookups.set(jobId, shared);
    return shared;
  }

  /** Position of an open job that waits, in the scheduler's queue or at a gate; null when it does not wait. */
  queuePositionOf(jobId: string): QueuePosition | null {
    const { runner, positionNotifier } = this.#parts;
    return runner.queuePositionOf(jobId) ?? positionNotifier.positionOf(jobId);
  }

  get stats(): JournalStats {
    const { activeJobs, scheduler } = this.#parts;
    return {
      queued: scheduler.waiting,
      running: scheduler.running,
      loaded: activeJobs.size,
      isStorageUp: this.#turn.isStorageUp,
    };
  }

  /**
   * Resumes the open jobs of these partitions in their states; without an argument, of all that the storage owns. To be
   * called when the storage begins to own them. When it resolves, they are in the scheduler's queue; later messages come
   * behind them.
   */
  async resume(partitions?: readonly number[]): Promise<void> {
    if (this.#evicting !== null) await this.#evicting;
    const resumed = Promise.all([this.#resuming, this.#recovery.resume(partitions)]).then(
      ([, lastAt]) => this.#turn.startAfter(lastAt),
    );
    this.#resuming = resumed;
    await resumed;
    if (this.#resuming === resumed) this.#resuming = null;
  }

  /**
   * Forgets the jobs of these partitions: effects and timers stop at once, and nothing more of them is written. To be
   * called when the storage has ceased to own them; the next owner resumes the jobs.
   */
  evict(partitions: readonly number[]): void {
    const lost = new Set(partitions);
    abortEffectsOf(this.#parts, lost);
    void this.#forget(lost);
  }

  /**
   * Commits the commands that were accepted for these partitions, and forgets their jobs. When it resolves, nothing of
   * them is written any more: another process may own them. Effects that write get `graceMs` to end, so that their result
   * is known; the next owner runs all others again.
   */
  async handOver(partitions: readonly number[], graceMs: number): Promise<void> {
    const { mailbox, runner } = this.#parts;
    const leaving = new Set(partitions);
    await runner.settleWriters(effectKeysOf(this.#parts, leaving), graceMs);
    await mailbox.flush();
    abortEffectsOf(this.#parts, leaving);
    await this.#forget(leaving);
  }

  /**
   * Commits accepted events and stops effects (they run again after the next start). Later events are refused. A commit
   * in doubt is not waited for: the next process reads its outcome.
   */
  async stop(graceMs: number): Promise<void> {
    const { mailbox, positionNotifier, runner, timers } = this.#parts;
    this.#isOpen = false;
    positionNotifier.stop();
    await runner.stop(graceMs);
    await mailbox.flush();
    for (const envelope of mailbox.close()) {
      acknowledgementOf(envelope)?.reject(new GatehouseError('GH_SERVER_STOPPING'));
    }
    this.#turn.stop();
    timers.stop();
  }

  #forget(partitions: ReadonlySet<number>): Promise<void> {
    const forgotten = new Promise<void>((resolve) => {
      this.#parts.mailbox.betweenTurns(() => {
        forgetJobsOf(this.#parts, partitions);
        resolve();
      });
    });
    this.#evicting = forgotten;
    return forgotten;
  }

  #enqueueCommand(
    key: string | null,
    envelopeWith: (acknowledgement: Acknowledgement) => Envelope,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) reject(new GatehouseError('GH_SERVER_STOPPING'));
      else this.#parts.mailbox.post(envelopeWith({ key, resolve, reject }));
    });
  }
}

/** What a repeat of a submission is answered with. */
async function duplicateOf(outcome: Promise<SubmitResult>): Promise<SubmitResult> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new GatehouseError('GH_STORE_UNKNOWN')), repeatWaitMs);
  try {
    const { jobId } = await Promise.race([outcome, late.promise]);
    return { jobId, isDuplicate: true };
  } finally {
    clearTimeout(timer);
  }
}

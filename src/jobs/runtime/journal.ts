/**
 * The actor runtime of the jobs: the only caller of the job machine. The mailbox takes events in the order of their
 * arrival; at the end of a turn of the event loop all of them are applied and committed in one transaction (group
 * commit), and only then made visible (turn.ts).
 *
 * Must never: call a model, a tool or the network itself; keep a parked job in memory.
 */
import { GatehouseError } from '#shared/errors';
import type { JobEvent, JobInput, QueuePosition } from '#machines/job-types';
import { createActiveJobCache } from './active-jobs.ts';
import { EffectRunner } from './effect-runner.ts';
import {
  acknowledgementOf,
  internalEnvelope,
  type Acknowledgement,
  type Envelope,
} from './envelope.ts';
import { createJobMachineRunner } from './job-machine-runner.ts';
import { JobRecovery } from './job-recovery.ts';
import { initEvent } from './job-runtime-state.ts';
import { createJobScheduler } from './job-scheduler.ts';
import { createJobTimers } from './job-timers.ts';
import type { JournalParts } from './journal-parts.ts';
import type { JournalSurroundings } from './journal-surroundings.ts';
import type { JournalObserver } from './journal-observer.ts';
import { Mailbox } from './mailbox.ts';
import { createQueueLimits, type QueueLimits } from './queue-limits.ts';
import { createQueuePositionNotifier } from './queue-position-notifier.ts';
import { TurnPipeline } from './turn.ts';

export interface JournalOptions extends Omit<JournalSurroundings, 'observer'> {
  observer?: JournalObserver;
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
  /** False after a batch that could not be committed, until the next commit. */
  isStorageUp: boolean;
}

export function createJournal(options: JournalOptions): Journal {
  return new Journal(options);
}

export class Journal {
  readonly #parts: JournalParts;
  readonly #turn: TurnPipeline;
  readonly #recovery: JobRecovery;
  readonly #queueLimits: QueueLimits;
  /** Submissions that are being committed, by idempotency key. */
  readonly #pendingSubmits = new Map<string, Promise<SubmitResult>>();
  /** Until stored jobs are in the scheduler's queue: a message that arrives meanwhile waits. */
  #resuming: Promise<void> | null = null;
  #isOpen = true;

  constructor({ maxConcurrent, maxQueued, heartbeatMs, ...rest }: JournalOptions) {
    const surroundings = { ...rest, observer: rest.observer ?? {} };
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
   * @throws GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  async submit(submission: Submission): Promise<SubmitResult> {
    if (this.#resuming !== null) await this.#resuming;
    return this.#deduplicate(submission.idempotencyKey, () => this.#openJob(submission));
  }

  /** An idempotency key is used once, also while its commit is still pending. */
  #deduplicate(key: string | null, work: () => Promise<SubmitResult>): Promise<SubmitResult> {
    if (key === null) return work();
    const pending = this.#pendingSubmits.get(key);
    if (pending !== undefined) return pending.then(({ jobId }) => ({ jobId, isDuplicate: true }));
    const result = this.#useKey(key, work).finally(() => this.#pendingSubmits.delete(key));
    this.#pendingSubmits.set(key, result);
    return result;
  }

  async #useKey(key: string, work: () => Promise<SubmitResult>): Promise<SubmitResult> {
    const earlier = await this.#parts.storage.jobOfKey(key);
    return earlier === null ? work() : { jobId: earlier.jobId, isDuplicate: true };
  }

  async #openJob({ input, conversation, idempotencyKey }: Submission) {
    const { jobId } = input;
    const releaseReservation = this.#queueLimits.reserve(input.userId);
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
    return { jobId, isDuplicate: false };
  }

  /**
   * Sends an event to a job. When it resolves, the event is on disk.
   * @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  async send(jobId: string, event: JobEvent, idempotencyKey: string | null = null): Promise<void> {
    const { activeJobs, storage } = this.#parts;
    if (this.#resuming !== null) await this.#resuming;
    if (activeJobs.get(jobId) === undefined && (await storage.find(jobId)) === null) {
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
   * Resumes all open jobs in their states. Call once. When it resolves, they are in the scheduler's queue; later messages
   * come behind them.
   */
  async resume(): Promise<void> {
    this.#resuming = this.#recovery.resume();
    await this.#resuming;
    this.#resuming = null;
  }

  /** Commits accepted events and stops effects (they run again after the next start). Later events are refused. */
  async stop(graceMs: number): Promise<void> {
    const { mailbox, positionNotifier, runner, timers } = this.#parts;
    this.#isOpen = false;
    positionNotifier.stop();
    await runner.stop(graceMs);
    await mailbox.flush();
    for (const envelope of mailbox.close()) {
      acknowledgementOf(envelope)?.reject(new GatehouseError('GH_SERVER_STOPPING'));
    }
    timers.stop();
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

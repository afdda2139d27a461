/**
 * Resumes open jobs after a restart, and fires the timers of parked jobs.
 *
 * A read error of the database is logged and the work is retried: the process continues, and no job is lost.
 */
import { FencedError } from '#storage/commit-errors';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { ActiveJob } from './active-jobs.ts';
import { internalEnvelope, timerEnvelope } from './envelope.ts';
import { isParked } from './job-runtime-state.ts';
import type { JournalParts } from './journal-parts.ts';

/** Jobs resumed per turn of the event loop: new messages are accepted in between. */
const recoveryBatchSize = 50;
/** A database that cannot be read is retried after this time, ms. */
const retryDelayMs = 250;

export class JobRecovery {
  readonly #parts: JournalParts;
  readonly #readErrorLog: ThrottledErrorLog;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#readErrorLog = createThrottledErrorLog(parts.log, 'the journal cannot be read');
  }

  /**
   * Resumes the open jobs of these partitions (of all that are owned) in their states. Resolves with the time of their
   * last row when they are in the scheduler's queue.
   */
  async resume(partitions?: readonly number[]): Promise<number> {
    const { storage, scheduler } = this.#parts;
    const lastAt = await storage.lastCommitAt(partitions);
    const open = (await storage.openJobs(partitions)).filter(({ id }) => !scheduler.has(id));
    const running = open.filter((job) => job.state !== 'ack');
    for (const job of running) scheduler.adopt(job.id, job.conversation);
    for (const job of open) {
      // A job that was not scheduled yet is loaded when it starts, or when its queue position changes.
      if (job.state !== 'ack') continue;
      const { id: jobId, conversation, user_id: userId } = job;
      const recover = (): void => void this.#recoverJob(jobId);
      scheduler.enqueue({ jobId, conversation, userId }, () => setImmediate(recover));
    }
    void this.#recoverJobs(running.map(({ id }) => id));
    this.fireDueTimers();
    return lastAt;
  }

  async #recoverJobs(jobIds: readonly string[]): Promise<void> {
    for (let from = 0; from < jobIds.length; from += recoveryBatchSize) {
      if (!this.#parts.isOpen()) return;
      const batch = jobIds.slice(from, from + recoveryBatchSize);
      await Promise.all(batch.map((jobId) => this.#recoverJob(jobId)));
      await new Promise(setImmediate);
    }
  }

  /** @param alarmAt the time for which the alarm was set: it has come, whatever the wall clock says now */
  fireDueTimers(alarmAt = 0): void {
    void this.#retryOnReadError(
      () => this.#postDueTimers(alarmAt),
      () => this.fireDueTimers(alarmAt),
    );
  }

  async #postDueTimers(alarmAt: number): Promise<void> {
    const { storage, clock, timers, mailbox, isOpen } = this.#parts;
    if (!isOpen()) return;
    // One moment for both queries: a timer that falls between two would be missed.
    const now = clock.now();
    const until = Math.max(now, alarmAt);
    for (const jobId of await storage.dueJobs(until)) {
      const job = await this.#loadOwned(jobId);
      if (job === null) continue;
      let isIdle = job.restoreError === null;
      if (!isIdle) mailbox.post(internalEnvelope(jobId, { type: 'resume' }));
      for (const timer of job.state.timers) {
        // Set by a clock that was ahead, and has been set back since.
        const isFromAhead = timer.dueAt - timer.delayMs > now;
        if (timer.dueAt <= now || (isFromAhead && timer.dueAt <= until)) {
          isIdle = false;
          mailbox.post(timerEnvelope(jobId, timer));
        } else timers.scheduleWake(timer.dueAt);
      }
      if (isIdle) this.#unloadParked(job);
    }
    const wakeAt = await storage.nextWakeAt(until);
    if (wakeAt === null) return;
    // Set by a clock that was ahead of the present one: it waits its own delay, no longer.
    const longestMs = await this.#longestDelayMs(wakeAt);
    if (isOpen()) timers.scheduleWake(wakeAt, Math.max(until, wakeAt - longestMs));
  }

  #recoverJob(jobId: string): Promise<void> {
    const { mailbox, isOpen } = this.#parts;
    return this.#retryOnReadError(
      async () => {
        if (!isOpen()) return;
        const job = await this.#loadOwned(jobId);
        // A turn may have changed the job in memory, and not yet on disk.
        mailbox.betweenTurns(() => this.#restart(jobId, job));
      },
      () => void this.#recoverJob(jobId),
    );
  }

  /**
   * Starts again what a restart interrupted: effects with their keys, timers with their due times. An effect that
   * writes gets its whole time again: it is repeated with the same key, and ending it early would leave its result
   * unknown.
   */
  #restart(jobId: string, job: ActiveJob | null): void {
    const { clock, effects: handlers, scheduler } = this.#parts;
    const { activeJobs, timers, runner, mailbox, isOpen } = this.#parts;
    if (!isOpen()) return;
    if (job === null) return scheduler.release(jobId);
    // Its partition was taken over meanwhile, or it has ended.
    if (activeJobs.get(jobId) !== job) return;
    const { effects, timers: pending, snapshot } = job.state;
    if (job.restoreError !== null) mailbox.post(internalEnvelope(jobId, { type: 'resume' }));
    const now = clock.now();
    const writes = effects.some(({ src }) => handlers[src]?.writes === true);
    for (const timer of pending) {
      // A clock that was set back while the process was down does not extend a limit.
      const dueAt = Math.min(timer.dueAt, now + timer.delayMs);
      timers.arm(jobId, timer, writes ? now + timer.delayMs : dueAt);
    }
    // A timer fell due while the process was down: it is applied first, and no effect is started for a moment.
    if (!writes && pending.some((timer) => timer.dueAt <= now)) return;
    // The gate reports again whether the job still waits.
    if (snapshot.hasTag('waits-for-gate')) {
      mailbox.post(internalEnvelope(jobId, { type: 'gate.granted' }));
    }
    for (const effect of effects) runner.start(job, effect, true);
  }

  /** The longest delay of the parked timers that are due at `wakeAt`. */
  async #longestDelayMs(wakeAt: number): Promise<number> {
    const { storage } = this.#parts;
    let longestMs = 0;
    for (const jobId of await storage.dueJobs(wakeAt)) {
      const job = await this.#loadOwned(jobId);
      if (job === null) continue;
      for (const { dueAt, delayMs } of job.state.timers) {
        if (dueAt === wakeAt) longestMs = Math.max(longestMs, delayMs);
      }
      this.#unloadParked(job);
    }
    return longestMs === 0 ? Number.POSITIVE_INFINITY : longestMs;
  }

  /** Null also for a job of a partition that another process owns by now. */
  async #loadOwned(jobId: string): Promise<ActiveJob | null> {
    try {
      return await this.#parts.activeJobs.load(jobId);
    } catch (error) {
      if (error instanceof FencedError) return null;
      throw error;
    }
  }

  /** A parked job that was only looked at leaves the memory, unless a turn has changed it meanwhile. */
  #unloadParked(job: ActiveJob): void {
    const { activeJobs, mailbox } = this.#parts;
    mailbox.betweenTurns(() => {
      if (isParked(job.state) && activeJobs.get(job.id) === job) activeJobs.evict(job.id);
    });
  }

  async #retryOnReadError(work: () => Promise<void>, retry: () => void): Promise<void> {
    try {
      await work();
      this.#readErrorLog.recovered();
    } catch (error) {
      this.#readErrorLog.error((error as Error).cause ?? error);
      setTimeout(retry, retryDelayMs).unref();
    }
  }
}

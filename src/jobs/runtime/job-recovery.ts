/**
 * Resumes open jobs after a restart, and fires the timers of parked jobs.
 *
 * A read error of the database is logged and the work is retried: the process continues, and no job is lost.
 */
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import { internalEnvelope, timerEnvelope } from './envelope.ts';
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

  /** Resumes all open jobs in their states. Call once. */
  resume(): void {
    const { storage, scheduler, isOpen } = this.#parts;
    const open = storage.openJobs();
    const running = open.filter((job) => job.state !== 'ack');
    for (const job of running) scheduler.adopt(job.id, job.conversation);
    for (const job of open) {
      // A job that was not scheduled yet is loaded when it starts, or when its queue position changes.
      if (job.state !== 'ack') continue;
      const { id: jobId, conversation, user_id: userId } = job;
      const recover = (): void => this.#recoverJob(jobId);
      scheduler.enqueue({ jobId, conversation, userId }, () => setImmediate(recover));
    }
    const next = (from: number): void => {
      if (!isOpen()) return;
      for (const job of running.slice(from, from + recoveryBatchSize)) this.#recoverJob(job.id);
      if (from + recoveryBatchSize < running.length) setImmediate(next, from + recoveryBatchSize);
    };
    next(0);
    this.fireDueTimers();
  }

  /** @param alarmAt the time for which the alarm was set: it has come, whatever the wall clock says now */
  fireDueTimers(alarmAt = 0): void {
    const { storage, clock, activeJobs, timers, mailbox, isOpen } = this.#parts;
    if (!isOpen()) return;
    this.#retryOnReadError(
      () => {
        // One moment for both queries: a timer that falls between two would be missed.
        const now = clock.now();
        const until = Math.max(now, alarmAt);
        for (const jobId of storage.dueJobs(until)) {
          const job = activeJobs.load(jobId);
          if (job === null) continue;
          if (job.restoreError !== null) mailbox.post(internalEnvelope(jobId, { type: 'resume' }));
          for (const timer of job.state.timers) {
            // Set by a clock that was ahead, and has been set back since.
            const isFromAhead = timer.dueAt - timer.delayMs > now;
            if (timer.dueAt <= now || (isFromAhead && timer.dueAt <= until)) {
              mailbox.post(timerEnvelope(jobId, timer));
            } else timers.scheduleWake(timer.dueAt);
          }
        }
        const wakeAt = storage.nextWakeAt(until);
        if (wakeAt === null) return;
        // Set by a clock that was ahead of the present one: it waits its own delay, no longer.
        const longestMs = this.#longestDelayMs(wakeAt);
        timers.scheduleWake(wakeAt, Math.max(until, wakeAt - longestMs));
      },
      () => this.fireDueTimers(alarmAt),
    );
  }

  /**
   * Starts again what a restart interrupted: effects with their keys, timers with their due times. An effect that
   * writes gets its whole time again: it is repeated with the same key, and ending it early would leave its result
   * unknown.
   */
  #recoverJob(jobId: string): void {
    const { clock, effects: handlers, activeJobs, scheduler } = this.#parts;
    const { timers, runner, mailbox, isOpen } = this.#parts;
    if (!isOpen()) return;
    this.#retryOnReadError(
      () => {
        const job = activeJobs.load(jobId);
        if (job === null) return scheduler.release(jobId);
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
        for (const effect of effects) runner.start(job, effect);
      },
      () => this.#recoverJob(jobId),
    );
  }

  /** The longest delay of the parked timers that are due at `wakeAt`. */
  #longestDelayMs(wakeAt: number): number {
    const { storage, activeJobs } = this.#parts;
    const delays = storage
      .dueJobs(wakeAt)
      .flatMap((jobId) => activeJobs.load(jobId)?.state.timers ?? [])
      .filter(({ dueAt }) => dueAt === wakeAt)
      .map(({ delayMs }) => delayMs);
    return delays.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...delays);
  }

  #retryOnReadError(work: () => void, retry: () => void): void {
    try {
      work();
      this.#readErrorLog.recovered();
    } catch (error) {
      this.#readErrorLog.error((error as Error).cause ?? error);
      setTimeout(retry, retryDelayMs).unref();
    }
  }
}

/**
 * The actor runtime of the jobs: the only caller of the job machine. Takes events in the order of their
 * arrival, applies all that are due in one turn of the event loop, commits them in one transaction, and
 * only then lets the outside see them.
 *
 * Q1: nothing is started, published or answered before the commit of the step that caused it (P2).
 * Q2: a turn that cannot be committed leaves no trace: jobs are as before, events from outside are refused,
 *     events from inside are taken again.
 * Q3: at most one turn runs at a time; a job's events are applied one after another.
 *
 * Must never: call a model, a tool or the network itself; keep a parked job in memory.
 */
import type { Clock } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Faults } from '../lib/faults.ts';
import { createLastingFault, type LastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { jobMachineVersion } from '../../machines/job.ts';
import type { JobEvent, JobInput, QueueFacts } from '../../machines/job-types.ts';
import { createAdmission, type Admission } from './admission.ts';
import type { JobStorage, JournalEvent } from '../store/job-storage.ts';
import { createEffectRunner, type EffectRunner } from './effect-runner.ts';
import type { Effects } from './effects.ts';
import { initEvent, type PendingEffect } from './job-state.ts';
import { createJobTable, type ActiveJob, type JobTable, type Migrations } from './job-table.ts';
import type { LiveHub } from './live-hub.ts';
import type { JournalObserver } from './journal-observer.ts';
import { createPositionNotices, type PositionNotices } from './position-notices.ts';
import { createPureMachine } from './pure-machine.ts';
import { armTimer, settle, type Settling } from './settle.ts';
import { createTimers, type Timers } from './timers.ts';
import { createTurn, timerMail, type Mail, type Turn } from './turn.ts';
import { createTurns, type Turns } from './turns.ts';

export interface JournalOptions {
  storage: JobStorage;
  effects: Effects;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  faults: Faults;
  maxConcurrent: number;
  /** Jobs that may wait for their turn; one more is refused. One user may have half of them, at least 10. */
  maxQueued: number;
  heartbeatMs: number;
  migrations?: Migrations;
  observer?: JournalObserver;
}

export interface Submission {
  input: JobInput;
  conversation: string;
  /** Good for one job; null where the sender has none. */
  idempotencyKey: string | null;
}

/** Which job a message went to, and whether it had been there before. */
export interface Told {
  jobId: string;
  isDuplicate: boolean;
}

export interface Journal {
  /**
   * Opens a job. When it resolves, the message is on disk. With an idempotency key that was used before,
   * the earlier job is named and nothing happens.
   * @throws GH_JOB_QUEUE_FULL, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  submit(submission: Submission): Promise<Told>;
  /**
   * Tells a job something. When it resolves, that is on disk.
   * @throws GH_JOB_NOT_FOUND, GH_JOB_CONFLICT, GH_STORE_UNAVAILABLE, GH_SERVER_STOPPING
   */
  send(jobId: string, event: JobEvent, idempotencyKey?: string | null): Promise<void>;
  /** Where an open job waits: for its turn, or at a gate. */
  queueOf(jobId: string): QueueFacts | null;
  readonly stats: JournalStats;
  /** Takes up all open jobs where they were. Call once. */
  resume(): void;
  /** Commits what was accepted, stops effects (they run again after the next start), takes no more. */
  stop(graceMs: number): Promise<void>;
}

export interface JournalStats {
  queued: number;
  running: number;
  /** Jobs in memory. */
  loaded: number;
  /** False since the last turn that could not be committed. */
  isStorageUp: boolean;
}

/** One turn: fsync costs the same for one row as for hundreds, but nobody should wait long for others. */
const turnMailsMax = 512;
/** Jobs taken up per turn of the event loop after a restart: new messages get in between. */
const resumeSlice = 50;
/** A full disk is looked at again this often; shorter only burns CPU, longer makes people wait. */
const retryMs = 250;

export function createJournal(options: JournalOptions): Journal {
  return new JobJournal(options);
}

class JobJournal implements Journal {
  readonly #options: JournalOptions;
  readonly #machine = createPureMachine();
  readonly #table: JobTable;
  readonly #turns: Turns;
  readonly #admission: Admission;
  readonly #timers: Timers;
  readonly #runner: EffectRunner;
  readonly #settling: Settling;
  readonly #positions: PositionNotices;
  /** What is being committed, by idempotency key. */
  readonly #pending = new Map<string, Promise<Told>>();
  #mailbox: Mail[] = [];
  /** Ends what is scheduled to run the next turn; null when nothing is. */
  #unschedule: (() => void) | null = null;
  #isStorageUp = true;
  readonly #writeFault: LastingFault;
  readonly #readFault: LastingFault;
  #phase: 'open' | 'stopping' | 'stopped' = 'open';

  constructor(options: JournalOptions) {
    const { storage, hub, log, faults, clock } = options;
    this.#options = options;
    this.#writeFault = createLastingFault(options.log, 'the turn could not be committed');
    this.#readFault = createLastingFault(options.log, 'the journal cannot be read');
    this.#table = createJobTable({
      storage,
      machine: this.#machine,
      machineVersion: jobMachineVersion,
      migrations: options.migrations ?? {},
      log,
    });
    this.#turns = createTurns(options.maxConcurrent, clock);
    this.#admission = createAdmission(this.#turns, options);
    this.#timers = createTimers(clock, (at) => this.#wakeParked(at));
    this.#runner = createEffectRunner({
      effects: options.effects,
      hub,
      heartbeatMs: options.heartbeatMs,
      clock,
      log,
      faults,
      observer: options.observer ?? {},
      post: (jobId, event, effectKey) => this.#post({ ...inside(jobId, event), effectKey }),
    });
    this.#positions = createPositionNotices({
      turns: this.#turns,
      everyMs: options.heartbeatMs,
      tell: (jobId, queue) => this.#post(inside(jobId, { type: 'progress', queue })),
    });
    this.#settling = {
      table: this.#table,
      hub,
      runner: this.#runner,
      timers: this.#timers,
      turns: this.#turns,
      observer: options.observer ?? {},
      startEffect: (job, effect) => this.#startEffect(job, effect),
      post: (mail) => this.#post(mail),
    };
  }

  submit(submission: Submission): Promise<Told> {
    return this.#once(submission.idempotencyKey, () => this.#open(submission));
  }

  /** A key is good for one piece of work, also while its commit is still under way. */
  #once(key: string | null, work: () => Promise<Told>): Promise<Told> {
    if (key === null) return work();
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.then(({ jobId }) => ({ jobId, isDuplicate: true }));
    const earlier = this.#options.storage.jobOfKey(key);
    if (earlier !== null) return Promise.resolve({ jobId: earlier, isDuplicate: true });
    const told = work().finally(() => this.#pending.delete(key));
    this.#pending.set(key, told);
    return told;
  }

  async #open({ input, conversation, idempotencyKey }: Submission) {
    const { jobId } = input;
    const arrived = this.#admission.admit(input.userId);
    const createdAt = this.#options.clock.now();
    const opens = { id: jobId, num: null, conversation, input, createdAt };
    try {
      await this.#fromOutside({ ...inside(jobId, initEvent), opens }, idempotencyKey);
    } finally {
      arrived();
    }
    return { jobId, isDuplicate: false };
  }

  async send(jobId: string, event: JobEvent, idempotencyKey: string | null = null): Promise<void> {
    const { storage } = this.#options;
    if (this.#table.peek(jobId) === undefined && storage.find(jobId) === null) {
      throw new GatehouseError('GH_JOB_NOT_FOUND');
    }
    await this.#once(idempotencyKey, async () => {
      await this.#fromOutside(inside(jobId, event), idempotencyKey);
      return { jobId, isDuplicate: false };
    });
  }

  queueOf(jobId: string): QueueFacts | null {
    return this.#runner.queueOf(jobId) ?? this.#positions.of(jobId);
  }

  get stats(): JournalStats {
    return {
      queued: this.#turns.waiting,
      running: this.#turns.running,
      loaded: this.#table.size,
      isStorageUp: this.#isStorageUp,
    };
  }

  resume(): void {
    const open = this.#options.storage.openJobs();
    const begun = open.filter((job) => job.state !== 'ack');
    for (const job of begun) this.#turns.hold(job.id, job.conversation);
    for (const job of open) {
      // Who has not had a turn yet is not loaded before it comes, or there is news of its place.
      if (job.state === 'ack') {
        const { id: jobId, conversation, user_id: userId } = job;
        const takeUp = (): void => this.#takeUp(jobId);
        this.#turns.enter({ jobId, conversation, userId }, () => setImmediate(takeUp));
      }
    }
    const next = (from: number): void => {
      if (this.#phase !== 'open') return;
      for (const job of begun.slice(from, from + resumeSlice)) this.#takeUp(job.id);
      if (from + resumeSlice < begun.length) setImmediate(next, from + resumeSlice);
    };
    next(0);
    this.#wakeParked();
  }

  async stop(graceMs: number): Promise<void> {
    this.#phase = 'stopping';
    this.#positions.stop();
    await this.#runner.stop(graceMs);
    if (this.#mailbox.length > 0) this.#runTurn();
    this.#phase = 'stopped';
    this.#unschedule?.();
    for (const { outside } of this.#mailbox)
      outside?.reject(new GatehouseError('GH_SERVER_STOPPING'));
    this.#mailbox = [];
    this.#timers.stop();
  }

  #post(mail: Mail): void {
    if (this.#phase === 'stopped') return;
    this.#mailbox.push(mail);
    this.#schedule(0);
  }

  #fromOutside(mail: Mail, key: string | null): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#phase !== 'open') reject(new GatehouseError('GH_SERVER_STOPPING'));
      else this.#post({ ...mail, outside: { key, resolve, reject } });
    });
  }

  #startEffect(job: ActiveJob, effect: PendingEffect): void {
    // What a stopping process does not start is on disk, and starts with the next one.
    if (this.#phase !== 'open') return;
    if (this.#options.effects[effect.src]?.takesTurn !== true) {
      this.#runner.start(job, effect);
      return;
    }
    if (this.#turns.knows(job.id)) return;
    const { id: jobId, conversation, input } = job;
    this.#turns.enter({ jobId, conversation, userId: input.userId }, () => {
      if (this.#phase === 'open') this.#runner.start(job, effect);
    });
    const queue = this.#positions.of(job.id);
    if (queue !== null) this.#post(inside(job.id, { type: 'progress', queue }));
  }

  /** Runs a turn soon: at the end of this turn of the event loop, or after a wait. Does nothing when one is due. */
  #schedule(afterMs: number): void {
    if (this.#unschedule !== null) return;
    if (afterMs === 0) {
      const handle = setImmediate(() => this.#runTurn());
      this.#unschedule = () => clearImmediate(handle);
    } else {
      const handle = setTimeout(() => this.#runTurn(), afterMs);
      this.#unschedule = () => clearTimeout(handle);
    }
  }

  #runTurn(): void {
    this.#unschedule = null;
    const { clock, log } = this.#options;
    const turn = createTurn({ table: this.#table, machine: this.#machine, now: clock.now(), log });
    const taken: Mail[] = [];
    // What local effects post while the turn runs is still part of it.
    while (this.#mailbox.length > 0 && taken.length < turnMailsMax) {
      for (const mail of this.#mailbox.splice(0, turnMailsMax - taken.length)) {
        taken.push(mail);
        this.#apply(turn, mail);
      }
    }
    if (turn.changes.size > 0) this.#commit(turn, taken);
    else turn.refuse();
    if (this.#mailbox.length > 0) this.#schedule(0);
  }

  #apply(turn: Turn, mail: Mail): void {
    try {
      const change = turn.apply(mail);
      if (change === null) return;
      for (const effect of change.job.state.effects) {
        if (this.#options.effects[effect.src]?.takesTurn) this.#startEffect(change.job, effect);
      }
    } catch (error) {
      // Only reading the database throws here: who asked is told, what comes from inside is taken again.
      if (mail.outside !== null) mail.outside.reject(error);
      else setTimeout(() => this.#post(mail), retryMs).unref();
    }
  }

  #commit(turn: Turn, taken: Mail[]): void {
    const { storage, faults, observer } = this.#options;
    const records = turn.records();
    const beganAt = performance.now();
    try {
      for (const { job } of turn.changes.values()) {
        faults.hit('journal.beforeCommit', job.state.snapshot.context.state);
      }
      storage.commit(records);
    } catch (error) {
      this.#undo(turn, taken, error);
      return;
    }
    this.#isStorageUp = true;
    this.#writeFault.worked();
    observer?.committed?.({
      jobs: records.length,
      rows: records.reduce((sum, { rows }) => sum + rows.length, 0),
      ms: performance.now() - beganAt,
    });
    for (const record of records) {
      const { job } = turn.changes.get(record.jobId)!;
      job.num = record.num;
      faults.hit('journal.afterCommit', job.state.snapshot.context.state);
    }
    turn.refuse();
    for (const change of turn.changes.values()) settle(change, this.#settling);
  }

  #undo(turn: Turn, taken: Mail[], error: unknown): void {
    const reason = (error as Error).cause ?? error;
    this.#writeFault.failed(reason);
    this.#isStorageUp = false;
    this.#options.observer?.commitFailed?.();
    for (const { job, before } of turn.changes.values()) {
      for (const effect of job.state.effects) {
        if (before === null || !before.effects.includes(effect)) this.#runner.abort(effect.key);
      }
      if (before === null) this.#turns.leave(job.id);
    }
    turn.undo();
    turn.refuse(error);
    for (const { outside } of taken) outside?.reject(error);
    // Events of jobs that were refused with this turn have nobody to go to, and old news interests nobody.
    const again = taken.filter(
      ({ jobId, outside, event }) =>
        outside === null && event.type !== 'progress' && this.#table.peek(jobId) !== undefined,
    );
    this.#mailbox = [...again, ...this.#mailbox];
    this.#unschedule?.();
    this.#unschedule = null;
    if (this.#mailbox.length > 0) this.#schedule(retryMs);
  }

  /**
   * Starts again what a restart interrupted: effects with their keys, timers with their due times. A write is
   * given its whole time again: it is repeated with the same key, and breaking it off would only cast doubt.
   */
  #takeUp(jobId: string): void {
    if (this.#phase !== 'open') return;
    this.#orLater(
      () => {
        const job = this.#table.load(jobId);
        if (job === null) return this.#turns.leave(jobId);
        const { effects, timers, snapshot } = job.state;
        if (job.fault !== null) this.#post(inside(jobId, { type: 'resume' }));
        const now = this.#options.clock.now();
        const writes = effects.some(({ src }) => this.#options.effects[src]?.writes === true);
        for (const timer of timers) {
          // A clock that was set back while the process was down makes no limit longer than it is.
          const dueAt = Math.min(timer.dueAt, now + timer.delayMs);
          armTimer(jobId, timer, this.#settling, writes ? now + timer.delayMs : dueAt);
        }
        // Its time was up while the process was down: the timer decides, and nothing is begun for a moment.
        if (!writes && timers.some((timer) => timer.dueAt <= now)) return;
        // Whether it still has to wait at a gate, the gate says again.
        if (snapshot.hasTag('waits-for-gate')) this.#post(inside(jobId, { type: 'gate.granted' }));
        for (const effect of effects) this.#runner.start(job, effect);
      },
      () => this.#takeUp(jobId),
    );
  }

  /** @param alarmAt the time for which the alarm was set: it has come, whatever the wall clock says now */
  #wakeParked(alarmAt = 0): void {
    if (this.#phase !== 'open') return;
    const { storage, clock } = this.#options;
    this.#orLater(
      () => {
        // One moment for both questions: what falls between two would be missed.
        const now = clock.now();
        const until = Math.max(now, alarmAt);
        for (const jobId of storage.dueJobs(until)) {
          const job = this.#table.load(jobId);
          if (job === null) continue;
          if (job.fault !== null) this.#post(inside(jobId, { type: 'resume' }));
          for (const timer of job.state.timers) {
            // Set by a clock that was ahead, and has been set back since.
            const isFromAhead = timer.dueAt - timer.delayMs > now;
            if (timer.dueAt <= now || (isFromAhead && timer.dueAt <= until)) {
              this.#post(timerMail(jobId, timer));
            } else this.#timers.wakeBy(timer.dueAt);
          }
        }
        const wakeAt = storage.nextWakeAt(until);
        if (wakeAt === null) return;
        // Set by a clock that was ahead of the one that this process has found: it waits its own time, no longer.
        const longestMs = this.#longestWaitMs(wakeAt);
        this.#timers.wakeBy(wakeAt, Math.max(until, wakeAt - longestMs));
      },
      () => this.#wakeParked(alarmAt),
    );
  }

  /** Of the parked timers that are due at `wakeAt`. */
  #longestWaitMs(wakeAt: number): number {
    const delays = this.#options.storage
      .dueJobs(wakeAt)
      .flatMap((jobId) => this.#table.load(jobId)?.state.timers ?? [])
      .filter(({ dueAt }) => dueAt === wakeAt)
      .map(({ delayMs }) => delayMs);
    return delays.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...delays);
  }

  /** A database that cannot be read now is asked again: the process must live, and nothing is forgotten. */
  #orLater(work: () => void, again: () => void): void {
    try {
      work();
      this.#readFault.worked();
    } catch (error) {
      this.#readFault.failed((error as Error).cause ?? error);
      setTimeout(again, retryMs).unref();
    }
  }
}

/** An event that nobody outside waits for. */
const inside = (jobId: string, event: JournalEvent): Mail => ({
  jobId,
  event,
  effectKey: null,
  timer: null,
  outside: null,
  opens: null,
});

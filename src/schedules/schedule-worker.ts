/**
 * Runs the statechart of machines/schedule.ts: settles the occurrences that are due, with one timer for all schedules.
 *
 * W1: the job of an occurrence is committed under a key of its schedule and wall time, in one transaction with that key.
 *     So an occurrence has one job, however often the process is killed. The row of the schedule follows.
 * W2: an occurrence that cannot be settled now stays due.
 * W3: commands of people and the settling of occurrences never overlap: a schedule that was cancelled does not fire.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createActor, fromPromise, type Actor } from 'xstate';
import { scheduleMachine, type ScheduleLook, type ScheduleMachine } from '#machines/schedule';
import type { Clock } from '#shared/clock';
import { messageOf } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import type { SerialQueue } from '#shared/serial-queue';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import type { Zones } from '#shared/calendar/zoned-time';
import {
  dueOccurrences,
  outcomeOf,
  revised,
  settledSchedule,
  withNext,
} from './due-occurrences.ts';
import { asPlaced, openPlaced, placed, type Opened, type Reach } from './delivery.ts';
import { untoldFailure } from './failed-runs.ts';
import { nextOccurrence, wallText, type Occurrence } from './next-occurrence.ts';
import {
  keyOf,
  occurrenceMessage,
  pauseKeyOf,
  type OccurrenceJobs,
} from './occurrence-jobs-port.ts';
import type { OccurrenceOutcome, OccurrenceRecord, Schedule } from './schedule.ts';
import * as events from './schedule-events.ts';
import type { NewScheduleEvent, ScheduleChange, ScheduleStorage } from './schedule-port.ts';
import { pausedText } from './schedule-texts.ts';

export interface ScheduleWorkerParts {
  storage: ScheduleStorage;
  jobs: OccurrenceJobs;
  zones: Zones;
  clock: Clock;
  faults: FaultInjector;
  log: Log;
  reach: Reach;
  /** Whether people are writing at this moment: what is due goes out in smaller steps, with pauses. */
  isBusy(): boolean;
  /** Shared with the commands of people. */
  inOrder: SerialQueue;
}

/** Jobs that are opened at once: they share a commit. */
const batch = 16;
/** The same while people write: a message waits for one step at most. */
const batchOfBusy = 4;
/** While people write, the pause after a step, in lengths of the step: three quarters of the time are theirs. */
const pauseOfBusy = 3;
const pauseMsMax = 250;
/** A clock that was set and a machine that slept are noticed within this time; one look costs an indexed read. */
const lookMsMax = 30_000;
const retryMs = 1_000;
/** A clock that goes back by less is being adjusted, not set. */
const setBackMs = 60_000;
const checkedPerRead = 500;
/** Occurrences among which the last run is looked for: a run that takes longer is not waited for. */
const occurrencesLooked = 200;

export class ScheduleWorker {
  readonly #parts: ScheduleWorkerParts;
  readonly #actor: Actor<ScheduleMachine>;
  readonly #errorLog: ThrottledErrorLog;
  /** The latest time that was seen, epoch ms; 0 before the first look. */
  #seenAt = 0;
  /** Before the next step, if more are due. */
  #pauseMs = 0;

  constructor(parts: ScheduleWorkerParts) {
    this.#parts = parts;
    this.#errorLog = createThrottledErrorLog(parts.log, 'schedules that are due must wait');
    const settle = fromPromise<ScheduleLook>(() => this.#look());
    const machine = scheduleMachine.provide({ actors: { settle } });
    this.#actor = createActor(machine, { id: 'schedules', input: { retryMs } });
  }

  get state(): string {
    return this.#actor.getSnapshot().value;
  }

  start(): void {
    this.#actor.start();
  }

  /** Resolves when a running look has ended. */
  async stop(): Promise<void> {
    this.#actor.send({ type: 'stop' });
    await this.#parts.inOrder('schedules', async () => undefined);
  }

  /** A schedule was made or changed. */
  wake(): void {
    this.#actor.send({ type: 'wake' });
  }

  async #look(): Promise<ScheduleLook> {
    try {
      const look = await this.#parts.inOrder('schedules', () => this.#settleDue());
      this.#errorLog.recovered();
      // At least one turn of the event loop: messages of people are read in it.
      if (look.kind === 'more') await sleep(this.#pauseMs, undefined, { ref: false });
      return look;
    } catch (error) {
      this.#errorLog.error(error);
      throw error;
    }
  }

  async #settleDue(): Promise<ScheduleLook> {
    const { storage, clock } = this.#parts;
    if (this.state === 'stopped') return { kind: 'idle', waitMs: lookMsMax };
    const now = clock.now();
    if (this.#seenAt === 0) await this.#checkZones(now);
    if (this.#seenAt === 0 || now < this.#seenAt - setBackMs) await this.#followSetBack(now);
    this.#seenAt = now;
    // A reminder needs no place in the queue of jobs: it does not wait for prompts that do.
    const isBusy = this.#parts.isBusy();
    const most = isBusy ? batchOfBusy : batch;
    const reminders = await storage.due(now, most, 'reminder');
    const due = reminders.length > 0 ? reminders : await storage.due(now, most);
    if (due.length > 0) {
      const beganAt = performance.now();
      await this.#settleAll(due, now);
      const tookMs = performance.now() - beganAt;
      this.#pauseMs = isBusy ? Math.min(pauseOfBusy * tookMs, pauseMsMax) : 0;
      return { kind: 'more' };
    }
    const nextAt = await storage.nextDueAt();
    const waitMs = nextAt === null ? lookMsMax : Math.max(0, nextAt - clock.now());
    return { kind: 'idle', waitMs: Math.min(waitMs, lookMsMax) };
  }

  async #settleAll(due: readonly Schedule[], now: number): Promise<void> {
    const { storage, faults } = this.#parts;
    const results = await Promise.allSettled(due.map((one) => this.#settle(one, now)));
    const changes = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    // On a conflict the schedules stay due, and their jobs are found by their keys.
    if (changes.length > 0) await storage.commit(changes);
    for (const { schedule } of changes) faults.reach('schedule.settled', schedule.id);
    const failed = results.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Opens the job of an occurrence, and returns the change that records it. */
  async #settle(schedule: Schedule, now: number): Promise<ScheduleChange> {
    const { storage, zones } = this.#parts;
    let due: Occurrence[];
    try {
      due = dueOccurrences(schedule, now, zones);
    } catch (error) {
      return this.#pause(schedule, now, messageOf(error));
    }
    const { cursor, settled } = schedule;
    if (due.length === 0) {
      // The rules of the zone have changed: it is due later.
      const next = nextOccurrence(schedule, cursor, settled, zones);
      return recomputed(revised(withNext(schedule, next), now));
    }
    const found = await this.#lastWithJob(schedule, due);
    if (found !== null)
      return this.#record(schedule, due.slice(0, found.count), now, 'fired', found);
    const lastRun = await this.#lastRun(schedule);
    const last = lastRun === null ? null : await this.#parts.jobs.stateOf(lastRun);
    const untold = last === 'failed' ? await untoldFailure(storage, schedule, lastRun!) : [];
    const isOpen = last === 'waiting' || last === 'open';
    const failures = last === 'failed' ? schedule.failures + 1 : isOpen ? schedule.failures : 0;
    const { pauseOnFailures } = schedule;
    if (pauseOnFailures > 0 && failures >= pauseOnFailures) {
      return before(
        untold,
        await this.#pause({ ...schedule, failures }, now, `failures: ${failures}`),
      );
    }
    const outcome = outcomeOf(schedule, due.at(-1)!, { now, before: last });
    const opened = await this.#openJob(schedule, due, now, outcome);
    const { jobId } = opened;
    const recorded = this.#record({ ...schedule, failures }, due, now, outcome, { jobId });
    return before(untold, asPlaced(recorded, opened, now));
  }

  async #openJob(
    schedule: Schedule,
    due: readonly Occurrence[],
    now: number,
    outcome: OccurrenceOutcome,
  ): Promise<Opened> {
    const { reach, jobs, faults } = this.#parts;
    const { wall, at } = due.at(-1)!;
    faults.reach('schedule.beforeJob', schedule.id);
    const report = { outcome, wall, delayMs: now - at, missedBefore: due.length - 1 };
    const own = occurrenceMessage(schedule, report, keyOf(schedule.id, wall));
    const opened = await openPlaced(jobs, await placed(reach, own));
    faults.reach('schedule.afterJob', schedule.id);
    return opened;
  }

  #record(
    schedule: Schedule,
    due: readonly Occurrence[],
    now: number,
    outcome: OccurrenceOutcome,
    { jobId }: { jobId: string },
  ): ScheduleChange {
    const { zones } = this.#parts;
    const { wall, at } = due.at(-1)!;
    const next = settledSchedule(schedule, due, now, zones);
    const isLost = outcome === 'missed' || outcome === 'skipped';
    const missed = next.missed + (isLost ? 1 : 0);
    const last = { at: now, jobId, outcome };
    const changed = revised({ ...next, missed, lastJobId: jobId, last }, now);
    const occurrence: OccurrenceRecord = {
      scheduleId: schedule.id,
      wall: wallText(wall),
      dueAt: at,
      at: now,
      outcome,
      missedBefore: due.length - 1,
      jobId,
    };
    return { schedule: changed, occurrence, events: [events.settled(occurrence, changed)] };
  }

  /** The last of several due occurrences that has a job already: the process ended before its row was written. */
  async #lastWithJob(
    { id }: Schedule,
    due: readonly Occurrence[],
  ): Promise<{ count: number; jobId: string } | null> {
    for (let count = due.length; count > 0; count -= 1) {
      const jobId = await this.#parts.jobs.find(keyOf(id, due[count - 1]!.wall));
      if (jobId !== null) return { count, jobId };
    }
    return null;
  }

  /** The job of the last run. The message that an occurrence was skipped is none: the run before it may go on. */
  async #lastRun({ id, last, lastJobId }: Schedule): Promise<string | null> {
    if (last?.outcome !== 'skipped' || last.jobId !== lastJobId) return lastJobId;
    const recent = await this.#parts.storage.occurrences(id, occurrencesLooked);
    const runs = recent.filter(({ outcome }) => outcome !== 'skipped' && outcome !== 'missed');
    return runs.toSorted((one, two) => two.at - one.at)[0]?.jobId ?? lastJobId;
  }

  async #pause(schedule: Schedule, now: number, reason: string): Promise<ScheduleChange> {
    const { reach, jobs, log } = this.#parts;
    log.warn({ schedule: schedule.id, reason }, 'a schedule was paused');
    const message = occurrenceMessage(schedule, null, pauseKeyOf(schedule));
    const own = { ...message, reply: pausedText(schedule, reason) };
    const opened = await openPlaced(jobs, await placed(reach, own));
    const { jobId } = opened;
    const paused = { ...schedule, state: 'paused' as const, pauseReason: reason, lastJobId: jobId };
    const changed = revised({ ...paused, nextAt: null, nextWall: null }, now);
    const change = { schedule: changed, occurrence: null, events: [events.paused(changed, jobId)] };
    return asPlaced(change, opened, now);
  }

  /** The clock was ahead, and has been set back: what it settled too early is due again, under the same keys. */
  async #followSetBack(now: number): Promise<void> {
    const { storage, zones } = this.#parts;
    for (;;) {
      const ahead = await storage.changedAfter(now + setBackMs, checkedPerRead);
      if (ahead.length === 0) return;
      const changes = ahead.map((one) => {
        const cursor = Math.min(one.cursor, zones.toWallTime(now, one.zone));
        const next = nextOccurrence(one, cursor, one.settled, zones);
        return recomputed(revised(withNext({ ...one, cursor }, next), now));
      });
      if ((await storage.commit(changes)) === 'conflict') return;
    }
  }

  /** After a start: a zone may have other rules than when the next times were computed. */
  async #checkZones(now: number): Promise<void> {
    const { storage, zones } = this.#parts;
    for (let after = ''; ;) {
      const page = await storage.nextTimes(after, checkedPerRead);
      const moved = page.filter(({ at, wall, zone }) => zones.toInstant(wall, zone) !== at);
      const changes: ScheduleChange[] = [];
      for (const { id } of moved) {
        const one = await storage.find(id);
        if (one?.state !== 'active') continue;
        const next = nextOccurrence(one, one.cursor, one.settled, zones);
        if (next?.at === one.nextAt) continue;
        changes.push(recomputed(revised(withNext(one, next), now)));
      }
      if (changes.length > 0) await storage.commit(changes);
      if (page.length < checkedPerRead) return;
      after = page.at(-1)!.id;
      await new Promise(setImmediate);
    }
  }
}

const before = (events: readonly NewScheduleEvent[], change: ScheduleChange): ScheduleChange => ({
  ...change,
  events: [...events, ...change.events],
});

/** Its next time was computed again: the clock was set back, or its zone has other rules. */
const recomputed = (schedule: Schedule): ScheduleChange => ({
  schedule,
  occurrence: null,
  events: [events.changed(schedule)],
});

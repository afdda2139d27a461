/**
 * Keeps one-time reminders for the alarms of calendar entries: they are made, moved and withdrawn with their entries.
 *
 * A1: an alarm has one schedule, whose id derives from its person, entry, instance and time. So it fires once, however
 *     often the calendar is read, and a moved entry has a new alarm.
 * A2: a calendar that cannot be read changes nothing. What was planned before stays.
 * A3: an alarm whose time had passed when it was first seen is not due, except shortly before: a calendar on a server
 *     is read at intervals.
 */
import type { Clock } from '#shared/clock';
import { dayMs, minuteMs } from '#shared/calendar/time-units';
import type { Zones } from '#shared/calendar/zoned-time';
import { GatehouseError, messageOf } from '#shared/errors';
import { derivedId } from '#shared/ids';
import type { Log } from '#shared/log';
import type { SerialQueue } from '#shared/serial-queue';
import { createThrottledErrorLog, type ThrottledErrorLog } from '#shared/throttled-error-log';
import { newState, revised, withNext } from './due-occurrences.ts';
import { onceRule } from './next-occurrence.ts';
import { calendarOrigin, type Schedule } from './schedule.ts';
import * as events from './schedule-events.ts';
import type { NewScheduleEvent, ScheduleChange, ScheduleStorage } from './schedule-port.ts';
import { defaultsOf, listAll } from './schedules.ts';

/** Where messages for a person go. */
export interface AlarmPlace {
  userId: string;
  channel: string;
  thread: string | null;
}

export interface AlarmCalendar {
  /** The person as whom the calendar is read. */
  userId: string;
  /** The people who get its alarms. */
  places: readonly AlarmPlace[];
}

export interface PlannedAlarm {
  /** Identifies entry and instance. */
  key: string;
  /** Epoch ms. */
  at: number;
  text: string;
}

export interface AlarmSource {
  /** `of`: the calendar of this person is enough; a shared one is given as well. */
  calendars(of?: string): Promise<AlarmCalendar[]>;
  /** Alarms after `from` and not after `to` (epoch ms). @throws Error if the calendar cannot be read now */
  alarms(userId: string, from: number, to: number): Promise<PlannedAlarm[]>;
}

export interface AlarmPlannerParts {
  source: AlarmSource;
  storage: ScheduleStorage;
  zones: Zones;
  /** IANA name: of the people. */
  zone: string;
  clock: Clock;
  log: Log;
  /** Shared with the worker and the commands of people. */
  inOrder: SerialQueue;
  /** Schedules were made or changed. */
  onChanged(): void;
}

/** Alarms that are planned ahead: what a process that is off for this time still fires, or reports as missed. */
const aheadMs = 31 * dayMs;
/** A calendar on a server is read every 5 minutes: an alarm that was set and came due in between is late, not lost. */
const behindMs = 15 * minuteMs;
const everyMs = 5 * minuteMs;
/** Alarms of one calendar within `aheadMs`; more are a mistake of a program, and are reported. */
const alarmsMax = 2_000;
const changesPerCommit = 200;

/** Marks the schedule of an alarm that its entry does not have any more: it returns with its entry. */
const withdrawn = 'the calendar entry has changed';

export class AlarmPlanner {
  readonly #parts: AlarmPlannerParts;
  readonly #errorLog: ThrottledErrorLog;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  /** People whose calendars are to be read; `all`: those of everybody. */
  #wanted: Set<string> | 'all' = new Set();
  #isStopped = true;

  constructor(parts: AlarmPlannerParts) {
    this.#parts = parts;
    this.#errorLog = createThrottledErrorLog(parts.log, 'the alarms of a calendar cannot be read');
  }

  start(): void {
    this.#isStopped = false;
    this.wake();
  }

  /** Resolves when a running look has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#running;
  }

  /** A calendar was changed, that of a person or any. Changes during a look are looked at again. */
  wake(of?: string): void {
    if (of === undefined) this.#wanted = 'all';
    else if (this.#wanted !== 'all') this.#wanted.add(of);
    if (this.#isStopped || this.#running !== null) return;
    this.#running = this.#lookWhileWanted().finally(() => {
      this.#running = null;
      if (this.#isStopped) return;
      this.#wakeLater();
    });
  }

  /** The times of looks at all calendars do not move with the changes of single ones. */
  #wakeLater(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.wake();
    }, everyMs).unref();
  }

  /** Resolves when all changes until now are planned. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #lookWhileWanted(): Promise<void> {
    while (this.#wanted === 'all' || this.#wanted.size > 0) {
      if (this.#isStopped) return;
      const wanted = this.#wanted;
      this.#wanted = new Set();
      try {
        const failures: Error[] = [];
        for (const person of wanted === 'all' ? [undefined] : wanted) {
          failures.push(...(await this.#lookAt(await this.#parts.source.calendars(person))));
        }
        if (failures.length === 0) this.#errorLog.recovered();
        for (const failure of failures) this.#errorLog.error(failure);
      } catch (error) {
        this.#errorLog.error(error);
      }
    }
  }

  /** One after another: people's messages come in between. */
  async #lookAt(calendars: readonly AlarmCalendar[]): Promise<Error[]> {
    const failures: Error[] = [];
    for (const calendar of calendars) {
      if (this.#isStopped) break;
      const failure = await this.#look(calendar);
      if (failure !== null) failures.push(failure);
      await new Promise(setImmediate);
    }
    return failures;
  }

  /** Why the calendar could not be planned; null if it was. */
  async #look(calendar: AlarmCalendar): Promise<Error | null> {
    const { source, clock, inOrder, log, onChanged } = this.#parts;
    const now = clock.now();
    try {
      const rows = (await Promise.all(calendar.places.map((one) => this.#rowsOf(one)))).flat();
      // Alarms that are due and have not fired yet are looked at too: their entry may be gone.
      const from = Math.min(now - behindMs, ...rows.map(({ nextAt }) => (nextAt ?? now) - 1));
      const alarms = await source.alarms(calendar.userId, from, now + aheadMs);
      if (alarms.length > alarmsMax) {
        log.warn({ count: alarms.length }, `only ${alarmsMax} alarms of a calendar are planned`);
      }
      const planned = alarms.slice(0, alarmsMax);
      if (planned.length === 0 && rows.length === 0) return null;
      for (const place of calendar.places) {
        const isChanged = await inOrder('schedules', () => this.#plan(place, planned, now)).catch(
          ofOtherWorker,
        );
        if (isChanged) onChanged();
      }
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  async #rowsOf({ userId }: AlarmPlace): Promise<Schedule[]> {
    const filter = { userId, states: ['active'], createdBy: calendarOrigin } as const;
    return listAll(this.#parts.storage, filter);
  }

  async #plan(place: AlarmPlace, alarms: readonly PlannedAlarm[], now: number): Promise<boolean> {
    const { storage } = this.#parts;
    const rows = new Map((await this.#rowsOf(place)).map((one) => [one.id, one]));
    const changes: ScheduleChange[] = [];
    const put = (schedule: Schedule, event: NewScheduleEvent): void =>
      void changes.push({ schedule, occurrence: null, events: [event] });
    const planned = new Set<string>();
    for (const alarm of alarms) {
      const id = idOf(place, alarm);
      if (planned.has(id)) continue;
      planned.add(id);
      const stored = rows.get(id) ?? (await storage.find(id));
      const change = this.#changeFor(stored, this.#scheduleOf(place, alarm, id, now), now);
      if (change === null) continue;
      put(change, stored === null ? events.created(change) : events.changed(change));
    }
    for (const row of rows.values()) {
      if (planned.has(row.id)) continue;
      const gone = { ...row, state: 'cancelled' as const, pauseReason: withdrawn };
      put(revised({ ...gone, nextAt: null, nextWall: null }, now), events.deleted('calendar'));
    }
    for (let first = 0; first < changes.length; first += changesPerCommit) {
      const some = changes.slice(first, first + changesPerCommit);
      // Another process has changed one of them: the next look sees it.
      if ((await storage.commit(some)) === 'conflict') this.wake(place.userId);
    }
    return changes.length > 0;
  }

  /** The stored schedule as the calendar has it now; null if nothing changes. */
  #changeFor(stored: Schedule | null, made: Schedule, now: number): Schedule | null {
    if (stored === null) return made.nextAt! > now - behindMs ? made : null;
    const { text, channel, thread } = made;
    if (stored.state === 'active') {
      const isSame = stored.text === text && stored.channel === channel && stored.thread === thread;
      return isSame ? null : revised({ ...stored, text, channel, thread }, now);
    }
    // What a person has cancelled, and what has fired, stays as it is.
    if (stored.state !== 'cancelled' || stored.pauseReason !== withdrawn) return null;
    if (made.nextAt! <= now - behindMs) return null;
    return revised({ ...made, createdAt: stored.createdAt, revision: stored.revision }, now);
  }

  #scheduleOf(place: AlarmPlace, { at, text }: PlannedAlarm, id: string, now: number): Schedule {
    const { zones, zone } = this.#parts;
    const wall = zones.toWallTime(at, zone);
    return withNext(
      {
        ...defaultsOf.reminder,
        ...newState(now),
        ...place,
        id,
        kind: 'reminder',
        text,
        rule: onceRule(at, zone, zones),
        zone,
        start: null,
        end: null,
        count: null,
        createdBy: calendarOrigin,
        cursor: wall - 1,
      },
      { at, wall },
    );
  }
}

/** Another worker owns the partition of the person, and plans their alarms. */
function ofOtherWorker(error: unknown): false {
  if (error instanceof GatehouseError && error.code === 'GH_STORE_FENCED') return false;
  throw error;
}

const idOf = ({ userId }: AlarmPlace, { key, at }: PlannedAlarm): string =>
  derivedId('A', JSON.stringify([userId, key, at]));

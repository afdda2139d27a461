/** What people and programs do with schedules: make, list, pause, resume, cancel, run now. */
import type { Clock } from '#shared/clock';
import { dayMs, hourMs } from '#shared/calendar/time-units';
import type { Zones } from '#shared/calendar/zoned-time';
import { GatehouseError } from '#shared/errors';
import { derivedId, type IdSource } from '#shared/ids';
import type { ScheduleEvent } from '#shared/wire/schedule-event';
import type { SerialQueue } from '#shared/serial-queue';
import { asPlaced, openPlaced, placed, type Reach } from './delivery.ts';
import { newState, revised, withNext } from './due-occurrences.ts';
import { nextAfterInstant, ruleFault, wallOf, wallText } from './next-occurrence.ts';
import { keyOf, occurrenceMessage, type OccurrenceJobs } from './occurrence-jobs-port.ts';
import type {
  RunPolicy,
  OccurrenceRecord,
  Schedule,
  ScheduleKind,
  ScheduleState,
  Timing,
} from './schedule.ts';
import * as events from './schedule-events.ts';
import type { NewScheduleEvent, ScheduleFilter, ScheduleStorage } from './schedule-port.ts';

export interface SchedulesParts {
  storage: ScheduleStorage;
  jobs: OccurrenceJobs;
  reach: Reach;
  zones: Zones;
  clock: Clock;
  nextId: IdSource;
  inOrder: SerialQueue;
  /** Called after each change. */
  onChanged(): void;
  /** Open schedules of one person. */
  perUserMax: number;
}

export interface NewSchedule extends Timing, Partial<RunPolicy> {
  userId: string;
  channel: string;
  thread: string | null;
  kind: ScheduleKind;
  text: string;
  createdBy: string;
  /** A second call with the same key returns the first schedule. */
  idempotencyKey?: string;
}

export interface Schedules {
  /** @throws GH_SCHEDULE_INVALID, GH_SCHEDULE_LIMIT, GH_STORE_UNAVAILABLE */
  create(input: NewSchedule): Promise<Schedule>;
  /** @throws GH_SCHEDULE_NOT_FOUND */
  get(id: string): Promise<Schedule>;
  list(filter: ScheduleFilter, after: string, limit: number): Promise<Schedule[]>;
  /** Newest first. */
  history(id: string, limit: number): Promise<OccurrenceRecord[]>;
  /** With `seq` above `afterSeq`, in order. */
  events(id: string, afterSeq: number, limit: number): Promise<ScheduleEvent[]>;
  /** @throws GH_SCHEDULE_NOT_FOUND, GH_SCHEDULE_CONFLICT; so do the following */
  pause(id: string): Promise<Schedule>;
  /** Times that passed while it was paused are not due any more. */
  resume(id: string): Promise<Schedule>;
  cancel(id: string): Promise<Schedule>;
  /** Gives it other times. @throws GH_SCHEDULE_INVALID */
  move(id: string, timing: Pick<Timing, 'rule' | 'start' | 'end'>): Promise<Schedule>;
  /** Opens the job of an occurrence now; the planned times stay. Returns the job's id. */
  runNow(id: string): Promise<string>;
}

export const defaultsOf: Record<ScheduleKind, RunPolicy> = {
  // A reminder is worth something late as well; a digest of yesterday is not.
  reminder: { catchUp: 'once-late', catchUpMs: dayMs, overlap: 'skip', pauseOnFailures: 0 },
  prompt: { catchUp: 'skip', catchUpMs: hourMs, overlap: 'skip', pauseOnFailures: 5 },
  digest: { catchUp: 'skip', catchUpMs: hourMs, overlap: 'skip', pauseOnFailures: 5 },
};

const rowsPerRead = 500;

/** All schedules that the filter lets through, by id. */
export async function listAll(
  { list }: Pick<ScheduleStorage, 'list'>,
  filter: ScheduleFilter,
): Promise<Schedule[]> {
  const all: Schedule[] = [];
  for (let after = ''; ;) {
    const page = await list(filter, after, rowsPerRead);
    all.push(...page);
    if (page.length < rowsPerRead) return all;
    after = page.at(-1)!.id;
  }
}

const openStates: readonly ScheduleState[] = ['active', 'paused'];

export function createSchedules(parts: SchedulesParts): Schedules {
  const { storage, clock, zones } = parts;

  const get = async (id: string): Promise<Schedule> => {
    const found = await storage.find(id);
    if (found === null) throw new GatehouseError('GH_SCHEDULE_NOT_FOUND');
    return found;
  };

  /** Commands and the settling of occurrences run one after another; another process is found by the revision. */
  const change = (
    id: string,
    event: (changed: Schedule) => NewScheduleEvent,
    decide: (one: Schedule, now: number) => Schedule,
  ) =>
    parts.inOrder('schedules', async () => {
      const one = await get(id);
      if (!openStates.includes(one.state)) {
        throw new GatehouseError('GH_SCHEDULE_CONFLICT', `The schedule is ${one.state}`);
      }
      const now = clock.now();
      const schedule = revised(decide(one, now), now);
      await commit(parts, { schedule, occurrence: null, events: [event(schedule)] });
      parts.onChanged();
      return schedule;
    });

  return {
    create: (input) =>
      parts.inOrder('schedules', async () => {
        const schedule = await create(parts, input);
        parts.onChanged();
        return schedule;
      }),
    get,
    list: (filter, after, limit) => storage.list(filter, after, limit),
    events: (id, afterSeq, limit) => storage.events(id, afterSeq, limit),
    async history(id, limit) {
      await get(id);
      return storage.occurrences(id, limit);
    },
    pause: (id) =>
      change(id, events.paused, (one) => ({
        ...one,
        state: 'paused',
        pauseReason: 'by a person',
        nextAt: null,
        nextWall: null,
      })),
    resume: (id) =>
      change(id, events.resumed, (one, now) => {
        const cursor = Math.max(one.cursor, zones.toWallTime(now, one.zone));
        const next = nextAfterInstant(one, now, one.settled, zones);
        return withNext({ ...one, cursor, pauseReason: null, failures: 0 }, next);
      }),
    cancel: (id) =>
      change(
        id,
        () => events.deleted('person'),
        (one) => ({ ...one, state: 'cancelled', nextAt: null, nextWall: null }),
      ),
    move: (id, timing) =>
      change(id, events.changed, (one, now) => moved({ ...one, ...timing }, now, zones)),
    runNow: (id) => parts.inOrder('schedules', async () => runNow(parts, await get(id))),
  };
}

async function create(parts: SchedulesParts, input: NewSchedule): Promise<Schedule> {
  const { storage, zones, clock, nextId, perUserMax } = parts;
  const { idempotencyKey, ...given } = input;
  const id = idempotencyKey === undefined ? nextId() : derivedId('K', idempotencyKey);
  const existing = idempotencyKey === undefined ? null : await storage.find(id);
  if (existing !== null) return existing;
  const now = clock.now();
  const fault = faultOf(input, zones);
  if (fault !== null) throw new GatehouseError('GH_SCHEDULE_INVALID', fault);
  if ((await storage.countOpen(input.userId)) >= perUserMax) {
    const message = `${perUserMax} schedules of one person is the limit; cancel one first`;
    throw new GatehouseError('GH_SCHEDULE_LIMIT', message);
  }
  const { timing, next, cursor } = begun(given, now, 0, zones);
  const schedule: Schedule = withNext(
    { ...defaultsOf[input.kind], ...newState(now), ...timing, id, cursor },
    next,
  );
  await commit(parts, { schedule, occurrence: null, events: [events.created(schedule)] });
  return schedule;
}

function moved(one: Schedule, now: number, zones: Zones): Schedule {
  const fault = faultOf(one, zones);
  if (fault !== null) throw new GatehouseError('GH_SCHEDULE_INVALID', fault);
  const { timing, next, cursor } = begun(one, now, one.settled, zones);
  if (one.state === 'paused') return { ...timing, cursor };
  return withNext({ ...timing, cursor }, next);
}

/**
 * The timing from `now` on, with its next occurrence and the cursor before it.
 * @throws GH_SCHEDULE_INVALID if no occurrence lies ahead
 */
function begun<One extends Timing>(given: One, now: number, settled: number, zones: Zones) {
  const wall = zones.toWallTime(now, given.zone);
  // An interval is counted from the start: it must not move with the cursor.
  const isInterval = 'every' in given.rule && given.rule.every !== undefined;
  const timing = { ...given, start: given.start ?? (isInterval ? wallText(wall) : null) };
  const next = nextAfterInstant(timing, now, settled, zones);
  if (next === null) {
    throw new GatehouseError('GH_SCHEDULE_INVALID', 'The schedule has no time in the future');
  }
  // A single time may be in the second pass of a repeated hour, before the cursor.
  return { timing, next, cursor: Math.min(wall, next.wall - 1) };
}

/** Why the timing is invalid; null if it is valid. */
function faultOf({ rule, zone, start, end }: Timing, zones: Zones): string | null {
  if (!zones.isKnownZone(zone)) return `zone: ${zone} is no IANA time zone`;
  for (const limit of [start, end]) {
    if (limit === null) continue;
    try {
      wallOf(limit);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return ruleFault(rule);
}

async function commit(
  { storage }: Pick<SchedulesParts, 'storage'>,
  change: Parameters<ScheduleStorage['commit']>[0][number],
): Promise<void> {
  if ((await storage.commit([change])) === 'conflict') {
    throw new GatehouseError('GH_STORE_CONFLICT');
  }
}

async function runNow(parts: SchedulesParts, one: Schedule): Promise<string> {
  const { jobs, reach, clock, zones } = parts;
  const now = clock.now();
  const wall = zones.toWallTime(now, one.zone);
  const report = { outcome: 'manual' as const, wall, delayMs: 0, missedBefore: 0 };
  const key = `${keyOf(one.id, wall)} manual ${one.revision}`;
  const opened = await openPlaced(jobs, await placed(reach, occurrenceMessage(one, report, key)));
  const { jobId } = opened;
  const occurrence = {
    scheduleId: one.id,
    wall: `${wallText(wall)} manual ${one.revision}`,
    dueAt: now,
    at: now,
    outcome: report.outcome,
    missedBefore: 0,
    jobId,
  };
  const last = { at: now, jobId, outcome: report.outcome };
  const schedule = revised({ ...one, lastJobId: jobId, last }, now);
  const change = { schedule, occurrence, events: [events.settled(occurrence, schedule)] };
  await commit(parts, asPlaced(change, opened, now));
  return jobId;
}

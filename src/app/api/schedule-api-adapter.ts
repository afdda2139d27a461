/** Schedules for the doors: their shapes, and whose schedule it is. */
import { onceRule, wallText } from '#schedules/next-occurrence';
import type { Schedule } from '#schedules/schedule';
import type { NewSchedule, Schedules } from '#schedules/schedules';
import { isoTime } from '#shared/calendar/time-units';
import { createZones } from '#shared/calendar/zoned-time';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { Persons } from '#shared/persons';
import {
  scheduleStates,
  type NewScheduleBody,
  type ScheduleRef,
  type ScheduleRule,
  type ScheduleService,
  type ScheduleView,
} from '#shared/wire/schedule-service';

export interface ScheduleApiParts {
  schedules: Schedules;
  /** Of schedules that name none. */
  zone: string;
  clock: Clock;
  persons: Persons;
  /** Why no message can be sent to a channel; null if one can. */
  channelFault(channel: string): Promise<string | null>;
}

export function createScheduleApi(parts: ScheduleApiParts): ScheduleService {
  const { schedules } = parts;
  const own = async ({ id, userId }: ScheduleRef): Promise<Schedule> => {
    const one = await schedules.get(id);
    if (userId !== null && one.userId !== userId) throw new GatehouseError('GH_SCHEDULE_NOT_FOUND');
    return one;
  };
  const changeOwn = (change: (id: string) => Promise<Schedule>) => async (ref: ScheduleRef) =>
    viewOf(await change((await own(ref)).id));
  return {
    async list({ user_id, state, limit, cursor }) {
      const states = scheduleStates.filter((one) =>
        state === 'open' ? one === 'active' || one === 'paused' : one === state,
      );
      const filter = { states, ...(user_id === undefined ? {} : { userId: user_id }) };
      const rows = await schedules.list(filter, cursor ?? '', limit + 1);
      const next = rows.length > limit ? rows[limit - 1]!.id : null;
      return { schedules: rows.slice(0, limit).map(viewOf), next, next_cursor: next };
    },
    async create(given, createdBy) {
      const { channel } = given;
      const fault = await parts.channelFault(channel);
      if (fault !== null) throw new GatehouseError('GH_SCHEDULE_INVALID', fault);
      const body = { ...given, user_id: parts.persons.userOf(channel, given.user_id) };
      parts.persons.requireAddress(body.user_id, channel);
      return viewOf(await schedules.create(newSchedule(body, createdBy, parts.zone)));
    },
    get: async (ref) => viewOf(await own(ref)),
    pause: changeOwn((id) => schedules.pause(id)),
    resume: changeOwn((id) => schedules.resume(id)),
    delete: changeOwn((id) => schedules.cancel(id)),
    async run(ref) {
      const { id } = await own(ref);
      return { schedule_id: id, job_id: await schedules.runNow(id) };
    },
    snooze: async (ref, minutes, createdBy) =>
      viewOf(await schedules.create(snoozed(await own(ref), minutes, createdBy, parts))),
    async runs(ref, limit) {
      const records = await schedules.history((await own(ref)).id, limit);
      return {
        runs: records.map(({ wall, dueAt, at, outcome, missedBefore, jobId }) => ({
          wall,
          due_at: isoTime(dueAt),
          at: isoTime(at),
          outcome,
          missed_before: missedBefore,
          job_id: jobId,
        })),
      };
    },
  };
}

function newSchedule(body: NewScheduleBody, createdBy: string, zone: string): NewSchedule {
  const { user_id, overlap, catch_up, catch_up_ms, pause_on_failures, idempotency_key, ...rest } =
    body;
  const { rule, at, cron, ...given } = rest;
  return {
    ...given,
    rule: ruleOf({ rule, at, cron }),
    userId: user_id,
    zone: given.zone ?? zone,
    createdBy,
    ...(overlap === undefined ? {} : { overlap }),
    ...(catch_up === undefined ? {} : { catchUp: catch_up }),
    ...(catch_up_ms === undefined ? {} : { catchUpMs: catch_up_ms }),
    ...(pause_on_failures === undefined ? {} : { pauseOnFailures: pause_on_failures }),
    // The key of one person finds no schedule of another.
    ...(idempotency_key === undefined
      ? {}
      : { idempotencyKey: JSON.stringify([user_id, idempotency_key]) }),
  };
}

/** @throws GH_SCHEDULE_INVALID without exactly one of them */
function ruleOf({ rule, at, cron }: Pick<NewScheduleBody, 'rule' | 'at' | 'cron'>): ScheduleRule {
  const rules: ScheduleRule[] = [
    ...(rule === undefined ? [] : [rule]),
    ...(at === undefined ? [] : [{ once: at }]),
    ...(cron === undefined ? [] : [{ cron }]),
  ];
  if (rules.length === 1) return rules[0]!;
  throw new GatehouseError('GH_SCHEDULE_INVALID', 'rule: say one of rule, at and cron');
}

function snoozed(
  { userId, channel, thread, kind, text, zone }: Schedule,
  minutes: number,
  createdBy: string,
  { clock }: ScheduleApiParts,
): NewSchedule {
  // Whole seconds: a wall time has no part of one.
  const at = Math.ceil((clock.now() + minutes * 60_000) / 1_000) * 1_000;
  const rule = onceRule(at, zone, zones);
  const place = { userId, channel, thread, kind, text, zone, createdBy };
  return { ...place, rule, start: null, end: null, count: null };
}

const zones = createZones();

const timeOf = (at: number | null): string | null => (at === null ? null : isoTime(at));

const viewOf = (one: Schedule): ScheduleView => ({
  id: one.id,
  schedule_id: one.id,
  user_id: one.userId,
  channel: one.channel,
  thread: one.thread,
  kind: one.kind,
  text: one.text,
  rule: one.rule,
  at: 'once' in one.rule ? one.rule.once : null,
  cron: 'cron' in one.rule ? one.rule.cron : null,
  zone: one.zone,
  start: one.start,
  end: one.end,
  count: one.count,
  overlap: one.overlap,
  catch_up: one.catchUp,
  catch_up_ms: one.catchUpMs,
  pause_on_failures: one.pauseOnFailures,
  created_by: one.createdBy,
  created_at: isoTime(one.createdAt),
  updated_at: isoTime(one.updatedAt),
  state: one.state,
  pause_reason: one.pauseReason,
  next_at: timeOf(one.nextAt),
  // Not the written time: one that a clock change skips is due at the end of the gap.
  next_local: one.nextAt === null ? null : wallText(zones.toWallTime(one.nextAt, one.zone)),
  settled: one.settled,
  missed: one.missed,
  failures: one.failures,
  last:
    one.last === null
      ? null
      : { at: isoTime(one.last.at), job_id: one.last.jobId, outcome: one.last.outcome },
  last_job_id: one.lastJobId,
  undelivered_at: timeOf(one.undeliveredAt),
});

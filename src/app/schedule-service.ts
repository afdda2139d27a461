/** Wires schedules to the jobs: a due occurrence is a job of the person who has the schedule. */
import type { Decision } from '#machines/decision';
import type { JobLimits, OfferedCalls } from '#machines/job-types';
import { localeOf } from '#machines/texts';
import type { JobStorage } from '#jobs/job-store-port';
import type { Journal } from '#jobs/runtime/journal';
import type { AlarmPlannerParts } from '#schedules/calendar-alarms';
import { followDelivery, type MessageReport, type Reach } from '#schedules/delivery';
import { tellFailure } from '#schedules/failed-runs';
import type { OccurrenceJobs, OccurrenceMessage } from '#schedules/occurrence-jobs-port';
import { createSchedules, type Schedules } from '#schedules/schedules';
import type { ScheduleKind } from '#schedules/schedule';
import type { NewScheduleEvent, ScheduleStorage } from '#schedules/schedule-port';
import { ScheduleWorker } from '#schedules/schedule-worker';
import { createZones } from '#shared/calendar/zoned-time';
import type { Clock } from '#shared/clock';
import { messageOf } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import type { Persons } from '#shared/persons';
import { createSerialQueue } from '#shared/serial-queue';

export interface ScheduleService {
  schedules: Schedules;
  worker: ScheduleWorker;
  /** A job has failed, perhaps one of a schedule. */
  runFailed(jobId: string): Promise<void>;
  /** A chat has reported what became of a message. @throws as `followDelivery` of src/schedules */
  followDelivery(report: MessageReport): Promise<void>;
  /** For other makers of schedules: storage, order and wake-up of this service. */
  planning: Pick<AlarmPlannerParts, 'storage' | 'inOrder' | 'onChanged'>;
}

export interface ScheduleServiceParts {
  storage: ScheduleStorage;
  journal: Pick<Journal, 'submit'>;
  jobStorage: Pick<JobStorage, 'jobOfKey' | 'find'>;
  limits: JobLimits;
  perUserMax: number;
  persons: Persons;
  /** Whether a tool is configured: a digest asks no other. */
  isConfigured(tool: string): boolean;
  clock: Clock;
  faults: FaultInjector;
  log: Log;
  reach: Reach;
  /** Whether people are writing at this moment. */
  isBusy(): boolean;
}

export function createScheduleService(parts: ScheduleServiceParts): ScheduleService {
  const { storage, clock, faults, log, perUserMax } = parts;
  const nextId = createIdSource();
  const common = {
    storage,
    jobs: occurrenceJobs(parts, nextId),
    zones: createZones(),
    clock,
    inOrder: createSerialQueue(),
    reach: parts.reach,
  };
  const worker = new ScheduleWorker({
    ...common,
    faults,
    log,
    isBusy: parts.isBusy,
  });
  const schedules = createSchedules({
    ...common,
    nextId,
    perUserMax,
    onChanged: () => worker.wake(),
  });
  const { inOrder } = common;
  return {
    async runFailed(jobId) {
      try {
        await tellFailure(common, jobId);
      } catch (error) {
        // The next occurrence has its event.
        log.warn({ job: jobId, error: messageOf(error) }, 'a failed run has no event yet');
      }
    },
    followDelivery: (report) => followDelivery(common, report),
    schedules,
    worker,
    planning: { storage, inOrder, onChanged: () => worker.wake() },
  };
}

/** The storage, with a call after each commit that has events. */
export const toldSchedules = (
  storage: ScheduleStorage,
  onEvents: (events: readonly NewScheduleEvent[], kind: ScheduleKind) => void,
): ScheduleStorage => ({
  ...storage,
  async commit(changes) {
    const result = await storage.commit(changes);
    if (result === 'conflict') return result;
    for (const { events, schedule } of changes) {
      if (events.length > 0) onEvents(events, schedule.kind);
    }
    return result;
  },
});

function occurrenceJobs(
  { journal, jobStorage, limits, isConfigured, persons }: ScheduleServiceParts,
  nextId: () => string,
): OccurrenceJobs {
  return {
    async open(message) {
      const { key, userId, channel, thread, text, scheduled } = message;
      const input = {
        jobId: nextId(),
        userId,
        channel,
        message: text,
        locale: localeOf(text),
        limits,
        ...(thread === null ? {} : { thread }),
        scheduled: {
          ...scheduled,
          decision: decisionOf(message, isConfigured),
          ...(isConfigured('schedule') ? offersOf(message) : {}),
        },
      };
      const place = { channel, thread: thread ?? undefined, userId };
      const conversation = persons.conversationOf(place);
      return (await journal.submit({ input, conversation, idempotencyKey: key })).jobId;
    },
    async messageOf(jobId) {
      const job = await jobStorage.find(jobId);
      const scheduled = job?.input.scheduled;
      if (!job || scheduled === undefined || job.head.endedAt === null) return null;
      const { decision: _decision, tried = [], ...of } = scheduled;
      return {
        scheduleId: scheduled.scheduleId,
        scheduled: of,
        tried,
        channel: job.input.channel,
        thread: job.input.thread ?? null,
        reply: job.head.reply ?? '',
        lastSeq: job.head.seq,
      };
    },
    find: async (key) => (await jobStorage.jobOfKey(key))?.jobId ?? null,
    async stateOf(jobId) {
      const head = (await jobStorage.find(jobId))?.head;
      if (head === undefined) return 'ended';
      if (head.endedAt === null) return head.state === 'ack' ? 'waiting' : 'open';
      return head.outcome === 'failed' ? 'failed' : 'ended';
    },
  };
}

/** A reminder that has fired can be had again. */
function offersOf({ scheduled: { scheduleId: id, kind, outcome } }: OccurrenceMessage): {
  offers?: OfferedCalls;
} {
  if (kind !== 'reminder' || !/^(?:fired|late|manual)$/.test(outcome)) return {};
  const params = { action: 'snooze', id };
  return { offers: { snooze: { tool: 'schedule', operation: 'change', params } } };
}

function decisionOf(
  { reply, scheduled: { kind, wall } }: OccurrenceMessage,
  isConfigured: (tool: string) => boolean,
): Decision | null {
  const rule = { by: 'rule' as const, reason: 'schedule' };
  if (reply !== null) return { ...rule, action: 'direct', response: reply };
  if (kind !== 'digest') return null;
  const day = wall.slice(0, 10);
  const calls = [
    { tool: 'calendar', operation: 'search', params: { date_from: day, date_to: day } },
    { tool: 'email', operation: 'unread', params: {} },
    { tool: 'document', operation: 'open_drafts', params: {} },
  ].filter(({ tool }) => isConfigured(tool));
  return calls.length === 0 ? null : { ...rule, action: 'tools', calls };
}

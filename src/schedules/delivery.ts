/**
 * What becomes of the messages of schedules in their chats.
 *
 * R1: a message that a chat has refused goes to the next place of its person, and says so; each place gets it once, by a
 *     job under a key of the message and the place.
 * R2: a message that may have been delivered is not sent again.
 * R3: a message that no place takes leaves an event and a mark at its schedule.
 */
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { SerialQueue } from '#shared/serial-queue';
import { revised } from './due-occurrences.ts';
import type { OccurrenceJobs, ScheduledMessage } from './occurrence-jobs-port.ts';
import type { Schedule } from './schedule.ts';
import type { NewScheduleEvent, ScheduleStorage } from './schedule-port.ts';
import { redirectedText } from './schedule-texts.ts';

export interface Place {
  channel: string;
  thread: string | null;
}

export interface MessageReport {
  jobId: string;
  /** `seq` of the event that the message was made from. */
  seq: number;
  status: 'sent' | 'uncertain' | 'dead';
  error: string | null;
}

export interface DeliveryParts {
  storage: ScheduleStorage;
  jobs: OccurrenceJobs;
  clock: Clock;
  inOrder: SerialQueue;
  /** Where else the person can be reached, best first. */
  placesOf(userId: string): Promise<readonly Place[]>;
  /** Name of a channel for people. */
  titleOf(channel: string): string;
}

export const placeName = ({ channel, thread }: Place): string =>
  thread === null ? channel : `${channel}/${thread}`;

/** May be called again with the same report. @throws GH_STORE_UNAVAILABLE, GH_STORE_CONFLICT: report it again later */
export const followDelivery = async (
  parts: DeliveryParts,
  report: MessageReport,
): Promise<void> => {
  const message = await parts.jobs.messageOf(report.jobId);
  // Only the end of a job is the message of a schedule; a notice on the way may be dropped.
  if (message === null || report.seq !== message.lastSeq) return;
  await parts.inOrder('schedules', () => follow(parts, report, message));
};

async function follow(
  parts: DeliveryParts,
  { jobId, status, error }: MessageReport,
  message: ScheduledMessage,
): Promise<void> {
  const schedule = await parts.storage.find(message.scheduleId);
  if (schedule === null) return;
  const { channel } = message;
  if (status === 'sent') {
    if (schedule.undeliveredAt !== null) await mark(parts, schedule, null, []);
    return;
  }
  if (status === 'uncertain') {
    const data = { job_id: jobId, channel, reason: error };
    return mark(parts, schedule, schedule.undeliveredAt, [{ type: 'uncertain', data }]);
  }
  const tried = [...message.tried, placeName(message)];
  const places = await parts.placesOf(schedule.userId);
  const next = places.find((place) => !tried.includes(placeName(place)));
  if (next !== undefined) return redirect(parts, { schedule, jobId, message, tried, next });
  const now = parts.clock.now();
  const data = { job_id: jobId, channels: tried, reason: error };
  await mark(parts, schedule, now, [{ type: 'undelivered', data }]);
}

async function redirect(
  parts: DeliveryParts,
  {
    schedule,
    jobId,
    message,
    tried,
    next,
  }: {
    schedule: Schedule;
    jobId: string;
    message: ScheduledMessage;
    tried: string[];
    next: Place;
  },
): Promise<void> {
  const { jobs, titleOf } = parts;
  const key = JSON.stringify(['schedule', schedule.id, `redirected ${jobId}`]);
  // The process ended after this: the report is known.
  if ((await jobs.find(key)) !== null) return;
  const data = { job_id: jobId, from: placeName(message), to: placeName(next) };
  await mark(parts, schedule, schedule.undeliveredAt, [{ type: 'redirected', data }]);
  await jobs.open({
    key,
    userId: schedule.userId,
    ...next,
    text: schedule.text,
    scheduled: { ...message.scheduled, tried },
    reply: redirectedText(message.reply, titleOf(message.channel)),
  });
}

async function mark(
  { storage, clock }: DeliveryParts,
  schedule: Schedule,
  undeliveredAt: number | null,
  events: readonly NewScheduleEvent[],
): Promise<void> {
  const changed = revised({ ...schedule, undeliveredAt }, clock.now());
  const result = await storage.commit([{ schedule: changed, occurrence: null, events }]);
  if (result === 'conflict') throw new GatehouseError('GH_STORE_CONFLICT');
}

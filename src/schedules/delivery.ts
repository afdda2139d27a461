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
import type { MaybePromise } from '#shared/maybe-promise';
import type { SerialQueue } from '#shared/serial-queue';
import { revised } from './due-occurrences.ts';
import type {
  OccurrenceJobs,
  OccurrenceMessage,
  ScheduledMessage,
} from './occurrence-jobs-port.ts';
import type { Schedule } from './schedule.ts';
import type { NewScheduleEvent, ScheduleChange, ScheduleStorage } from './schedule-port.ts';
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
  reach: Reach;
}

export interface Reach {
  /** Where else the person can be reached, best first. */
  placesOf(userId: string): Promise<readonly Place[]>;
  /** Nothing takes the messages of the channel: its chat was removed from the configuration. */
  isGone(channel: string): MaybePromise<boolean>;
  /** Name of a channel for people. */
  titleOf(channel: string): string;
}

/** The message of a schedule whose channel is gone, at another place, with what is to be stored about it. */
export interface PlacedMessage {
  message: OccurrenceMessage;
  /** Said before a message whose answer is not known yet. */
  notice: OccurrenceMessage | null;
  /** Of the job of `message`. */
  events(jobId: string): NewScheduleEvent[];
  /** It goes to its own channel, where nobody takes it. */
  isLost: boolean;
}

/**
 * R4: a message for a channel that is gone goes to the next place of its person, and says so. Without one it goes to its own,
 * and waits there; an event and a mark tell it.
 */
export async function placed(
  { placesOf, isGone, titleOf }: Reach,
  message: OccurrenceMessage,
): Promise<PlacedMessage> {
  const unchanged = { message, notice: null, events: () => [], isLost: false };
  if (!(await isGone(message.channel))) return unchanged;
  const own = placeName(message);
  const next = (await placesOf(message.userId)).find((place) => placeName(place) !== own);
  if (next === undefined) {
    const data = { channels: [own], reason: 'nothing takes the messages of the channel' };
    return {
      ...unchanged,
      events: (jobId) => [{ type: 'undelivered', data: { job_id: jobId, ...data } }],
      isLost: true,
    };
  }
  const title = titleOf(message.channel);
  const scheduled = { ...message.scheduled, tried: [own] };
  const moved = { ...message, ...next, scheduled };
  const isAnswered = message.reply !== null;
  return {
    message: { ...moved, reply: isAnswered ? redirectedText(message.reply!, title) : null },
    notice: isAnswered
      ? null
      : { ...moved, key: `${message.key} notice`, reply: redirectedText(message.text, title) },
    events: (jobId) => [
      { type: 'redirected', data: { job_id: jobId, from: own, to: placeName(next) } },
    ],
    isLost: false,
  };
}

export const placeName = ({ channel, thread }: Place): string =>
  thread === null ? channel : `${channel}/${thread}`;

export interface Opened {
  jobId: string;
  events: readonly NewScheduleEvent[];
  isLost: boolean;
}

/** Opens the jobs of a message, in the order in which they are read. @throws as `OccurrenceJobs.open` */
export async function openPlaced(
  jobs: Pick<OccurrenceJobs, 'open'>,
  { message, notice, events, isLost }: PlacedMessage,
): Promise<Opened> {
  if (notice !== null) await jobs.open(notice);
  const jobId = await jobs.open(message);
  return { jobId, events: events(jobId), isLost };
}

/** A change with what its message met. */
export const asPlaced = (
  change: ScheduleChange,
  { events, isLost }: Opened,
  now: number,
): ScheduleChange => ({
  ...change,
  schedule: isLost ? { ...change.schedule, undeliveredAt: now } : change.schedule,
  events: [...change.events, ...events],
});

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
  const places = await parts.reach.placesOf(schedule.userId);
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
  const { jobs, reach } = parts;
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
    reply: redirectedText(message.reply, reach.titleOf(message.channel)),
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

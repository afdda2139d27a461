/** Connects the chat's tool of reminders to the schedules. */
import { nextAfterInstant, ruleFault } from '#schedules/next-occurrence';
import type { Schedule } from '#schedules/schedule';
import { listAll, type Schedules } from '#schedules/schedules';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import { createZones } from '#shared/calendar/zoned-time';
import { minuteMs } from '#shared/calendar/time-units';
import { conversationKey } from '#shared/wire/conversation';
import type { ReminderBook } from '#tools/schedule/reminder-book';

const freshMs = 10 * minuteMs;
/** Schedules whose last occurrence is looked up: of several that fired at once, the last one is meant. */
const lookedAtMax = 5;

export interface ReminderBookOfChat extends ReminderBook {
  /** Whether a reminder was set or cancelled here within the last minutes: only then 취소 is meant for it. */
  isFresh(conversation: string): boolean;
}

/** `schedules` is read at each call: they are opened after the tools. */
export function createReminderBook(schedules: () => Schedules, clock: Clock): ReminderBookOfChat {
  const zones = createZones();
  /** Conversation to the time of its last change; after a restart the plain word goes to the classifier. */
  const changes = new Map<string, number>();
  const note = (changed: Schedule): Schedule => {
    const now = clock.now();
    for (const [key, at] of changes) if (now - at > freshMs) changes.delete(key);
    const { channel, thread, userId } = changed;
    changes.set(conversationKey({ channel, thread: thread ?? undefined, userId }), now);
    return changed;
  };
  const all = (userId: string): Promise<Schedule[]> => listAll(schedules(), { userId });
  return {
    next(timing) {
      const fault = ruleFault(timing.rule);
      if (fault !== null) throw new GatehouseError('GH_SCHEDULE_INVALID', fault);
      return nextAfterInstant(timing, clock.now(), 0, zones)?.at ?? null;
    },
    create: async (reminder) => note(await schedules().create(reminder)),
    all,
    cancel: async (id) => note(await schedules().cancel(id)),
    isFresh: (conversation) => clock.now() - (changes.get(conversation) ?? 0) <= freshMs,
    pause: (id) => schedules().pause(id),
    resume: (id) => schedules().resume(id),
    move: (id, timing) => schedules().move(id, timing),
    async lastFired({ userId, channel, thread }) {
      const here = (await all(userId))
        .filter((one) => one.channel === channel && one.thread === thread && one.settled > 0)
        .toSorted((a, b) => b.updatedAt - a.updatedAt)
        .slice(0, lookedAtMax);
      const fired = await Promise.all(
        here.map(async (reminder) => {
          const [record] = await schedules().history(reminder.id, 1);
          return record === undefined ? [] : [{ reminder, at: record.at }];
        }),
      );
      return fired.flat().toSorted((a, b) => b.at - a.at)[0] ?? null;
    },
  };
}

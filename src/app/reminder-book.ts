/** Connects the chat's tool of reminders to the schedules. */
import { nextAfterInstant, ruleFault } from '#schedules/next-occurrence';
import type { Schedule } from '#schedules/schedule';
import { listAll, type Schedules } from '#schedules/schedules';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import { createZones } from '#shared/calendar/zoned-time';
import type { Persons } from '#shared/persons';
import type { ReminderBook, ReminderOrigin } from '#tools/schedule/reminder-book';

/** Schedules whose last occurrence is looked up: of several that fired at once, the last one is meant. */
const lookedAtMax = 5;

/** `schedules` is read at each call: they are opened after the tools. */
export function createReminderBook(
  schedules: () => Schedules,
  clock: Clock,
  persons: Persons,
): ReminderBook {
  const zones = createZones();
  const all = (userId: string): Promise<Schedule[]> => listAll(schedules(), { userId });
  const conversationOf = ({ userId, channel, thread }: ReminderOrigin): string =>
    persons.conversationOf({ userId, channel, thread: thread ?? undefined });
  return {
    conversationOf,
    next(timing) {
      const fault = ruleFault(timing.rule);
      if (fault !== null) throw new GatehouseError('GH_SCHEDULE_INVALID', fault);
      return nextAfterInstant(timing, clock.now(), 0, zones)?.at ?? null;
    },
    create: (reminder) => schedules().create(reminder),
    all,
    cancel: (id) => schedules().cancel(id),
    pause: (id) => schedules().pause(id),
    resume: (id) => schedules().resume(id),
    move: (id, timing) => schedules().move(id, timing),
    async lastFired(origin, id) {
      const here = (await all(origin.userId))
        .filter((one) =>
          id === undefined ? conversationOf(one) === conversationOf(origin) : one.id === id,
        )
        .filter(({ settled, lastJobId }) => settled > 0 || lastJobId !== null)
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

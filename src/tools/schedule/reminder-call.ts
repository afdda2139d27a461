/** A call of the tool in the terms of the stored reminders. */
import { createHash } from 'node:crypto';
import type { WallMs, Zones } from '#shared/calendar/zoned-time';
import type { CallContext } from '../tool.ts';
import type { ReminderOrigin, ReminderTiming, StoredReminder } from './reminder-book.ts';
import type { SetParams } from './schedule-operations.ts';

export const timingOf = (
  { once, repeated, cron, every, start, end }: Partial<SetParams>,
  { timeZone }: CallContext,
): ReminderTiming => ({
  // No key with the value undefined: its presence would count.
  rule:
    once === undefined
      ? { cron: cron ?? '', ...(every === undefined ? {} : { every }) }
      : { once, ...(repeated === undefined ? {} : { repeated }) },
  zone: timeZone,
  start: start ?? null,
  end: end ?? null,
  count: null,
});

export const originOf = ({ userId, origin }: CallContext): ReminderOrigin => ({
  userId,
  channel: origin?.channel ?? 'http',
  thread: origin?.thread ?? null,
});

/** The same for each run of a call; two calls of one message differ. */
export const keyOf = ({ key }: CallContext, params: unknown): string =>
  `chat ${key} ${createHash('sha256').update(JSON.stringify(params)).digest('hex').slice(0, 16)}`;

/** What the clocks show at the next occurrence: after a gap, not the time that is skipped. */
export const shownWall = ({ nextAt, zone }: StoredReminder, zones: Zones): WallMs | null =>
  nextAt === null ? null : zones.toWallTime(nextAt, zone);

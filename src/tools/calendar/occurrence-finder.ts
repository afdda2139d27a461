/** Finds the occurrences in a range, in any CalendarSource. */
import type { Log } from '#shared/log';
import { toolLogFields } from '#shared/tool-context';
import { serverToolError } from '../tool-texts.ts';
import type { CallContext, ServerError, ToolError } from '../tool.ts';
import { wallClockTime, wallIsoDate, type Zones } from '#shared/calendar/zoned-time';
import { calendarLabel } from './calendar-operations.ts';
import type { CalendarSource } from './calendar-port.ts';
import type { Occurrence } from './event.ts';
import { occurrencesIn, type WallRange } from './occurrences.ts';

export interface CalendarToolOptions {
  source: CalendarSource;
  zones: Zones;
  log: Log;
}

export interface FoundOccurrences {
  ok: true;
  occurrences: Occurrence[];
  /** Number of entries that could not be read or not be expanded completely. */
  unreadable: number;
  /** One line per entry of `unreadable`: UID and reason. */
  notes: string[];
}

/** Report lines of one kind in a log record. */
const linesMax = 5;

export type FindOccurrences = (
  range: WallRange,
  context: CallContext,
) => Promise<FoundOccurrences | ToolError>;

/** The returned function also logs unreadable, dropped and incompletely expanded entries. */
export const createOccurrenceFinder =
  ({ source, zones, log }: CalendarToolOptions): FindOccurrences =>
  async (range, context) => {
    const found = await source.entriesIn(range, context);
    if (!found.ok) return calendarToolError(found, context);
    const { occurrences, capped } = occurrencesIn(found.entries, range, context.timeZone, zones);
    const who = toolLogFields(context);
    if (capped.length > 0) log.warn({ ...who, uids: capped.slice(0, 5) }, 'recurrence cut short');
    const { unreadable, dropped } = found;
    if (unreadable.length > 0) {
      const lines = unreadable.slice(0, linesMax);
      log.warn({ ...who, count: unreadable.length, lines }, 'calendar entries unreadable');
    }
    if (dropped.length > 0) {
      const lines = dropped.slice(0, linesMax);
      log.info({ ...who, count: dropped.length, lines }, 'parts of calendar entries left out');
    }
    const notes = [...unreadable, ...capped.map((uid) => `${uid}: its rule has too many times`)];
    return { ok: true, occurrences, unreadable: notes.length, notes };
  };

export function toEventData(one: Occurrence): Record<string, unknown> {
  const lastDay = wallIsoDate(Math.max(one.start, one.end - 1));
  return {
    date: wallIsoDate(one.start),
    ...(lastDay === wallIsoDate(one.start) ? {} : { end_date: lastDay }),
    ...(one.allDay
      ? { all_day: true }
      : { start: wallClockTime(one.start), end: wallClockTime(one.end) }),
    title: one.title,
    ...(one.location === '' ? {} : { location: one.location }),
    ...(one.description === '' ? {} : { description: one.description }),
    ...(one.recurring ? { recurring: true } : {}),
  };
}

export const calendarToolError = (error: ServerError, { locale }: CallContext): ToolError =>
  serverToolError(error, calendarLabel[locale], locale);

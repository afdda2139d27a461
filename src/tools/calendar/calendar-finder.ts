/** Looks up what takes place in a range, in any calendar. */
import type { Log } from '../../lib/log.ts';
import { callFields } from '../call-fields.ts';
import { fault, spokenFault } from '../tool-fault.ts';
import { toolTextsOf } from '../tool-texts.ts';
import type { CallContext, ToolFault } from '../tool.ts';
import { clockTime, isoDate, type Zones } from '../zoned-time.ts';
import type { CalendarFault, CalendarSource } from './calendar-port.ts';
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
  /** How many entries could not be read, or not to their end. */
  unreadable: number;
  /** One line per entry that could not be read: UID and reason. */
  notes: string[];
}

/** Lines of one kind in a line of the log. */
const linesMax = 5;

export type Find = (
  range: WallRange,
  context: CallContext,
) => Promise<FoundOccurrences | ToolFault>;

/** A look-up over the source of the options. */
export const createFinder =
  ({ source, zones, log }: CalendarToolOptions): Find =>
  async (range, context) => {
    const found = await source.entriesIn(range, context);
    if (!found.ok) return calendarFault(found, context);
    const { occurrences, capped } = occurrencesIn(found.entries, range, context.timeZone, zones);
    const who = callFields(context);
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

/** An occurrence as it stands in a result's data. */
export function eventData(one: Occurrence): Record<string, unknown> {
  const lastDay = isoDate(Math.max(one.start, one.end - 1));
  return {
    date: isoDate(one.start),
    ...(lastDay === isoDate(one.start) ? {} : { end_date: lastDay }),
    ...(one.allDay ? { all_day: true } : { start: clockTime(one.start), end: clockTime(one.end) }),
    title: one.title,
    ...(one.location === '' ? {} : { location: one.location }),
    ...(one.description === '' ? {} : { description: one.description }),
    ...(one.recurring ? { recurring: true } : {}),
  };
}

/** The fault with its sentence. */
export function calendarFault(found: CalendarFault, context: CallContext): ToolFault {
  const { code, message } = found;
  if (code !== 'GH_TOOL_NOT_FOUND') return spokenFault(code, 'calendar', context.locale, message);
  return fault(code, message, toolTextsOf(context.locale).noCalendar);
}

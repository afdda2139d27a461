/** Converts between a calendar entry and its stored row. */
import { dayMs } from '#shared/calendar/time-units';
import type { StoredEvent } from './calendar-port.ts';
import type { CalendarEntry } from './event.ts';
import type { EventParser } from './event-parser.ts';
import { lastTimeOf } from './recurrence.ts';

/**
 * Version of the stored JSON. Increase it when `CalendarEntry` changes: rows of another version are then parsed from
 * their text again.
 */
const form = 2;

export function toStoredEvent(entry: CalendarEntry, ics: string): StoredEvent {
  const starts = entry.parts.flatMap((part) => [
    part.start.wall,
    ...part.added.map((moment) => moment.wall),
  ]);
  return {
    uid: entry.uid,
    ics,
    entry: JSON.stringify({ form, ...entry }),
    firstWall: Math.min(...starts),
    lastWall: lastWallOf(entry),
  };
}

/** The entries of a row: one, or none if its text is no longer readable. */
export function parseStoredEntries(
  row: { ics: string; entry: string },
  parser: EventParser,
): CalendarEntry[] {
  const stored = JSON.parse(row.entry) as CalendarEntry & { form: number };
  return stored.form === form ? [stored] : parser.parse(row.ics).entries;
}

/** The end of the last occurrence, wall time; null for a series without an end. */
function lastWallOf(entry: CalendarEntry): number | null {
  let last = Number.NEGATIVE_INFINITY;
  // A part that replaces all later instances may be longer than the entry itself, or later.
  const shift = Math.max(
    0,
    ...entry.parts.map((part) => part.start.wall - (part.instance ?? part.start).wall),
  );
  const length = shift + Math.max(...entry.parts.map((part) => part.lengthMs));
  for (const part of entry.parts) {
    // An RDATE that is a day may get any time of day.
    const added = part.added.map((one) => one.wall + dayMs + (one.lengthMs ?? 0));
    const times = [part.start.wall, ...added];
    for (const rule of part.rules) {
      const time = lastTimeOf(rule, part.start.wall);
      if (time === null) return null;
      times.push(time);
    }
    last = Math.max(last, ...times.map((time) => time + length));
  }
  return last;
}

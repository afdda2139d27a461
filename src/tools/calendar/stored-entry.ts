/** Between a calendar entry and the row that it is stored as. */
import { dayMs } from '../zoned-time.ts';
import type { StoredEvent } from './calendar-port.ts';
import type { CalendarEntry } from './event.ts';
import type { EventReader } from './event-reader.ts';
import { lastTimeOf } from './recurrence.ts';

/**
 * The form of the stored JSON. Count it up when `CalendarEntry` changes: rows of another form are then read
 * from their text again.
 */
const form = 2;

/** The row of an entry. */
export function storedEvent(entry: CalendarEntry, ics: string): StoredEvent {
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

/** The entries of a row: one, or none where its text cannot be read any more. */
export function entriesOf(
  row: { ics: string; entry: string },
  reader: EventReader,
): CalendarEntry[] {
  const stored = JSON.parse(row.entry) as CalendarEntry & { form: number };
  return stored.form === form ? [stored] : reader.read(row.ics).entries;
}

/** The end of the last time of the entry, null where there is none. */
function lastWallOf(entry: CalendarEntry): number | null {
  let last = Number.NEGATIVE_INFINITY;
  // One that moves all later instances may be longer than the entry itself, or later.
  const shift = Math.max(
    0,
    ...entry.parts.map((part) => part.start.wall - (part.instance ?? part.start).wall),
  );
  const length = shift + Math.max(...entry.parts.map((part) => part.lengthMs));
  for (const part of entry.parts) {
    // A day that was added to times may have the time of any of them.
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

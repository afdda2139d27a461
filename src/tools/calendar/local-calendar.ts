/** The calendar in our own database: calendar texts stored with their parsed form, so that a query needs no parsing. */
import type { CallContext } from '../tool.ts';
import type { Zones } from '#shared/calendar/zoned-time';
import type { CalendarSource, EventStorage, StoredEvent } from './calendar-port.ts';
import type { CalendarEntry } from './event.ts';
import { removeNul } from '#shared/text/remove-nul';
import { createEventParser, type EventParser } from './event-parser.ts';
import { zoneSpreadMs } from './occurrences.ts';
import { dayMs } from '#shared/calendar/time-units';
import { lastTimeOf } from './recurrence.ts';

/** Owner of all entries of a shared calendar; also the user id of messages without a user. */
export const sharedOwner = 'local';

/** The owner of the entries that a user sees and writes. */
export const ownerOf = (userId: string, shared: boolean): string => (shared ? sharedOwner : userId);

export interface LocalCalendarOptions {
  storage: EventStorage;
  zones: Zones;
  /** One calendar for all users, as in a family. Otherwise each user has a separate calendar. */
  shared?: boolean;
}

export function createLocalCalendar(options: LocalCalendarOptions): CalendarSource {
  const { storage, zones, shared = false } = options;
  const parser = createEventParser(zones);
  const owner = (context: CallContext): string => ownerOf(context.userId, shared);
  return {
    async entriesIn(range, context) {
      const rows = await storage.touching(
        owner(context),
        range.from - zoneSpreadMs,
        range.to + zoneSpreadMs,
      );
      const entries: CalendarEntry[] = [];
      const unreadable: string[] = [];
      for (const row of rows) {
        const parsed = parseStoredEntries(row, parser);
        if (parsed.length === 0) unreadable.push(...parser.parse(row.ics).unreadable);
        entries.push(...parsed);
      }
      return { ok: true, entries, unreadable, dropped: [] };
    },
    async create(written, context) {
      const ics = removeNul(written.ics);
      const [entry] = parser.parse(ics).entries;
      if (entry === undefined) throw new Error('a new entry cannot be read');
      // `added` or `there`: an entry with this UID is the result of this write.
      await storage.add(owner(context), toStoredEvent(entry, ics), Date.parse(context.now));
      return { ok: true };
    },
  };
}

/** Version of the stored JSON. Increase it when `CalendarEntry` changes: other rows are then parsed again. */
const form = 3;

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
function parseStoredEntries(
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

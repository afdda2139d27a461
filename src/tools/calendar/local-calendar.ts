/**
 * The calendar in our own database: entries of each owner as calendar text, with what the text was read as
 * beside it, so that a question parses nothing.
 */
import type { CallContext } from '../tool.ts';
import type { Zones } from '../zoned-time.ts';
import type { CalendarSource, EventStorage } from './calendar-port.ts';
import type { CalendarEntry } from './event.ts';
import { createEventReader } from './event-reader.ts';
import { zoneSpreadMs } from './occurrences.ts';
import { entriesOf, storedEvent } from './stored-entry.ts';

/** Owner of everything in a shared calendar: also the user of a message that names none. */
export const sharedOwner = 'local';

/** Whose entries a user sees and writes. */
export const ownerOf = (userId: string, shared: boolean): string => (shared ? sharedOwner : userId);

export interface LocalCalendarOptions {
  storage: EventStorage;
  zones: Zones;
  /** One calendar for everybody, as in a family. Otherwise each user has his own. */
  shared?: boolean;
}

/** The provider `local`. */
export function createLocalCalendar(options: LocalCalendarOptions): CalendarSource {
  const { storage, zones, shared = false } = options;
  const reader = createEventReader(zones);
  const owner = (context: CallContext): string => ownerOf(context.userId, shared);
  return {
    entriesIn(range, context) {
      const rows = storage.touching(
        owner(context),
        range.from - zoneSpreadMs,
        range.to + zoneSpreadMs,
      );
      const entries: CalendarEntry[] = [];
      const unreadable: string[] = [];
      for (const row of rows) {
        const read = entriesOf(row, reader);
        if (read.length === 0) unreadable.push(...reader.read(row.ics).unreadable);
        entries.push(...read);
      }
      return Promise.resolve({ ok: true, entries, unreadable, dropped: [] });
    },
    create({ ics }, context) {
      const [entry] = reader.read(ics).entries;
      if (entry === undefined) throw new Error('a new entry cannot be read');
      // Whether it was there or not: with this UID it is this write.
      storage.add(owner(context), storedEvent(entry, ics), Date.parse(context.now));
      return Promise.resolve({ ok: true });
    },
  };
}

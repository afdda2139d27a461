/**
 * The calendar in our own database: entries of each owner as calendar text, stored with their parsed form, so that a
 * query needs no parsing.
 */
import type { CallContext } from '../tool.ts';
import type { Zones } from '#shared/calendar/zoned-time';
import type { CalendarSource, EventStorage } from './calendar-port.ts';
import type { CalendarEntry } from './event.ts';
import { removeNul } from '#shared/text/remove-nul';
import { createEventParser } from './event-parser.ts';
import { zoneSpreadMs } from './occurrences.ts';
import { parseStoredEntries, toStoredEvent } from './stored-entry.ts';

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

/** The provider `local`. */
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

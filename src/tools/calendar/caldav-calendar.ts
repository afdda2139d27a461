/**
 * The calendar on a CalDAV server: Radicale, Synology Calendar, Nextcloud, iCloud.
 *
 * 1. What may touch the range is asked for generously and looked at exactly on our side: servers differ in
 *    what they leave out, and in what they do to recurring entries.
 * 2. New entries are written by caldav-write.ts, at most once.
 */
import type { Log } from '../../lib/log.ts';
import type { CallContext } from '../tool.ts';
import type { Zones } from '../zoned-time.ts';
import { createCaldavClient, type Answered, type CaldavServer } from './caldav-client.ts';
import { callFields } from '../call-fields.ts';
import { writeOnce } from './caldav-write.ts';
import type { CalendarSource } from './calendar-port.ts';
import { createEventReader, type ReadEvents } from './event-reader.ts';
import { zoneSpreadMs, type WallRange } from './occurrences.ts';
import { mergedEntries } from './versions.ts';

/**
 * Shares of the call's limit for each request: a write that got no answer leaves time to look, and to write
 * once more, before the limit.
 */
const share = { find: 0.25, read: 0.8, write: 0.35, look: 0.12, again: 0.2 };

/** Objects kept as read, by their text. A year of a full calendar has some thousands. */
const keptMax = 5000;

export interface CaldavCalendarOptions extends CaldavServer {
  zones: Zones;
  log: Log;
  /** Users who see it; absent: everybody. */
  users?: readonly string[] | undefined;
}

/** The provider `caldav`. */
export function createCaldavCalendar(options: CaldavCalendarOptions): CalendarSource {
  const { zones, log, users } = options;
  const client = createCaldavClient(options);
  const read = createKeptReader(zones);
  let known: string[] | null = null;

  const boundsOf = (context: CallContext, part: keyof typeof share) => ({
    timeoutMs: Math.max(1, Math.floor(context.limitMs * share[part])),
    signal: context.signal,
  });

  const calendars = async (context: CallContext): Promise<Answered<string[]>> => {
    if (users !== undefined && !users.includes(context.userId)) return noCalendar('of this user');
    if (known !== null) return { ok: true, value: known };
    const found = await client.calendars(boundsOf(context, 'find'));
    if (!found.ok) return found;
    if (found.value.length === 0) return noCalendar('at this address');
    known = found.value;
    return found;
  };

  return {
    async entriesIn(range, context) {
      const found = await calendars(context);
      if (!found.ok) return found.fault;
      const asked = await Promise.all(
        found.value.map((calendar) =>
          client.objectsIn(calendar, instantsOf(range), boundsOf(context, 'read')),
        ),
      );
      const failed = asked.find((one) => !one.ok);
      if (failed !== undefined) {
        // The calendars may have been moved: they are looked for again the next time.
        if (failed.fault.code === 'GH_TOOL_NOT_FOUND') known = null;
        return failed.fault;
      }
      const objects = asked.flatMap((one) => (one.ok ? one.value.map(({ ics }) => read(ics)) : []));
      // One event may be in several objects, or in two calendars of one person.
      const { entries, dropped } = mergedEntries(
        objects.flatMap((object) => object.entries),
        zones,
      );
      return {
        ok: true,
        entries,
        unreadable: objects.flatMap((object) => object.unreadable),
        dropped: [...objects.flatMap((object) => object.dropped), ...dropped],
      };
    },

    async create(entry, context) {
      const found = await calendars(context);
      if (!found.ok) return found.fault;
      const [calendar] = found.value;
      if (calendar === undefined) return noCalendar('at this address').fault;
      const bounds = {
        write: boundsOf(context, 'write'),
        look: boundsOf(context, 'look'),
        again: boundsOf(context, 'again'),
      };
      return writeOnce(client, calendar, entry, bounds, log.child(callFields(context)));
    },
  };
}

const noCalendar = (where: string): Extract<Answered<never>, { ok: false }> => ({
  ok: false,
  fault: { ok: false, code: 'GH_TOOL_NOT_FOUND', message: `no calendar ${where}` },
  wasReached: false,
  wasRefused: true,
});

/** Wide enough for all-day and floating entries, which servers place in a zone of their own choice. */
const instantsOf = (range: WallRange): { from: string; to: string } => ({
  from: new Date(range.from - zoneSpreadMs).toISOString(),
  to: new Date(range.to + zoneSpreadMs).toISOString(),
});

/** Reading a calendar object takes ten times as long as finding its times: the same text is read once. */
function createKeptReader(zones: Zones): (ics: string) => ReadEvents {
  const reader = createEventReader(zones);
  const kept = new Map<string, ReadEvents>();
  return (ics) => {
    const known = kept.get(ics);
    if (known !== undefined) return known;
    const events = reader.read(ics);
    if (kept.size >= keptMax) kept.clear();
    kept.set(ics, events);
    return events;
  };
}

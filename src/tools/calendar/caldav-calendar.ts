/**
 * The calendar on a CalDAV server: Radicale, Synology Calendar, Nextcloud, iCloud.
 *
 * 1. The server is queried with a wider range, and entries are filtered exactly on our side: servers differ in
 *    which entries they omit and in how they handle recurring entries.
 * 2. New entries are written at most once (`writeOnce`).
 */
import type { Log } from '#shared/log';
import type { CallContext, ServerError } from '../tool.ts';
import type { Zones } from '#shared/calendar/zoned-time';
import {
  createCaldavClient,
  type CaldavFailure,
  type CaldavResult,
  type CaldavServer,
  type CaldavClient,
  type RequestBounds,
} from './caldav-client.ts';
import { toolLogFields } from '#shared/tool-context';
import type { CaldavSettings, CalendarSource, NewEntry } from './calendar-port.ts';
import { createEventParser, type ParsedEvents } from './event-parser.ts';
import { zoneSpreadMs, type WallRange } from './occurrences.ts';
import { mergeEntries } from './event-versions.ts';

/** Shares of the call's limit: after a write without an answer there is time to look and to write once more. */
const limitShares = { find: 0.25, read: 0.8, write: 0.35, look: 0.12, again: 0.2 };

/** Entries of the cache of parsed objects, keyed by text. A year of a full calendar has some thousands. */
const keptMax = 5000;

export interface CaldavCalendarOptions extends CaldavServer {
  zones: Zones;
  log: Log;
  users?: CaldavSettings['users'];
}

export function createCaldavCalendar(options: CaldavCalendarOptions): CalendarSource {
  const { zones, log, users } = options;
  const client = createCaldavClient(options);
  const parse = createCachedParser(zones);
  let known: string[] | null = null;

  const boundsOf = (context: CallContext, part: keyof typeof limitShares) => ({
    timeoutMs: Math.max(1, Math.floor(context.limitMs * limitShares[part])),
    signal: context.signal,
  });

  const calendars = async (context: CallContext): Promise<CaldavResult<string[]>> => {
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
      if (!found.ok) return found;
      const asked = await Promise.all(
        found.value.map((calendar) =>
          client.objectsIn(calendar, toInstantRange(range), boundsOf(context, 'read')),
        ),
      );
      const failed = asked.find((one) => !one.ok);
      if (failed !== undefined) {
        // The calendars may have been moved: the next call discovers them again.
        if (failed.code === 'GH_TOOL_NOT_FOUND') known = null;
        return failed;
      }
      const objects = asked.flatMap((one) =>
        one.ok ? one.value.map(({ ics }) => parse(ics)) : [],
      );
      // An event may be stored in several objects, or in two calendars of one user.
      const { entries, dropped } = mergeEntries(
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
      if (!found.ok) return found;
      const [calendar] = found.value;
      if (calendar === undefined) return noCalendar('at this address');
      const bounds = {
        write: boundsOf(context, 'write'),
        look: boundsOf(context, 'look'),
        again: boundsOf(context, 'again'),
      };
      return writeOnce(client, calendar, entry, bounds, log.child(toolLogFields(context)));
    },
  };
}

const noCalendar = (where: string): CaldavFailure => ({
  ok: false,
  code: 'GH_TOOL_NOT_FOUND',
  message: `no calendar ${where}`,
  wasReached: false,
  wasRefused: true,
});

/** Wide enough for all-day and floating entries, for which each server chooses a zone itself. */
const toInstantRange = (range: WallRange): { from: string; to: string } => ({
  from: new Date(range.from - zoneSpreadMs).toISOString(),
  to: new Date(range.to + zoneSpreadMs).toISOString(),
});

/** Parsing a calendar object takes ten times as long as expanding its times: the same text is parsed once. */
function createCachedParser(zones: Zones): (ics: string) => ParsedEvents {
  const parser = createEventParser(zones);
  const kept = new Map<string, ParsedEvents>();
  return (ics) => {
    const known = kept.get(ics);
    if (known !== undefined) return known;
    const events = parser.parse(ics);
    if (kept.size >= keptMax) kept.clear();
    kept.set(ics, events);
    return events;
  };
}

/** Adds the entry to the calendar unless it exists. @param calendar URL with a slash at the end */
async function writeOnce(
  client: CaldavClient,
  calendar: string,
  entry: NewEntry,
  bounds: Record<'write' | 'look' | 'again', RequestBounds>,
  log: Log,
): Promise<{ ok: true } | ServerError> {
  const { uid, ics } = entry;
  const url = new URL(`${uid.replace(/@.*$/, '')}.ics`, calendar).href;
  const first = await client.create(url, ics, bounds.write);
  if (first.ok && first.value === 'created') return { ok: true };
  if (!first.ok && !first.wasReached) return first;

  const look = await isThere(client, calendar, url, uid, bounds.look);
  if (look.ok && look.value) return { ok: true };
  if (first.ok) {
    // The name exists and is derived from our key: the outcome is uncertain only if the look failed.
    const message = 'the name of the entry is taken';
    return { ok: false, code: look.ok ? 'GH_TOOL_REFUSED' : 'GH_TOOL_UNCERTAIN', message };
  }
  if (first.wasRefused) return look.ok ? first : asUncertain(first);

  log.warn({ code: first.code }, 'a write got no answer; writing again');
  const again = await client.create(url, ics, bounds.again);
  if (again.ok) return { ok: true };
  return look.ok && again.wasRefused ? again : asUncertain(again);
}

const asUncertain = (error: ServerError): ServerError => ({
  ...error,
  code: 'GH_TOOL_UNCERTAIN',
});

/** Whether the calendar has the entry: looked up by URL, then by UID. */
async function isThere(
  client: CaldavClient,
  calendar: string,
  url: string,
  uid: string,
  bounds: RequestBounds,
): Promise<CaldavResult<boolean>> {
  const found = await client.read(url, bounds);
  if (!found.ok) return found;
  if (found.value?.includes(`UID:${uid}`) === true) return { ok: true, value: true };
  // Some servers store objects under names of their own.
  return client.hasUid(calendar, uid, bounds);
}

/**
 * The calendar tool: lists entries, and adds new entries after the owner's confirmation, in any CalendarSource.
 *
 * 1. Recurrences are expanded here and never by a server: servers return the first date of a series, or
 *    ignore the request, and a model then states a wrong date.
 * 2. The UID of a new entry is derived from the idempotency key: a repeated confirmation gives the same entry (P10).
 */
import { containsAllWords, oneLine, splitWords } from '../sanitize-text.ts';
import { readOperation, type CallContext, type Tool, type ToolAnswer } from '../tool.ts';
import { dayMs } from '#shared/calendar/time-units';
import { wallIsoDate, startOfDay, parseIsoDate, type WallMs } from '#shared/calendar/zoned-time';
import { createWriteOperation } from './calendar-draft.ts';
import {
  calendarLabel,
  calendarOperations,
  keywordSearchDays,
  rangeDaysMax,
  type CalendarSearchParams,
} from './calendar-operations.ts';
import {
  createOccurrenceFinder,
  toEventData,
  type CalendarToolOptions,
} from './occurrence-finder.ts';
import { formatListing } from './calendar-formatter.ts';
import type { WallRange } from './occurrences.ts';
import type { ToolParts } from '../tool-declaration.ts';
import { readTlsTrust } from '#shared/tls-options';
import { createCaldavCalendar } from './caldav-calendar.ts';
import type { CalendarSource } from './calendar-port.ts';
import { createLocalCalendar } from './local-calendar.ts';

/** Entries in the result data: more than fit into a prompt, so that the size limit of `truncateJson` decides. */
const entriesMax = 60;

/** Unreadable entries that are listed in the result data. */
const notesMax = 5;

export function createCalendarTool(options: CalendarToolOptions): Tool {
  const { zones } = options;
  const wallNow = (context: CallContext): WallMs =>
    zones.toWallTime(Date.parse(context.now), context.timeZone);

  const find = createOccurrenceFinder(options);

  const list = async (
    range: WallRange,
    query: string | null,
    shortened: boolean,
    context: CallContext,
  ): Promise<ToolAnswer> => {
    const found = await find(range, context);
    if (!found.ok) return found;
    const words = splitWords(query ?? '');
    const occurrences = found.occurrences.filter((one) =>
      containsAllWords(`${one.title}\n${one.location}\n${one.description}`, words),
    );
    const listing = { range, query, occurrences, unreadable: found.unreadable, shortened };
    return {
      ok: true,
      data: {
        date_from: wallIsoDate(range.from),
        date_to: wallIsoDate(range.to - dayMs),
        count: occurrences.length,
        events: occurrences.slice(0, entriesMax).map(toEventData),
        ...(found.notes.length === 0 ? {} : { unreadable: found.notes.slice(0, notesMax) }),
      },
      summary: formatListing(listing, context.locale, wallNow(context)),
    };
  };

  return {
    name: 'calendar',
    label: calendarLabel,
    operations: {
      today: readOperation({
        ...calendarOperations.today,
        run(_, context) {
          const from = startOfDay(wallNow(context));
          return list({ from, to: from + dayMs }, null, false, context);
        },
      }),
      search: readOperation({
        ...calendarOperations.search,
        run(params, context) {
          const { range, shortened } = resolveRange(params, wallNow(context));
          const query = params.query === undefined ? null : oneLine(params.query, 80);
          return list(range, query, shortened, context);
        },
      }),
      create_draft: calendarOperations.create_draft,
      create_confirmed: createWriteOperation(options, find),
    },
  };
}

function resolveRange(
  params: CalendarSearchParams,
  now: WallMs,
): { range: WallRange; shortened: boolean } {
  const given = [params.date_from, params.date_to].map((date) =>
    date === undefined ? null : parseIsoDate(date),
  );
  const today = startOfDay(now);
  const [first = null, last = null] = given;
  const ahead = params.query === undefined ? 0 : keywordSearchDays * dayMs;
  const a = first ?? Math.min(today, last ?? today);
  const b = last ?? (first === null ? today + ahead : first);
  // Models sometimes swap the two dates; an empty range is never intended.
  const [from, to] = a <= b ? [a, b + dayMs] : [b, a + dayMs];
  const end = Math.min(to, from + rangeDaysMax * dayMs);
  return { range: { from, to: end }, shortened: end < to };
}

export const openCalendar = (parts: ToolParts): Tool =>
  createCalendarTool({ ...parts, source: calendarSource(parts) });

/** The configured calendar. @throws GH_CONFIG_INVALID when a certificate cannot be read */
export function calendarSource(
  parts: Pick<ToolParts, 'calendar' | 'zones' | 'log'> & {
    settings: Pick<ToolParts['settings'], 'calendar'>;
  },
): CalendarSource {
  const { settings, calendar: storage, zones, log } = parts;
  const { calendar } = settings;
  if (calendar.provider === 'caldav') {
    return createCaldavCalendar({ ...calendar, ...readTlsTrust(calendar), zones, log });
  }
  return createLocalCalendar({ storage, zones, shared: calendar.shared });
}

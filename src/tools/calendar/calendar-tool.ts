/**
 * The calendar tool: what is on, and new entries after their owner's yes. Works on any CalendarSource.
 *
 * 1. Recurrences are expanded here and never by a server: servers return the first date of a series, or
 *    ignore the request, and a model then states a wrong date.
 * 2. The UID of a new entry is made of the idempotency key, so the same yes is the same entry (P10).
 */
import { z } from 'zod';
import { containsAll, oneLine, wordsOf } from '../plain-text.ts';
import { dateParam, textParam } from '../tool-params.ts';
import { reads, type CallContext, type Tool, type ToolAnswer } from '../tool.ts';
import { dayMs, isoDate, startOfDay, wallOfDate, type WallMs } from '../zoned-time.ts';
import { createWrite, draftParams } from './calendar-draft.ts';
import { createFinder, eventData, type CalendarToolOptions } from './calendar-finder.ts';
import { listingWords } from './calendar-words.ts';
import type { WallRange } from './occurrences.ts';

/** Longest range that one question looks at: a year and what is asked "by the end of next January". */
const rangeDaysMax = 400;

/** How far ahead a question with words but without dates looks. */
const aheadDays = 180;

/** Entries in a result's data: more than fit into a prompt, so that the bound is made by size. */
const entriesMax = 60;

/** Entries that could not be read and are named in a result's data. */
const notesMax = 5;

const searchParams = z.object({
  date_from: dateParam.optional().describe('first day, YYYY-MM-DD'),
  date_to: dateParam.optional().describe('last day, YYYY-MM-DD, included'),
  query: textParam.optional().describe('words in title, place or notes'),
});

/** The tool `calendar`: today, search, create_draft, create_confirmed. */
export function createCalendarTool(options: CalendarToolOptions): Tool {
  const { zones } = options;
  const wallNow = (context: CallContext): WallMs =>
    zones.wallOf(Date.parse(context.now), context.timeZone);

  const find = createFinder(options);

  const list = async (
    range: WallRange,
    query: string | null,
    shortened: boolean,
    context: CallContext,
  ): Promise<ToolAnswer> => {
    const found = await find(range, context);
    if (!found.ok) return found;
    const words = wordsOf(query ?? '');
    const occurrences = found.occurrences.filter((one) =>
      containsAll(`${one.title}\n${one.location}\n${one.description}`, words),
    );
    const listing = { range, query, occurrences, unreadable: found.unreadable, shortened };
    return {
      ok: true,
      data: {
        date_from: isoDate(range.from),
        date_to: isoDate(range.to - dayMs),
        count: occurrences.length,
        events: occurrences.slice(0, entriesMax).map(eventData),
        ...(found.notes.length === 0 ? {} : { unreadable: found.notes.slice(0, notesMax) }),
      },
      summary: listingWords(listing, context.locale, wallNow(context)),
    };
  };

  return {
    name: 'calendar',
    operations: {
      today: reads({
        description: "today's entries",
        schema: z.object({}),
        run(_, context) {
          const from = startOfDay(wallNow(context));
          return list({ from, to: from + dayMs }, null, false, context);
        },
      }),
      search: reads({
        description: 'entries between two days, optionally with words in them',
        schema: searchParams,
        run(params, context) {
          const { range, shortened } = rangeOf(params, wallNow(context));
          const query = params.query === undefined ? null : oneLine(params.query, 80);
          return list(range, query, shortened, context);
        },
      }),
      create_draft: {
        effect: 'drafts',
        description: 'prepares a new entry and asks the user to confirm it',
        schema: draftParams,
        writes: 'create_confirmed',
      },
      create_confirmed: createWrite(options, find),
    },
  };
}

function rangeOf(
  params: z.output<typeof searchParams>,
  now: WallMs,
): { range: WallRange; shortened: boolean } {
  const given = [params.date_from, params.date_to].map((date) =>
    date === undefined ? null : wallOfDate(date),
  );
  const today = startOfDay(now);
  const [first = null, last = null] = given;
  const ahead = params.query === undefined ? 0 : aheadDays * dayMs;
  const a = first ?? Math.min(today, last ?? today);
  const b = last ?? (first === null ? today + ahead : first);
  // A model now and then swaps the two; nobody means an empty range.
  const [from, to] = a <= b ? [a, b + dayMs] : [b, a + dayMs];
  const end = Math.min(to, from + rangeDaysMax * dayMs);
  return { range: { from, to: end }, shortened: end < to };
}

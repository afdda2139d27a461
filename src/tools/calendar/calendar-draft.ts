/**
 * The calendar's only write: how a new entry is put into words, changed by its owner, and written.
 * The UID of the entry is made of the idempotency key, so the same yes is the same entry (P10).
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { dateParam, lineParam, timeParam } from '../tool-params.ts';
import { writes, type CallContext, type Proposal, type WriteOperation } from '../tool.ts';
import { clockTime, isoDate, timeOfDay, wallOfDate } from '../zoned-time.ts';
import {
  calendarFault,
  eventData,
  type CalendarToolOptions,
  type Find,
} from './calendar-finder.ts';
import { draftWords, writtenWords } from './calendar-words.ts';
import { settledChanges } from './draft-changes.ts';
import { settledSpan, spanOf } from './event-span.ts';
import { writeEntry } from './event-writer.ts';
import { touches } from './occurrences.ts';

/** Settled once, before the draft is shown: what is written is what was shown (P10). */
const draftFields = z.object({
  title: lineParam(200).describe('title'),
  date: dateParam.describe('day, YYYY-MM-DD'),
  time: timeParam.optional().describe('start, HH:MM; without it the entry takes all day'),
  end_time: timeParam.optional().describe('end, HH:MM; one hour after the start if not named'),
  end_date: dateParam.optional().describe('last day of an entry over several days, YYYY-MM-DD'),
  location: lineParam(200).optional().describe('place'),
  description: lineParam(500).optional().describe('notes'),
});
type DraftParams = z.output<typeof draftFields>;

/** A new entry; the times fit each other. */
export const draftParams = draftFields.superRefine((params, issues) => {
  const span = spanOf(params);
  if (typeof span === 'string') {
    issues.addIssue({ code: 'custom', path: [span], message: 'does not fit the other times' });
  }
});

/** The operation `create_confirmed`. */
export function createWrite({ source, zones }: CalendarToolOptions, find: Find): WriteOperation {
  const wallNow = (context: CallContext): number =>
    zones.wallOf(Date.parse(context.now), context.timeZone);
  /** @throws Error for parameters that the schema has not seen */
  const settled = (asked: DraftParams, { timeZone }: CallContext) => {
    const written = spanOf(asked);
    if (typeof written === 'string') throw new Error(`${written} was not checked`);
    const span = settledSpan(written, timeZone, zones);
    if (span.start === written.start && span.end === written.end) return { span, params: asked };
    const [date, time, end] = [isoDate(span.start), clockTime(span.start), clockTime(span.end)];
    return { span, params: { ...asked, date, time, end_time: end } };
  };
  return writes({
    description: 'writes the confirmed entry',
    schema: draftParams,
    merge: mergeDraft,

    async propose(asked, context): Promise<Proposal> {
      const { span, params } = settled(asked, context);
      const range = { from: span.start, to: span.end };
      const found = await find(range, context);
      // A calendar that refuses us will not take the entry either; one that is slow or away may be back by then.
      if (!found.ok && found.code !== 'GH_TOOL_UNREACHABLE' && found.code !== 'GH_TOOL_TIMEOUT') {
        return found;
      }
      const all = found.ok ? found.occurrences : [];
      const overlaps = all.filter((one) => one.busy && touches(one, range));
      const words = {
        title: params.title,
        description: params.description ?? '',
        location: params.location ?? '',
        span,
        overlaps,
        isChecked: found.ok,
      };
      return {
        ok: true,
        params: { ...params },
        data: { ...params, overlaps: overlaps.slice(0, 5).map(eventData) },
        summary: draftWords(words, context.locale, wallNow(context)),
      };
    },

    async execute(asked, context) {
      const { span, params } = settled(asked, context);
      const entry = {
        uid: uidOfKey(context.key),
        title: params.title,
        description: params.description ?? '',
        location: params.location ?? '',
        span,
        timeZone: context.timeZone,
        stampedAt: Date.parse(context.now),
      };
      const ics = writeEntry(entry, zones);
      const created = await source.create({ uid: entry.uid, ics }, context);
      if (!created.ok) return calendarFault(created, context);
      const summary = writtenWords(params.title, span, context.locale, wallNow(context));
      return { ok: true, data: { uid: entry.uid, ...params }, summary };
    },
  });
}

/** Moving the start moves the end with it, unless the end is moved too. */
function mergeDraft(
  params: Record<string, unknown>,
  asked: Record<string, unknown>,
): Record<string, unknown> {
  const changes = settledChanges(params, asked);
  const known = Object.keys(draftFields.shape).filter((key) => Object.hasOwn(changes, key));
  const merged = { ...params };
  for (const key of known) merged[key] = changes[key];
  const before = draftFields.safeParse(params);
  const date = dateParam.safeParse(changes['date']);
  const time = timeParam.safeParse(changes['time']);
  if (!before.success) return merged;
  if (date.success && before.data.end_date !== undefined && !known.includes('end_date')) {
    const length = (wallOfDate(before.data.end_date) ?? 0) - (wallOfDate(before.data.date) ?? 0);
    merged['end_date'] = isoDate((wallOfDate(date.data) ?? 0) + length);
  }
  if (!known.includes('time') || known.includes('end_time')) return merged;
  const { time: start, end_time: end } = before.data;
  if (!time.success || start === undefined || end === undefined) {
    // Without a start it takes all day; with a first one the old end means nothing.
    delete merged['end_time'];
    return merged;
  }
  const moved = (timeOfDay(time.data) ?? 0) + (timeOfDay(end) ?? 0) - (timeOfDay(start) ?? 0);
  merged['end_time'] = clockTime(moved);
  return merged;
}

/** Short, and the same for the same key; no word of the entry is in it. */
const uidOfKey = (key: string): string =>
  `${createHash('sha256').update(key).digest('hex').slice(0, 32)}@gatehouse`;

/** The only write operation of the calendar: proposes a new entry, applies the owner's changes, and writes it. */
import { createHash } from 'node:crypto';
import { asString } from '#language/rules/resolution-context';
import { dateParam, timeParam } from '../param-schemas.ts';
import { writeOperation, type CallContext, type Proposal, type WriteOperation } from '../tool.ts';
import {
  wallClockTime,
  wallIsoDate,
  parseTimeOfDay,
  parseIsoDate,
} from '#shared/calendar/zoned-time';
import { calendarOperations, draftFields, type DraftParams } from './calendar-operations.ts';
import {
  calendarToolError,
  toEventData,
  type CalendarToolOptions,
  type FindOccurrences,
} from './occurrence-finder.ts';
import { formatDraft, formatCreated } from './calendar-formatter.ts';
import { resolveSpan, parseTimeSpan } from './time-span.ts';
import { serializeEntry } from './event-writer.ts';
import { touches } from './occurrences.ts';
import { z } from 'zod';
import { dayMs, hourMs, minuteMs } from '#shared/calendar/time-units';

export function createWriteOperation(
  { source, zones }: CalendarToolOptions,
  find: FindOccurrences,
): WriteOperation {
  const wallNow = (context: CallContext): number =>
    zones.toWallTime(Date.parse(context.now), context.timeZone);
  /** @throws Error for parameters that the schema has not validated */
  const resolveParams = (asked: DraftParams, { timeZone }: CallContext) => {
    const written = parseTimeSpan(asked);
    if (typeof written === 'string') throw new Error(`${written} was not checked`);
    const span = resolveSpan(written, timeZone, zones);
    if (span.start === written.start && span.end === written.end) return { span, params: asked };
    const [date, time, end] = [
      wallIsoDate(span.start),
      wallClockTime(span.start),
      wallClockTime(span.end),
    ];
    return { span, params: { ...asked, date, time, end_time: end } };
  };
  return writeOperation({
    ...calendarOperations.create_confirmed,
    merge: mergeDraft,

    async propose(asked, context): Promise<Proposal> {
      const { span, params } = resolveParams(asked, context);
      const range = { from: span.start, to: span.end };
      const found = await find(range, context);
      // A calendar that refuses us will refuse the entry too; a slow or unreachable calendar may recover by then.
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
        data: { ...params, overlaps: overlaps.slice(0, 5).map(toEventData) },
        summary: formatDraft(words, context.locale, wallNow(context)),
      };
    },

    async execute(asked, context) {
      const { span, params } = resolveParams(asked, context);
      const entry = {
        uid: uidFromKey(context.key),
        title: params.title,
        description: params.description ?? '',
        location: params.location ?? '',
        span,
        timeZone: context.timeZone,
        stampedAt: Date.parse(context.now),
      };
      const ics = serializeEntry(entry, zones);
      const created = await source.create({ uid: entry.uid, ics }, context);
      if (!created.ok) return calendarToolError(created, context);
      const summary = formatCreated(params.title, span, context.locale, wallNow(context));
      return { ok: true, data: { uid: entry.uid, ...params }, summary };
    },
  });
}

/** A changed start shifts the end by the same amount, unless the end is changed too. */
function mergeDraft(
  params: Record<string, unknown>,
  asked: Record<string, unknown>,
): Record<string, unknown> {
  const changes = resolveDraftEdit(params, asked);
  const known = Object.keys(draftFields.shape).filter((key) => Object.hasOwn(changes, key));
  const merged = { ...params };
  for (const key of known) merged[key] = changes[key];
  const before = draftFields.safeParse(params);
  const date = dateParam.safeParse(changes['date']);
  const time = timeParam.safeParse(changes['time']);
  if (!before.success) return merged;
  if (date.success && before.data.end_date !== undefined && !known.includes('end_date')) {
    const length =
      (parseIsoDate(before.data.end_date) ?? 0) - (parseIsoDate(before.data.date) ?? 0);
    merged['end_date'] = wallIsoDate((parseIsoDate(date.data) ?? 0) + length);
  }
  if (!known.includes('time') || known.includes('end_time')) return merged;
  const { time: start, end_time: end } = before.data;
  if (!time.success || start === undefined || end === undefined) {
    // Without a start the entry is all-day; if it gets its first start, the old end is meaningless.
    delete merged['end_time'];
    return merged;
  }
  const moved =
    (parseTimeOfDay(time.data) ?? 0) + (parseTimeOfDay(end) ?? 0) - (parseTimeOfDay(start) ?? 0);
  merged['end_time'] = wallClockTime(moved);
  return merged;
}

/** Short and deterministic; contains no text of the entry. */
const uidFromKey = (key: string): string =>
  `${createHash('sha256').update(key).digest('hex').slice(0, 32)}@gatehouse`;

type Fields = Record<string, unknown>;

/** An earlier hour is assumed only if the draft itself is as early. */
const earliestMs = 7 * hourMs;
/** An earlier time belongs to the night of the previous day. */
const nightEndMs = 6 * hourMs;
const halfDayMs = 12 * hourMs;

const parseTimeField = (fields: Fields, key: string): number | null =>
  parseTimeOfDay(asString(fields[key]));
const parseDateField = (fields: Fields): number | null => parseIsoDate(asString(fields['date']));

const timeUntil = (at: number, start: number): number => (at - start + dayMs) % dayMs || dayMs;

/** `at` in AM or PM, whichever is nearer to the time before the change; `at` itself if both are equally near. */
function nearestAmPm(at: number, before: number): number {
  const other = (at + halfDayMs) % dayMs;
  const isEarly = (time: number): boolean => time < earliestMs && before >= earliestMs;
  if (isEarly(other)) return at;
  if (isEarly(at)) return other;
  return Math.abs(other - before) < Math.abs(at - before) ? other : at;
}

/** `at` in AM or PM, whichever comes first after the start. */
function nearestEndAfter(at: number, start: number): number {
  const other = (at + halfDayMs) % dayMs;
  return timeUntil(other, start) < timeUntil(at, start) ? other : at;
}

const shiftField = z.object({ days: z.int().optional(), minutes: z.int().optional() });

/** Null if the draft has no such start: an all-day entry has no hour to shift. */
function applyShift(draft: Fields, shift: z.infer<typeof shiftField>): Fields | null {
  const date = parseDateField(draft);
  if (date === null) return null;
  const { days = 0, minutes } = shift;
  if (minutes === undefined) return { date: wallIsoDate(date + days * dayMs) };
  const time = parseTimeField(draft, 'time');
  if (time === null) return null;
  const start = date + time + minutes * minuteMs;
  return { date: wallIsoDate(start), time: wallClockTime(start) };
}

/** The changes with the `open` fields resolved from the draft; without `open` and `shift` they are unchanged. */
function resolveDraftEdit(draft: Fields, changes: Fields): Fields {
  const { open, shift, ...resolved } = changes;
  const by = shiftField.safeParse(shift);
  if (by.success) return { ...resolved, ...applyShift(draft, by.data) };
  if (!Array.isArray(open)) return resolved;
  const before = parseTimeField(draft, 'time');
  const time = parseTimeField(resolved, 'time');
  if (open.includes('time') && time !== null && before !== null) {
    resolved['time'] = wallClockTime(nearestAmPm(time, before));
  }
  const start = parseTimeField(resolved, 'time') ?? before;
  const end = parseTimeField(resolved, 'end_time');
  if (open.includes('end_time') && end !== null && start !== null) {
    resolved['end_time'] = wallClockTime(nearestEndAfter(end, start));
  }
  const date = parseDateField(draft);
  const isNight = before !== null && before < nightEndMs;
  if (open.includes('day') && date !== null && !isNight && resolved['date'] === undefined) {
    resolved['date'] = wallIsoDate(date + dayMs);
  }
  return resolved;
}

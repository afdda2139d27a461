/**
 * Resolves a change whose meaning depends on the draft: 8시로 on a draft at 19:00 is 20:00, and 밤 12시로 is the
 * midnight after its day. The change lists the ambiguous fields (`open`); 한 시간 미뤄줘 gives only an offset
 * (`shift`).
 */
import { z } from 'zod';
import { dayMs, hourMs, minuteMs } from '#shared/calendar/time-units';
import {
  wallClockTime,
  wallIsoDate,
  parseTimeOfDay,
  parseIsoDate,
} from '#shared/calendar/zoned-time';

type Fields = Record<string, unknown>;

/** An earlier hour is assumed only if the draft itself is as early. */
const earliestMs = 7 * hourMs;
/** An earlier time belongs to the night of the previous day. */
const nightEndMs = 6 * hourMs;
const halfDayMs = 12 * hourMs;

const parseTimeField = (fields: Fields, key: string): number | null => {
  const value = fields[key];
  return typeof value === 'string' ? parseTimeOfDay(value) : null;
};

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
  const date = typeof draft['date'] === 'string' ? parseIsoDate(draft['date']) : null;
  if (date === null) return null;
  const { days = 0, minutes } = shift;
  if (minutes === undefined) return { date: wallIsoDate(date + days * dayMs) };
  const time = parseTimeField(draft, 'time');
  if (time === null) return null;
  const start = date + time + minutes * minuteMs;
  return { date: wallIsoDate(start), time: wallClockTime(start) };
}

/** The changes with the `open` fields resolved from the draft; without `open` and `shift` they are unchanged. */
export function resolveDraftEdit(draft: Fields, changes: Fields): Fields {
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
  const date = typeof draft['date'] === 'string' ? parseIsoDate(draft['date']) : null;
  const isNight = before !== null && before < nightEndMs;
  if (open.includes('day') && date !== null && !isNight && resolved['date'] === undefined) {
    resolved['date'] = wallIsoDate(date + dayMs);
  }
  return resolved;
}

/** Reads an RRULE as a calendar file has it into the form that this system expands. */
import ICAL from 'ical.js';
import { wall, type WallMs } from '../zoned-time.ts';
import type { Frequency, RecurrenceRule, WeekdayRule } from './recurrence.ts';

const frequencies: readonly string[] = [
  'YEARLY',
  'MONTHLY',
  'WEEKLY',
  'DAILY',
  'HOURLY',
  'MINUTELY',
  'SECONDLY',
] satisfies Frequency[];

const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

/**
 * The rule, or null for one that cannot be read: the event then stands alone on its first time.
 * @param untilWall turns UNTIL into the wall time of the event's zone
 */
export function readRule(
  recur: ICAL.Recur,
  untilWall: (until: ICAL.Time) => WallMs,
): RecurrenceRule | null {
  const freq = recur.freq.toUpperCase();
  const interval = recur.interval ?? 1;
  if (!frequencies.includes(freq) || !Number.isInteger(interval) || interval < 1) return null;
  const parts = recur.parts as Record<string, unknown>;
  const numbers = (name: string): number[] => listOf(parts[name]).map(Number);
  const days = listOf(parts['BYDAY']).map(weekdayRule);
  const lists = {
    byMonth: numbers('BYMONTH'),
    byWeekNo: numbers('BYWEEKNO'),
    byYearDay: numbers('BYYEARDAY'),
    byMonthDay: numbers('BYMONTHDAY'),
    byHour: numbers('BYHOUR'),
    byMinute: numbers('BYMINUTE'),
    bySecond: numbers('BYSECOND'),
    bySetPos: numbers('BYSETPOS'),
  };
  if (days.includes(null) || !Object.values(lists).flat().every(Number.isInteger)) return null;
  // ical.js counts weekdays from 1, Sunday.
  const weekStart = ((recur.wkst ?? ICAL.Time.MONDAY) + 5) % 7;
  return {
    freq: freq as Frequency,
    interval,
    count: recur.count ?? null,
    until: recur.until ? untilWall(recur.until) : null,
    weekStart,
    byDay: days.filter((day) => day !== null),
    ...lists,
  };
}

const listOf = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

function weekdayRule(text: unknown): WeekdayRule | null {
  const match = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(String(text).toUpperCase());
  if (match === null) return null;
  return { weekday: weekdays.indexOf(match[2] ?? ''), nth: Number(match[1] ?? 0) };
}

/** The figures of a calendar time, whatever its zone. */
export const wallOfTime = (time: ICAL.Time): WallMs =>
  wall(time.year, time.month, time.day, time.hour, time.minute, time.second);

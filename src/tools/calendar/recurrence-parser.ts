/** Converts an RRULE that ical.js has parsed to the form that recurrence.ts expands. */
import ICAL from 'ical.js';
import { wallTime, type WallMs } from '#shared/calendar/zoned-time';
import { isFrequency, type RecurrenceRule, type WeekdayRule } from './recurrence.ts';

const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

/** Null if the rule cannot be read. @param resolveUntil converts UNTIL to wall time of the event's zone */
export function parseRule(
  recur: ICAL.Recur,
  resolveUntil: (until: ICAL.Time) => WallMs,
): RecurrenceRule | null {
  const freq = recur.freq.toUpperCase();
  const interval = recur.interval ?? 1;
  if (!isFrequency(freq) || !Number.isInteger(interval) || interval < 1) return null;
  const parts = recur.parts as Record<string, unknown>;
  const numbers = (name: string): number[] => toList(parts[name]).map(Number);
  const days = toList(parts['BYDAY']).map(parseWeekdayRule);
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
  // ical.js numbers weekdays from 1 (Sunday).
  const weekStart = ((recur.wkst ?? ICAL.Time.MONDAY) + 5) % 7;
  return {
    freq,
    interval,
    count: recur.count ?? null,
    until: recur.until ? resolveUntil(recur.until) : null,
    weekStart,
    byDay: days.filter((day) => day !== null),
    ...lists,
  };
}

const toList = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

function parseWeekdayRule(text: unknown): WeekdayRule | null {
  const match = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(String(text).toUpperCase());
  if (match === null) return null;
  return { weekday: weekdays.indexOf(match[2] ?? ''), nth: Number(match[1] ?? 0) };
}

/** The date and time fields as wall time, regardless of the zone. */
export const wallOfTime = (time: ICAL.Time): WallMs =>
  wallTime(time.year, time.month, time.day, time.hour, time.minute, time.second);

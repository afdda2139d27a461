/**
 * Civil dates as plain integers: a day is the number of days since 1970-01-01 in the proleptic Gregorian calendar. The
 * machine's clock and time zone are never read.
 *
 * Invariants: civilDay and civilParts are inverse; weekdays count from Monday (0) to Sunday (6), as Korean weeks do.
 */
import { dayMs } from './time-units.ts';

/** Days since 1970-01-01. */
export type CivilDay = number;

interface CivilParts {
  year: number;
  /** 1 to 12. */
  month: number;
  /** 1 to 31. */
  day: number;
}

/** Both ends are included. */
export interface DayRange {
  from: CivilDay;
  to: CivilDay;
}

interface CivilMoment {
  today: CivilDay;
  /** Minutes since midnight on the wall clock of the zone. */
  minuteOfDay: number;
}

/** A moment in the time zone of a user. */
export interface LocalNow {
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
}

/** The day of a date; a month or day out of range rolls over. */
// Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
export const civilDay = (year: number, month: number, day: number): CivilDay =>
  new Date(0).setUTCFullYear(year, month - 1, day) / dayMs;

export function civilParts(day: CivilDay): CivilParts {
  const date = new Date(day * dayMs);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** 0 Monday to 6 Sunday. 1970-01-01 was a Thursday (3). */
export const weekdayOf = (day: CivilDay): number => (((day + 3) % 7) + 7) % 7;

export const mondayOf = (day: CivilDay): CivilDay => day - weekdayOf(day);

export const daysInMonth = (year: number, month: number): number =>
  civilParts(civilDay(year, month + 1, 0)).day;

/** Null for a date that does not exist, such as 30 February. */
export function validDay(year: number, month: number, day: number): CivilDay | null {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  return civilDay(year, month, day);
}

/** Whole months of a year; a month outside 1 to 12 rolls over into other years. */
export const monthsRange = (year: number, first: number, last: number): DayRange => ({
  from: civilDay(year, first, 1),
  to: civilDay(year, last + 1, 0),
});
export const monthRange = (year: number, month: number): DayRange =>
  monthsRange(year, month, month);

/** The same day of another month, or the last day of a shorter month. */
export function addMonths(day: CivilDay, months: number): CivilDay {
  const { year, month, day: dayOfMonth } = civilParts(day);
  const target = monthRange(year, month + months);
  return Math.min(target.from + dayOfMonth - 1, target.to);
}

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** `YYYY-MM-DD`. */
export function isoDate(day: CivilDay): string {
  const { year, month, day: dayOfMonth } = civilParts(day);
  return `${pad(year, 4)}-${pad(month)}-${pad(dayOfMonth)}`;
}

/** `HH:MM` of minutes since midnight; wraps at 24 hours. */
export function clockTime(minutes: number): string {
  const wrapped = ((minutes % 1440) + 1440) % 1440;
  return `${pad(Math.floor(wrapped / 60))}:${pad(wrapped % 60)}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Formatter of a zone: an IANA name or a fixed offset. One is kept per zone: creating it costs about 50 times as much as
 * using it. @throws RangeError for an unknown zone
 */
export function clockFormat(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  formats.set(zone, format);
  return format;
}

/** What the clocks of a zone show at an instant, by the names of `Intl.DateTimeFormat`. */
export function clockFields(instantMs: number, zone: string): Record<string, string> {
  const field: Record<string, string> = {};
  for (const part of clockFormat(zone).formatToParts(instantMs)) field[part.type] = part.value;
  return field;
}

/** Date and time of day in a time zone, independent of the machine's zone. @throws RangeError for an unknown zone */
export function civilNow(instantMs: number, timeZone: string): CivilMoment {
  const field = clockFields(instantMs, timeZone);
  return {
    today: civilDay(Number(field['year']), Number(field['month']), Number(field['day'])),
    minuteOfDay: Number(field['hour']) * 60 + Number(field['minute']),
  };
}

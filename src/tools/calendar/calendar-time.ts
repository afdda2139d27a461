/** Parses times in the forms that calendar programs write, and formats them as in RFC 5545. */
import { dayMs } from '#shared/calendar/time-units';
import { wallTime, type WallMs } from '#shared/calendar/zoned-time';

export interface CalendarTime {
  wall: WallMs;
  isDate: boolean;
  /** `Z`, an offset such as `+0900` (vCalendar 1.0, ISO 8601), or null. */
  offset: string | null;
}

const form =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:Z|[T\s]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * `20270115`, `20270115T090000`, `20270115T0900Z`, `20270115T090000+0900`, `2027-01-15T09:00:00+09:00`. 24:00 is
 * the beginning of the next day, second 60 is read as 59 (RFC 5545, 3.3.12). Null for an invalid date or time.
 */
export function parseCalendarTime(text: string): CalendarTime | null {
  const match = form.exec(text.trim());
  if (match === null) return null;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const [hour = 0, minute = 0, second = 0] = match.slice(4, 7).map((part) => Number(part || 0));
  const at = wallTime(year, month, day);
  if (new Date(at).getUTCMonth() + 1 !== month || new Date(at).getUTCDate() !== day) return null;
  if (minute > 59 || second > 60 || hour > 24 || (hour === 24 && minute + second > 0)) return null;
  const isDate = match[4] === undefined;
  return {
    wall: at + wallTime(1970, 1, 1, hour, minute, Math.min(second, 59)),
    isDate,
    offset: isDate ? null : normalizeOffset(match[7]),
  };
}

function normalizeOffset(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!/^[+-]/.test(text)) return 'Z';
  const offset = text.replace(':', '').padEnd(5, '0');
  return /^[+-]0000$/.test(offset) ? 'Z' : offset;
}

/** `20270115`, or `20270115T090000`. */
export function formatBasicTime(at: WallMs, isDate: boolean): string {
  const text = new Date(at).toISOString().replaceAll(/[-:]/g, '');
  return isDate ? text.slice(0, 8) : text.slice(0, 15);
}

/** The midnight nearest to a time. An all-day event that is written in UTC begins at most 14 hours away from it. */
export const nearestDay = (at: WallMs): WallMs => Math.floor((at + dayMs / 2) / dayMs) * dayMs;

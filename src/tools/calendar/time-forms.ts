/** Times of calendar text in the forms that calendar programs write, as RFC 5545 writes them. */
import { dayMs, wall, type WallMs } from '../zoned-time.ts';

export interface WrittenTime {
  wall: WallMs;
  isDate: boolean;
  /** `Z`, an offset such as `+0900` (vCalendar 1.0, ISO 8601), or null. */
  offset: string | null;
}

const form =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:Z|[T\s]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * `20270115`, `20270115T090000`, `20270115T0900Z`, `20270115T090000+0900`, `2027-01-15T09:00:00+09:00`. 24:00 is
 * the beginning of the next day, second 60 is 59 (RFC 5545, 3.3.12). Null for what no calendar and no clock has.
 */
export function writtenTime(text: string): WrittenTime | null {
  const match = form.exec(text.trim());
  if (match === null) return null;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const [hour = 0, minute = 0, second = 0] = match.slice(4, 7).map((part) => Number(part || 0));
  const at = wall(year, month, day);
  if (new Date(at).getUTCMonth() + 1 !== month || new Date(at).getUTCDate() !== day) return null;
  if (minute > 59 || second > 60 || hour > 24 || (hour === 24 && minute + second > 0)) return null;
  const isDate = match[4] === undefined;
  return {
    wall: at + wall(1970, 1, 1, hour, minute, Math.min(second, 59)),
    isDate,
    offset: isDate ? null : offsetOf(match[7]),
  };
}

function offsetOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!/^[+-]/.test(text)) return 'Z';
  const offset = text.replace(':', '').padEnd(5, '0');
  return /^[+-]0000$/.test(offset) ? 'Z' : offset;
}

/** `20270115`, or `20270115T090000`. */
export function basicTime(at: WallMs, isDate: boolean): string {
  const text = new Date(at).toISOString().replaceAll(/[-:]/g, '');
  return isDate ? text.slice(0, 8) : text.slice(0, 15);
}

/** The midnight next to a time. An all-day event that was written in UTC begins at most 14 hours beside it. */
export const nearestDay = (at: WallMs): WallMs => Math.floor((at + dayMs / 2) / dayMs) * dayMs;

/**
 * Wall-clock time in named zones, independent of the zone of the machine.
 *
 * A `WallMs` is the date and time that a clock shows, stored as the epoch milliseconds that they would have in UTC:
 * arithmetic on it is civil arithmetic (a day is always 24 h), and two wall times of one zone compare by date and
 * time of day.
 *
 * 1. A date without a time is never converted through an instant: an all-day event stays on its day.
 * 2. A wall time that a spring change skips is read with the offset from before the gap (RFC 5545 3.3.5);
 *    a wall time that an autumn change repeats is the earlier of the two.
 */
import { civilDay, clockFields, clockFormat, clockTime, isoDate } from './civil-date.ts';
import { dayMs, hourMs, minuteMs } from './time-units.ts';

/** Wall-clock time as if in UTC, milliseconds. */
export type WallMs = number;

export interface Zones {
  /** Whether the name is an IANA zone or a fixed offset such as `+09:00`. */
  isKnownZone(zone: string): boolean;
  /** The wall time of the zone at an instant (epoch ms). @throws RangeError for an unknown zone */
  toWallTime(instantMs: number, zone: string): WallMs;
  /** The instant (epoch ms) of a wall time of the zone. @throws RangeError for an unknown zone */
  toInstant(wall: WallMs, zone: string): number;
}

/** Days whose offsets are cached per zone: enough for queries over a few years. */
const keptDaysMax = 4000;

/** Caches the offsets of whole days: a look-up costs a hundredth of a formatter call, a busy month needs 10,000. */
export function createZones(): Zones {
  const offsets = new Map<string, Map<number, number>>();

  /** Uses the formatter, without the cache of offsets. */
  const wallTimeAt = (instantMs: number, zone: string): WallMs => {
    const field = clockFields(instantMs, zone);
    const year = Number(field['year']) * (field['era']?.startsWith('B') === true ? -1 : 1);
    const milliseconds = ((instantMs % 1000) + 1000) % 1000;
    return wallTime(
      year,
      Number(field['month']),
      Number(field['day']),
      Number(field['hour']),
      Number(field['minute']),
      Number(field['second']) + milliseconds / 1000,
    );
  };

  /** The offset of a whole UTC day; NaN for a day on which it changes. */
  const offsetOfDay = (day: number, zone: string): number => {
    let days = offsets.get(zone);
    if (days === undefined || days.size >= keptDaysMax) offsets.set(zone, (days = new Map()));
    const known = days.get(day);
    if (known !== undefined) return known;
    const [first, last] = [day * dayMs, (day + 1) * dayMs - 1];
    const offset = wallTimeAt(first, zone) - first;
    const found = wallTimeAt(last, zone) - last === offset ? offset : Number.NaN;
    days.set(day, found);
    return found;
  };

  const offsetAt = (instantMs: number, zone: string): number => {
    if (zone === 'UTC') return 0;
    const offset = offsetOfDay(Math.floor(instantMs / dayMs), zone);
    return Number.isNaN(offset) ? wallTimeAt(instantMs, zone) - instantMs : offset;
  };

  return {
    isKnownZone(zone) {
      try {
        clockFormat(zone);
        return true;
      } catch {
        return false;
      }
    },
    toWallTime: (instantMs, zone) => instantMs + offsetAt(instantMs, zone),
    toInstant(wall, zone) {
      // No zone has changed its clocks twice within two days.
      const before = offsetAt(wall - dayMs, zone);
      const after = offsetAt(wall + dayMs, zone);
      if (before === after || offsetAt(wall - before, zone) === before) return wall - before;
      return offsetAt(wall - after, zone) === after ? wall - after : wall - before;
    },
  };
}

/** `month` from 1; values out of range roll over. */
export function wallTime(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
): WallMs {
  return (
    civilDay(year, month, day) * dayMs +
    hour * hourMs +
    minute * minuteMs +
    Math.round(second * 1000)
  );
}

export const startOfDay = (at: WallMs): WallMs => Math.floor(at / dayMs) * dayMs;

/** `YYYY-MM-DD`. */
export const wallIsoDate = (at: WallMs): string => isoDate(Math.floor(at / dayMs));

/** `HH:MM`. */
export const wallClockTime = (at: WallMs): string => clockTime(Math.floor(at / minuteMs));

/** Midnight of `YYYY-MM-DD`; null for a day that does not exist. */
export function parseIsoDate(date: string): WallMs | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) return null;
  const at = wallTime(Number(match[1]), Number(match[2]), Number(match[3]));
  return wallIsoDate(at) === date ? at : null;
}

/** Milliseconds since midnight of `HH:MM`, up to 24:00; null for an invalid time. */
export function parseTimeOfDay(time: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(time);
  if (match === null) return null;
  const ms = Number(match[1]) * hourMs + Number(match[2]) * minuteMs;
  return Number(match[2]) < 60 && ms <= dayMs ? ms : null;
}

/**
 * Wall-clock time in named zones, without the zone of the machine.
 *
 * A `WallMs` is what a clock on the wall shows, kept as the epoch milliseconds that the same figures would
 * have in UTC: arithmetic on it is civil arithmetic (a day is always 24 h), and two walls of one zone
 * compare as its people would compare them.
 *
 * 1. Never converts a date without a time through an instant: an all-day event stays on its day.
 * 2. A wall time that a spring change skips counts with the offset from before the gap (RFC 5545 3.3.5);
 *    one that an autumn change repeats is the earlier of the two.
 */

/** Wall-clock time as if in UTC, milliseconds. */
export type WallMs = number;

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export interface Zones {
  /** Whether the name is an IANA zone or a fixed offset such as `+09:00`. */
  knows(zone: string): boolean;
  /** What a clock in the zone shows at an instant (epoch ms). @throws RangeError for an unknown zone */
  wallOf(instantMs: number, zone: string): WallMs;
  /** The instant (epoch ms) at which a clock in the zone shows this. @throws RangeError for an unknown zone */
  instantOf(wall: WallMs, zone: string): number;
}

/** Days whose offsets are kept per zone: what a few years of questions touch. */
const keptDaysMax = 4000;

/**
 * Keeps one formatter per zone (making one costs about 50 times as much as using it), and the offsets of
 * whole days (looking one up costs a hundredth of asking the formatter, and a busy month asks 10,000 times).
 */
export function createZones(): Zones {
  const formats = new Map<string, Intl.DateTimeFormat>();
  const offsets = new Map<string, Map<number, number>>();

  const formatOf = (zone: string): Intl.DateTimeFormat => {
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
  };

  /** Asks the formatter. */
  const shownAt = (instantMs: number, zone: string): WallMs => {
    const field: Record<string, string> = {};
    for (const part of formatOf(zone).formatToParts(instantMs)) field[part.type] = part.value;
    const year = Number(field['year']) * (field['era']?.startsWith('B') === true ? -1 : 1);
    const milliseconds = ((instantMs % 1000) + 1000) % 1000;
    return wall(
      year,
      Number(field['month']),
      Number(field['day']),
      Number(field['hour']),
      Number(field['minute']),
      Number(field['second']) + milliseconds / 1000,
    );
  };

  /** The offset of a whole UTC day, NaN for a day on which it changes. */
  const offsetOfDay = (day: number, zone: string): number => {
    let days = offsets.get(zone);
    if (days === undefined || days.size >= keptDaysMax) offsets.set(zone, (days = new Map()));
    const known = days.get(day);
    if (known !== undefined) return known;
    const [first, last] = [day * dayMs, (day + 1) * dayMs - 1];
    const offset = shownAt(first, zone) - first;
    const found = shownAt(last, zone) - last === offset ? offset : Number.NaN;
    days.set(day, found);
    return found;
  };

  const offsetAt = (instantMs: number, zone: string): number => {
    if (zone === 'UTC') return 0;
    const offset = offsetOfDay(Math.floor(instantMs / dayMs), zone);
    return Number.isNaN(offset) ? shownAt(instantMs, zone) - instantMs : offset;
  };

  return {
    knows(zone) {
      try {
        formatOf(zone);
        return true;
      } catch {
        return false;
      }
    },
    wallOf: (instantMs, zone) => instantMs + offsetAt(instantMs, zone),
    instantOf(wall, zone) {
      // No zone has changed its clocks twice within two days.
      const before = offsetAt(wall - dayMs, zone);
      const after = offsetAt(wall + dayMs, zone);
      if (before === after || offsetAt(wall - before, zone) === before) return wall - before;
      return offsetAt(wall - after, zone) === after ? wall - after : wall - before;
    },
  };
}

/** `month` from 1; values beyond their end roll over. */
export function wall(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
): WallMs {
  const date = new Date(0);
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() + hour * hourMs + minute * minuteMs + Math.round(second * 1000);
}

/** Midnight of the day. */
export const startOfDay = (at: WallMs): WallMs => Math.floor(at / dayMs) * dayMs;

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** `YYYY-MM-DD`. */
export function isoDate(at: WallMs): string {
  const date = new Date(at);
  return `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;
}

/** `HH:MM`. */
export function clockTime(at: WallMs): string {
  const date = new Date(at);
  return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}`;
}

/** Midnight of `YYYY-MM-DD`; null for a day that no calendar has. */
export function wallOfDate(date: string): WallMs | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) return null;
  const at = wall(Number(match[1]), Number(match[2]), Number(match[3]));
  return isoDate(at) === date ? at : null;
}

/** Milliseconds since midnight of `HH:MM`, up to 24:00; null for a time that no clock shows. */
export function timeOfDay(time: string): number | null {
  const match = /^(\d{1,2}):(\d{2})$/.exec(time);
  if (match === null) return null;
  const ms = Number(match[1]) * hourMs + Number(match[2]) * minuteMs;
  return Number(match[2]) < 60 && ms <= dayMs ? ms : null;
}

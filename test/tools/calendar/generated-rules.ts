/** Random recurrence rules within RFC 5545 (3.3.10): combinations that its table forbids are left out. */
import fc from 'fast-check';

/** Draws one value of an arbitrary. */
export type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

export interface Rule {
  freq: 'YEARLY' | 'MONTHLY' | 'WEEKLY' | 'DAILY' | 'HOURLY' | 'MINUTELY' | 'SECONDLY';
  /** The parts in the order of the text, without COUNT and UNTIL. */
  parts: string[];
}

const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

export const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
export const chance = (draw: Draw, percent: number): boolean => draw(int(1, 100)) <= percent;

const some = (draw: Draw, min: number, max: number, most: number): string =>
  draw(fc.uniqueArray(int(min, max), { minLength: 1, maxLength: most })).join(',');
const signed = (draw: Draw, max: number, most: number): string => {
  const one = int(1, max).chain((value) => fc.constantFrom(value, value, -value));
  return draw(fc.uniqueArray(one, { minLength: 1, maxLength: most })).join(',');
};
/** Weekdays; with `nthMax` most of them have a number, counted in a month or a year. */
const days = (draw: Draw, nthMax = 0): string => {
  const isMixed = nthMax === monthNthMax && chance(draw, 30);
  const nth = (): string => {
    if (nthMax === 0 || (isMixed && chance(draw, 50))) return '';
    return String(draw(fc.constantFrom(1, -1)) * draw(int(1, nthMax)));
  };
  const chosen = draw(fc.uniqueArray(fc.constantFrom(...weekdays), { minLength: 1, maxLength: 4 }));
  return chosen.map((day) => `${nth()}${day}`).join(',');
};
const monthNthMax = 5;
/** The peer's parser accepts only one digit; test/tools/calendar/recurrence.test.ts has larger numbers. */
const yearNthMax = 9;

/** @param isDate for an all-day event: no times within the day */
export function drawRule(draw: Draw, isDate: boolean): Rule {
  const wide = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY'] as const;
  const fine = ['HOURLY', 'MINUTELY', 'SECONDLY'] as const;
  const freq =
    isDate || chance(draw, 85) ? draw(fc.constantFrom(...wide)) : draw(fc.constantFrom(...fine));
  const parts: string[] = [];
  const interval = drawInterval(draw, freq);
  if (interval > 1 || chance(draw, 10)) parts.push(`INTERVAL=${interval}`);
  if (chance(draw, 25)) parts.push(`WKST=${draw(fc.constantFrom('SU', 'MO', 'WE', 'SA'))}`);
  const dayParts = partsOfDays(draw, freq);
  parts.push(...dayParts);
  if (!isDate) parts.push(...partsOfTimes(draw, freq));
  const isList = /^BY(?:HOUR|MINUTE|SECOND)=.*,/;
  const isWide = freq !== 'DAILY' && !['HOURLY', 'MINUTELY', 'SECONDLY'].includes(freq);
  const lists = parts.filter((part) => isList.test(part) || (isWide && /^BY.*,/.test(part)));
  if (lists.length > 0 && chance(draw, 30)) parts.push(`BYSETPOS=${signed(draw, 2, 2)}`);
  return { freq, parts };
}

/** Small enough for days with several times, large enough for the peer, which steps through all intervals. */
function drawInterval(draw: Draw, freq: Rule['freq']): number {
  if (freq === 'SECONDLY') return draw(fc.constantFrom(1200, 3600, 5400));
  if (freq === 'MINUTELY') return draw(fc.constantFrom(10, 15, 45, 90));
  return chance(draw, 40) ? draw(int(2, 4)) : 1;
}

function partsOfDays(draw: Draw, freq: Rule['freq']): string[] {
  const byMonth = chance(draw, 25) ? [`BYMONTH=${some(draw, 1, 12, 3)}`] : [];
  const plain = draw(int(1, 10));
  switch (freq) {
    case 'YEARLY':
      if (plain <= 2) return byMonth;
      if (plain <= 4) return [...byMonth, `BYMONTHDAY=${signed(draw, 31, 2)}`];
      if (plain <= 6)
        return [...byMonth, `BYDAY=${days(draw, byMonth.length === 0 ? yearNthMax : monthNthMax)}`];
      if (plain <= 8) {
        const byDay = chance(draw, 70) ? [`BYDAY=${days(draw)}`] : [];
        return [`BYWEEKNO=${signed(draw, 53, 2)}`, ...byDay];
      }
      if (plain === 9) return [`BYYEARDAY=${signed(draw, 366, 3)}`];
      return [...byMonth, `BYMONTHDAY=${some(draw, 1, 28, 4)}`, `BYDAY=${days(draw)}`];
    case 'MONTHLY':
      if (plain <= 2) return byMonth;
      if (plain <= 5) return [...byMonth, `BYMONTHDAY=${signed(draw, 31, 3)}`];
      if (plain <= 8) return [...byMonth, `BYDAY=${days(draw, monthNthMax)}`];
      return [...byMonth, `BYMONTHDAY=${some(draw, 1, 28, 4)}`, `BYDAY=${days(draw)}`];
    case 'WEEKLY':
      return plain <= 3 ? byMonth : [...byMonth, `BYDAY=${days(draw)}`];
    default:
      if (plain <= 5) return [];
      if (plain <= 7) return [`BYDAY=${days(draw)}`];
      return [...byMonth, ...(plain === 8 ? [`BYMONTHDAY=${signed(draw, 28, 4)}`] : [])];
  }
}

function partsOfTimes(draw: Draw, freq: Rule['freq']): string[] {
  const parts: string[] = [];
  if (chance(draw, 20)) parts.push(`BYHOUR=${some(draw, 0, 23, 3)}`);
  if (chance(draw, 12)) parts.push(`BYMINUTE=${some(draw, 0, 59, 3)}`);
  if (chance(draw, 5) && freq !== 'SECONDLY') parts.push(`BYSECOND=${some(draw, 0, 59, 2)}`);
  return parts;
}

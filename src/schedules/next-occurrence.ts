/**
 * The next occurrence of a schedule. Pure: the zone of the process and its clock are never read.
 *
 * Recurring times are enumerated on the wall clock, then converted:
 *
 * 1. A time that a spring change skips is due at the end of the gap, once, together with all others of the gap.
 * 2. A time that an autumn change repeats is due at the first of the two.
 * 3. Progress is a wall time (the cursor), not an instant: if the zone's rules change, no time is due twice.
 */
import { Cron } from 'croner';
import { civilDay, civilParts, mondayOf } from '#shared/calendar/civil-date';
import { dayMs } from '#shared/calendar/time-units';
import { parseIsoDate, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import type { ScheduleRule, Timing } from './schedule.ts';

export interface Occurrence {
  /** On the wall clock of the zone. */
  wall: WallMs;
  /** Epoch ms. */
  at: number;
}

/** Periods that are looked at for one occurrence: an interval of 366, in which some periods have no match. */
const periodsMax = 5_000;

/** The first occurrence whose wall time is after `cursor`. `settled`: the number of occurrences before. */
export function nextOccurrence(
  timing: Timing,
  cursor: WallMs,
  settled: number,
  zones: Zones,
): Occurrence | null {
  const { rule, zone, start, end, count } = timing;
  if (count !== null && settled >= count) return null;
  const wall = nextWall(rule, afterStart(cursor, start), start === null ? cursor : wallOf(start));
  if (wall === null || wall <= cursor || (end !== null && wall > wallOf(end))) return null;
  return { wall, at: instantOf(wall, zone, zones, 'repeated' in rule) };
}

/** The first occurrence after an instant (epoch ms), for a schedule that is made or resumed at this time. */
export function nextAfterInstant(
  timing: Timing,
  instant: number,
  settled: number,
  zones: Zones,
): Occurrence | null {
  let cursor = zones.toWallTime(instant, timing.zone);
  // A one-time schedule may be in the second pass of a repeated hour.
  if ('once' in timing.rule) cursor -= dayMs;
  for (;;) {
    const next = nextOccurrence(timing, cursor, settled, zones);
    // In the second pass of a repeated hour the times of the first pass are over.
    if (next === null || next.at > instant) return next;
    cursor = next.wall;
  }
}

/** The cursor after an occurrence: the wall time at its instant, so that no other time of the same gap follows. */
export const cursorAfter = ({ wall, at }: Occurrence, zone: string, zones: Zones): WallMs =>
  Math.max(wall, zones.toWallTime(at, zone));

/** `YYYY-MM-DDTHH:MM[:SS]` as a wall time. @throws RangeError for a day or a time that does not exist */
export function wallOf(text: string): WallMs {
  const [date = '', time = ''] = text.split('T');
  const day = parseIsoDate(date);
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number);
  if (day === null || hour > 23 || minute > 59 || second > 59) {
    throw new RangeError(`${text}: there is no such day or time`);
  }
  return day + (hour * 3_600 + minute * 60 + second) * 1_000;
}

/** `YYYY-MM-DDTHH:MM:SS`. */
export const wallText = (wall: WallMs): string => new Date(wall).toISOString().slice(0, 19);

/** The rule of a single time: an instant (epoch ms), which may be in the second pass of a repeated hour. */
export function onceRule(instant: number, zone: string, zones: Zones): ScheduleRule {
  const wall = zones.toWallTime(instant, zone);
  const once = wallText(wall);
  return zones.toInstant(wall, zone) === instant ? { once } : { once, repeated: 'second' };
}

/** Why the rule is invalid, in one line; null if it is valid. */
export function ruleFault(rule: ScheduleRule): string | null {
  try {
    if ('once' in rule) wallOf(rule.once);
    else if (rule.cron.trim().startsWith('@')) return nicknameFault(rule.cron.trim());
    else patternOf(rule.cron);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const nicknames: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** A schedule is shown with its fields, so it is also written with them. */
function nicknameFault(cron: string): string {
  const fields = nicknames[cron.toLowerCase()] ?? '0 9 * * *';
  const example = Object.hasOwn(nicknames, cron.toLowerCase()) ? '' : ', for example';
  return `cron: ${cron} is no rule here; write five fields${example}: ${fields}`;
}

/** Croner only enumerates wall times, in UTC, where no gap exists. It never gets a function, so it has no timer. */
function patternOf(cron: string): Cron {
  const known = patterns.get(cron);
  if (known !== undefined) return known;
  const pattern = new Cron(cron, { timezone: 'UTC', mode: '5-part' });
  if (patterns.size >= patternsMax) patterns.clear();
  patterns.set(cron, pattern);
  return pattern;
}

/** Reading a pattern costs more than its next time. */
const patterns = new Map<string, Cron>();
const patternsMax = 500;

const afterStart = (cursor: WallMs, start: string | null): WallMs =>
  start === null ? cursor : Math.max(cursor, wallOf(start) - 1);

/** `anchor`: `every` is counted from its day. */
function nextWall(rule: ScheduleRule, cursor: WallMs, anchor: WallMs): WallMs | null {
  if ('once' in rule) {
    const wall = wallOf(rule.once);
    return wall > cursor ? wall : null;
  }
  const pattern = patternOf(rule.cron);
  let wall: WallMs | null = cursor;
  for (let looked = 0; looked < periodsMax; looked += 1) {
    wall = pattern.nextRun(new Date(wall))?.getTime() ?? null;
    if (wall === null || rule.every === undefined) return wall;
    const { n, unit } = rule.every;
    if ((periodOf(wall, unit) - periodOf(anchor, unit)) % n === 0) return wall;
    wall = periodEnd(wall, unit);
  }
  return null;
}

type Period = NonNullable<Extract<ScheduleRule, { cron: string }>['every']>['unit'];

/** The number of the day, week or month of a wall time. */
function periodOf(wall: WallMs, unit: Period): number {
  const day = Math.floor(wall / dayMs);
  if (unit === 'day') return day;
  if (unit === 'week') return Math.floor(mondayOf(day) / 7);
  const { year, month } = civilParts(day);
  return year * 12 + month;
}

/** The last millisecond of the period. */
function periodEnd(wall: WallMs, unit: Period): WallMs {
  const day = Math.floor(wall / dayMs);
  if (unit === 'day') return (day + 1) * dayMs - 1;
  if (unit === 'week') return (mondayOf(day) + 7) * dayMs - 1;
  const { year, month } = civilParts(day);
  return civilDay(year, month + 1, 1) * dayMs - 1;
}

function instantOf(wall: WallMs, zone: string, zones: Zones, isSecond: boolean): number {
  const first = zones.toInstant(wall, zone);
  if (zones.toWallTime(first, zone) !== wall) return gapEnd(wall, first, zone, zones);
  return isSecond ? secondOf(wall, first, zone, zones) : first;
}

/** The instant at which a gap with this wall time ends. */
function gapEnd(wall: WallMs, after: number, zone: string, zones: Zones): number {
  // `after` was read with the offset from before the gap: it is behind the gap by less than the length of it.
  const isBehind = (instant: number): boolean => zones.toWallTime(instant, zone) > wall;
  const gap = zones.toWallTime(after, zone) - wall;
  let [low, high] = [after - gap, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isBehind(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The later instant with the same wall time; the same instant if there is only one. */
function secondOf(wall: WallMs, first: number, zone: string, zones: Zones): number {
  const offsetBefore = wall - first;
  const offsetAfter = zones.toWallTime(first + dayMs, zone) - (first + dayMs);
  const second = first + offsetBefore - offsetAfter;
  return second > first && zones.toWallTime(second, zone) === wall ? second : first;
}

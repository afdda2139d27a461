/**
 * The times of a recurrence rule (RFC 5545, 3.3.10) inside a window, in wall-clock time of the event's zone.
 *
 * Each day of the window is tested against the rule; times are not counted up from the first event. So a query for
 * one week costs seven checks for a daily meeting of ten years, not 3,650 steps, and a rule that matches no day at
 * all (30 February) terminates like any other. Only COUNT needs counting from the start.
 *
 * 1. Days that a month does not have are skipped, never moved: "monthly on the 31st" has seven months.
 * 2. The first time of an event is always included, even if the rule does not match it.
 * 3. Bounded: at most `stepsMax` candidates are checked; `capped` reports that this was not enough.
 */
import { dayMs, hourMs, minuteMs } from '#shared/calendar/time-units';
import {
  civilParts,
  type DayRange,
  monthRange,
  monthsRange,
  weekdayOf,
} from '#shared/calendar/civil-date';
import { startOfDay, type WallMs } from '#shared/calendar/zoned-time';

const subDaily = ['HOURLY', 'MINUTELY', 'SECONDLY'] as const;
const frequencies = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', ...subDaily] as const;
type Frequency = (typeof frequencies)[number];

export const isFrequency = (name: string): name is Frequency =>
  (frequencies as readonly string[]).includes(name);
const isSubDaily = (freq: Frequency): boolean => (subDaily as readonly string[]).includes(freq);

/** `weekday`: 0 Monday to 6 Sunday. `nth`: 0 every, 2 the second, -1 the last of the month or year. */
export interface WeekdayRule {
  weekday: number;
  nth: number;
}

/** JSON-safe. Empty list: the rule does not have this part. */
export interface RecurrenceRule {
  freq: Frequency;
  interval: number;
  count: number | null;
  /** The last possible time, inclusive, wall time of the event's zone. */
  until: WallMs | null;
  /** First day of the week, 0 Monday. */
  weekStart: number;
  byMonth: number[];
  byWeekNo: number[];
  byYearDay: number[];
  byMonthDay: number[];
  byDay: WeekdayRule[];
  byHour: number[];
  byMinute: number[];
  bySecond: number[];
  bySetPos: number[];
}

export interface Times {
  /** Ascending, without duplicates. */
  times: WallMs[];
  /** Times may be missing: the step limit was reached. */
  capped: boolean;
}

/** Candidates checked per rule and query: a century of days is 36,525. A rule that needs more is damaged or hostile. */
const stepsMax = 50_000;

/** The times of the rule with `from <= time < to`, for an event that begins at `start`. */
export function timesOf(given: RecurrenceRule, start: WallMs, from: WallMs, to: WallMs): Times {
  const rule = withoutCount(given, start);
  const plan = planOf(rule, start);
  const times: WallMs[] = start >= from && start < to ? [start] : [];
  // With COUNT, the times before the window must be counted too.
  const first = rule.count === null ? Math.max(start, from) : start;
  const last = Math.min(to - 1, rule.until ?? Number.POSITIVE_INFINITY);
  const window = { first, last };
  let block = blockOf(rule, dayOf(first));
  let left = rule.count ?? Number.POSITIVE_INFINITY;
  let steps = 0;
  while (left > 0 && block.from * dayMs <= last) {
    steps += block.to - block.from + 1;
    for (const time of isAligned(rule, plan, block)
      ? candidatesOf(rule, plan, block, window)
      : []) {
      steps += 1;
      if (steps > stepsMax) return { times, capped: true };
      if (time === null || time < start) continue;
      if (time > last || left === 0) return { times, capped: false };
      left -= 1;
      if (time >= from && time !== start) times.push(time);
    }
    if (steps > stepsMax * 10) return { times, capped: true };
    block = blockOf(rule, block.to + 1);
  }
  return { times, capped: false };
}

/** Whether the rule itself matches the start of the event. */
export function hasStart(rule: RecurrenceRule, start: WallMs): boolean {
  const block = blockOf(rule, dayOf(start));
  const window = { first: start, last: start };
  return [...candidatesOf(rule, planOf(rule, start), block, window)].includes(start);
}

/** Length of the periods with a fixed length. */
const periodMs: Partial<Record<Frequency, number>> = {
  WEEKLY: 7 * dayMs,
  DAILY: dayMs,
  HOURLY: hourMs,
  MINUTELY: minuteMs,
  SECONDLY: 1000,
};

/** Without BY parts the last time can be calculated from COUNT: counting is not needed. */
function withoutCount(rule: RecurrenceRule, start: WallMs): RecurrenceRule {
  const period = periodMs[rule.freq];
  if (rule.count === null || period === undefined) return rule;
  const lists = Object.values(rule).filter((value) => Array.isArray(value));
  if (lists.some((list) => list.length > 0)) return rule;
  const lastTime = start + (rule.count - 1) * rule.interval * period;
  return { ...rule, count: null, until: Math.min(lastTime, rule.until ?? lastTime) };
}

/** The requested wall times, both ends inclusive. */
interface Window {
  first: WallMs;
  last: WallMs;
}

/** The rule, with missing parts filled in from the start of the event. */
interface Plan {
  start: WallMs;
  byMonth: number[];
  byMonthDay: number[];
  byDay: WeekdayRule[];
  times: number[];
}

const dayOf = (at: WallMs): number => Math.floor(at / dayMs);

function planOf(rule: RecurrenceRule, start: WallMs): Plan {
  const { month, day } = civilParts(dayOf(start));
  const namesDays =
    rule.byMonthDay.length + rule.byDay.length + rule.byYearDay.length + rule.byWeekNo.length > 0;
  const monthDay = [day];
  const weekday = [{ weekday: weekdayOf(dayOf(start)), nth: 0 }];
  let { byMonth, byMonthDay, byDay } = rule;
  if (rule.freq === 'YEARLY' && !namesDays) {
    if (byMonth.length === 0) byMonth = [month];
    byMonthDay = monthDay;
  } else if (rule.freq === 'MONTHLY' && !namesDays) {
    byMonthDay = monthDay;
  } else if (rule.freq === 'WEEKLY' && !namesDays) {
    byDay = weekday;
  } else if (rule.freq === 'YEARLY' && rule.byWeekNo.length > 0 && byDay.length === 0) {
    byDay = weekday;
  }
  return { start, byMonth, byMonthDay, byDay, times: timesOfDay(rule, new Date(start)) };
}

function timesOfDay(rule: RecurrenceRule, start: Date): number[] {
  const or = (list: number[], value: number): number[] => (list.length === 0 ? [value] : list);
  const times = or(rule.byHour, start.getUTCHours()).flatMap((hour) =>
    or(rule.byMinute, start.getUTCMinutes()).flatMap((minute) =>
      or(rule.bySecond, start.getUTCSeconds()).map(
        (second) => hour * hourMs + minute * minuteMs + second * 1000,
      ),
    ),
  );
  return [...new Set(times)].sort((a, b) => a - b);
}

/** The days of one period of the rule, from which BYSETPOS selects. */
function blockOf(rule: RecurrenceRule, day: number): DayRange {
  const { year, month } = civilParts(day);
  switch (rule.freq) {
    case 'YEARLY':
      return yearRange(year);
    case 'MONTHLY':
      return monthRange(year, month);
    case 'WEEKLY': {
      const from = day - ((weekdayOf(day) - rule.weekStart + 7) % 7);
      return { from, to: from + 6 };
    }
    default:
      return { from: day, to: day };
  }
}

const yearRange = (year: number): DayRange => monthsRange(year, 1, 12);

/** Whether INTERVAL includes this period. For periods shorter than a day, `finerTimes` applies INTERVAL. */
function isAligned(rule: RecurrenceRule, plan: Plan, block: DayRange): boolean {
  const { interval } = rule;
  if (interval === 1) return true;
  const begin = blockOf(rule, dayOf(plan.start));
  const [from, to] = [civilParts(begin.from), civilParts(block.from)];
  const years = to.year - from.year;
  switch (rule.freq) {
    case 'YEARLY':
      return years % interval === 0;
    case 'MONTHLY':
      return (years * 12 + to.month - from.month) % interval === 0;
    case 'WEEKLY':
      return ((block.from - begin.from) / 7) % interval === 0;
    case 'DAILY':
      return (block.from - begin.from) % interval === 0;
    default:
      return true;
  }
}

/** Ascending; null for each period shorter than a day that BYHOUR, BYMINUTE or BYSECOND excludes. */
function* candidatesOf(
  rule: RecurrenceRule,
  plan: Plan,
  block: DayRange,
  window: Window,
): Generator<WallMs | null, undefined> {
  const { bySetPos } = rule;
  if (bySetPos.length > 0 && !isSubDaily(rule.freq)) {
    // Positions refer to the whole period, even if the event begins or the window ends within it.
    const whole = { first: block.from * dayMs, last: (block.to + 1) * dayMs - 1 };
    const all = [...candidatesOf({ ...rule, bySetPos: [] }, plan, block, whole)];
    yield* atPositions(all, bySetPos);
    return;
  }
  const last = Math.min(block.to, dayOf(window.last));
  for (let day = Math.max(block.from, dayOf(window.first)); day <= last; day += 1) {
    if (!hasDay(rule, plan, day)) continue;
    if (isSubDaily(rule.freq)) yield* finerTimes(rule, plan, day, window);
    else for (const time of plan.times) yield day * dayMs + time;
  }
}

/** BYSETPOS: 1 is the first of the period, -1 its last. */
function atPositions(all: readonly (WallMs | null)[], positions: readonly number[]): WallMs[] {
  const chosen = positions.map((at) => (at === 0 ? null : all.at(at > 0 ? at - 1 : at)));
  const times = chosen.filter((time): time is WallMs => typeof time === 'number');
  return [...new Set(times)].sort((a, b) => a - b);
}

function hasDay(rule: RecurrenceRule, plan: Plan, day: number): boolean {
  const { year, month, day: monthDay } = civilParts(day);
  if (plan.byMonth.length > 0 && !plan.byMonth.includes(month)) return false;
  // Also counted from the end: -1 is the last day.
  const isIn = (list: number[], at: number, { to }: DayRange): boolean =>
    list.includes(at) || list.includes(day - to - 1);
  const { byYearDay } = rule;
  if (plan.byMonthDay.length > 0 && !isIn(plan.byMonthDay, monthDay, monthRange(year, month)))
    return false;
  if (byYearDay.length > 0 && !isIn(byYearDay, day - yearRange(year).from + 1, yearRange(year)))
    return false;
  if (rule.byWeekNo.length > 0 && !hasWeek(rule, day)) return false;
  return plan.byDay.length === 0 || plan.byDay.some((by) => isWeekday(rule, plan, by, day));
}

function isWeekday(rule: RecurrenceRule, plan: Plan, by: WeekdayRule, day: number): boolean {
  if (by.weekday !== weekdayOf(day)) return false;
  const inMonth = rule.freq === 'MONTHLY' || plan.byMonth.length > 0;
  // A number before a weekday has a meaning only for months and years.
  if (by.nth === 0 || (rule.freq !== 'MONTHLY' && rule.freq !== 'YEARLY')) return true;
  const { year, month } = civilParts(day);
  const { from, to } = inMonth ? monthRange(year, month) : yearRange(year);
  return by.nth > 0
    ? Math.floor((day - from) / 7) + 1 === by.nth
    : Math.floor((to - day) / 7) + 1 === -by.nth;
}

/** Week 1 is the first week with at least four days in its year; its days in the neighbouring year count as well. */
function hasWeek(rule: RecurrenceRule, day: number): boolean {
  const begin = day - ((weekdayOf(day) - rule.weekStart + 7) % 7);
  const { year } = civilParts(begin + 3);
  const firstWeek = (of: number): number => {
    const fourth = yearRange(of).from + 3;
    return fourth - ((weekdayOf(fourth) - rule.weekStart + 7) % 7);
  };
  const number = (begin - firstWeek(year)) / 7 + 1;
  const fromEnd = (begin - firstWeek(year + 1)) / 7;
  return rule.byWeekNo.includes(number) || rule.byWeekNo.includes(fromEnd);
}

/** Times of a day for rules that recur within the day. Excluded hours, minutes and seconds are skipped as a whole. */
function* finerTimes(
  rule: RecurrenceRule,
  plan: Plan,
  day: number,
  window: Window,
): Generator<WallMs | null, undefined> {
  const unit = periodMs[rule.freq] ?? 1000;
  const step = unit * rule.interval;
  const begin = Math.floor(plan.start / unit) * unit;
  const alignedFrom = (at: WallMs): WallMs =>
    begin + Math.ceil(Math.max(0, at - begin) / step) * step;
  const rest = [...new Set(plan.times.map((time) => time % unit))].sort((a, b) => a - b);
  // Rounded down: the period in which the window begins may have times later in it.
  const first = Math.floor(Math.max(day * dayMs, window.first) / unit) * unit;
  const last = Math.min((day + 1) * dayMs - 1, window.last);
  let at = alignedFrom(first);
  while (at <= last) {
    const free = nextFree(rule, unit, at);
    if (free > at) {
      yield null;
      at = alignedFrom(free);
    } else {
      const times = rest.map((within) => at + within);
      yield* rule.bySetPos.length > 0 ? atPositions(times, rule.bySetPos) : times;
      at += step;
    }
  }
}

/** `at` itself, or the end of the hour, minute or second that the rule excludes. */
function nextFree(rule: RecurrenceRule, unit: number, at: WallMs): WallMs {
  const date = new Date(at);
  const leavesOut = (list: number[], value: number): boolean =>
    list.length > 0 && !list.includes(value);
  const end = (length: number): WallMs => (Math.floor(at / length) + 1) * length;
  if (leavesOut(rule.byHour, date.getUTCHours())) return end(hourMs);
  if (unit < hourMs && leavesOut(rule.byMinute, date.getUTCMinutes())) return end(minuteMs);
  if (unit < minuteMs && leavesOut(rule.bySecond, date.getUTCSeconds())) return end(1000);
  return at;
}

/** The last time of the rule, wall time; null if the rule has no end or was capped. */
export function lastTimeOf(rule: RecurrenceRule, start: WallMs): WallMs | null {
  if (rule.count === null) return rule.until;
  const horizon = startOfDay(start) + 366 * 200 * dayMs;
  const { times, capped } = timesOf(rule, start, start, horizon);
  return capped ? null : (times.at(-1) ?? start);
}

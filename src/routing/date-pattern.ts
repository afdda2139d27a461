/**
 * What a pattern of the date reader is, and the calendar questions that all patterns share: which year a
 * date without a year means, which week 다음 주 is, how a month divides into 초, 중순 and 말.
 */
import {
  type CivilDay,
  type DayRange,
  addMonths,
  checkedDay,
  civilDay,
  civilParts,
  daysInMonth,
  mondayOf,
  monthRange,
  weekdayOf,
} from './civil-date.ts';

/** A mail came in the past, an appointment lies ahead: it decides what a date without a year means. */
export type Preference = 'future' | 'past';

export interface DateContext {
  today: CivilDay;
  prefer: Preference;
  /** The end of a range is looked for from its start on (금요일 in 수요일부터 금요일까지). */
  anchor?: CivilDay;
}

/**
 * - `no_such_day`: 13월 1일, 2월 30일
 * - `lunar`: the lunar calendar is not read, and a wrong day would look right
 * - `weekday_mismatch`: 11월 20일 목요일 where the 20th is a Friday
 * - `unclear`: a day is named, and what stands beside it may mean another one (크리스마스 주, 2주 뒤 월요일)
 */
export type DateFaultReason = 'no_such_day' | 'lunar' | 'weekday_mismatch' | 'unclear';

export type Resolved =
  | ({ ok: true; rolling?: { days: number } } & DayRange)
  | { ok: false; reason: DateFaultReason };

export interface DatePattern {
  name: string;
  /** Global and with named groups; must not match inside other words. */
  regex: RegExp;
  /** `floating`: its year, month or week depends on the context. */
  floating?: boolean;
  /** Null when the text only looks like a date. */
  read: (groups: Record<string, string | undefined>, context: DateContext) => Resolved | null;
  /** A count of days that extends a start (…부터 사흘간). */
  count?: (groups: Record<string, string | undefined>) => number;
}

export const on = (day: CivilDay): Resolved => ({ ok: true, from: day, to: day });
export const during = (range: DayRange): Resolved => ({ ok: true, ...range });
export const fault = (reason: DateFaultReason): Resolved => ({ ok: false, reason });

/** Years outside are typing errors; they would also leave what ISO dates of four digits can say. */
const plausibleYear = (year: number): boolean => year >= 1900 && year <= 2199;

export function exactDate(year: number, month: number, day: number): Resolved {
  const found = plausibleYear(year) ? checkedDay(year, month, day) : null;
  return found === null ? fault('no_such_day') : on(found);
}

const base = (context: DateContext): CivilDay => context.anchor ?? context.today;
const looksBack = (context: DateContext): boolean =>
  context.prefer === 'past' && context.anchor === undefined;

/** Month and day without a year: the next one, or the last one where the past is preferred. */
export function yearlessDate(month: number, day: number, context: DateContext): Resolved {
  if (month < 1 || month > 12 || day < 1 || day > 31) return fault('no_such_day');
  const { year } = civilParts(base(context));
  const here = civilDay(year, month, day);
  if (looksBack(context)) return exactDate(here > base(context) ? year - 1 : year, month, day);
  return exactDate(here < base(context) ? year + 1 : year, month, day);
}

/** A bare 20일: of this month or the nearest month in the preferred direction that has such a day. */
export function dayOfMonth(day: number, context: DateContext): Resolved {
  if (day < 1 || day > 31) return fault('no_such_day');
  const { year, month } = civilParts(base(context));
  const step = looksBack(context) ? -1 : 1;
  for (let months = 0; months <= 12; months += 1) {
    const { from } = monthRange(year, month + step * months);
    const there = civilParts(from);
    if (day > daysInMonth(there.year, there.month)) continue;
    const found = from + day - 1;
    if (step > 0 ? found >= base(context) : found <= base(context)) return on(found);
  }
  return fault('no_such_day');
}

/** The year that a month without a year belongs to; the current month is this year's in both directions. */
export function yearOfMonth(month: number, context: DateContext): number {
  const now = civilParts(base(context));
  if (looksBack(context)) return month > now.month ? now.year - 1 : now.year;
  return month < now.month ? now.year + 1 : now.year;
}

/** 0 is the week of today, Monday to Sunday. */
export function weekRange(context: DateContext, weeks: number): DayRange {
  const from = mondayOf(context.today) + 7 * weeks;
  return { from, to: from + 6 };
}

/** A weekday alone: today counts in both directions. */
export function nearestWeekday(weekday: number, context: DateContext): CivilDay {
  const start = base(context);
  if (looksBack(context)) return start - ((weekdayOf(start) - weekday + 7) % 7);
  return start + ((weekday - weekdayOf(start) + 7) % 7);
}

/** The last such weekday before today. */
export const lastWeekday = (weekday: number, { today }: DateContext): CivilDay =>
  today - (7 - ((weekday - weekdayOf(today) + 7) % 7));

/** 초, 중순, 말 of a month: the 1st to 10th, 11th to 20th, 21st to the end. */
export function partOfMonth(year: number, month: number, part: MonthPart | undefined): DayRange {
  const { from, to } = monthRange(year, month);
  if (part === 'early') return { from, to: from + 9 };
  if (part === 'mid') return { from: from + 10, to: from + 19 };
  if (part === 'late') return { from: from + 20, to };
  return { from, to };
}

export type MonthPart = 'early' | 'mid' | 'late';

/**
 * The n-th week of a month, clipped to the month. By KS X ISO 8601 a week belongs to the month that has its
 * Thursday. `n` -1 is the last week; null when the month has no such week.
 */
export function weekOfMonth(year: number, month: number, n: number): DayRange | null {
  const { from, to } = monthRange(year, month);
  const firstThursday = from + ((3 - weekdayOf(from) + 7) % 7);
  const lastThursday = to - ((weekdayOf(to) - 3 + 7) % 7);
  const thursday = n === -1 ? lastThursday : firstThursday + 7 * (n - 1);
  if (thursday > lastThursday) return null;
  const start = thursday - 3;
  return { from: Math.max(start, from), to: Math.min(start + 6, to) };
}

/** The n-th Monday, Tuesday … of a month; -1 is the last. Null when there is none. */
export function weekdayOfMonth(
  year: number,
  month: number,
  n: number,
  weekday: number,
): CivilDay | null {
  const { from, to } = monthRange(year, month);
  if (n === -1) return to - ((weekdayOf(to) - weekday + 7) % 7);
  const found = from + ((weekday - weekdayOf(from) + 7) % 7) + 7 * (n - 1);
  return found > to ? null : found;
}

/** 3일 후, 2주 전, 한 달 뒤: one exact day. */
export function shifted(
  context: DateContext,
  amount: number,
  unit: 'day' | 'week' | 'month' | 'year',
): Resolved {
  const { today } = context;
  if (unit === 'day') return on(today + amount);
  if (unit === 'week') return on(today + 7 * amount);
  return on(addMonths(today, unit === 'month' ? amount : 12 * amount));
}

/** Length in days of a window such as 최근 2주 or 앞으로 한 달; a month counts 30 days, a year 365. */
export const windowDays = (amount: number, unit: 'day' | 'week' | 'month' | 'year'): number =>
  amount * { day: 1, week: 7, month: 30, year: 365 }[unit];

/** A window that ends or starts today: 최근 3일 reaches three days back, today included. */
export function rollingWindow(context: DateContext, days: number, direction: 1 | -1): Resolved {
  const range =
    direction > 0
      ? { from: context.today, to: context.today + days }
      : { from: context.today - days, to: context.today };
  return { ok: true, ...range, rolling: { days } };
}

/** Checks the weekday that was written beside a date. */
export function withWeekday(resolved: Resolved, weekday: number | null): Resolved {
  if (!resolved.ok || weekday === null || weekdayOf(resolved.from) === weekday) return resolved;
  return fault('weekday_mismatch');
}

/**
 * The type of a date pattern, and the calendar rules that all patterns share: the year of a date without a year, the
 * week that 다음 주 means, the division of a month into 초, 중순 and 말.
 */
import {
  type CivilDay,
  type DayRange,
  addMonths,
  validDay,
  civilDay,
  civilParts,
  daysInMonth,
  mondayOf,
  monthRange,
  weekdayOf,
} from '#shared/calendar/civil-date';

/** Resolves a date without a year: back in time for mail, ahead for appointments. */
export type DatePreference = 'future' | 'past';

export interface DateContext {
  today: CivilDay;
  prefer: DatePreference;
  /** Start of a range: its end is searched from this day on (금요일 in 수요일부터 금요일까지). */
  anchor?: CivilDay;
}

/**
 * - `no_such_day`: 13월 1일, 2월 30일
 * - `lunar`: the lunar calendar is not supported, and a wrong day would look right
 * - `weekday_mismatch`: 11월 20일 목요일 where the 20th is a Friday
 * - `unclear`: a day is named, but the words beside it may mean another day (크리스마스 주, 2주 뒤 월요일)
 */
export type DateErrorReason = 'no_such_day' | 'lunar' | 'weekday_mismatch' | 'unclear';

export type DateResolution =
  | ({ ok: true; rolling?: { days: number } } & DayRange)
  | { ok: false; reason: DateErrorReason };

export type DateUnit = 'day' | 'week' | 'month' | 'year';

export type Groups = Record<string, string | undefined>;

export interface DatePattern {
  name: string;
  /** Global, with named groups; must not match inside other words. */
  regex: RegExp;
  /** Its year, month or week depends on the context. */
  floating?: boolean;
  /** Null when the text only looks like a date. */
  resolve: (groups: Groups, context: DateContext) => DateResolution | null;
  /** Days that the match adds to a start date (…부터 사흘간). */
  count?: (groups: Groups) => number;
}

export const singleDay = (day: CivilDay): DateResolution => ({ ok: true, from: day, to: day });
export const dayRange = (range: DayRange): DateResolution => ({ ok: true, ...range });
export const dateError = (reason: DateErrorReason): DateResolution => ({ ok: false, reason });

/** Years outside are typing errors; they could also exceed the four digits of an ISO date. */
const plausibleYear = (year: number): boolean => year >= 1900 && year <= 2199;

export function exactDate(year: number, month: number, day: number): DateResolution {
  const found = plausibleYear(year) ? validDay(year, month, day) : null;
  return found === null ? dateError('no_such_day') : singleDay(found);
}

const referenceDay = (context: DateContext): CivilDay => context.anchor ?? context.today;
const looksBack = (context: DateContext): boolean =>
  context.prefer === 'past' && context.anchor === undefined;

/** Month and day without a year: the next such day, or the last one where the past is preferred. */
export function yearlessDate(month: number, day: number, context: DateContext): DateResolution {
  if (month < 1 || month > 12 || day < 1 || day > 31) return dateError('no_such_day');
  const { year } = civilParts(referenceDay(context));
  const here = civilDay(year, month, day);
  if (looksBack(context))
    return exactDate(here > referenceDay(context) ? year - 1 : year, month, day);
  return exactDate(here < referenceDay(context) ? year + 1 : year, month, day);
}

/** A bare 20일: in this month, or in the nearest month in the preferred direction that has such a day. */
export function dayOfMonth(day: number, context: DateContext): DateResolution {
  if (day < 1 || day > 31) return dateError('no_such_day');
  const { year, month } = civilParts(referenceDay(context));
  const step = looksBack(context) ? -1 : 1;
  for (let months = 0; months <= 12; months += 1) {
    const { from } = monthRange(year, month + step * months);
    const there = civilParts(from);
    if (day > daysInMonth(there.year, there.month)) continue;
    const found = from + day - 1;
    if (step > 0 ? found >= referenceDay(context) : found <= referenceDay(context))
      return singleDay(found);
  }
  return dateError('no_such_day');
}

/** The year of a month without a year; the current month always belongs to the current year. */
export function yearOfMonth(month: number, context: DateContext): number {
  const now = civilParts(referenceDay(context));
  if (looksBack(context)) return month > now.month ? now.year - 1 : now.year;
  return month < now.month ? now.year + 1 : now.year;
}

/** Monday to Sunday; `weeks` 0 is the current week. */
export function weekRange(context: DateContext, weeks: number): DayRange {
  const from = mondayOf(context.today) + 7 * weeks;
  return { from, to: from + 6 };
}

/** A weekday without a week: today counts in both directions. */
export function nearestWeekday(weekday: number, context: DateContext): CivilDay {
  const start = referenceDay(context);
  if (looksBack(context)) return start - ((weekdayOf(start) - weekday + 7) % 7);
  return start + ((weekday - weekdayOf(start) + 7) % 7);
}

/** Monday to Friday, after today. Holidays are not known. */
export const nextWorkingDay = (today: CivilDay): CivilDay =>
  today + (weekdayOf(today) >= 4 ? 7 - weekdayOf(today) : 1);

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

/** The n-th week (-1: the last), clipped to the month; null if none. By KS X ISO 8601 its Thursday decides. */
function weekOfMonth(year: number, month: number, n: number): DayRange | null {
  const { from, to } = monthRange(year, month);
  const firstThursday = from + ((3 - weekdayOf(from) + 7) % 7);
  const lastThursday = to - ((weekdayOf(to) - 3 + 7) % 7);
  const thursday = n === -1 ? lastThursday : firstThursday + 7 * (n - 1);
  if (thursday > lastThursday) return null;
  const start = thursday - 3;
  return { from: Math.max(start, from), to: Math.min(start + 6, to) };
}

/** The n-th Monday, Tuesday … of a month; -1 is the last. Null if the month has none. */
function weekdayOfMonth(year: number, month: number, n: number, weekday: number): CivilDay | null {
  const { from, to } = monthRange(year, month);
  if (n === -1) return to - ((weekdayOf(to) - weekday + 7) % 7);
  const found = from + ((weekday - weekdayOf(from) + 7) % 7) + 7 * (n - 1);
  return found > to ? null : found;
}

/** The n-th week of a month, or its n-th such weekday. */
export function nthOfMonth(
  { year, month }: { year: number; month: number },
  n: number,
  weekday: number | undefined,
): DateResolution {
  if (weekday === undefined) {
    const week = weekOfMonth(year, month, n);
    return week === null ? dateError('no_such_day') : dayRange(week);
  }
  const day = weekdayOfMonth(year, month, n, weekday);
  return day === null ? dateError('no_such_day') : singleDay(day);
}

/** 3일 후, 2주 전, 한 달 뒤: one exact day. */
export function offsetDate(context: DateContext, amount: number, unit: DateUnit): DateResolution {
  const { today } = context;
  if (unit === 'day') return singleDay(today + amount);
  if (unit === 'week') return singleDay(today + 7 * amount);
  return singleDay(addMonths(today, unit === 'month' ? amount : 12 * amount));
}

/** Days in a window such as 최근 2주 or 앞으로 한 달; a month counts 30 days, a year 365. */
export const windowDays = (amount: number, unit: DateUnit): number =>
  amount * { day: 1, week: 7, month: 30, year: 365 }[unit];

/** A window that ends or starts today: 최근 3일 is today and the three days before. */
export function rollingWindow(
  context: DateContext,
  days: number,
  direction: 1 | -1,
): DateResolution {
  const [from, to] = direction > 0 ? [0, days] : [-days, 0];
  return { ok: true, from: context.today + from, to: context.today + to, rolling: { days } };
}

/** Compares a date with the weekday written beside it. */
export function checkWeekday(resolved: DateResolution, weekday: number | null): DateResolution {
  if (!resolved.ok || weekday === null || weekdayOf(resolved.from) === weekday) return resolved;
  return dateError('weekday_mismatch');
}

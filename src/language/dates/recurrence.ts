/** Repetitions of a reminder as words name them: every other Monday, 매달 말일. Independent of any clock. */
import type { TextSpan } from './parse-dates.ts';

export type RecurrenceUnit = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

export interface Recurrence {
  unit: RecurrenceUnit;
  /** Every n-th unit. */
  n: number;
  /** 0 Monday to 6 Sunday, ascending. */
  weekdays?: number[];
  /** Days of the month, `L`: the last. */
  monthDays?: (number | 'L')[];
  /** The n-th such weekday of the month; -1: the last. */
  nth?: { n: number; weekday: number };
  /** 1 to 12, with unit `year`. */
  month?: number;
  /** Of `every hour at half past`. */
  minute?: number;
  /** The words have a second meaning (biweekly, every second Tuesday). */
  isDoubtful?: true;
}

export interface ParsedRecurrence extends TextSpan {
  recurrence: Recurrence;
}

export interface RecurrencePattern {
  /** Global, with named groups. */
  regex: RegExp;
  /** Null if the text only looks like a repetition. */
  read(groups: Record<string, string | undefined>, found: string): Recurrence | null;
}

export const workingDays = [0, 1, 2, 3, 4];
export const weekendDays = [5, 6];

/** The matches of the patterns: the earliest first, of those the longest; none overlaps another. */
export function findRecurrences(
  text: string,
  patterns: readonly RecurrencePattern[],
): ParsedRecurrence[] {
  const found = patterns.flatMap(({ regex, read }) =>
    [...text.matchAll(regex)].flatMap((match) => {
      const recurrence = read(match.groups ?? {}, match[0]);
      const end = match.index + match[0].trimEnd().length;
      return recurrence === null ? [] : [{ start: match.index, end, recurrence }];
    }),
  );
  const kept: ParsedRecurrence[] = [];
  for (const one of found.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (one.start >= (kept.at(-1)?.end ?? 0)) kept.push(one);
  }
  return kept;
}

/** `every hour on weekdays`, 평일 2시간마다: the finer unit on the days of the coarser. Null if they do not fit. */
export function joinRecurrences(all: readonly Recurrence[]): Recurrence | null {
  const [first, second, third] = all;
  if (first === undefined || third !== undefined) return null;
  if (second === undefined) return first;
  const fine = [first, second].find(({ unit }) => unit === 'minute' || unit === 'hour');
  const coarse = [first, second].find(({ unit }) => unit === 'day' || unit === 'week');
  if (fine === undefined || coarse === undefined) return joinDays(first, second);
  if (coarse.n !== 1) return null;
  return { ...fine, ...(coarse.weekdays === undefined ? {} : { weekdays: coarse.weekdays }) };
}

/** 격주로 … 매주 월요일, 매일 … 월요일마다: the same unit named twice, once with its days. */
function joinDays(first: Recurrence, second: Recurrence): Recurrence | null {
  const days = [first, second].find(({ weekdays }) => weekdays !== undefined);
  const other = days === first ? second : first;
  if (days === undefined || other.weekdays !== undefined) return null;
  if (other.unit !== 'day' && other.unit !== 'week') return null;
  return other.unit === 'day' && other.n > 1 ? null : { ...days, n: Math.max(days.n, other.n) };
}

/**
 * Parses times of day and time ranges, Korean and English: 오후 3시 반, 15:30, 정오, 3시부터 5시까지, at 3pm, half past three. Also
 * interprets an hour without 오전 or 오후, and hours after midnight that belong to the night before (밤 12시, 24시).
 *
 * Invariants: pure; never throws; 25시 and 3시 70분 are reported, not rounded; 3시간 and 20일 are no times of day.
 */
import { clockTime } from '#shared/calendar/civil-date';
import { type AmPmCertainty, inferAmPm } from './infer-am-pm.ts';
import { englishHours, nativeHours, parseNumber, sinoPattern } from './number-words.ts';
import { alternation, wordTable } from '../word-lists.ts';
import { normalizeForRules } from '../normalize-text.ts';
import type { TextSpan } from './parse-dates.ts';

export interface ParsedClock extends TextSpan {
  /** Minutes since midnight; 24:00 becomes 0. */
  minutes: number;
  certainty: AmPmCertainty;
}

/** Whether an hour before 06:00 is on the next day: `next` for 24시 and 오늘 밤 1시; `either` for 자정 of another day. */
export type DayShift = 'same' | 'next' | 'either';

export interface ParsedTimes {
  ok: true;
  /** `HH:MM`, 24 hours. */
  start: string;
  /** `HH:MM`; earlier than `start` if the range ends after midnight. */
  end?: string;
  startCertainty: AmPmCertainty;
  /** The same for the end; also `said` if it follows from the start. */
  endCertainty: AmPmCertainty;
  dayShift: DayShift;
  /** Every time in the text, in order, also those that are neither start nor end. */
  clocks: ParsedClock[];
  spans: TextSpan[];
}

export type TimeParseResult = ParsedTimes | { ok: false; text: string; spans: TextSpan[] };

type DayPeriod = 'am' | 'pm' | 'night' | undefined;

interface ClockMatch extends TextSpan {
  minutes: number | null;
  hour: number;
  period: DayPeriod;
  certainty: AmPmCertainty;
  dayShift: DayShift;
}

const dayPeriods = wordTable<DayPeriod>(
  ['am', '오전|새벽|아침|am|a.m.|a|morning'],
  ['pm', '오후|점심|낮|저녁|pm|p.m.|p|afternoon|evening'],
  ['night', '밤|night'],
);

const koreanHour = alternation(nativeHours);
const englishHour = alternation(englishHours);
const koreanPeriod = '오전|오후|새벽|아침|점심|저녁|밤|낮';
const englishPeriod = 'a\\.m\\.|p\\.m\\.|am|pm';
const partOfDay = '(?:\\s+(?:in\\s+the|at)\\s+(?<part>morning|afternoon|evening|night))?';
const afterHalf = '에|까지|부터|으로|로|쯤|경|이|은|정도|꺼|하고|랑|말고|회의|미팅|약속|일정';
const notInside = '(?<![a-z0-9.:/])';

const patterns: readonly RegExp[] = [
  // 오후 3시 반, 세 시, 15시 30분; not 3시간, 시장, 시작
  new RegExp(
    `(?<![\\d.:/가-힣]|[가-힣]\\d)(?:(?<half>${koreanPeriod})(?:에)?\\s*)?(?<hour>\\d{1,2}|${koreanHour})\\s*시(?!간|장|절|작|스|험|즌|점|민|청|급|세|내|댁|립)(?:\\s*(?<minute>\\d{1,2}|${sinoPattern})\\s*분|\\s*(?<thirty>반)(?=$|[^가-힣]|${afterHalf}))?`,
    'gu',
  ),
  new RegExp(
    `(?<![\\d.:/])(?:(?<half>${koreanPeriod}|am|pm)\\s*)?(?<hour>\\d{1,2}):(?<minute>\\d{2})(?::\\d{2})?(?![\\d:])(?:\\s*(?<half2>${englishPeriod})(?![a-z]))?${partOfDay}`,
    'gu',
  ),
  /(?<![가-힣])(?<named>정오|자정|한밤중)(?=$|[^가-힣]|에|까지|부터|으로|로|쯤)/gu,
  new RegExp(`${notInside}(?<named>noon|midday|midnight)(?![a-z])`, 'gu'),
  new RegExp(
    `${notInside}(?<hour>\\d{1,2}|${englishHour})\\s*(?<half2>${englishPeriod})(?![a-z])`,
    'gu',
  ),
  // 7.30pm, at 6p, at 0730, seven thirty pm
  new RegExp(
    `${notInside}(?<hour>\\d{1,2})\\.(?<minute>[0-5]\\d)\\s*(?<half2>${englishPeriod})(?![a-z])`,
    'gu',
  ),
  /(?<=\b(?:at|by)\s)(?<hour>\d{1,2})\s?(?<half2>[ap])(?![a-z0-9])/gu,
  // at 630
  /(?<=\bat\s)(?<hour>[1-9])(?<minute>[0-5]\d)(?=\s+(?:today|tonight|tomorrow|to|about|on|every|sharp)\b|[.!?]?$)/gu,
  // by 2030: a year
  /(?<=\b(?:at|by)\s)(?<!\bby\s(?=20[2-5]\d))(?<hour>[01]\d|2[0-3])(?<minute>[0-5]\d)(?:\s*(?:h|hrs|hours))?(?![\d:./a-z-])/gu,
  new RegExp(
    `${notInside}(?<hour>${englishHour})[\\s-](?<minuteWord>thirty|fifteen|forty[\\s-]five|twenty|ten)(?:\\s*(?<half2>${englishPeriod})(?![a-z])|(?<=\\bat\\s\\S+\\s\\S+(?:\\sfive)?)(?![a-z]))${partOfDay}`,
    'gu',
  ),
  new RegExp(
    `${notInside}(?<hour>\\d{1,2}|${englishHour})\\s*o'?clock(?:\\s*(?<half2>${englishPeriod}))?${partOfDay}`,
    'gu',
  ),
  new RegExp(
    `${notInside}(?<hour>\\d{1,2})\\s+in\\s+the\\s+(?<part>morning|afternoon|evening)(?![a-z])`,
    'gu',
  ),
  new RegExp(
    `${notInside}(?:a\\s+(?=quarter))?(?<past>half|quarter|\\d{1,2}|five|ten|twenty)\\s*(?:minutes\\s+)?(?<side>past|to)\\s+(?<hour>\\d{1,2}|${englishHour})(?![a-z0-9])(?:\\s*(?<half2>${englishPeriod})(?![a-z]))?${partOfDay}`,
    'gu',
  ),
  new RegExp(
    `(?<=\\b(?:at|to|until|till|by|from|around)\\s)(?<hour>\\d{1,2}|${englishHour})(?![\\d:./a-z%-]|\\s*(?:${alternation('am pm days weeks months years day week month year people hours minutes th st nd rd of january february march april may june july august september october november december')}))${partOfDay}`,
    'gu',
  ),
];

/** Hour of the day, 0 to 23; null if there is no such hour. */
function fullHour(hour: number, period: DayPeriod, exact: boolean): number | null {
  if (hour > 24) return null;
  if (hour > 12) return hour % 24;
  switch (period) {
    case 'am':
      return hour % 12;
    case 'pm':
      return (hour % 12) + 12;
    case 'night':
      // 밤 12시 is midnight and 밤 1시 follows it; 밤 9시 is before it.
      if (hour === 12) return 0;
      return hour <= 5 ? hour : hour + 12;
    case undefined:
      return exact ? hour : usualHour(hour);
  }
}

/** Without am or pm, 1 to 6 o'clock are afternoon and 7 to 12 stay as written. */
const usualHour = (hour: number): number => (hour >= 1 && hour <= 6 ? hour + 12 : hour);

function parseMatch(match: RegExpMatchArray, text: string): ClockMatch | null {
  const g = match.groups ?? {};
  const start = match.index ?? 0;
  const span = { start, end: start + match[0].trimEnd().length };
  const named = g['named'];
  if (named !== undefined) {
    const noon = named === '정오' || named === 'noon' || named === 'midday';
    const dayShift = noon
      ? 'same'
      : /오늘|금일|tonight|today|night\s+at\s+midnight/.test(text)
        ? 'next'
        : 'either';
    return {
      ...span,
      minutes: noon ? 720 : 0,
      hour: 12,
      period: 'pm',
      certainty: 'explicit',
      dayShift,
    };
  }
  const hour = parseNumber(g['hour'] ?? '');
  if (hour === null) return null;
  const period = dayPeriods[g['half'] ?? g['half2'] ?? g['part'] ?? ''];
  // A leading zero (09:30, 03:00) means 24-hour time; 3:30 may be am or pm.
  const exact = (g['hour'] ?? '').startsWith('0');
  const guessed = period === undefined && !exact && hour >= 1 && hour <= 12;
  const inferred = guessed ? inferAmPm(text, span, hour) : null;
  const full = fullHour(hour, inferred?.period ?? period, exact);
  const minute = parseMinute(g);
  const fine = full !== null && minute !== null;
  const certainty: AmPmCertainty = guessed
    ? (inferred?.certainty ?? (hour <= 6 ? 'likely' : 'ambiguous'))
    : 'explicit';
  const isNight = period === 'night' || (inferred?.isNight ?? inferAmPm(text, span, hour).isNight);
  return {
    ...span,
    minutes: fine ? (full * 60 + minute + 1440) % 1440 : null,
    hour,
    period: inferred?.period ?? period,
    certainty,
    dayShift: hour === 24 || isNight ? 'next' : 'same',
  };
}

function parseMinute(g: Record<string, string | undefined>): number | null {
  if (g['thirty'] !== undefined) return 30;
  if (g['past'] !== undefined) {
    const past =
      g['past'] === 'half' ? 30 : g['past'] === 'quarter' ? 15 : spokenMinutes(g['past']);
    return g['side'] === 'to' ? -past : past;
  }
  const minute = minuteWords[g['minuteWord'] ?? ''] ?? minuteOf(g['minute']);
  return minute < 60 ? minute : null;
}

/** 45, 사십오. */
const minuteOf = (word = '0'): number =>
  /^\d/.test(word) ? Number(word) : (parseNumber(word) ?? 0);

const minuteWords = wordTable(
  [10, 'ten'],
  [15, 'fifteen'],
  [20, 'twenty'],
  [30, 'thirty'],
  [45, 'forty five|forty-five'],
);

const spokenMinutes = (word: string): number => (word === 'twenty' ? 20 : (parseNumber(word) ?? 0));

/** The first hour of 3-5pm, 3~5시, from 3 to 5pm: a bare number before a time. */
const bareFirst =
  /(?<![\d.:/월일-])(?<half>오전|오후|새벽|아침|점심|저녁|밤|낮)?\s*(?<hour>\d{1,2})\s*(?:[~-]|to|until)\s*$/u;

function findClocks(text: string): ClockMatch[] {
  const all = patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => parseMatch(match, text)),
  );
  const sorted = all
    .filter((found) => found !== null)
    .toSorted((left, right) => left.start - right.start || right.end - left.end);
  const kept: ClockMatch[] = [];
  for (const found of sorted) {
    if (found.start < (kept.at(-1)?.end ?? 0)) continue;
    kept.push(found);
  }
  const [first] = kept;
  const before = first === undefined ? null : bareFirst.exec(text.slice(0, first.start));
  if (first === undefined || before === null) return kept;
  const hour = Number(before.groups?.['hour']);
  const written = dayPeriods[before.groups?.['half'] ?? ''];
  const period = written ?? sharedPeriod(hour, first);
  const full = fullHour(hour, period, false);
  const start = before.index + (/^\s*/.exec(before[0])?.[0].length ?? 0);
  const minutes = full === null ? null : full * 60;
  const end = start + before[0].trim().replace(/\s*(?:[~-]|to|until)$/, '').length;
  const certainty: AmPmCertainty =
    period !== undefined ? 'explicit' : hour <= 6 ? 'likely' : 'ambiguous';
  return [{ start, end, minutes, hour, period, certainty, dayShift: first.dayShift }, ...kept];
}

/** 3 to 5pm: am or pm of the end also applies to a start that is not later on the clock face. */
const sharedPeriod = (hour: number, end: ClockMatch): DayPeriod =>
  hour % 12 <= end.hour % 12 ? end.period : undefined;

const rangeGap = /^\s*(?:부터|에서|~|-|to|until|till|through)\s*$/;
const lengthAfter =
  /^\s*(?:부터|에서|에|for)?\s*(?:(?<hours>\d{1,2}|한|두|세|네|an?|one|two|three|four)\s*(?:시간|hours?)(?:\s*(?<thirty>반))?)?(?:\s*(?<minutes>\d{1,3})\s*(?:분|minutes?|mins?))?(?:\s*(?:동안|간|짜리))?/;

/** A duration after a time (2시간, for an hour): its minutes, and the characters it takes. */
function parseDuration(text: string): { minutes: number; chars: number } | null {
  const match = lengthAfter.exec(text);
  const g = match?.groups ?? {};
  if (match === null || (g['hours'] === undefined && g['minutes'] === undefined)) return null;
  const hours = g['hours'] === undefined ? 0 : (parseNumber(g['hours']) ?? 0);
  const minutes = hours * 60 + (g['thirty'] === undefined ? 0 : 30) + Number(g['minutes'] ?? 0);
  return minutes > 0 ? { minutes, chars: match[0].length } : null;
}

/** 오후 3시부터 5시: the end takes am or pm of the start and is after it, if necessary after midnight. */
function endMinutes(start: ClockMatch, end: ClockMatch): number {
  const minutes = end.minutes ?? 0;
  const from = start.minutes ?? 0;
  if (end.certainty === 'explicit') return minutes;
  const morning = (end.hour % 12) * 60 + (minutes % 60);
  const afternoon = morning + 720;
  if (morning > from) return start.certainty !== 'explicit' && minutes > from ? minutes : morning;
  return afternoon > from ? afternoon : morning;
}

/** Parses text that is already normalised; spans are offsets in it. Null if it names no time. */
export function parseNormalizedTimes(text: string): TimeParseResult | null {
  const clocks = findClocks(text.slice(0, 2000));
  const [first, second] = clocks;
  if (first === undefined) return null;
  const wrong = clocks.find((clock) => clock.minutes === null);
  const spans = clocks.map(({ start, end }) => ({ start, end }));
  if (wrong !== undefined)
    return { ok: false, text: text.slice(wrong.start, wrong.end).trim(), spans };
  const reads = clocks.map((clock) => ({
    start: clock.start,
    end: clock.end,
    minutes: clock.minutes ?? 0,
    certainty: clock.certainty,
  }));
  const result: ParsedTimes = {
    ok: true,
    start: clockTime(first.minutes ?? 0),
    startCertainty: first.certainty,
    endCertainty: first.certainty,
    dayShift: first.dayShift,
    clocks: reads,
    spans,
  };
  if (second !== undefined && rangeGap.test(text.slice(first.end, second.start))) {
    const period = first.certainty !== 'explicit' ? sharedPeriod(first.hour, second) : undefined;
    const start = period === undefined ? null : fullHour(first.hour, period, false);
    const from = start === null ? (first.minutes ?? 0) : start * 60 + ((first.minutes ?? 0) % 60);
    result.start = clockTime(from);
    if (period !== undefined) result.startCertainty = second.certainty;
    result.end = clockTime(endMinutes({ ...first, minutes: from }, second));
    result.endCertainty = second.certainty === 'explicit' ? 'explicit' : result.startCertainty;
    result.spans = [{ start: first.start, end: second.end }, ...spans.slice(2)];
    return result;
  }
  const length = parseDuration(text.slice(first.end));
  if (length !== null) {
    result.end = clockTime((first.minutes ?? 0) + length.minutes);
    result.spans = [{ start: first.start, end: first.end + length.chars }, ...spans.slice(1)];
  }
  return result;
}

/** The times of day of a message; null if it names none, `ok: false` for an invalid hour or minute. */
export const parseTimes = (message: string): TimeParseResult | null =>
  parseNormalizedTimes(normalizeForRules(message));

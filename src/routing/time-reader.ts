/**
 * Reads times of day and spans of time, Korean and English: 오후 3시 반, 15:30, 정오, 3시부터 5시까지,
 * at 3pm, half past three. It owns the reading of an hour without 오전 or 오후, and of hours that belong to
 * the night before (밤 12시, 24시).
 *
 * Invariants: pure; never throws; 25시 and 3시 70분 are reported, not rounded; lengths (3시간) and dates
 * (11월, 20일) are no times of day.
 */
import { clockTime } from './civil-date.ts';
import { type HalfSaid, halfAround } from './half-of-day.ts';
import { anyOf, readNumber } from './number-words.ts';
import { rulesText } from './plain-text.ts';
import type { Span } from './date-reader.ts';

export interface ClockRead extends Span {
  /** Minutes since midnight; 24:00 reads as 0. */
  minutes: number;
  half: HalfSaid;
}

/**
 * Whether an hour before 06:00 is of the day after the one that is named: `next` for 24시, 오늘 밤 1시, 오늘
 * 자정; `either` for 자정 of another day, where people mean the one or the other.
 */
export type Turn = 'same' | 'next' | 'either';

export interface TimeRead {
  ok: true;
  /** `HH:MM`, 24 hours. */
  start: string;
  /** `HH:MM`; earlier than `start` when it ends after midnight. */
  end?: string;
  /** How the half of the day is known, of the start. */
  half: HalfSaid;
  /** The same of the end; `said` too where it follows from the start. */
  endHalf: HalfSaid;
  turn: Turn;
  /** Every time in the text, in order, also those that are not start or end. */
  clocks: ClockRead[];
  spans: Span[];
}

export type TimeReading = TimeRead | { ok: false; text: string; spans: Span[] };

type HalfOfDay = 'am' | 'pm' | 'night' | undefined;

interface Found extends Span {
  minutes: number | null;
  hour: number;
  half: HalfOfDay;
  said: HalfSaid;
  turn: Turn;
}

const halves: Record<string, HalfOfDay> = {
  오전: 'am',
  새벽: 'am',
  아침: 'am',
  오후: 'pm',
  점심: 'pm',
  낮: 'pm',
  저녁: 'pm',
  밤: 'night',
  am: 'am',
  'a.m.': 'am',
  pm: 'pm',
  'p.m.': 'pm',
  morning: 'am',
  afternoon: 'pm',
  evening: 'pm',
  night: 'night',
};

const nativeHours = anyOf('한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 열한 열두'.split(' '));
const englishHours = anyOf(
  'one two three four five six seven eight nine ten eleven twelve'.split(' '),
);
const koreanHalf = '오전|오후|새벽|아침|점심|저녁|밤|낮';
const englishHalf = 'a\\.m\\.|p\\.m\\.|am|pm';
const partOfDay = '(?:\\s+(?:in\\s+the|at)\\s+(?<part>morning|afternoon|evening|night))?';
const afterHalf = '에|까지|부터|으로|로|쯤|경|이|은|정도|꺼|하고|랑|말고|회의|미팅|약속|일정';
const notInside = '(?<![a-z0-9.:/])';

const patterns: readonly RegExp[] = [
  // 오후 3시 반, 세 시, 15시 30분; not 3시간, 시장, 시작
  new RegExp(
    `(?<![\\d.:/가-힣]|[가-힣]\\d)(?:(?<half>${koreanHalf})(?:에)?\\s*)?(?<hour>\\d{1,2}|${nativeHours})\\s*시(?!간|장|절|작|스|험|즌|점|민|청|급|세|내|댁|립)(?:\\s*(?<minute>\\d{1,2})\\s*분|\\s*(?<thirty>반)(?=$|[^가-힣]|${afterHalf}))?`,
    'gu',
  ),
  new RegExp(
    `(?<![\\d.:/])(?:(?<half>${koreanHalf}|am|pm)\\s*)?(?<hour>\\d{1,2}):(?<minute>\\d{2})(?::\\d{2})?(?![\\d:])(?:\\s*(?<half2>${englishHalf})(?![a-z]))?${partOfDay}`,
    'gu',
  ),
  /(?<![가-힣])(?<named>정오|자정|한밤중)(?=$|[^가-힣]|에|까지|부터|으로|로|쯤)/gu,
  new RegExp(`${notInside}(?<named>noon|midday|midnight)(?![a-z])`, 'gu'),
  new RegExp(
    `${notInside}(?<hour>\\d{1,2}|${englishHours})\\s*(?<half2>${englishHalf})(?![a-z])`,
    'gu',
  ),
  new RegExp(
    `${notInside}(?<hour>\\d{1,2}|${englishHours})\\s*o'?clock(?:\\s*(?<half2>${englishHalf}))?${partOfDay}`,
    'gu',
  ),
  new RegExp(
    `${notInside}(?<hour>\\d{1,2})\\s+in\\s+the\\s+(?<part>morning|afternoon|evening)(?![a-z])`,
    'gu',
  ),
  new RegExp(
    `${notInside}(?<past>half|quarter|\\d{1,2}|five|ten|twenty)\\s*(?:minutes\\s+)?(?<side>past|to)\\s+(?<hour>\\d{1,2}|${englishHours})(?![a-z0-9])(?:\\s*(?<half2>${englishHalf})(?![a-z]))?${partOfDay}`,
    'gu',
  ),
  new RegExp(
    `(?<=\\b(?:at|to|until|till|by|from|around)\\s)(?<hour>\\d{1,2}|${englishHours})(?![\\d:./a-z%-]|\\s*(?:${anyOf('am pm days weeks months years day week month year people hours minutes th st nd rd of january february march april may june july august september october november december'.split(' '))}))${partOfDay}`,
    'gu',
  ),
];

/** Hour of the day; null for one that no clock shows. */
function fullHour(hour: number, half: HalfOfDay, exact: boolean): number | null {
  if (hour > 24) return null;
  if (hour > 12) return hour % 24;
  switch (half) {
    case 'am':
      return hour % 12;
    case 'pm':
      return (hour % 12) + 12;
    case 'night':
      // 밤 12시 is midnight and 밤 1시 follows it; 밤 9시 is before.
      if (hour === 12) return 0;
      return hour <= 5 ? hour : hour + 12;
    case undefined:
      return exact ? hour : usualHour(hour);
  }
}

/** An hour said without its half is an appointment by day: 1 to 6 are the afternoon, 7 to 12 as they stand. */
const usualHour = (hour: number): number => (hour >= 1 && hour <= 6 ? hour + 12 : hour);

function readMatch(match: RegExpMatchArray, text: string): Found | null {
  const g = match.groups ?? {};
  const start = match.index ?? 0;
  const span = { start, end: start + match[0].trimEnd().length };
  const named = g['named'];
  if (named !== undefined) {
    const noon = named === '정오' || named === 'noon' || named === 'midday';
    const turn = noon
      ? 'same'
      : /오늘|금일|tonight|today|night\s+at\s+midnight/.test(text)
        ? 'next'
        : 'either';
    return { ...span, minutes: noon ? 720 : 0, hour: 12, half: 'pm', said: 'said', turn };
  }
  const hour = readNumber(g['hour'] ?? '');
  if (hour === null) return null;
  const half = halves[g['half'] ?? g['half2'] ?? g['part'] ?? ''];
  // 09:30 and 03:00 are written for 24 hours; 3:30 is spoken.
  const exact = (g['hour'] ?? '').startsWith('0');
  const guessed = half === undefined && !exact && hour >= 1 && hour <= 12;
  const around = guessed ? halfAround(text, span, hour) : null;
  const full = fullHour(hour, around?.half ?? half, exact);
  const minute = minuteOf(g);
  const fine = full !== null && minute !== null;
  const said: HalfSaid = guessed ? (around?.said ?? (hour <= 6 ? 'usual' : 'open')) : 'said';
  const isNight = half === 'night' || (around?.isNight ?? halfAround(text, span, hour).isNight);
  return {
    ...span,
    minutes: fine ? (full * 60 + minute + 1440) % 1440 : null,
    hour,
    half: around?.half ?? half,
    said,
    turn: hour === 24 || isNight ? 'next' : 'same',
  };
}

function minuteOf(g: Record<string, string | undefined>): number | null {
  if (g['thirty'] !== undefined) return 30;
  if (g['past'] !== undefined) {
    const past =
      g['past'] === 'half' ? 30 : g['past'] === 'quarter' ? 15 : spokenMinutes(g['past']);
    return g['side'] === 'to' ? -past : past;
  }
  const minute = Number(g['minute'] ?? 0);
  return minute < 60 ? minute : null;
}

const spokenMinutes = (word: string): number => (word === 'twenty' ? 20 : (readNumber(word) ?? 0));

/** The first hour of 3-5pm, 3~5시, from 3 to 5pm: a bare number before a time. */
const bareFirst =
  /(?<![\d.:/월일-])(?<half>오전|오후|새벽|아침|점심|저녁|밤|낮)?\s*(?<hour>\d{1,2})\s*(?:[~-]|to|until)\s*$/u;

function findClocks(text: string): Found[] {
  const all = patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => readMatch(match, text)),
  );
  const sorted = all
    .filter((found) => found !== null)
    .toSorted((left, right) => left.start - right.start || right.end - left.end);
  const kept: Found[] = [];
  for (const found of sorted) {
    if (found.start < (kept.at(-1)?.end ?? 0)) continue;
    kept.push(found);
  }
  const [first] = kept;
  const before = first === undefined ? null : bareFirst.exec(text.slice(0, first.start));
  if (first === undefined || before === null) return kept;
  const hour = Number(before.groups?.['hour']);
  const written = halves[before.groups?.['half'] ?? ''];
  const half = written ?? sharedHalf(hour, first);
  const full = fullHour(hour, half, false);
  const start = before.index + (/^\s*/.exec(before[0])?.[0].length ?? 0);
  const minutes = full === null ? null : full * 60;
  const end = start + before[0].trim().replace(/\s*(?:[~-]|to|until)$/, '').length;
  const said: HalfSaid = half !== undefined ? 'said' : hour <= 6 ? 'usual' : 'open';
  return [{ start, end, minutes, hour, half, said, turn: first.turn }, ...kept];
}

/** 3 to 5pm: the half of the end holds for a start that is not later on the dial. */
const sharedHalf = (hour: number, end: Found): HalfOfDay =>
  hour % 12 <= end.hour % 12 ? end.half : undefined;

const rangeGap = /^\s*(?:부터|에서|~|-|to|until|till|through)\s*$/;
const lengthAfter =
  /^\s*(?:부터|에서|에|for)?\s*(?:(?<hours>\d{1,2}|한|두|세|네|an?|one|two|three|four)\s*(?:시간|hours?)(?:\s*(?<thirty>반))?)?(?:\s*(?<minutes>\d{1,3})\s*(?:분|minutes?|mins?))?(?:\s*(?:동안|간|짜리))?/;

/** Offset of the end of a length that follows (2시간, for an hour), and its minutes. */
function readLength(text: string): { minutes: number; chars: number } | null {
  const match = lengthAfter.exec(text);
  const g = match?.groups ?? {};
  if (match === null || (g['hours'] === undefined && g['minutes'] === undefined)) return null;
  const hours = g['hours'] === undefined ? 0 : (readNumber(g['hours']) ?? 0);
  const minutes = hours * 60 + (g['thirty'] === undefined ? 0 : 30) + Number(g['minutes'] ?? 0);
  return minutes > 0 ? { minutes, chars: match[0].length } : null;
}

/** 오후 3시부터 5시: the end takes the half of the start, and comes after it, if need be after midnight. */
function endMinutes(start: Found, end: Found): number {
  const minutes = end.minutes ?? 0;
  const from = start.minutes ?? 0;
  if (end.said === 'said') return minutes;
  const morning = (end.hour % 12) * 60 + (minutes % 60);
  const afternoon = morning + 720;
  if (morning > from) return start.said !== 'said' && minutes > from ? minutes : morning;
  return afternoon > from ? afternoon : morning;
}

/** Reads text that is already normalised; spans are offsets in it. */
export function readTimesIn(text: string): TimeReading | null {
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
    half: clock.said,
  }));
  const result: TimeRead = {
    ok: true,
    start: clockTime(first.minutes ?? 0),
    half: first.said,
    endHalf: first.said,
    turn: first.turn,
    clocks: reads,
    spans,
  };
  if (second !== undefined && rangeGap.test(text.slice(first.end, second.start))) {
    const half = first.said !== 'said' ? sharedHalf(first.hour, second) : undefined;
    const start = half === undefined ? null : fullHour(first.hour, half, false);
    const from = start === null ? (first.minutes ?? 0) : start * 60 + ((first.minutes ?? 0) % 60);
    result.start = clockTime(from);
    if (half !== undefined) result.half = second.said;
    result.end = clockTime(endMinutes({ ...first, minutes: from }, second));
    result.endHalf = second.said === 'said' ? 'said' : result.half;
    result.spans = [{ start: first.start, end: second.end }, ...spans.slice(2)];
    return result;
  }
  const length = readLength(text.slice(first.end));
  if (length !== null) {
    result.end = clockTime((first.minutes ?? 0) + length.minutes);
    result.spans = [{ start: first.start, end: first.end + length.chars }, ...spans.slice(1)];
  }
  return result;
}

/**
 * Reads the times of day of a message.
 * @returns null when it names none; `ok: false` for an hour or minute that no clock shows.
 */
export const readTimes = (message: string): TimeReading | null => readTimesIn(rulesText(message));

/**
 * Times from now: 30분 뒤, 한 시간 반 후, in an hour and a half, 2h30m from now. Days and longer are dates (parse-dates).
 * A vague amount (a few minutes, 두어 시간) is not read.
 */
import { hourMs, minuteMs } from '#shared/calendar/time-units';
import { alternation, numberedWords } from '../word-lists.ts';
import { nativeHours, parseNumber, sinoPattern } from './number-words.ts';
import type { TextSpan } from './parse-dates.ts';

export interface ParsedDuration extends TextSpan {
  ms: number;
}

const koreanNumber = `\\d{1,4}(?:\\.\\d{1,2})?|${alternation(nativeHours)}|스무|서른|${sinoPattern}`;
const koreanAmount = `(?:(?:(?<h>${koreanNumber})\\s*시간(?:\\s*(?<half>반)(?![가-힣]{2}))?|(?<halfHour>반\\s?시간))\\s*)?(?:(?<m>${koreanNumber})\\s*분\\s*)?(?:(?<s>${koreanNumber})\\s*초\\s*)?`;
const koreanStart = '(?<![\\d.:가-힣]|시\\s)';

const englishNumbers: Readonly<Record<string, number>> = {
  ...numberedWords('one two three four five six seven eight nine ten eleven twelve'),
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  'forty five': 45,
  'forty-five': 45,
  fifty: 50,
  sixty: 60,
  ninety: 90,
  a: 1,
  an: 1,
  'a couple of': 2,
  'a couple': 2,
};
const englishNumber = `\\d{1,4}(?:\\.\\d{1,2})?|${alternation(Object.keys(englishNumbers))}`;
const hours = '(?:hours?|hrs?|h)';
const minutes = '(?:minutes?|mins?|min|m)';
const englishAmount = [
  `(?<halfHour>(?:a\\s+)?half\\s+(?:an\\s+)?hour|1/2\\s*(?:an\\s+)?${hours})`,
  `(?:(?<quarters>a|one|three)\\s+)?quarters?\\s+(?:of\\s+)?an?\\s+hour`,
  `(?<mixed>${englishNumber})\\s+and\\s+a\\s+half\\s+${hours}`,
  `(?<h>${englishNumber})\\s*${hours}(?:\\s*(?:and\\s+|,\\s*)?(?:(?<half>a\\s+half)|(?<quarter>a\\s+quarter)|(?<hm>${englishNumber})\\s*${minutes}?))?(?![a-z])`,
  `(?<m>${englishNumber})\\s*${minutes}(?:\\s*(?:and\\s+)?(?<ms>\\d{1,3})\\s*(?:seconds?|secs?|s))?(?![a-z])`,
  '(?<s>\\d{1,4})\\s*(?:seconds?|secs?)',
].join('|');

const fromNow: readonly RegExp[] = [
  new RegExp(
    `${koreanStart}(?:앞으로\\s*|지금(?:으로)?부터\\s*|한\\s+)?${koreanAmount}(?:정도|쯤|만)?\\s*(?:뒤|후|있다가?|이따가?|지나서|지나면|있으면)(?=에|쯤|로|는|엔|$|[^가-힣])(?:에|쯤|엔)*`,
    'gu',
  ),
  new RegExp(
    `(?<![a-z0-9])(?:in|after)\\s+(?:about\\s+|around\\s+|exactly\\s+|another\\s+)?(?:${englishAmount})(?:'?s?\\s+time)?(?![a-z0-9])`,
    'gu',
  ),
  new RegExp(`(?<![a-z0-9])(?:${englishAmount})\\s+(?:from\\s+now|later)(?![a-z0-9])`, 'gu'),
];
/** Without "in", "뒤": 스누즈 10분, snooze for 10 minutes. */
const bare: readonly RegExp[] = [
  new RegExp(`${koreanStart}${koreanAmount}(?:만|정도|쯤)?`, 'gu'),
  new RegExp(`(?<![a-z0-9])(?:${englishAmount})(?![a-z0-9])`, 'gu'),
];

function amountOf(word: string | undefined): number {
  if (word === undefined) return 0;
  const plain = word.trim().replace(/\s+/g, ' ');
  if (/^\d/.test(plain)) return Number(plain);
  if (plain === '스무') return 20;
  if (plain === '서른') return 30;
  return englishNumbers[plain] ?? parseNumber(plain) ?? 0;
}

function lengthOf(g: Record<string, string | undefined>, found: string): number {
  if (g['halfHour'] !== undefined) return 30 * minuteMs + amountOf(g['m']) * minuteMs;
  if (/quarters?\s/.test(found) && g['h'] === undefined) {
    return (g['quarters'] === 'three' ? 45 : 15) * minuteMs;
  }
  if (g['mixed'] !== undefined) return (amountOf(g['mixed']) + 0.5) * hourMs;
  const half = g['half'] === undefined ? 0 : 30;
  const quarter = g['quarter'] === undefined ? 0 : 15;
  const inMinutes = half + quarter + amountOf(g['hm']) + amountOf(g['m']);
  const seconds = amountOf(g['s']) + amountOf(g['ms']);
  return Math.round(amountOf(g['h']) * hourMs + inMinutes * minuteMs + seconds * 1000);
}

/** The durations in a normalised text, in order. `isBare`: also those without a word such as "in" or 뒤. */
export function findDurations(text: string, isBare = false): ParsedDuration[] {
  const found = [...fromNow, ...(isBare ? bare : [])].flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const ms = lengthOf(match.groups ?? {}, match[0]);
      const start = match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0);
      const end = match.index + match[0].trimEnd().length;
      return ms > 0 ? [{ start, end, ms }] : [];
    }),
  );
  const sorted = found.toSorted((a, b) => a.start - b.start || b.end - a.end);
  return sorted.filter((one, at) => !sorted.slice(0, at).some((before) => one.start < before.end));
}

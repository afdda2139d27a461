/** Korean repetitions: 매주 월수금, 격주 화요일, 평일 아침마다, 매달 말일, 이틀마다, 30분마다. */
import {
  type Recurrence,
  type RecurrencePattern,
  weekendDays,
  workingDays,
} from '../dates/recurrence.ts';
import {
  dayCountPattern,
  dayCountWords,
  nativeHours,
  parseNumber,
  sinoPattern,
  weekdaySyllables,
} from '../dates/number-words.ts';
import { alternation } from '../word-lists.ts';
import { ordinal, ordinals, removeSpaces, solarHolidays } from './korean-date-words.ts';

const start = '(?<![가-힣a-z0-9.:/])';
const number = `\\d{1,3}|${alternation(nativeHours)}|석|넉|${sinoPattern}`;
const weekday = `[${weekdaySyllables}]`;
const weekdayName = `${weekday}(?:요일|욜)`;
/** 월요일, 월요일과 목요일, 월수금, 월·수·금요일: one syllable alone is no weekday. */
const weekdayList = `(?:${weekdayName}날?(?:(?:\\s*(?:,|·|/|&|와|과|이랑|랑|하고|및))?\\s*${weekdayName}날?)*|${weekday}(?:(?:\\s*[,·/])?\\s*${weekday}){1,6}(?:요일|욜)?(?![가-힣]*[가-힣]{2}))`;
const days = `(?<days>${weekdayList}|평일|주중|주말)`;
/** Times and halves of the day that may stand between a day and 마다: 월요일 아침 9시 반마다. */
const timeBetween =
  '(?:\\s*(?:에|의)?\\s*(?:아침|저녁|오전|오후|밤|새벽|점심|낮))?(?:\\s*(?:\\d{1,2}:\\d{2}|(?:\\d{1,2}|[가-힣]{1,2})\\s*시(?:\\s*(?:\\d{1,2}\\s*분|반))?|정오|자정))?';
const once = '\\s*(?:에\\s*)?(?:한\\s*번|1\\s*번|1\\s*회|한\\s*차례)(?:씩)?';
const everyAfter = `(?:\\s?마다(?:\\s*한\\s*번(?:씩)?)?|${once}|\\s*간격(?:으로)?)`;
const tail = '(?:으로|로|의|에는|에|날)?(?:\\s?마다)?';

const pattern = (
  body: string,
  read: (g: Record<string, string | undefined>, found: string) => Recurrence | null,
): RecurrencePattern => ({ regex: new RegExp(`${start}(?:${body})`, 'gu'), read });

function weekdaysIn(text: string): number[] {
  if (/평일|주중/.test(text)) return workingDays;
  if (text.includes('주말')) return weekendDays;
  const named = text.replace(/요일|욜|하고|이랑|날/g, '');
  return Array.from(weekdaySyllables, (syllable, day) => (named.includes(syllable) ? day : -1))
    .filter((day) => day >= 0)
    .toSorted((a, b) => a - b);
}

/** 월수금, 화목: each weekday after the one before it. */
function isAscending(text: string): boolean {
  const days = Array.from(text.replace(/[\s,·/]/g, ''), (one) => weekdaySyllables.indexOf(one));
  return days.every((day, at) => at === 0 || day > (days[at - 1] ?? 7));
}

const weekly = (n: number, text: string | undefined): Recurrence =>
  text === undefined ? { unit: 'week', n } : { unit: 'week', n, weekdays: weekdaysIn(text) };

const monthDay = `(?<last>말일|마지막\\s?날|월말|말(?=에|\\s|$|마다|날))|(?<firstDay>첫\\s?날|초하루)|(?<full>보름)|(?<nth>${ordinal}|[1-5]\\s*주차)\\s*(?:주(?:의)?\\s*)?(?<weekday>${weekday})(?:요일|욜)|(?<dates>(?:\\d{1,2}\\s*일(?:\\s*(?:,|와|과|이랑|하고|및))?\\s*)+)`;

function monthly(n: number, g: Record<string, string | undefined>): Recurrence | null {
  if (g['last'] !== undefined) return { unit: 'month', n, monthDays: ['L'] };
  if (g['firstDay'] !== undefined) return { unit: 'month', n, monthDays: [1] };
  if (g['full'] !== undefined) return { unit: 'month', n, monthDays: [15] };
  if (g['nth'] !== undefined) {
    const word = removeSpaces(g['nth']);
    const count = ordinals[word] ?? Number.parseInt(word, 10);
    const at = weekdaySyllables.indexOf(g['weekday'] ?? '월');
    return { unit: 'month', n, nth: { n: count, weekday: at } };
  }
  if (g['dates'] === undefined) return { unit: 'month', n };
  const named = [...g['dates'].matchAll(/\d+/g)].map(([day]) => Number(day));
  if (named.some((day) => day < 1 || day > 31)) return null;
  return { unit: 'month', n, monthDays: [...new Set(named)].toSorted((a, b) => a - b) };
}

const countOf = (word: string | undefined): number => parseNumber(word ?? '') ?? 0;

const holidays = Object.entries(solarHolidays);

/** Tried together; the earliest and longest match counts. */
export const koreanRecurrences: readonly RecurrencePattern[] = [
  pattern(
    `(?:매주|매\\s주|주마다|(?:한\\s*주|일주일|1주일?|주)(?:마다|${once}))(?:\\s*(?:의\\s*)?(?:${days}|(?<one>${weekday})(?=\\s+(?:\\d|아침|오전|오후|저녁|밤))))?${tail}`,
    (g) => weekly(1, g['days'] ?? g['one']),
  ),
  pattern(`매\\s?(?<days>${weekdayName}|평일|주말)${tail}`, (g) => weekly(1, g['days'])),
  pattern(`${days}(?=${timeBetween}\\s*마다)(?:\\s*마다)?`, (g) => weekly(1, g['days'])),
  // 월수금 아침 6시에: a row of weekdays can only be meant as a repetition, except in 이번 주 월수금. 금일 is today.
  pattern(
    `(?<!주\\s?)(?!금일|일일|일월)(?<days>${weekday}(?:(?:\\s*[,·/]\\s*)?${weekday}){1,6})(?:요일|욜)?(?:에는|에|날)?(?=\\s+(?:아침|저녁|오전|오후|밤|새벽|점심|낮|\\d{1,2}\\s?(?:시|:)|(?:${alternation(nativeHours)})\\s?시|정오|자정))`,
    (g) => (isAscending(g['days'] ?? '') ? weekly(1, g['days']) : null),
  ),
  // 평일 7시에: several days can only be meant as a repetition, except in 이번 주 평일.
  pattern(`(?<!주\\s?|다음\\s?)(?:평일|주중)(?:에는|에|날)?(?:\\s*(?:매일|마다))?`, () =>
    weekly(1, '평일'),
  ),
  pattern(
    `(?:격주|한\\s*주\\s*(?:걸러|건너)(?:서)?(?:\\s*한\\s*번(?:씩)?)?)(?:로|의|마다)?(?:\\s*${days})?${tail}`,
    (g) => weekly(2, g['days']),
  ),
  pattern(`${days}\\s*(?:에\\s*)?격주(?:로|마다)?`, (g) => weekly(2, g['days'])),
  pattern(`(?<n>${number})\\s*주(?:일)?${everyAfter}(?:\\s*${days})?${tail}`, (g) =>
    weekly(countOf(g['n']), g['days']),
  ),
  // 아침마다 7시에: the half of the day stays in the text for the hour.
  pattern(
    `(?:매일(?:\\s?매일)?|날마다|매일같이|하루도\\s*빠짐없이|하루${once}|(?:아침|저녁|밤|새벽|점심|오전|오후)마다(?=\\s))(?:로|에)?(?:\\s*마다)?`,
    () => ({ unit: 'day', n: 1 }),
  ),
  // 아침 7시마다: the hour stays in the text. After another repetition it is the hour of that one.
  {
    regex:
      /(?<=\d\s?시(?:\s?(?:반|\d{1,2}\s?분))?|\d:\d\d|정오|자정)(?<!(?:매\s?[주달월년일시분]|격[주일]|마다|간격).*|요일.*|평일.*|주[중말].*)\s?마다(?=[\s,]|$)/gu,
    read: () => ({ unit: 'day', n: 1 }),
  },
  pattern(`격일(?:로|마다)?|하루\\s*(?:걸러|건너)(?:서)?(?:\\s*(?:한\\s*번(?:씩)?|하루))?`, () => ({
    unit: 'day',
    n: 2,
  })),
  pattern(`(?:(?<word>${dayCountPattern})|(?<n>${number})\\s*일)${everyAfter}`, (g) => {
    const n = dayCountWords[g['word'] ?? ''] ?? countOf(g['n']);
    return { unit: 'day', n };
  }),
  pattern(
    `(?:매달|매월|달마다|다달이|(?:한\\s*달|1개월|월)(?:마다|${once}))(?:\\s*(?:의\\s*)?(?:${monthDay}))?${tail}`,
    (g) => monthly(1, g),
  ),
  pattern(`(?:말일|월말)마다`, () => ({ unit: 'month', n: 1, monthDays: ['L'] })),
  pattern(
    `(?:격월(?:로)?|(?<n>${number})\\s*(?:개월|달)${everyAfter}|(?<quarter>매\\s?분기|분기(?:마다|${once})))(?:\\s*(?:의\\s*)?(?:${monthDay}))?${tail}`,
    (g) => monthly(g['quarter'] === undefined ? countOf(g['n']) || 2 : 3, g),
  ),
  pattern(
    `(?:매년|해마다|(?:일\\s?년|1\\s?년)(?:마다|${once}))\\s*(?:(?<month>\\d{1,2})\\s*월\\s*(?<day>\\d{1,2})\\s*일|(?<last>마지막\\s?날|연말|말일)|(?<holiday>${alternation(holidays.map(([name]) => name))}))?${tail}`,
    (g) => {
      const [, named] = holidays.find(([name]) => name === g['holiday']) ?? [];
      if (g['last'] !== undefined) return { unit: 'year', n: 1, month: 12, monthDays: [31] };
      const [month, day] = named ?? [Number(g['month'] ?? 0), Number(g['day'] ?? 0)];
      if (month === 0) return { unit: 'year', n: 1 };
      if (month > 12 || day < 1 || day > 31) return null;
      return { unit: 'year', n: 1, month, monthDays: [day] };
    },
  ),
  pattern(
    `매\\s?시(?:간)?(?:\\s*(?<minute>\\d{1,2})\\s*분|\\s*정각)?(?:에)?(?:\\s?마다)?(?![가-힣])`,
    (g) => ({
      unit: 'hour',
      n: 1,
      minute: Number(g['minute'] ?? 0),
    }),
  ),
  pattern(`(?<n>${number})\\s*시간${everyAfter}`, (g) => ({ unit: 'hour', n: countOf(g['n']) })),
  pattern(`(?:(?<n>${number})\\s*분${everyAfter}|매\\s?분(?![가-힣]))`, (g) => ({
    unit: 'minute',
    n: g['n'] === undefined ? 1 : countOf(g['n']),
  })),
  pattern(`반\\s?시간${everyAfter}`, () => ({ unit: 'minute', n: 30 })),
];

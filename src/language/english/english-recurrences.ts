/** English repetitions: every other Monday, on weekdays, the last day of each month, every 30 minutes. */
import {
  type Recurrence,
  type RecurrencePattern,
  weekendDays,
  workingDays,
} from '../dates/recurrence.ts';
import {
  englishCountPattern,
  englishMonths,
  englishWeekdays,
  parseNumber,
} from '../dates/number-words.ts';
import { alternation, numberedWords, wordTable } from '../word-lists.ts';
import { monthName } from './english-spoken-dates.ts';

const weekday = alternation(Object.keys(englishWeekdays));
const between = '\\s*(?:,\\s*(?:and\\s+)?|and\\s+|&\\s*|/|\\s)\\s*(?:on\\s+)?';
const weekdayList = `(?:${weekday})s?(?:${between}(?:${weekday})s?(?![a-z]))*`;
const pluralWeekday = `(?:${weekday})s`;

const counts: Readonly<Record<string, number>> = {
  ...wordTable([2, 'other|second|2nd|alternate'], [3, 'third|3rd'], [4, 'fourth|4th']),
};
const count = `\\d{1,3}(?![\\d:])|${englishCountPattern}|${alternation(Object.keys(counts))}`;
const nths = wordTable(
  [1, 'first|1st'],
  [2, 'second|2nd'],
  [3, 'third|3rd'],
  [4, 'fourth|4th'],
  [-1, 'last'],
);
const spokenDays: Readonly<Record<string, number>> = numberedWords(
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth',
);
const dayNumber = `\\d{1,2}(?:st|nd|rd|th)|${alternation(Object.keys(spokenDays))}`;
const monthDay = `(?:the\\s+)?(?:(?<end>last\\s+(?:calendar\\s+)?day|end|very\\s+last\\s+day)|(?<begin>first\\s+day|1st\\s+day|beginning|start)|(?<nth>${alternation(Object.keys(nths))})\\s+(?<nthDay>${weekday})|(?<dates>(?:${dayNumber})(?:\\s*(?:,|and|&)\\s*(?:on\\s+)?(?:the\\s+)?(?:${dayNumber}))*))`;
const every = '(?:every|each)(?:\\s+single)?';

const pattern = (
  body: string,
  read: (g: Record<string, string | undefined>, found: string) => Recurrence | null,
): RecurrencePattern => ({
  regex: new RegExp(`(?<![a-z0-9])(?:${body})(?![a-z0-9]|-[a-z])`, 'gu'),
  read,
});

const countOf = (word: string | undefined): number =>
  word === undefined ? 1 : (counts[word] ?? parseNumber(word.replace(/\s+/g, ' ')) ?? 0);

function weekdaysIn(text: string): number[] {
  const named = text.match(/[a-z]+/g) ?? [];
  const days = named.flatMap((word) => {
    const day = englishWeekdays[word] ?? englishWeekdays[word.replace(/s$/, '')];
    return day === undefined ? [] : [day];
  });
  return [...new Set(days)].toSorted((a, b) => a - b);
}

const weekly = (n: number, text: string | undefined): Recurrence =>
  text === undefined ? { unit: 'week', n } : { unit: 'week', n, weekdays: weekdaysIn(text) };

function monthly(n: number, g: Record<string, string | undefined>): Recurrence | null {
  if (g['end'] !== undefined) return { unit: 'month', n, monthDays: ['L'] };
  if (g['begin'] !== undefined) return { unit: 'month', n, monthDays: [1] };
  if (g['nth'] !== undefined) {
    const nth = { n: nths[g['nth']] ?? 1, weekday: englishWeekdays[g['nthDay'] ?? ''] ?? 0 };
    return { unit: 'month', n, nth };
  }
  if (g['dates'] === undefined) return { unit: 'month', n };
  const words = g['dates'].match(/[a-z0-9]+/g) ?? [];
  const days = words.flatMap((word) => {
    const day = spokenDays[word] ?? Number.parseInt(word, 10);
    return Number.isNaN(day) ? [] : [day];
  });
  if (days.some((day) => day < 1 || day > 31)) return null;
  return { unit: 'month', n, monthDays: [...new Set(days)].toSorted((a, b) => a - b) };
}

const unitOf = (word: string): Recurrence['unit'] =>
  word.startsWith('min') ? 'minute' : word.startsWith('h') ? 'hour' : (word as Recurrence['unit']);

const onDays = `(?:\\s+on\\s+(?<days>${weekdayList}))?`;

/** Tried together; the earliest and longest match counts. */
export const englishRecurrences: readonly RecurrencePattern[] = [
  pattern(
    `${every}\\s+day|everyday|daily|once\\s+(?:a|every|per)\\s+day|(?:every|each)\\s+(?:morning|afternoon|evening|night)|nightly`,
    () => ({ unit: 'day', n: 1 }),
  ),
  pattern(
    `(?:on\\s+)?(?:${every}\\s+)?(?:week\\s?days?|work\\s?days?|working\\s+days?|business\\s+days?)(?:\\s+only)?|monday\\s+(?:through|thru|to|-)\\s+friday`,
    (_, found) =>
      /\bweekday$|\bweek day$|\bworkday$|\bday$/.test(found) && !/every|each/.test(found)
        ? null
        : { unit: 'week', n: 1, weekdays: workingDays },
  ),
  pattern(`(?:on\\s+)?(?:${every}\\s+weekends?|weekends)`, () => ({
    unit: 'week',
    n: 1,
    weekdays: weekendDays,
  })),
  pattern(`(?:on\\s+)?${every}\\s+(?<days>${weekdayList})`, (g) => weekly(1, g['days'])),
  pattern(`(?:on\\s+)?(?<days>${pluralWeekday}(?:${between}${pluralWeekday})*)`, (g) =>
    // "sat" and "sun" have no plural that is used.
    /^(?:sats|suns|weds|tues)$/.test(g['days'] ?? '') ? null : weekly(1, g['days']),
  ),
  pattern(
    `(?:on\\s+)?${every}\\s+(?<n>other|second|2nd|alternate|third|3rd|fourth|4th)\\s+(?<days>${weekdayList})`,
    (g) => ({
      ...weekly(countOf(g['n']), g['days']),
      ...(g['n'] === 'other' || g['n'] === 'alternate' ? {} : { isDoubtful: true as const }),
    }),
  ),
  pattern(`${every}\\s+(?<n>${count})\\s+weeks?${onDays}`, (g) =>
    weekly(countOf(g['n']), g['days']),
  ),
  pattern(`(?:fortnightly|every\\s+fortnight|once\\s+a\\s+fortnight)${onDays}`, (g) =>
    weekly(2, g['days']),
  ),
  pattern(`bi-?\\s?weekly${onDays}`, (g) => ({ ...weekly(2, g['days']), isDoubtful: true })),
  pattern(`(?:weekly|${every}\\s+week|once\\s+(?:a|every|per)\\s+week)${onDays}`, (g) =>
    weekly(1, g['days']),
  ),
  pattern(`${every}\\s+(?<n>${count})\\s+days?`, (g) => ({ unit: 'day', n: countOf(g['n']) })),
  pattern(`(?:on\\s+|at\\s+)?${monthDay}\\s+(?:day\\s+)?of\\s+(?:every|each)\\s+month`, (g) =>
    monthly(1, g),
  ),
  pattern(
    `(?:monthly|(?:every|each)(?:\\s+(?<n>${count}))?\\s+months?|once\\s+(?:a|every|per)\\s+month)(?:\\s+(?:on|at)\\s+${monthDay}(?:\\s+of\\s+(?:the|each|every)\\s+month)?)?`,
    (g) => monthly(countOf(g['n']), g),
  ),
  pattern(`(?:on\\s+)?${every}\\s+${monthDay}(?:\\s+of\\s+(?:the|each|every)\\s+month)`, (g) =>
    monthly(1, g),
  ),
  pattern(`(?:on\\s+)?${every}\\s+(?<nth>first|1st|last)\\s+(?<nthDay>${weekday})`, (g) =>
    monthly(1, g),
  ),
  pattern(`every\\s+(?<dates>\\d{1,2}(?:st|nd|rd|th))`, (g) => monthly(1, g)),
  pattern(
    `(?:quarterly|every\\s+quarter)(?:\\s+on\\s+${monthDay}(?:\\s+of\\s+the\\s+month)?)?`,
    (g) => monthly(3, g),
  ),
  pattern(
    `(?:(?:every|each)\\s+year|yearly|annually|once\\s+a\\s+year)(?:\\s+on\\s+(?:the\\s+)?(?:(?<month>${monthName})\\s+(?:the\\s+)?(?<day>\\d{1,2})(?:st|nd|rd|th)?|(?<day2>\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(?<month2>${monthName})))?`,
    yearly,
  ),
  pattern(
    `(?:on\\s+)?every\\s+(?:(?<month>${monthName})\\s+(?:the\\s+)?(?<day>\\d{1,2})(?:st|nd|rd|th)?|(?<day2>\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(?<month2>${monthName}))`,
    yearly,
  ),
  pattern(`(?:hourly|(?:every|each)\\s+hour)(?:\\s+on\\s+the\\s+hour)?`, () => ({
    unit: 'hour',
    n: 1,
  })),
  pattern(`every\\s+(?:half(?:\\s+an)?\\s+hour|half-hour)`, () => ({ unit: 'minute', n: 30 })),
  pattern(`every\\s+(?:quarter\\s+(?:of\\s+an\\s+)?hour)`, () => ({ unit: 'minute', n: 15 })),
  pattern(`every\\s+(?<n>${count})\\s*(?<unit>hours?|hrs?|minutes?|mins?)`, (g) => ({
    unit: unitOf(g['unit'] ?? ''),
    n: countOf(g['n']),
  })),
  pattern(`every\\s+minute`, () => ({ unit: 'minute', n: 1 })),
];

function yearly(g: Record<string, string | undefined>): Recurrence | null {
  const month = englishMonths[g['month'] ?? g['month2'] ?? ''];
  const day = Number(g['day'] ?? g['day2'] ?? 0);
  if (month === undefined) return { unit: 'year', n: 1 };
  return day < 1 || day > 31 ? null : { unit: 'year', n: 1, month, monthDays: [day] };
}

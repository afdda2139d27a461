/** Patterns of English dates; the earliest match wins, then the longest. Weeks start on Monday, as in Korean. */
import { addMonths, civilParts, monthRange, monthsRange } from '#shared/calendar/civil-date';
import {
  type DateContext,
  type DatePattern,
  type DateUnit,
  type Groups,
  type MonthPart,
  dayOfMonth,
  dayRange,
  exactDate,
  dateError,
  lastWeekday,
  nearestWeekday,
  nextWorkingDay,
  singleDay,
  partOfMonth,
  rollingWindow,
  offsetDate,
  weekRange,
  nthOfMonth,
  windowDays,
  checkWeekday,
  yearOfMonth,
  yearlessDate,
} from '../dates/date-pattern.ts';
import {
  anyWeekday,
  before,
  englishSpokenDates,
  monthName,
  pattern,
} from './english-spoken-dates.ts';
import {
  englishCountPattern,
  englishMonths,
  englishWeekdays,
  parseNumber,
} from '../dates/number-words.ts';
import { alternation, wordTable } from '../word-lists.ts';

/** Month names that are no ordinary words; "may" and "march" need a preposition or a day beside them. */
const plainMonth = alternation(
  Object.keys(englishMonths).filter((name) => !['may', 'march', 'mar', 'dec'].includes(name)),
);
const longWeekday = alternation(
  Object.keys(englishWeekdays).filter((name) => name.endsWith('day')),
);
const beside = `(?:,?\\s*\\(?(?<beside>${anyWeekday})\\)?)?`;

const offsets = wordTable([0, 'this|current'], [1, 'next|coming|following'], [-1, 'last|previous']);
const offsetWord = alternation(Object.keys(offsets));
const parseOffset = (word: string | undefined): number => offsets[word ?? 'this'] ?? 0;

const countUnit = `(?<amount>\\d{1,3}|${englishCountPattern})\\s+(?<unit>day|week|month|year)s?`;
const parseUnit = (groups: Groups): DateUnit => (groups['unit'] ?? 'day') as DateUnit;
const parseAmount = (groups: Groups): number => parseNumber(groups['amount'] ?? '') ?? 1;
const lengthOf = (groups: Groups): number => windowDays(parseAmount(groups), parseUnit(groups));

function weekdayBeside(groups: Groups): number | null {
  const name = groups['beside'] ?? groups['before'];
  return name === undefined ? null : (englishWeekdays[name] ?? null);
}

function monthDay(groups: Groups, context: DateContext) {
  const month = englishMonths[groups['month'] ?? ''] ?? 0;
  const day = Number(groups['day']);
  const year = groups['year'];
  const resolved =
    year === undefined ? yearlessDate(month, day, context) : exactDate(Number(year), month, day);
  return checkWeekday(resolved, weekdayBeside(groups));
}

const monthParts = wordTable<MonthPart>(
  ['early', 'early|beginning|start'],
  ['mid', 'mid|middle'],
  ['late', 'late|end'],
);
const partWord =
  '(?:(?<part>early|mid|late)[\\s-]+(?:in\\s+)?|(?:the\\s+)?(?<part2>beginning|start|middle|end)\\s+of\\s+)';

function partRange(year: number, month: number, groups: Groups) {
  return dayRange(partOfMonth(year, month, monthParts[groups['part'] ?? groups['part2'] ?? '']));
}

const writtenDates: DatePattern[] = [
  {
    name: 'month day',
    floating: true,
    regex: pattern(
      before,
      `(?<month>${monthName})\\.?\\s+(?:the\\s+)?(?<day>\\d{1,2})(?:st|nd|rd|th)?(?:,?\\s+(?<year>\\d{4}))?`,
      beside,
    ),
    resolve: monthDay,
  },
  {
    name: 'day month',
    floating: true,
    regex: pattern(
      before,
      `(?<day>\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(?<month>${monthName})\\.?(?:,?\\s+(?<year>\\d{4}))?`,
      beside,
    ),
    resolve: monthDay,
  },
  {
    name: 'the 20th',
    floating: true,
    regex: pattern(before, '(?:the\\s+)?(?<day>\\d{1,2})(?:st|nd|rd|th)'),
    resolve: (g, context) => checkWeekday(dayOfMonth(Number(g['day']), context), weekdayBeside(g)),
  },
];

const nths = wordTable(
  [1, 'first|1st'],
  [2, 'second|2nd'],
  [3, 'third|3rd'],
  [4, 'fourth|4th'],
  [5, 'fifth|5th'],
  [-1, 'last'],
);

const periods: DatePattern[] = [
  {
    name: 'nth of a month',
    floating: true,
    regex: pattern(
      `(?:the\\s+)?(?<nth>${alternation(Object.keys(nths))})\\s+(?<what>day|week|${anyWeekday})\\s+(?:of|in)\\s+(?:(?<month>${monthName})(?:,?\\s+(?<year>\\d{4}))?|(?<offset>${offsetWord}|the)\\s+month)`,
    ),
    resolve: (g, context) => {
      const there = monthOf(g, context);
      const nth = nths[g['nth'] ?? ''] ?? 1;
      if (g['what'] === 'day') {
        const { from, to } = monthRange(there.year, there.month);
        return singleDay(nth > 0 ? from + nth - 1 : to);
      }
      return nthOfMonth(there, nth, englishWeekdays[g['what'] ?? '']);
    },
  },
  {
    name: 'month',
    floating: true,
    regex: pattern(
      `(?:${partWord}(?<m1>${monthName})|(?:(?<=\\b(?:in|of|during|for|from|to|until|since|and|through)\\s)|(?<offset>${offsetWord})\\s+)(?<m2>${monthName})|(?<m3>${plainMonth}))(?:,?\\s+(?<year>\\d{4}))?`,
    ),
    resolve: (g, context) => {
      const month = englishMonths[g['m1'] ?? g['m2'] ?? g['m3'] ?? ''];
      if (month === undefined) return null;
      const past = g['offset'] === 'last' || g['offset'] === 'previous';
      const year =
        g['year'] === undefined
          ? yearOfMonth(month, past ? { ...context, prefer: 'past' } : context)
          : Number(g['year']);
      if (year < 1900 || year > 2199) return dateError('no_such_day');
      return partRange(year, month, g);
    },
  },
  {
    name: 'this month',
    regex: pattern(`(?:${partWord})?(?:(?<offset>${offsetWord})|the)\\s+month`),
    resolve: (g, context) => {
      // "the month" alone is no date; "the end of the month" is one.
      if (g['offset'] === undefined && g['part2'] === undefined) return null;
      const there = civilParts(addMonths(context.today, parseOffset(g['offset'])));
      return partRange(there.year, there.month, g);
    },
  },
  {
    name: 'week',
    regex: pattern(`(?<offset>${offsetWord}|the)\\s+week(?<after>\\s+after\\s+next)?`),
    resolve: (g, context) => {
      if (g['after'] !== undefined) return dayRange(weekRange(context, 2));
      return g['offset'] === 'the' ? null : dayRange(weekRange(context, parseOffset(g['offset'])));
    },
  },
  {
    name: 'week after next',
    regex: pattern('(?:the\\s+)?week\\s+(?<which>after\\s+next|before\\s+last)'),
    resolve: (g, context) => dayRange(weekRange(context, g['which']?.startsWith('after') ? 2 : -2)),
  },
  {
    name: 'weekend',
    regex: pattern(`(?:(?<offset>${offsetWord}|the)\\s+)?weekend`),
    resolve: (g, context) => {
      const week = weekRange(context, parseOffset(g['offset']));
      const back =
        g['offset'] === undefined && context.prefer === 'past' && week.from + 5 > context.today;
      return dayRange({ from: week.from + (back ? -2 : 5), to: week.to - (back ? 7 : 0) });
    },
  },
  {
    name: 'year',
    regex: pattern(
      `(?:(?<offset>${offsetWord})\\s+year|(?:in|of|from)\\s+(?<year>(?:19|20|21)\\d\\d))`,
    ),
    resolve: (g, context) => {
      const year = Number(g['year'] ?? civilParts(context.today).year + parseOffset(g['offset']));
      return dayRange(monthsRange(year, 1, 12));
    },
  },
  {
    name: 'holiday',
    floating: true,
    regex: pattern(
      "(?<holiday>christmas(?:\\s+(?<eve>eve|day))?|new\\s+year'?s?\\s+(?<eve2>eve|day))",
    ),
    resolve: (g, context) => {
      const eve = g['eve'] === 'eve' || g['eve2'] === 'eve';
      if (g['holiday']?.startsWith('c')) return yearlessDate(12, eve ? 24 : 25, context);
      return eve ? yearlessDate(12, 31, context) : yearlessDate(1, 1, context);
    },
  },
];

function monthOf(groups: Groups, context: DateContext): { year: number; month: number } {
  const month = englishMonths[groups['month'] ?? ''];
  if (month === undefined) {
    const offset = groups['offset'] === 'the' ? 0 : parseOffset(groups['offset']);
    return civilParts(addMonths(context.today, offset));
  }
  return { year: Number(groups['year'] ?? yearOfMonth(month, context)), month };
}

const dayWords = wordTable(
  [0, 'today|this morning|this afternoon|this evening|tonight'],
  [1, 'tomorrow|tmrw|tmr|tomorow|tommorow|tommorrow'],
  [-1, 'yesterday|last night'],
);

const relativeDates: DatePattern[] = [
  {
    name: 'relative day',
    regex: pattern(
      `(?<twice>(?:the\\s+)?day\\s+(?:after\\s+tomorrow|before\\s+yesterday))|(?<day>${alternation(Object.keys(dayWords))})(?:'?s)?`,
    ),
    resolve: (g, context) => {
      if (g['twice'] !== undefined)
        return singleDay(context.today + (g['twice'].includes('after') ? 2 : -2));
      return singleDay(context.today + (dayWords[g['day'] ?? ''] ?? 0));
    },
  },
  {
    name: 'weekday',
    floating: true,
    regex: pattern(
      `(?<!every\\s)(?:(?<offset>${offsetWord})\\s+(?<w1>${anyWeekday})|(?<=\\b(?:on|by|until|till|since|from|to|through|and|between|before|after)\\s)(?<w2>${anyWeekday})|(?<w3>${longWeekday}))(?:'s)?(?<far>\\s+next\\s+week|\\s+last\\s+week)?`,
    ),
    resolve: (g, context) => {
      const weekday = englishWeekdays[g['w1'] ?? g['w2'] ?? g['w3'] ?? ''];
      if (weekday === undefined) return null;
      const far = g['far']?.trim().split(' ')[0];
      const offset = far ?? g['offset'];
      if (offset === undefined) return singleDay(nearestWeekday(weekday, context));
      if (offset === 'coming' || offset === 'following') {
        return singleDay(
          nearestWeekday(weekday, { ...context, prefer: 'future', anchor: context.today + 1 }),
        );
      }
      // "Last friday", like 지난 금요일: the most recent one; "friday last week": of last week.
      if (far === undefined && parseOffset(offset) < 0)
        return singleDay(lastWeekday(weekday, context));
      return singleDay(weekRange(context, parseOffset(offset)).from + weekday);
    },
  },
  {
    name: 'so long from now',
    regex: pattern(
      `in\\s+${countUnit}|(?<amount2>\\d{1,3}|${englishCountPattern})\\s+(?<unit2>day|week|month|year)s?\\s+(?<dir>ago|from\\s+now|later|from\\s+today)`,
    ),
    resolve: (g, context) => {
      const groups = { amount: g['amount'] ?? g['amount2'], unit: g['unit'] ?? g['unit2'] };
      const amount = parseAmount(groups);
      return offsetDate(context, g['dir'] === 'ago' ? -amount : amount, parseUnit(groups));
    },
  },
  {
    name: 'next working day',
    regex: pattern('(?:the\\s+)?next\\s+(?:week\\s?day|(?:working|business|work)\\s?day)'),
    resolve: (_, { today }) => singleDay(nextWorkingDay(today)),
  },
  {
    name: 'so long from a day',
    regex: pattern(
      `${countUnit}\\s+(?:from|after)\\s+(?:(?:this|next|coming)\\s+)?(?<base>tomorrow|${anyWeekday})`,
    ),
    resolve: (g, context) => {
      const tomorrow = context.today + 1;
      const weekday = englishWeekdays[g['base'] ?? ''];
      const from =
        weekday === undefined
          ? tomorrow
          : nearestWeekday(weekday, { ...context, prefer: 'future', anchor: tomorrow });
      return offsetDate({ ...context, today: from }, parseAmount(g), parseUnit(g));
    },
  },
  {
    name: 'window',
    regex: pattern(
      `(?:the\\s+)?(?:(?<dir>past|last|previous|next|coming)\\s+${countUnit}|(?<past>past)\\s+(?<unit2>day|week|month|year))`,
    ),
    resolve: (g, context) => {
      const days =
        g['past'] === undefined ? lengthOf(g) : windowDays(1, (g['unit2'] ?? 'day') as DateUnit);
      const ahead = g['dir'] === 'next' || g['dir'] === 'coming';
      return rollingWindow(context, days, ahead ? 1 : -1);
    },
  },
  {
    name: 'within',
    regex: pattern(`within\\s+(?:the\\s+(?:next|last)\\s+)?${countUnit}`),
    resolve: (g, context) =>
      rollingWindow(context, lengthOf(g), context.prefer === 'past' ? -1 : 1),
  },
  {
    name: 'length',
    regex: pattern(`for\\s+${countUnit}`),
    count: lengthOf,
    resolve: (g, context) => {
      const reach = lengthOf(g) - 1;
      const from = context.prefer === 'past' ? context.today - reach : context.today;
      return { ok: true, from, to: from + reach };
    },
  },
];

/** Among equal matches the first pattern wins: "for the week" belongs to the spoken dates. */
export const englishDates: readonly DatePattern[] = [
  ...englishSpokenDates,
  ...writtenDates,
  ...periods,
  ...relativeDates,
];

/** Korean dates relative to today: weeks, weekdays, 내일, 사흘 뒤, 최근 3일. One row per pattern. */
import { weekdayOf } from '#shared/calendar/civil-date';
import {
  type DateContext,
  type DatePattern,
  type DateResolution,
  type DateUnit,
  type Groups,
  dayRange,
  lastWeekday,
  nearestWeekday,
  nextWorkingDay,
  singleDay,
  rollingWindow,
  offsetDate,
  weekRange,
  windowDays,
} from '../dates/date-pattern.ts';
import {
  countUnit,
  dayOffsets,
  weekOffsets,
  weekPrefix,
  hangulPattern,
  removeSpaces,
} from './korean-date-words.ts';
import { dayCountWords, parseNumber, weekdaySyllables } from '../dates/number-words.ts';
import { alternation, wordTable } from '../word-lists.ts';

interface DateAmount {
  amount: number;
  unit: DateUnit;
}

const units = wordTable<DateUnit>(
  ['day', '일'],
  ['week', '주|주일'],
  ['month', '달|개월'],
  ['year', '년|해'],
);

function parseAmount(groups: Groups): DateAmount {
  if (groups['half'] !== undefined) return { amount: 6, unit: 'month' };
  const days = dayCountWords[groups['word'] ?? ''];
  if (days !== undefined) return { amount: days, unit: 'day' };
  return {
    amount: parseNumber(groups['amount'] ?? '') ?? 0,
    unit: units[groups['unit'] ?? ''] ?? 'day',
  };
}

const lengthOf = (groups: Groups): number => {
  const { amount, unit } = parseAmount(groups);
  return windowDays(amount, unit);
};

const windowDirection = (context: DateContext): 1 | -1 => (context.prefer === 'past' ? -1 : 1);

const weekHead = `(?<week>${weekPrefix})\\s*(?:한\\s*)?주(?:\\s*의)?`;

const weeks: readonly DatePattern[] = [
  {
    name: 'next working day',
    regex: hangulPattern('다음\\s*(?:평일|근무일|영업일)'),
    resolve: (_, { today }) => singleDay(nextWorkingDay(today)),
  },
  {
    name: 'week',
    regex: hangulPattern(weekHead, '(?:\\s*(?<part>주말|평일|초)|(?<part2>말|중))?간?'),
    resolve: (g, context) => {
      const week = weekRange(context, weekOffsets[g['week'] ?? ''] ?? 0);
      return dayRange(partOfWeek(week, g['part'] ?? g['part2']));
    },
  },
  {
    name: 'weekend',
    floating: true,
    regex: hangulPattern(
      `(?:(?<week>이번|요번|다음|담|다다음|지난|저번|지지난|오는)\\s*)?(?<part>주말|평일|주중)`,
    ),
    resolve: ({ part, week: prefix }, context) => {
      if (prefix === undefined || prefix === '오는') {
        const here = partOfWeek(weekRange(context, 0), part);
        const back = context.prefer === 'past' && here.from > context.today;
        return dayRange(back ? { from: here.from - 7, to: here.to - 7 } : here);
      }
      return dayRange(partOfWeek(weekRange(context, weekOffsets[prefix] ?? 0), part));
    },
  },
  {
    name: 'weekday',
    floating: true,
    regex: hangulPattern(
      `(?<!매주\\s?)(?:${weekHead}\\s*|(?<near>이번|요번|다음|담|다다음|지난|저번|오는|다가오는|돌아오는)\\s*)?(?<weekday>[${weekdaySyllables}])(?:요일|욜)날?`,
    ),
    resolve: resolveWeekday,
  },
  {
    name: 'several weekdays',
    regex: hangulPattern(weekHead, `\\s*(?<days>[${weekdaySyllables}]{2,5})(?:요일)?`),
    resolve: (g, context) => {
      const { from } = weekRange(context, weekOffsets[g['week'] ?? ''] ?? 0);
      const named = g['days'] ?? '';
      const days = Array.from(weekdaySyllables, (syllable, day) =>
        named.includes(syllable) ? day : -1,
      ).filter((day) => day >= 0);
      return dayRange({ from: from + Math.min(...days), to: from + Math.max(...days) });
    },
  },
  {
    name: 'range of weekdays',
    regex: hangulPattern(
      `(?:${weekHead}\\s*)?(?<first>[${weekdaySyllables}])(?:요일|욜)?\\s*[~-]\\s*(?<last>[${weekdaySyllables}])(?:요일|욜)?`,
    ),
    resolve: (g, context) => {
      const first = weekdaySyllables.indexOf(g['first'] ?? '월');
      const last = weekdaySyllables.indexOf(g['last'] ?? '일');
      const from = weekRange(context, weekOffsets[g['week'] ?? ''] ?? 0).from + first;
      const to = from + ((last - first + 7) % 7);
      const over = g['week'] === undefined && context.prefer === 'future' && to < context.today;
      return dayRange(over ? { from: from + 7, to: to + 7 } : { from, to });
    },
  },
];

function partOfWeek(week: { from: number; to: number }, part: string | undefined) {
  if (part === '말' || part === '주말') return { from: week.from + 5, to: week.to };
  if (part === '평일' || part === '주중') return { from: week.from, to: week.from + 4 };
  if (part === '초') return { from: week.from, to: week.from + 1 };
  return week;
}

function resolveWeekday(groups: Groups, context: DateContext): DateResolution {
  const weekday = weekdaySyllables.indexOf(groups['weekday'] ?? '월');
  const week = groups['week'];
  if (week !== undefined)
    return singleDay(weekRange(context, weekOffsets[week] ?? 0).from + weekday);
  const near = groups['near'];
  const distance = (weekday - weekdayOf(context.today) + 7) % 7;
  switch (near) {
    case '오는':
    case '다가오는':
    case '돌아오는':
      return singleDay(context.today + (distance || 7));
    // On a Wednesday, 지난 월요일 is two days ago; 지난주 월요일 is nine days ago.
    case '지난':
    case '저번':
      return singleDay(lastWeekday(weekday, context));
    case undefined:
      return singleDay(nearestWeekday(weekday, context));
    default:
      return singleDay(weekRange(context, weekOffsets[near] ?? 0).from + weekday);
  }
}

const relatives: readonly DatePattern[] = [
  {
    name: 'relative day',
    regex: hangulPattern(
      `(?<day>(?:내일|낼)\\s*모레|${alternation(Object.keys(dayOffsets))})(?!날)(?<!그제(?=서?야))`,
    ),
    resolve: (g, context) =>
      singleDay(context.today + (dayOffsets[removeSpaces(g['day'] ?? '')] ?? 0)),
  },
  {
    name: 'so long from now',
    regex: hangulPattern(
      '(?<!\\d)(?:앞으로\\s*|지금부터\\s*|오늘부터\\s*)?',
      countUnit,
      '\\s*(?:정도\\s*|쯤\\s*)?(?<dir>후|뒤|있다가|전)',
    ),
    resolve: (g, context) => {
      const { amount, unit } = parseAmount(g);
      return offsetDate(context, g['dir'] === '전' ? -amount : amount, unit);
    },
  },
  {
    name: 'window',
    regex: hangulPattern(
      '(?<dir>앞으로|향후|최근|지난|요)\\s*',
      countUnit,
      '(?:\\s*(?:동안|간|이내|내|치|사이|안))*',
    ),
    resolve: (g, context) => {
      const ahead = g['dir'] === '앞으로' || g['dir'] === '향후';
      return rollingWindow(context, lengthOf(g), ahead ? 1 : -1);
    },
  },
  {
    name: 'within',
    regex: hangulPattern('(?<!\\d)', countUnit, '\\s*(?:이내|안|내)(?=에|로|의|$|[^가-힣])'),
    resolve: (g, context) => rollingWindow(context, lengthOf(g), windowDirection(context)),
  },
  {
    name: 'length',
    regex: hangulPattern('(?<!\\d)(?:다음\\s*)?', countUnit, '\\s*(?:동안|간)'),
    count: lengthOf,
    resolve: (g, context) => {
      const reach = lengthOf(g) - 1;
      const from = windowDirection(context) > 0 ? context.today : context.today - reach;
      return { ok: true, from, to: from + reach };
    },
  },
];

export const koreanRelativeDates: readonly DatePattern[] = [...weeks, ...relatives];

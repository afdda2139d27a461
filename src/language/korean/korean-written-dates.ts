/** Korean dates in full: days, months, years, holidays. Of two matches the earlier wins, then the longer. */
import {
  addMonths,
  civilParts,
  type DayRange,
  monthRange,
  monthsRange,
} from '#shared/calendar/civil-date';
import {
  type DateContext,
  type DatePattern,
  type MonthPart,
  type DateResolution,
  type Groups,
  dayOfMonth,
  dayRange,
  exactDate,
  dateError,
  partOfMonth,
  nthOfMonth,
  checkWeekday,
  yearOfMonth,
  yearlessDate,
} from '../dates/date-pattern.ts';
import {
  besideWeekday,
  digitStart,
  lunarHolidays,
  monthNumber,
  monthOffsets,
  monthWord,
  notCounting,
  ordinal,
  ordinals,
  solarHolidays,
  hangulPattern,
  pattern,
  removeSpaces,
  wordEnd,
  wordStart,
  yearOffsets,
  yearWord,
} from './korean-date-words.ts';
import { parseNumber, weekdaySyllables } from '../dates/number-words.ts';
import { alternation, wordTable } from '../word-lists.ts';

const toNumber = (text: string | undefined): number => parseNumber(text ?? '') ?? Number.NaN;

function weekdayBeside(groups: Groups): number | null {
  const syllable = groups['beside'] ?? groups['beside2'];
  return syllable === undefined ? null : weekdaySyllables.indexOf(syllable);
}

/** 2026년, 26년, 내년; null if no year was written. */
function parseYear(text: string | undefined, context: DateContext): number | null {
  if (text === undefined) return null;
  const digits = /^\d+/.exec(text)?.[0];
  if (digits !== undefined) return Number(digits) + (digits.length <= 2 ? 2000 : 0);
  const offset = yearOffsets[removeSpaces(text)];
  return offset === undefined ? null : civilParts(context.today).year + offset;
}

interface YearMonth {
  year: number;
  month: number;
  /** Whether the year was written, or follows from words such as 다음 달. */
  sure: boolean;
}

function parseMonth(groups: Groups, context: DateContext): YearMonth | null {
  if (groups['monthWord'] !== undefined) {
    const offset = monthOffsets[removeSpaces(groups['monthWord'])] ?? 0;
    return { ...civilParts(addMonths(context.today, offset)), sure: true };
  }
  const month = toNumber(groups['month']);
  if (!(month >= 1 && month <= 12)) return null;
  const year = parseYear(groups['year'], context);
  if (year !== null) return { year, month, sure: true };
  if (groups['last'] !== undefined) {
    return { year: yearOfMonth(month, { ...context, prefer: 'past' }), month, sure: true };
  }
  return { year: yearOfMonth(month, context), month, sure: false };
}

const parts = wordTable<MonthPart>(['early', '초|상순'], ['mid', '중순'], ['late', '말|하순']);

const monthHead = `(?:(?:(?<year>\\d{4}\\s?년|\\d{2}년|${yearWord})\\s*|(?<last>지난)\\s*|(?:오는|다가오는|이번|다음)\\s*)?(?<month>${monthNumber})\\s*월달?|(?<monthWord>${monthWord}))`;

function parseOrdinal(text: string): number {
  const word = removeSpaces(text);
  return ordinals[word] ?? Number.parseInt(word, 10);
}

/** 20일~22일, 12월 3-5일: the month of the start also applies to the end; the start may be in the past. */
function resolveDaySpan(groups: Groups, context: DateContext): DateResolution | null {
  const [day, lastDay] = [Number(groups['day']), Number(groups['lastDay'])];
  if (lastDay <= day || lastDay > 31) return null;
  const found =
    groups['month'] === undefined && groups['monthWord'] === undefined
      ? null
      : parseMonth(groups, context);
  // The last day decides whether the span is over: on the 18th, 16~20일 has not ended.
  const last =
    found === null
      ? dayOfMonth(lastDay, context)
      : found.sure
        ? exactDate(found.year, found.month, lastDay)
        : yearlessDate(found.month, lastDay, context);
  return last.ok ? { ...last, from: last.from - (lastDay - day) } : last;
}

/** 11/20, 11.20: null for a fraction or another pair of numbers. */
function monthSlashDay(g: Groups, context: DateContext): DateResolution | null {
  const [month, day] = [Number(g['m']), Number(g['d'])];
  if (month < 1 || month > 12 || day < 1 || day > 31) return null;
  return checkWeekday(yearlessDate(month, day, context), weekdayBeside(g));
}

/** `y`, `m` and `d`; a year of two digits is of this century. */
const fullDate = (g: Groups): DateResolution => {
  const year = Number(g['y']) + (g['y']?.length === 2 ? 2000 : 0);
  return checkWeekday(exactDate(year, Number(g['m']), Number(g['d'])), weekdayBeside(g));
};

const days: readonly DatePattern[] = [
  {
    name: 'iso',
    regex: pattern(
      digitStart,
      '(?<y>\\d{4})(?:-|/|\\.\\s?)(?<m>\\d{1,2})(?:-|/|\\.\\s?)(?<d>\\d{1,2})(?!\\d)\\.?',
      besideWeekday,
    ),
    resolve: fullDate,
  },
  {
    name: 'compact',
    regex: pattern('(?<![\\d.:/-])(?<y>20\\d\\d)(?<m>[01]\\d)(?<d>[0-3]\\d)(?!\\d)'),
    resolve: fullDate,
  },
  {
    name: 'short year',
    regex: pattern(
      digitStart,
      '(?<y>[2-9]\\d)(?<sep>[./])(?<m>\\d{1,2})\\k<sep>(?<d>\\d{1,2})(?!\\d)\\.?',
      besideWeekday,
    ),
    resolve: fullDate,
  },
  {
    name: 'month and day',
    floating: true,
    regex: hangulPattern(
      '(?<![\\d.:/])',
      monthHead,
      `\\s*(?<day>${monthNumber})\\s*일(?:날)?`,
      besideWeekday,
    ),
    resolve: (g, context) => {
      const day = toNumber(g['day']);
      const found = parseMonth(g, context);
      if (found === null || !(day <= 31)) return dateError('no_such_day');
      const resolved = found.sure
        ? exactDate(found.year, found.month, day)
        : yearlessDate(found.month, day, context);
      return checkWeekday(resolved, weekdayBeside(g));
    },
  },
  {
    name: 'days across a tilde',
    floating: true,
    regex: hangulPattern(
      '(?<![\\d.:/-])',
      `(?:${monthHead}\\s*)?(?<day>\\d{1,2})(?:\\s*일)?\\s*[~-]\\s*(?<lastDay>\\d{1,2})\\s*일`,
      notCounting,
    ),
    resolve: resolveDaySpan,
  },
  {
    name: 'slashed days across a tilde',
    floating: true,
    regex: pattern(
      digitStart,
      '(?<m>\\d{1,2})/(?<d>\\d{1,2})\\s*[~-]\\s*(?<e>\\d{1,2})(?![\\d/:%.시분])',
    ),
    resolve: (g, context) => {
      const [month, day, end] = [Number(g['m']), Number(g['d']), Number(g['e'])];
      if (month < 1 || month > 12 || end <= day || end > 31) return null;
      const first = yearlessDate(month, day, context);
      return first.ok ? { ...first, to: first.to + end - day } : first;
    },
  },
  {
    name: 'slashed',
    floating: true,
    regex: pattern(digitStart, '(?<m>\\d{1,2})/(?<d>\\d{1,2})(?![\\d/:%.])', besideWeekday),
    resolve: monthSlashDay,
  },
  {
    // 3.5 may be a number: a date only beside a weekday or, across a tilde, another dotted date.
    name: 'dotted',
    floating: true,
    regex: pattern(
      digitStart,
      `(?<m>\\d{1,2})\\.(?<d>\\d{1,2})(?!\\d)(?:\\.?\\s?\\((?<beside>[${weekdaySyllables}])\\)|(?=\\s*~\\s*\\d{1,2}\\.\\d{1,2}(?!\\d))|(?<=\\d\\.\\d{1,2}\\s*~\\s*\\d{1,2}\\.\\d{1,2}))`,
    ),
    resolve: monthSlashDay,
  },
  {
    name: 'day of the month',
    floating: true,
    regex: hangulPattern(
      '(?<![\\d.,:/-])(?<day>\\d{1,2})\\s?일(?:날)?',
      besideWeekday,
      notCounting,
    ),
    resolve: (g, context) => {
      const day = Number(g['day']);
      // 32일 is a typing error, 60일 a length of time.
      if (day > 39) return null;
      return checkWeekday(dayOfMonth(day, context), weekdayBeside(g));
    },
  },
];

const months: readonly DatePattern[] = [
  {
    name: 'month',
    floating: true,
    regex: hangulPattern(
      '(?<![\\d.:/])',
      monthHead,
      `(?:\\s*(?<part>초|상순|중순|말|하순)|\\s*(?<nth>${ordinal})\\s*주(?:\\s*(?<weekday>[${weekdaySyllables}])(?:요일|욜))?|\\s*(?<nth2>${ordinal})\\s*(?<weekday2>[${weekdaySyllables}])(?:요일|욜))?`,
    ),
    resolve: (g, context) => {
      const found = parseMonth(g, context);
      if (found === null) return dateError('no_such_day');
      const nth = g['nth'] ?? g['nth2'];
      // 12월 첫째 주, 다음 달 둘째 주 금요일, 이번 달 마지막 월요일
      if (nth !== undefined) {
        const syllable = g['weekday'] ?? g['weekday2'];
        const weekday = syllable === undefined ? undefined : weekdaySyllables.indexOf(syllable);
        return nthOfMonth(found, parseOrdinal(nth), weekday);
      }
      return dayRange(partOfMonth(found.year, found.month, parts[g['part'] ?? '']));
    },
  },
  {
    name: 'end of this month or year',
    regex: hangulPattern('(?<edge>월초|월말|연초|년초|연말|년말)'),
    resolve: (g, context) => {
      const edge = g['edge'] ?? '';
      if (edge.startsWith('월')) {
        const { year, month } = civilParts(context.today);
        return dayRange(partOfMonth(year, month, edge === '월초' ? 'early' : 'late'));
      }
      const month = edge.endsWith('초') ? 1 : 12;
      return dayRange(monthRange(yearOfMonth(month, context), month));
    },
  },
  {
    name: 'year',
    regex: hangulPattern(
      `(?<![\\d.:/])(?:(?<year>\\d{4}\\s?년|${yearWord})도?(?:\\s*(?<part>초|말|상반기|하반기|[1-4]\\s?분기))?|(?:이번\\s*)?(?<part2>상반기|하반기|[1-4]\\s?분기))`,
    ),
    resolve: (g, context) => {
      const year = parseYear(g['year'], context) ?? civilParts(context.today).year;
      if (removeSpaces(g['year'] ?? '') === '올' && g['part'] === undefined) return null;
      if (year < 1900 || year > 2199) return dateError('no_such_day');
      return dayRange(partOfYear(year, removeSpaces(g['part'] ?? g['part2'] ?? '')));
    },
  },
  {
    name: 'quarter',
    regex: hangulPattern('(?<which>이번|다음|지난)\\s?분기'),
    resolve: (g, context) => {
      const { year, month } = civilParts(context.today);
      const step = { 이번: 0, 다음: 3, 지난: -3 }[g['which'] ?? ''] ?? 0;
      const first = month - ((month - 1) % 3) + step;
      return dayRange(monthsRange(year, first, first + 2));
    },
  },
  {
    name: 'holiday',
    floating: true,
    regex: hangulPattern(
      `(?<holiday>크리스마스\\s이브|${alternation(Object.keys(solarHolidays))})`,
    ),
    resolve: (g, context) => {
      const [month, day] = solarHolidays[removeSpaces(g['holiday'] ?? '')] ?? [0, 0];
      return yearlessDate(month, day, context);
    },
  },
  {
    name: 'lunar',
    regex: pattern(
      wordStart,
      `(?:음력\\s*(?:\\d{1,2}\\s*월\\s*)?(?:\\d{1,2}\\s*일|[초보][가-힣]{1,2}일?)?|(?:${lunarHolidays})${wordEnd})`,
    ),
    resolve: () => dateError('lunar'),
  },
];

function partOfYear(year: number, part: string): DayRange {
  if (part === '초') return monthRange(year, 1);
  if (part === '말') return monthRange(year, 12);
  if (part === '상반기') return monthsRange(year, 1, 6);
  if (part === '하반기') return monthsRange(year, 7, 12);
  const quarter = Number.parseInt(part, 10);
  return quarter >= 1 ? monthsRange(year, quarter * 3 - 2, quarter * 3) : monthsRange(year, 1, 12);
}

export const koreanWrittenDates: readonly DatePattern[] = [...days, ...months];

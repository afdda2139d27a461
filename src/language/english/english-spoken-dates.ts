/** English dates in words, as speech to text writes them: march seventh, the rest of the week. */
import { addMonths, civilParts, monthRange } from '#shared/calendar/civil-date';
import {
  type DateContext,
  type DatePattern,
  type DateUnit,
  type Groups,
  dayOfMonth,
  dayRange,
  exactDate,
  rollingWindow,
  weekRange,
  windowDays,
  checkWeekday,
  yearlessDate,
} from '../dates/date-pattern.ts';
import { englishMonths, englishWeekdays } from '../dates/number-words.ts';
import { alternation, words } from '../word-lists.ts';

export const pattern = (...parts: string[]): RegExp =>
  new RegExp(`(?<![a-z0-9])(?:${parts.join('')})(?![a-z0-9])`, 'gu');

const units = words('one two three four five six seven eight nine');
const unitsNth = words('first second third fourth fifth sixth seventh eighth ninth');
const teens = words(
  'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen',
);
const teensNth = words(
  'tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth',
);
const tens = words('twenty thirty forty fifty sixty seventy eighty ninety');

function numbered(ones: string[], tenToNineteen: string[], round: string[]): Map<string, number> {
  const table = new Map<string, number>();
  for (const [index, word] of ones.entries()) table.set(word, index + 1);
  for (const [index, word] of tenToNineteen.entries()) table.set(word, index + 10);
  for (const [index, word] of round.entries()) table.set(word, 20 + 10 * index);
  for (const [index, ten] of tens.entries()) {
    for (const [unit, word] of ones.entries()) table.set(`${ten} ${word}`, 21 + 10 * index + unit);
  }
  return table;
}

const cardinals = numbered(units, teens, tens);
const ordinals = numbered(unitsNth, teensNth, ['twentieth', 'thirtieth']);
const upTo31 = (table: Map<string, number>): string =>
  alternation(
    [...table].filter(([, value]) => value <= 31).map(([word]) => word.replace(' ', '[\\s-]')),
  );
const ordinalDay = upTo31(ordinals);
const cardinalDay = upTo31(cardinals);

const numberOf = (word: string | undefined): number => {
  const plain = (word ?? '').replace(/[\s-]+/g, ' ');
  return ordinals.get(plain) ?? cardinals.get(plain) ?? 0;
};

const below100 = alternation([...cardinals.keys()].map((word) => word.replace(' ', '[\\s-]')));
const from10 = alternation(
  [...cardinals].filter(([, value]) => value >= 10).map(([word]) => word.replace(' ', '[\\s-]')),
);
const spokenYear = `(?:,?\\s+(?:of\\s+)?(?:two\\s+thousand(?:\\s+and)?\\s+(?<over>${below100})|(?:twenty|20)\\s+(?<late>${from10})|(?<year>\\d{4})))?`;
export const monthName = alternation(Object.keys(englishMonths));
export const anyWeekday = alternation(Object.keys(englishWeekdays));
export const before = `(?:(?<before>${anyWeekday}),?\\s+(?:the\\s+)?)?`;

function yearOf(groups: Groups): number | null {
  const late = groups['over'] ?? groups['late'];
  if (late !== undefined) return 2000 + numberOf(late);
  return groups['year'] === undefined ? null : Number(groups['year']);
}

const weekdayIn = (groups: Groups): number | null =>
  englishWeekdays[groups['before'] ?? ''] ?? null;

function monthDay(groups: Groups, context: DateContext) {
  const month = englishMonths[groups['month'] ?? ''] ?? 0;
  const day = numberOf(groups['day']);
  const year = yearOf(groups);
  const resolved = year === null ? yearlessDate(month, day, context) : exactDate(year, month, day);
  return checkWeekday(resolved, weekdayIn(groups));
}

/** A number that follows changes the meaning: march twenty seventeen, april three pm, may two hundred. */
const noNumberBehind = `(?!\\s+(?:${below100}|thousand|hundred|am|pm|a\\.m|p\\.m|o'?clock|thirty|people|of)(?![a-z]))`;
const prepositions = '(?:on|for|by|of|until|till|from|to|and|through|before|after|between|since)';
const sentenceGoesOn =
  '(?=\\s*$|\\s*[,.?!]|\\s+(?:and|to|through|until|till|at|in|for|from|with|please|or)(?![a-z]))';

const week = (context: DateContext) => dayRange(weekRange(context, 0));
const wholeMonth = ({ today }: DateContext) => {
  const { year, month } = civilParts(today);
  return monthRange(year, month);
};

export const englishSpokenDates: readonly DatePattern[] = [
  {
    name: 'spoken month day',
    floating: true,
    regex: pattern(
      before,
      `(?<month>${monthName})\\s+(?:the\\s+)?(?:(?<day>${ordinalDay})${spokenYear})`,
    ),
    resolve: monthDay,
  },
  {
    name: 'spoken month number',
    floating: true,
    regex: pattern(
      before,
      `(?<month>${monthName})\\s+(?:(?<day>${cardinalDay})(?:(?=,?\\s+two\\s+thousand\\s+(?:and\\s+)?(?:${below100}))${spokenYear}|${noNumberBehind}))`,
    ),
    resolve: monthDay,
  },
  {
    name: 'spoken day month',
    floating: true,
    regex: pattern(
      before,
      `(?:the\\s+)?(?<day>${ordinalDay})\\s+(?:day\\s+)?of\\s+(?<month>${monthName})${spokenYear}`,
    ),
    resolve: monthDay,
  },
  {
    name: 'spoken day of this month',
    regex: pattern(`(?:the\\s+)?(?<day>${ordinalDay})\\s+of\\s+(?<which>this|next|last)\\s+month`),
    resolve: (g, context) => {
      const step = { this: 0, next: 1, last: -1 }[g['which'] ?? 'this'] ?? 0;
      const { year, month } = civilParts(addMonths(context.today, step));
      return exactDate(year, month, numberOf(g['day']));
    },
  },
  {
    name: 'the spoken day',
    floating: true,
    regex: pattern(
      `(?:(?<before>${anyWeekday}),?\\s+|(?<=\\b${prepositions}\\s))the\\s+(?<day>${ordinalDay})${sentenceGoesOn}`,
    ),
    resolve: (g, context) => checkWeekday(dayOfMonth(numberOf(g['day']), context), weekdayIn(g)),
  },
  {
    name: 'rest of a period',
    regex: pattern(
      '(?:the\\s+)?(?:rest|remainder)\\s+of\\s+(?:the|this|my)\\s+(?<unit>day|week|month)',
    ),
    resolve: (g, context) => {
      const { today } = context;
      if (g['unit'] === 'day') return dayRange({ from: today, to: today });
      const { to } = g['unit'] === 'week' ? weekRange(context, 0) : wholeMonth(context);
      return dayRange({ from: today, to });
    },
  },
  {
    name: 'the whole week',
    regex: pattern(
      '(?:(?<=\\b(?:for|of|during|in|through|throughout)\\s)the\\s+(?:(?:whole|entire|full)\\s+)?|(?:this|the)\\s+(?:whole|entire|full)\\s+|all\\s+)(?:of\\s+this\\s+)?(?<unit>week|month)(?!\\s+(?:of|after|before|from|starting|beginning|ending|prior|following|preceding|i|we|that|in|when|he|she|they|with|around|between)(?![a-z]))',
    ),
    resolve: (g, context) => (g['unit'] === 'week' ? week(context) : dayRange(wholeMonth(context))),
  },
  {
    name: 'a few days',
    regex: pattern(
      '(?:the\\s+)?(?<dir>past|last|previous|next|coming)\\s+(?<amount>few|couple(?:\\s+of)?|several)\\s+(?<unit>day|week|month)s?',
    ),
    resolve: (g, context) => {
      const amount = g['amount']?.startsWith('couple') ? 2 : 3;
      const isAhead = g['dir'] === 'next' || g['dir'] === 'coming';
      const unit = (g['unit'] ?? 'day') as DateUnit;
      return rollingWindow(context, windowDays(amount, unit), isAhead ? 1 : -1);
    },
  },
];

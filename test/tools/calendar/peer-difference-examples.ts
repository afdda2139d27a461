/** One calendar for each difference in peer-differences.ts: it shows that the difference exists. */
import { dayMs, hourMs, minuteMs } from '#shared/calendar/time-units';
import { wallTime } from '#shared/calendar/zoned-time';
import type { GeneratedCalendar, Moved, Series } from './generated-calendars.ts';
import type { Rule } from './generated-rules.ts';

/** 2027-01-15 09:00, a Friday. */
const start = wallTime(2027, 1, 15, 9);

const plain: Series = {
  uid: 'e',
  title: 'main',
  kind: 'Asia/Seoul',
  start,
  length: { by: 'DTEND', ms: hourMs },
  rule: null,
  left: [],
  added: [],
  moved: [],
  sequence: null,
};

const rule = (freq: Rule['freq'], parts: string[] = [], bound = ''): Series['rule'] => ({
  freq,
  parts,
  bound,
});

const moved: Moved = {
  instance: start,
  start: start + dayMs,
  lengthMs: hourMs,
  cancelled: false,
  inUtc: true,
  isFirst: false,
};

const newYork = { kind: 'America/New_York' };
const daily = rule('DAILY', [], ';COUNT=3');

const examples: Readonly<Record<string, Partial<Series>>> = {
  'an all-day event without an end has no length': {
    kind: 'date',
    start: wallTime(2027, 1, 15),
    length: null,
  },
  'with SEQUENCE one occurrence a day is left': {
    rule: rule('DAILY', ['BYHOUR=9,11'], ';COUNT=4'),
    sequence: 1,
  },
  'RDATE with periods is an error': {
    added: [{ wall: start + dayMs, periodMs: 30 * minuteMs }],
  },
  'weekdays with and without a number exclude each other': {
    rule: rule('MONTHLY', ['BYDAY=MO,-1FR'], ';COUNT=6'),
  },
  'BYWEEKNO without BYDAY has all days of the week': {
    rule: rule('YEARLY', ['BYWEEKNO=5'], ';COUNT=1'),
  },
  'a rule whose hours and minutes never meet is an error': {
    rule: rule('MINUTELY', ['INTERVAL=10', 'BYMINUTE=5']),
  },
  'BYSETPOS counts in the first week from DTSTART on': {
    rule: rule('WEEKLY', ['BYDAY=MO,SU', 'BYSETPOS=1'], ';UNTIL=20270131T000000Z'),
  },
  'UNTIL is compared with the offset of DTSTART, and may end DTSTART itself': {
    ...newYork,
    start: wallTime(2027, 3, 12, 9),
    rule: rule('DAILY', [], ';UNTIL=20270315T130000Z'),
  },
  'a time in RDATE and in the rule is two occurrences': {
    ...newYork,
    start: wallTime(2027, 3, 12, 9),
    rule: rule('DAILY', [], ';COUNT=5'),
    added: [{ wall: wallTime(2027, 3, 15, 9), periodMs: null }],
  },
  'RECURRENCE-ID is compared by its day, whatever its zone': {
    start: wallTime(2027, 1, 15, 8),
    rule: daily,
    moved: [{ ...moved, instance: wallTime(2027, 1, 16, 8), start: wallTime(2027, 1, 20, 8) }],
  },
  'an end that is not after its start, which is in a gap of the clocks, is an error': {
    ...newYork,
    start: wallTime(2027, 3, 14, 2, 30),
    length: { by: 'DTEND', ms: 30 * minuteMs },
    rule: daily,
  },
  'a repeated time is its second pass': {
    ...newYork,
    start: wallTime(2027, 11, 6, 1, 30),
    rule: daily,
  },
  'DURATION in days is a number of hours': {
    ...newYork,
    start: wallTime(2027, 3, 12, 9),
    length: { by: 'DURATION', ms: dayMs },
    rule: daily,
  },
  'EXDATE also takes a time that has its instant with the offset of DTSTART': {
    ...newYork,
    start: wallTime(2027, 3, 12, 9),
    rule: rule('DAILY', ['BYHOUR=9,10'], ';COUNT=8'),
    left: [wallTime(2027, 3, 15, 10)],
  },
};

/** The calendar that shows the difference. @throws Error for a name without an example */
export function exampleOf(name: string): GeneratedCalendar {
  const changes = examples[name];
  if (changes === undefined) throw new Error(`no example: ${name}`);
  const series = { ...plain, ...changes };
  const [from, to] = [series.start - dayMs, series.start + 60 * dayMs];
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  return { series: [series], from: day(from), to: day(to), zone: 'Asia/Seoul' };
}

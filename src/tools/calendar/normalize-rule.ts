/** Converts recurrence rules, as calendar programs write them, to the form of RFC 5545. */
import { startOfDay } from '#shared/calendar/zoned-time';
import { formatBasicTime, nearestDay, parseCalendarTime } from './calendar-time.ts';

/**
 * `FREQ=…` in upper case, without spaces and empty parts, UNTIL in basic form. A rule of vCalendar 1.0
 * (`D1 #5`, `W2 MO WE 20270131T000000Z`) is converted. Unknown parts are left unchanged.
 * @param isAllDay the times of the event are written with a time of day, but are days
 */
export function normalizeRule(written: string, isAllDay: boolean): string {
  const text = written
    .trim()
    .toUpperCase()
    .replace(/^R(?:RULE|ECUR)\s*:\s*/, '');
  const old = /^(?:M[DPI]?|Y[DM]|[DW])\d/.test(text) ? convertVCalendarRule(text) : text;
  const parts = old.split(/\s*;\s*/).flatMap((part) => {
    const [name = '', value = ''] = part.split(/\s*=\s*/);
    if (value === '') return part.includes('=') || part === '' ? [] : [part];
    return [
      `${name}=${name === 'UNTIL' ? normalizeUntil(value, isAllDay) : value.replaceAll(/\s/g, '')}`,
    ];
  });
  return parts.join(';');
}

function normalizeUntil(value: string, isAllDay: boolean): string {
  const time = parseCalendarTime(value);
  if (time === null) return value;
  if (isAllDay && !time.isDate) {
    return formatBasicTime(
      time.offset === null ? startOfDay(time.wall) : nearestDay(time.wall),
      true,
    );
  }
  if (time.offset === null || time.offset === 'Z') {
    return formatBasicTime(time.wall, time.isDate) + (time.offset ?? '');
  }
  const [sign, hours, minutes] = [time.offset[0], time.offset.slice(1, 3), time.offset.slice(3)];
  const shift = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return `${formatBasicTime(time.wall - shift, false)}Z`;
}

const weekday = /^(?:MO|TU|WE|TH|FR|SA|SU)$/;

/**
 * Converts a rule in the grammar of vCalendar 1.0: frequency with interval, positions in the period, then `#` with a
 * count, or the last time. `#0`, or neither of the two, means without an end, as in the programs that wrote such
 * rules. Nested rules and times of day are left unchanged and later reported as unreadable.
 */
function convertVCalendarRule(text: string): string {
  const [first = '', ...words] = text.split(/\s+/);
  const match = /^(D|W|MD|MP|YD|YM|M)(\d+)$/.exec(first);
  if (match === null) return text;
  const [, kind = '', interval = ''] = match;
  const where: string[] = [];
  let end = '';
  for (const word of words) {
    const count = /^#(\d+)$/.exec(word)?.[1];
    if (count !== undefined) end = Number(count) === 0 ? end : `;COUNT=${Number(count)}`;
    else if (/^\d{8}(?:T\d{4,6}Z?)?$/.test(word)) end = `;UNTIL=${word}`;
    else where.push(word);
  }
  const rule = toByParts(kind, where);
  return rule === null
    ? text
    : `FREQ=${rule};INTERVAL=${Number(interval) || 1}${end}`.replace(/;INTERVAL=1(?=;|$)/, '');
}

type Parser = (words: readonly string[]) => (string | null)[];

const eachWord =
  (parse: (word: string) => string | null): Parser =>
  (words) =>
    words.map(parse);
const numberOf =
  (form: RegExp) =>
  (word: string): string | null =>
    form.test(word) ? String(Number(word)) : null;
const noWords: Parser = (words) => words.map(() => null);

/** By the kind of a rule: the frequency, its BY part, and how the words of that part are read. */
const kinds: Readonly<Record<string, readonly [frequency: string, part: string, Parser]>> = {
  D: ['DAILY', '', noWords],
  M: ['MINUTELY', '', noWords],
  W: ['WEEKLY', 'BYDAY', eachWord((word) => (weekday.test(word) ? word : null))],
  MD: ['MONTHLY', 'BYMONTHDAY', eachWord(parseDayOfMonth)],
  MP: ['MONTHLY', 'BYDAY', parsePositions],
  YM: ['YEARLY', 'BYMONTH', eachWord(numberOf(/^\d{1,2}$/))],
  YD: ['YEARLY', 'BYYEARDAY', eachWord(numberOf(/^\d{1,3}$/))],
};

/** The frequency with its BY part; null if a word is not understood. */
function toByParts(kind: string, words: readonly string[]): string | null {
  const [frequency, part, parse] = kinds[kind] ?? ['', '', noWords];
  const values = parse(words);
  if (values.includes(null)) return null;
  return values.length === 0 ? frequency : `${frequency};${part}=${values.join(',')}`;
}

/** `15`, `3-` (the third from the end), `LD` (the last). */
function parseDayOfMonth(word: string): string | null {
  if (word === 'LD') return '-1';
  const match = /^(\d{1,2})([+-]?)$/.exec(word);
  return match === null ? null : `${match[2] === '-' ? '-' : ''}${Number(match[1])}`;
}

/** `1+ MO TU 1- FR`: the first Monday and Tuesday, and the last Friday. */
function parsePositions(words: readonly string[]): (string | null)[] {
  const days: (string | null)[] = [];
  let ordinals: string[] = [];
  let isDay = false;
  for (const word of words) {
    const ordinal = /^([1-5])([+-])$/.exec(word);
    if (ordinal !== null) {
      if (isDay) ordinals = [];
      ordinals.push(`${ordinal[2] === '-' ? '-' : ''}${ordinal[1]}`);
      isDay = false;
    } else if (weekday.test(word) && ordinals.length > 0) {
      days.push(...ordinals.map((at) => at + word));
      isDay = true;
    } else return [null];
  }
  // Without positions the event's start would decide; no known program writes this.
  return isDay ? days : [null];
}

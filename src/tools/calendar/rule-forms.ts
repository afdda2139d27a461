/** Recurrence rules in the forms that calendar programs write, as RFC 5545 writes them. */
import { startOfDay } from '../zoned-time.ts';
import { basicTime, nearestDay, writtenTime } from './time-forms.ts';

/**
 * `FREQ=…` in capitals, without spaces and empty parts, its UNTIL in basic form; a rule of vCalendar 1.0
 * (`D1 #5`, `W2 MO WE 20270131T000000Z`) in the form of today. What it does not know it leaves as it is.
 * @param isAllDay the times of the event were written with a clock time, and are days
 */
export function ruleText(written: string, isAllDay: boolean): string {
  const text = written
    .trim()
    .toUpperCase()
    .replace(/^R(?:RULE|ECUR)\s*:\s*/, '');
  const old = /^(?:M[DPI]?|Y[DM]|[DW])\d/.test(text) ? oldRule(text) : text;
  const parts = old.split(/\s*;\s*/).flatMap((part) => {
    const [name = '', value = ''] = part.split(/\s*=\s*/);
    if (value === '') return part.includes('=') || part === '' ? [] : [part];
    return [
      `${name}=${name === 'UNTIL' ? untilText(value, isAllDay) : value.replaceAll(/\s/g, '')}`,
    ];
  });
  return parts.join(';');
}

function untilText(value: string, isAllDay: boolean): string {
  const time = writtenTime(value);
  if (time === null) return value;
  if (isAllDay && !time.isDate) {
    return basicTime(time.offset === null ? startOfDay(time.wall) : nearestDay(time.wall), true);
  }
  if (time.offset === null || time.offset === 'Z') {
    return basicTime(time.wall, time.isDate) + (time.offset ?? '');
  }
  const [sign, hours, minutes] = [time.offset[0], time.offset.slice(1, 3), time.offset.slice(3)];
  const shift = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return `${basicTime(time.wall - shift, false)}Z`;
}

const weekday = /^(?:MO|TU|WE|TH|FR|SA|SU)$/;

/**
 * A rule in the grammar of vCalendar 1.0: frequency with interval, where in its period, `#` and a number of
 * times or the last one. `#0`, or neither of the two, is without an end, as the programs that wrote such rules
 * read them. Rules within rules and times of the day stay as they are: they are then named as unreadable.
 */
function oldRule(text: string): string {
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
  const rule = placeOf(kind, where);
  return rule === null
    ? text
    : `FREQ=${rule};INTERVAL=${Number(interval) || 1}${end}`.replace(/;INTERVAL=1(?=;|$)/, '');
}

/** The frequency with its BY parts, null where a word is not understood. */
function placeOf(kind: string, words: readonly string[]): string | null {
  const list = (name: string, values: readonly (string | null)[]): string | null => {
    if (values.includes(null)) return null;
    return values.length === 0 ? '' : `;${name}=${values.join(',')}`;
  };
  const from = (
    frequency: string,
    name: string,
    values: readonly (string | null)[],
  ): string | null => {
    const place = list(name, values);
    return place === null ? null : frequency + place;
  };
  switch (kind) {
    case 'D':
      return words.length === 0 ? 'DAILY' : null;
    case 'M':
      return words.length === 0 ? 'MINUTELY' : null;
    case 'W':
      return from(
        'WEEKLY',
        'BYDAY',
        words.map((word) => (weekday.test(word) ? word : null)),
      );
    case 'MD':
      return from('MONTHLY', 'BYMONTHDAY', words.map(dayOfMonth));
    case 'MP':
      return from('MONTHLY', 'BYDAY', positions(words));
    case 'YM':
      return from(
        'YEARLY',
        'BYMONTH',
        words.map((word) => (/^\d{1,2}$/.test(word) ? String(Number(word)) : null)),
      );
    case 'YD':
      return from(
        'YEARLY',
        'BYYEARDAY',
        words.map((word) => (/^\d{1,3}$/.test(word) ? String(Number(word)) : null)),
      );
    default:
      return null;
  }
}

/** `15`, `3-` (the third from the end), `LD` (the last). */
function dayOfMonth(word: string): string | null {
  if (word === 'LD') return '-1';
  const match = /^(\d{1,2})([+-]?)$/.exec(word);
  return match === null ? null : `${match[2] === '-' ? '-' : ''}${Number(match[1])}`;
}

/** `1+ MO TU 1- FR`: the first Monday and Tuesday, and the last Friday. */
function positions(words: readonly string[]): (string | null)[] {
  const days: (string | null)[] = [];
  let places: string[] = [];
  let isDay = false;
  for (const word of words) {
    const place = /^([1-5])([+-])$/.exec(word);
    if (place !== null) {
      if (isDay) places = [];
      places.push(`${place[2] === '-' ? '-' : ''}${place[1]}`);
      isDay = false;
    } else if (weekday.test(word) && places.length > 0) {
      days.push(...places.map((at) => at + word));
      isDay = true;
    } else return [null];
  }
  // Without a place it is that of the event's start; no program is known that writes it.
  return isDay ? days : [null];
}

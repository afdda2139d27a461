/** A repetition with its times as a cron expression, its first day and its end. */
import {
  civilNow,
  civilParts,
  daysInMonth,
  isoDate,
  type CivilDay,
  weekdayOf,
} from '#shared/calendar/civil-date';
import { dayMs } from '#shared/calendar/time-units';
import type { ParsedTimes } from '../dates/parse-times.ts';
import { joinRecurrences, type Recurrence } from '../dates/recurrence.ts';
import { narrow } from './clock-half.ts';
import {
  cueOf,
  unknown,
  wallAt,
  type CronRule,
  type UnknownWhen,
  type When,
  type WhenContext,
  type WhenParts,
} from './when-types.ts';

interface Times {
  /** Minutes since midnight, ascending. */
  minutes: number[];
  /** `9시부터 18시까지`: all hours between. */
  isRange: boolean;
  /** 밤 12시: on the day after the named one. */
  shift: 0 | 1;
}

export function recurringWhen(text: string, parts: WhenParts, context: WhenContext): When {
  const recurrence = joinRecurrences(parts.recurrences.map((one) => one.recurrence));
  if (recurrence === null || parts.durations.length > 0) return unknown('when', text);
  const times = readTimes(text, parts.times, recurrence, context);
  if ('ok' in times) return times;
  const cron = cronOf(recurrence, times);
  if (cron === null) return unknown('interval', text);
  if (typeof cron !== 'string') return unknown(cron.ask, text);
  const period = readPeriod(text, parts, context);
  const day = firstDay(recurrence, times, period.from, context);
  if (day === null) return unknown('no_such_day', text);
  if (period.to !== null && day > period.to) return unknown('past', text);
  const isInterval = recurrence.n > 1 && !isWithinDay(recurrence);
  const unit = recurrence.unit === 'year' ? null : recurrence.unit;
  const rule: CronRule = isInterval
    ? { cron, every: { n: recurrence.n, unit: unit as 'day' | 'week' | 'month' } }
    : { cron };
  const isLater =
    period.from !== null && period.from > civilNow(context.now, context.timeZone).today;
  return {
    ok: true,
    rule,
    ...(isInterval || isLater ? { start: wallAt(day, times.minutes[0] ?? 0) } : {}),
    ...(period.to === null ? {} : { end: `${isoDate(period.to)}T23:59` }),
    isDoubtful: recurrence.isDoubtful === true,
  };
}

const isWithinDay = ({ unit }: Recurrence): boolean => unit === 'minute' || unit === 'hour';

function readTimes(
  text: string,
  times: WhenParts['times'],
  recurrence: Recurrence,
  context: WhenContext,
): Times | UnknownWhen {
  const { unit, weekdays, monthDays, nth } = recurrence;
  if (times?.ok !== true) {
    if (!isWithinDay(recurrence) || recurrence.n % 24 === 0) return unknown('time', text);
    return { minutes: [recurrence.minute ?? 0], isRange: false, shift: 0 };
  }
  const cue = cueOf(text, context);
  const own = times.clocks.map(
    ({ minutes, certainty }) => narrow(minutes, certainty, cue) ?? minutes,
  );
  const isMidnight = own.includes(0) && times.dayShift !== 'same';
  const isOfDays = weekdays !== undefined || monthDays !== undefined || nth !== undefined;
  if (isOfDays && isMidnight && times.dayShift === 'either') return unknown('midnight', text);
  const isShifted = isOfDays && times.dayShift === 'next' && own.every((at) => at < 360);
  if (isShifted && unit !== 'week') return unknown('midnight', text);
  if (times.end !== undefined) return rangeOf(times, own, text, recurrence);
  const minutes = [...new Set(own)].toSorted((a, b) => a - b);
  return { minutes, isRange: false, shift: isShifted ? 1 : 0 };
}

function rangeOf(
  { start, end = '' }: ParsedTimes,
  own: readonly number[],
  text: string,
  recurrence: Recurrence,
): Times | UnknownWhen {
  if (!isWithinDay(recurrence)) return unknown('times', text);
  const toMinutes = (clock: string): number => {
    const [hour = 0, minute = 0] = clock.split(':').map(Number);
    return hour * 60 + minute;
  };
  // "from 9 to 5": the end is after the start.
  const from = own[0] ?? toMinutes(start);
  const to = toMinutes(end);
  const last = to <= from && to < 720 ? to + 720 : to;
  return last <= from ? unknown('times', text) : { minutes: [from, last], isRange: true, shift: 0 };
}

/** Null: an interval that does not divide the hour or the day. */
function cronOf(recurrence: Recurrence, times: Times): string | { ask: 'day' | 'times' } | null {
  const { unit, n, weekdays, monthDays, nth, month } = recurrence;
  const days = weekdays === undefined ? '*' : weekdayField(weekdays, times.shift);
  if (unit === 'minute') {
    if (n > 30 ? n !== 60 : 60 % n !== 0) return null;
    const minute = n === 1 ? '*' : n === 60 ? '0' : `*/${n}`;
    return `${minute} ${hourField(times, 1)} * * ${days}`;
  }
  if (unit === 'hour' && n % 24 !== 0) {
    if (24 % n !== 0 && !times.isRange) return null;
    return `${(times.minutes[0] ?? 0) % 60} ${hourField(times, n)} * * ${days}`;
  }
  const minutes = new Set(times.minutes.map((at) => at % 60));
  if (minutes.size > 1) return { ask: 'times' };
  const clock = `${[...minutes][0]} ${times.minutes.map((at) => Math.floor(at / 60)).join(',')}`;
  switch (unit) {
    case 'week':
      return weekdays === undefined ? { ask: 'day' } : `${clock} * * ${days}`;
    case 'month':
      if (nth !== undefined) {
        const last = nth.n === -1 ? 'L' : nth.n;
        return `${clock} * * ${(nth.weekday + 1) % 7}#${last}`;
      }
      return monthDays === undefined ? { ask: 'day' } : `${clock} ${monthDays.join(',')} * *`;
    case 'year':
      return month === undefined ? { ask: 'day' } : `${clock} ${monthDays?.join(',')} ${month} *`;
    default:
      return `${clock} * * *`;
  }
}

function hourField({ minutes, isRange }: Times, n: number): string {
  const [from = 0, to = 0] = minutes.map((at) => Math.floor(at / 60));
  const step = n === 1 ? '' : `/${n}`;
  if (isRange) return `${from}-${to}${step}`;
  if (minutes.length > 0 && from > 0) return `${from}-23${step}`;
  return n === 1 ? '*' : `*${step}`;
}

/** Cron counts from Sunday. */
function weekdayField(weekdays: readonly number[], shift: number): string {
  const days = weekdays.map((day) => (day + 1 + shift) % 7).toSorted((a, b) => a - b);
  const [first = 0] = days;
  const isRun = days.length > 2 && (days.at(-1) ?? 0) === first + days.length - 1;
  return isRun ? `${first}-${days.at(-1)}` : days.join(',');
}

/** 내일부터, until Friday, 2주 동안: first and last day; null: open. */
function readPeriod(
  text: string,
  { dates }: WhenParts,
  { now, timeZone }: WhenContext,
): { from: CivilDay | null; to: CivilDay | null } {
  if (dates?.ok !== true) return { from: null, to: null };
  const { today } = civilNow(now, timeZone);
  const [from, to] = [dates.from, dates.to].map((day) => Date.parse(day) / dayMs);
  const hasEnd =
    /까지|동안|간(?=\s|$)|\b(?:until|till|through|for|to)\b/u.test(text) || dates.joined;
  const hasStart = /부터|이후|\b(?:from|starting|beginning|since)\b/u.test(text);
  return {
    from: hasStart || (from ?? today) > today ? (from ?? null) : null,
    to: hasEnd ? (to ?? null) : null,
  };
}

/** The first day, from `from` or now on, that has an occurrence; null if there is none in four years. */
function firstDay(
  recurrence: Recurrence,
  times: Times,
  from: CivilDay | null,
  { now, timeZone }: WhenContext,
): CivilDay | null {
  const { today, minuteOfDay } = civilNow(now, timeZone);
  const begin = Math.max(from ?? today, today);
  const last = times.minutes.at(-1) ?? 0;
  for (let day = begin; day < begin + 1_500; day += 1) {
    const isAhead = day > today || isWithinDay(recurrence) || last > minuteOfDay;
    if (isAhead && isOn(recurrence, day - times.shift)) return day;
  }
  return null;
}

function isOn({ unit, weekdays, monthDays, nth, month }: Recurrence, day: CivilDay): boolean {
  if (weekdays !== undefined) return weekdays.includes(weekdayOf(day));
  if (unit !== 'month' && unit !== 'year') return true;
  const parts = civilParts(day);
  const length = daysInMonth(parts.year, parts.month);
  if (nth !== undefined) {
    const count = nth.n === -1 ? parts.day > length - 7 : Math.ceil(parts.day / 7) === nth.n;
    return count && weekdayOf(day) === nth.weekday;
  }
  if (month !== undefined && month !== parts.month) return false;
  return (monthDays ?? []).some((one) => parts.day === (one === 'L' ? length : one));
}

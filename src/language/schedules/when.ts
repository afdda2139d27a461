/**
 * When a reminder is due, from the words for it: 내일 아침 9시, in 20 minutes, 매달 말일 오후 5시. A time that can be read in
 * two ways is asked back and never guessed; so is a time that is missing or over.
 *
 * Invariants: the result depends on the words, `now` and `timeZone` only; times are those of the wall clock of the
 * zone; a duration is exact to the second, also over a change of the clocks.
 */
import { civilNow, type CivilDay, type LocalNow, weekdayOf } from '#shared/calendar/civil-date';
import { dayMs, minuteMs } from '#shared/calendar/time-units';
import { createZones } from '#shared/calendar/zoned-time';
import { type DateParseResult, parseNormalizedDates, type TextSpan } from '../dates/parse-dates.ts';
import { findDurations } from '../dates/parse-durations.ts';
import { parseNormalizedTimes, type ParsedTimes } from '../dates/parse-times.ts';
import { findRecurrences } from '../dates/recurrence.ts';
import { englishRecurrences } from '../english/english-recurrences.ts';
import { koreanRecurrences } from '../korean/korean-recurrences.ts';
import { type ClockReading, readClock } from './clock-half.ts';
import { recurringWhen } from './recurring-when.ts';
import {
  cueOf,
  type KnownWhen,
  namesZone,
  type OnceRule,
  unknown,
  wallAt,
  type WallText,
  type When,
  type WhenContext,
  type WhenParts,
} from './when-types.ts';

const zones = createZones();
const blank = (text: string, spans: readonly TextSpan[]): string =>
  spans.reduce(
    (so, { start, end }) => so.slice(0, start) + ' '.repeat(end - start) + so.slice(end),
    text,
  );

/** The times, dates and repetitions of a normalised text. */
export function findParts(text: string, today: CivilDay): WhenParts {
  const patterns = [...koreanRecurrences, ...englishRecurrences];
  const recurrences = findRecurrences(text, patterns);
  const single = blank(text, recurrences);
  const durations = findDurations(single);
  const rest = blank(single, durations);
  const dates = parseNormalizedDates(rest, { today, prefer: 'future' });
  // Words such as 내일 밤 stay: they tell the half of the day.
  const withDigits = (dates?.spans ?? []).filter(({ start, end }) =>
    /\d/.test(rest.slice(start, end)),
  );
  return { recurrences, durations, dates, times: parseNormalizedTimes(blank(rest, withDigits)) };
}

/** @param text normalised words for a time, and nothing else */
export function readWhen(words: string, context: WhenContext): When {
  const { today } = civilNow(context.now, context.timeZone);
  // Without minutes, "9 to 5" is five to nine.
  const text = words.replace(
    /\b(from|between) (\d{1,2}) (to|until|till|and) (\d{1,2})(?!\d|:)/gu,
    '$1 $2:00 to $4:00',
  );
  const parts = findParts(text, today);
  const { recurrences, durations, dates, times } = parts;
  if (dates?.ok === false && !(recurrences.length > 0 && dates.reason === 'unclear')) {
    return unknown(dates.reason, dates.text);
  }
  if (times?.ok === false) return unknown('badTime', times.text);
  if (times !== null && namesZone(text)) return unknown('zone', text);
  if (recurrences.length > 0) return recurringWhen(text, parts, context);
  const [first, second] = durations;
  if (first !== undefined) {
    if (second !== undefined || dates !== null || times !== null) return unknown('when', text);
    return afterDuration(first.ms, context);
  }
  if (dates === null && times === null) return unknown('when', text);
  return onceWhen(text, dates, times, context);
}

/** At least the duration: a part of a second is rounded up. */
export function afterDuration(ms: number, { now, timeZone }: LocalNow): KnownWhen {
  const instant = Math.ceil((now + ms) / 1000) * 1000;
  const wall = zones.toWallTime(instant, timeZone);
  const isSecond = zones.toInstant(wall, timeZone) < instant;
  const once = wallTextOf(wall);
  const rule = isSecond ? { once, repeated: 'second' as const } : { once };
  return { ok: true, rule, isDoubtful: false };
}

function wallTextOf(wall: number): WallText {
  const text = new Date(wall).toISOString().slice(0, 19);
  return text.endsWith(':00') ? text.slice(0, 16) : text;
}

/** 다음 금요일, next friday: where that weekday is still to come this week, people mean either. */
const nextWeekday = /다음\s*[월화수목금토일](?:요일|욜)|\bnext\s+(?:mon|tue|wed|thu|fri|sat|sun)/u;
/** A day without week, month or year: the next one is meant if its time today is over. */
const namesToday = /오늘|금일|이번|\btoday|\btonight|\bthis\b/u;

function onceWhen(
  text: string,
  dates: DateParseResult | null,
  times: ParsedTimes | null,
  context: WhenContext,
): When {
  const { today, minuteOfDay } = civilNow(context.now, context.timeZone);
  if (dates?.ok === true && (dates.ranges.length !== 1 || dates.from !== dates.to)) {
    return unknown('day', text);
  }
  const named = dates?.ok === true ? Date.parse(dates.from) / dayMs : null;
  if (named !== null && named < today) return unknown('past', text);
  if (times === null) return unknown('time', text);
  const reading = readClock(text, times, {
    day: named === null ? 'none' : named === today ? 'today' : 'other',
    minuteOfDay,
    cue: cueOf(text, context),
  });
  if (typeof reading === 'string') return unknown(reading, text);
  const day = named ?? today + (reading.isTomorrow ? 1 : 0);
  const found = instantOf(text, day, reading, context);
  if (found === null) return unknown('past', text);
  const isSoon = named !== null && weekdayOf(named) > weekdayOf(today) && nextWeekday.test(text);
  return { ok: true, rule: found, isDoubtful: reading.isDoubtful || isSoon };
}

/**
 * The time of a reading on a day; a weekday whose time today is over is that of next week. In an hour that an autumn change
 * repeats: the first of the two that lies ahead. Null: over.
 */
function instantOf(
  text: string,
  day: CivilDay,
  { minutes, shift }: ClockReading,
  { now, timeZone }: WhenContext,
): OnceRule | null {
  const { today } = civilNow(now, timeZone);
  const ahead = (on: CivilDay): OnceRule | null => {
    const wall = on * dayMs + minutes * minuteMs;
    const once = wallAt(on, minutes);
    if (zones.toInstant(wall, timeZone) > now) return { once };
    // The clocks show it once more: 1:30 said at 1:10, after they were set back.
    return wall > zones.toWallTime(now, timeZone) ? { once, repeated: 'second' } : null;
  };
  const first = day + shift;
  const next = ahead(first);
  if (next !== null) return next;
  if (day !== today || namesToday.test(text)) return null;
  const later = parseNormalizedDates(text, { today: today + 1, prefer: 'future' });
  if (later?.ok !== true) return null;
  return ahead(Date.parse(later.from) / dayMs + shift);
}

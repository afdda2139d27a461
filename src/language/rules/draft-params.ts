/**
 * The parameters of a new calendar entry, from the model's parameters and the message. Certain values in the message (a
 * day, 오후 3시, tonight at 8) override the model. A guess from the message never does, except that 1 to 6 o'clock are
 * taken as afternoon.
 */
import { clockTime, isoDate } from '#shared/calendar/civil-date';
import type { DateParseResult } from '../dates/parse-dates.ts';
import {
  type Params,
  type ResolvedParams,
  type ResolutionContext,
  clarify,
  parseDatesInContext,
  asString,
} from './resolution-context.ts';
import type { AmPmCertainty } from '../dates/infer-am-pm.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import { type ParsedTimes, type DayShift, parseTimes } from '../dates/parse-times.ts';

/** The days of a new entry; `fromMessage`: the first day was resolved here, not given by the model as an ISO date. */
interface DraftDays {
  date: string;
  endDate: string | null;
  fromMessage: boolean;
}

/** The single day, or the single range with both ends given, that the message names, if it is not in the past. */
function daysInMessage(
  reading: DateParseResult | null,
  context: ResolutionContext,
): DraftDays | null {
  if (!reading?.ok || reading.ranges.length !== 1 || reading.from < context.today) return null;
  if (reading.from === reading.to) return { date: reading.from, endDate: null, fromMessage: true };
  return reading.joined === true
    ? { date: reading.from, endDate: reading.to, fromMessage: true }
    : null;
}

function resolveDays(
  params: Params,
  context: ResolutionContext,
  { time, dayShift }: DraftTimes,
): DraftDays | string {
  const inMessage = parseDatesInContext(context.message, context, 'future');
  const messageDays = daysInMessage(inMessage, context);
  const written = asString(params['date']);
  const reading = written === '' ? null : parseDatesInContext(written, context, 'future');
  const writtenEnd = asString(params['end_date']);
  const end = writtenEnd === '' ? null : parseDatesInContext(writtenEnd, context, 'future');
  const endDate = end?.ok === true ? end.to : null;
  if (messageDays !== null) return { ...messageDays, endDate: messageDays.endDate ?? endDate };
  const messages = clarifyingQuestions(context.locale).dateError;
  for (const result of [reading, inMessage, end]) {
    // A date of the message that is unclear to the rules may be clear to the model.
    const open = result === inMessage && result?.ok === false && result.reason === 'unclear';
    if (result?.ok === false && !open) return messages[result.reason](result.text);
  }
  // A model with a stale idea of the current date gives days in the past: ignored.
  if (reading?.ok === true && reading.from >= context.today) {
    const last = reading.joined === true ? reading.to : null;
    return { date: reading.from, endDate: endDate ?? last, fromMessage: !isIsoDate(written) };
  }
  // 3시에 회의 잡아줘: today, if 3 o'clock has not passed.
  const minutes = time === null ? 0 : minutesOf(time);
  const isTonight = time !== null && dayShift === 'next' && minutes < morningMinute;
  if (reading === null && (isTonight || minutes > context.minuteOfDay)) {
    return { date: context.today, endDate, fromMessage: true };
  }
  return clarifyingQuestions(context.locale).draftDate(asString(params['title']));
}

const isIsoDate = (text: string): boolean => /^\d{4}-\d{1,2}-\d{1,2}/.test(text);

const minutesOf = (time: string): number =>
  Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

const halfDay = 720;
/** The same hour in the other half of the day. */
const flipAmPm = (time: string): string => clockTime((minutesOf(time) + halfDay) % 1440);

/** Whether two times differ only in am and pm (오전, 오후). */
const differsByHalfDay = (left: string, right: string): boolean =>
  Math.abs(minutesOf(left) - minutesOf(right)) === halfDay;

interface DraftTimes {
  time: string | null;
  end: string | null;
  /** Whether `time` may be in the other half of the day. */
  isAmbiguous: boolean;
  dayShift: DayShift;
}

/** The times in the message; the text of an invalid time; null if there are several that are no start and end. */
function parseMessageTimes(message: string): ParsedTimes | string | null {
  const reading = parseTimes(message);
  if (reading === null) return null;
  if (!reading.ok) return reading.text;
  return reading.clocks.length === 1 || reading.spans.length < reading.clocks.length
    ? reading
    : null;
}

const parseTime = (text: string): string | null => {
  const reading = parseTimes(text);
  return reading?.ok === true ? reading.start : null;
};

/**
 * Start and end: from the model, unless the message is certain. For an hour without 오전 or 오후 the model may know am or
 * pm; only 1 to 6 o'clock override it.
 */
function resolveTimes(params: Params, context: ResolutionContext): DraftTimes | string {
  const messageTimes = parseMessageTimes(context.message);
  if (typeof messageTimes === 'string') return messageTimes;
  const [start, end] = [
    parseTime(asString(params['time'])),
    parseTime(asString(params['end_time'])),
  ];
  if (messageTimes === null)
    return { time: start, end, isAmbiguous: false, dayShift: parseDayShift(params) };
  const time = reconcileTime(start, messageTimes.start, messageTimes.startCertainty);
  // If the start moves by half a day, the end moves too.
  const isMoved = start !== null && time !== null && differsByHalfDay(start, time);
  const messageEnd =
    messageTimes.end !== undefined && time !== null && differsByHalfDay(messageTimes.start, time)
      ? flipAmPm(messageTimes.end)
      : messageTimes.end;
  const modelEnd = end !== null && isMoved && messageTimes.end === undefined ? flipAmPm(end) : end;
  return {
    time,
    end:
      messageEnd === undefined
        ? modelEnd
        : reconcileTime(end, messageEnd, messageTimes.endCertainty),
    isAmbiguous: messageTimes.startCertainty !== 'explicit',
    dayShift: messageTimes.dayShift,
  };
}

/** Day shift of the model's `time` parameter, which may be 24:00. */
const parseDayShift = (params: Params): DayShift => {
  const reading = parseTimes(asString(params['time']));
  return reading?.ok === true ? reading.dayShift : 'same';
};

function reconcileTime(model: string | null, own: string, certainty: AmPmCertainty): string | null {
  if (model === null || certainty === 'explicit') return own;
  return certainty === 'likely' && differsByHalfDay(model, own) ? own : model;
}

const morningMinute = 6 * 60;

/** 오늘 밤 1시, 24시: written with one day, but meant for the next. */
function applyDayShift(
  days: DraftDays,
  times: DraftTimes,
  params: Params,
  context: ResolutionContext,
): DraftDays {
  const minutes = times.time === null ? morningMinute : minutesOf(times.time);
  if (times.dayShift === 'same' || minutes >= morningMinute) return days;
  if (days.date === context.today && context.minuteOfDay < Math.min(minutes, morningMinute))
    return days;
  const next = dayAfter(days.date, context);
  const modelDate = asString(params['date']);
  if (days.fromMessage)
    return times.dayShift === 'next' || modelDate === next ? { ...days, date: next } : days;
  return days;
}

const dayAfter = (date: string, context: ResolutionContext): string => {
  const reading = parseDatesInContext(date, context, 'future');
  return reading?.ok === true ? isoDate(Date.parse(reading.from) / 86_400_000 + 1) : date;
};

/** 8시 said at noon: if neither am nor pm was given, the time that is still to come. */
function preferUpcoming(
  days: DraftDays,
  times: DraftTimes,
  context: ResolutionContext,
): DraftTimes {
  const { time, end, isAmbiguous } = times;
  if (!isAmbiguous || time === null || days.date !== context.today) return times;
  const isOver = minutesOf(time) <= context.minuteOfDay;
  if (!isOver || minutesOf(time) + halfDay <= context.minuteOfDay || minutesOf(time) >= halfDay) {
    return times;
  }
  return { ...times, time: flipAmPm(time), end: end === null ? null : flipAmPm(end) };
}

/** The parameters of a draft, or a question: missing title or day, or an invalid day or time. */
export function resolveDraft(params: Params, context: ResolutionContext): ResolvedParams {
  const title = asString(params['title']);
  if (title === '') return clarify(clarifyingQuestions(context.locale).draftTitle);
  const times = resolveTimes(params, context);
  if (typeof times === 'string')
    return clarify(clarifyingQuestions(context.locale).timeError(times));
  const initialDays = resolveDays(params, context, times);
  if (typeof initialDays === 'string') return clarify(initialDays);
  const days = applyDayShift(initialDays, times, params, context);
  const { time, end } = preferUpcoming(days, times, context);
  // A range of days with an hour often means a repetition; it is a range only if the model gives `end_date`.
  const endDate = time === null || asString(params['end_date']) !== '' ? days.endDate : null;
  const [location, description] = [asString(params['location']), asString(params['description'])];
  return {
    ok: true,
    params: {
      title,
      date: days.date,
      ...(endDate === null || endDate <= days.date ? {} : { end_date: endDate }),
      ...(time === null ? {} : { time }),
      ...(time === null || end === null || end === time ? {} : { end_time: end }),
      ...(location === '' ? {} : { location }),
      ...(description === '' ? {} : { description }),
    },
  };
}

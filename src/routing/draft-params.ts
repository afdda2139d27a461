/**
 * The parameters of a new calendar entry, from the model's and the message. What the message says beyond doubt
 * (a day, 오후 3시, tonight at 8) is believed more than the model; a guess never stands against it, but that
 * 1 to 6 o'clock are by day.
 */
import { clockTime, isoDate } from './civil-date.ts';
import type { DateReading } from './date-reader.ts';
import { type Params, type Resolved, type Scene, ask, read, textOf } from './decision-scene.ts';
import type { HalfSaid } from './half-of-day.ts';
import { questionsIn } from './questions.ts';
import { type TimeRead, type Turn, readTimes } from './time-reader.ts';

/** The days of a new entry; `own` where the message itself names the first one. */
interface Days {
  date: string;
  endDate: string | null;
  own: boolean;
}

/** The one day, or the one range with both ends said, that the message names, if it lies ahead. */
function daysInMessage(reading: DateReading | null, scene: Scene): Days | null {
  if (!reading?.ok || reading.ranges.length !== 1 || reading.from < scene.today) return null;
  if (reading.from === reading.to) return { date: reading.from, endDate: null, own: true };
  return reading.joined === true ? { date: reading.from, endDate: reading.to, own: true } : null;
}

function resolveDays(params: Params, scene: Scene, { time, turn }: Times): Days | string {
  const inMessage = read(scene.message, scene, 'future');
  const own = daysInMessage(inMessage, scene);
  const written = textOf(params['date']);
  const reading = written === '' ? null : read(written, scene, 'future');
  const writtenEnd = textOf(params['end_date']);
  const end = writtenEnd === '' ? null : read(writtenEnd, scene, 'future');
  const endDate = end?.ok === true ? end.to : null;
  if (own !== null) return { ...own, endDate: own.endDate ?? endDate };
  const faults = questionsIn(scene.locale).dateFault;
  for (const fault of [reading, inMessage, end]) {
    // What the rules cannot say of the message the model may know.
    const open = fault === inMessage && fault?.ok === false && fault.reason === 'unclear';
    if (fault?.ok === false && !open) return faults[fault.reason](fault.text);
  }
  // A day in the past is what a model's stale sense of the date looks like.
  if (reading?.ok === true && reading.from >= scene.today) {
    const last = reading.joined === true ? reading.to : null;
    return { date: reading.from, endDate: endDate ?? last, own: !isIsoDate(written) };
  }
  // 3시에 회의 잡아줘: today, while 3 o'clock is still to come.
  const minutes = time === null ? 0 : minutesOf(time);
  const isTonight = time !== null && turn === 'next' && minutes < morningMinute;
  if (reading === null && (isTonight || minutes > scene.minuteOfDay)) {
    return { date: scene.today, endDate, own: true };
  }
  return questionsIn(scene.locale).draftDate(textOf(params['title']));
}

const isIsoDate = (text: string): boolean => /^\d{4}-\d{1,2}-\d{1,2}/.test(text);

const minutesOf = (time: string): number =>
  Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

const halfDay = 720;
/** The same hour of the other half of the day. */
const otherHalf = (time: string): string => clockTime((minutesOf(time) + halfDay) % 1440);

/** Whether two times differ only in 오전 and 오후. */
const halfDayApart = (left: string, right: string): boolean =>
  Math.abs(minutesOf(left) - minutesOf(right)) === halfDay;

interface Times {
  time: string | null;
  end: string | null;
  /** Whether the half of the day of `time` may be the other one. */
  open: boolean;
  turn: Turn;
}

/** The times that the message names; null where it names several that are no start and end. */
function timesInMessage(message: string): TimeRead | string | null {
  const reading = readTimes(message);
  if (reading === null) return null;
  if (!reading.ok) return reading.text;
  return reading.clocks.length === 1 || reading.spans.length < reading.clocks.length
    ? reading
    : null;
}

const timeOf = (text: string): string | null => {
  const reading = readTimes(text);
  return reading?.ok === true ? reading.start : null;
};

/**
 * Start and end: the model's, unless the message says it otherwise. Of an hour without 오전 and 오후 the
 * model may know the half; only 1 to 6 o'clock are held against it.
 */
function resolveTimes(params: Params, scene: Scene): Times | string {
  const own = timesInMessage(scene.message);
  if (typeof own === 'string') return own;
  const [start, end] = [timeOf(textOf(params['time'])), timeOf(textOf(params['end_time']))];
  if (own === null) return { time: start, end, open: false, turn: turnOf(params) };
  const time = pick(start, own.start, own.half);
  // What is moved by half a day takes its end along.
  const isMoved = start !== null && time !== null && halfDayApart(start, time);
  const ownEnd =
    own.end !== undefined && time !== null && halfDayApart(own.start, time)
      ? otherHalf(own.end)
      : own.end;
  const theirs = end !== null && isMoved && own.end === undefined ? otherHalf(end) : end;
  return {
    time,
    end: ownEnd === undefined ? theirs : pick(end, ownEnd, own.endHalf),
    open: own.half !== 'said',
    turn: own.turn,
  };
}

/** 24:00 in the model's own words. */
const turnOf = (params: Params): Turn => {
  const reading = readTimes(textOf(params['time']));
  return reading?.ok === true ? reading.turn : 'same';
};

function pick(model: string | null, own: string, half: HalfSaid): string | null {
  if (model === null || half === 'said') return own;
  return half === 'usual' && halfDayApart(model, own) ? own : model;
}

const morningMinute = 6 * 60;

/** 오늘 밤 1시, 24시: written under one day, and of the next. */
function turned(days: Days, times: Times, params: Params, scene: Scene): Days {
  const minutes = times.time === null ? morningMinute : minutesOf(times.time);
  if (times.turn === 'same' || minutes >= morningMinute) return days;
  if (days.date === scene.today && scene.minuteOfDay < Math.min(minutes, morningMinute))
    return days;
  const next = dayAfter(days.date, scene);
  const theirs = textOf(params['date']);
  if (days.own) return times.turn === 'next' || theirs === next ? { ...days, date: next } : days;
  return days;
}

const dayAfter = (date: string, scene: Scene): string => {
  const reading = read(date, scene, 'future');
  return reading?.ok === true ? isoDate(Date.parse(reading.from) / 86_400_000 + 1) : date;
};

/** 8시 said at noon is the one that lies ahead, where the half of the day was not said. */
function ahead(days: Days, times: Times, scene: Scene): Times {
  const { time, end, open } = times;
  if (!open || time === null || days.date !== scene.today) return times;
  const isOver = minutesOf(time) <= scene.minuteOfDay;
  if (!isOver || minutesOf(time) + halfDay <= scene.minuteOfDay || minutesOf(time) >= halfDay) {
    return times;
  }
  return { ...times, time: otherHalf(time), end: end === null ? null : otherHalf(end) };
}

/** A draft, or what must be asked back: a title, a day, or a day or time that cannot be. */
export function resolveDraft(params: Params, scene: Scene): Resolved {
  const title = textOf(params['title']);
  if (title === '') return ask(questionsIn(scene.locale).draftTitle);
  const said = resolveTimes(params, scene);
  if (typeof said === 'string') return ask(questionsIn(scene.locale).timeFault(said));
  const named = resolveDays(params, scene, said);
  if (typeof named === 'string') return ask(named);
  const days = turned(named, said, params, scene);
  const { time, end } = ahead(days, said, scene);
  // A range of days with an hour is as often a repetition; only the model can tell, by naming both ends.
  const endDate = time === null || textOf(params['end_date']) !== '' ? days.endDate : null;
  const [location, description] = [textOf(params['location']), textOf(params['description'])];
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

/**
 * From the model's classification to a decision. Models are poor at calendars: date words they left in are
 * resolved here, and where the message itself names one day or hour, that is believed more than the
 * model's arithmetic.
 */
import type { Decision, ToolCall } from '../../machines/decision.ts';
import { type Locale, localeOf } from '../../machines/texts.ts';
import { civilNow, isoDate } from './civil-date.ts';
import type { Classification } from './classification.ts';
import type { Preference } from './date-pattern.ts';
import { type DateReading, readDates } from './date-reader.ts';
import { questionsIn } from './questions.ts';
import { type TimeReading, readTimes } from './time-reader.ts';
import { folderOf } from './tool-calls.ts';

export interface DecisionContext {
  /** The user's message that was classified. */
  message: string;
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
}

interface Scene extends DecisionContext {
  today: string;
  /** `HH:MM` now. */
  minuteOfDay: number;
  locale: Locale;
}

type Params = Record<string, unknown>;
type Resolved = { ok: true; params: Params } | { ok: false; question: string };

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const read = (text: string, scene: Scene, prefer: Preference): DateReading | null =>
  readDates(text, { now: scene.now, timeZone: scene.timeZone, prefer });

const ask = (question: string): Resolved => ({ ok: false, question });

const askAbout = (scene: Scene, fault: Extract<DateReading, { ok: false }>): Resolved =>
  ask(questionsIn(scene.locale).dateFault[fault.reason](fault.text));

/** `date_from` and `date_to` as ISO dates; what the model left out is read from the message. */
function resolvePeriod(params: Params, scene: Scene, prefer: Preference): Resolved | null {
  const written = [textOf(params['date_from']), textOf(params['date_to'])];
  const readings = written.map((text) => (text === '' ? null : read(text, scene, prefer)));
  const wrong = readings.find((reading) => reading?.ok === false);
  if (wrong?.ok === false) return askAbout(scene, wrong);
  const [from, to] = readings.map((reading) => (reading?.ok ? reading : null));
  const whole = from ?? to ?? read(scene.message, scene, prefer);
  if (whole === null) return null;
  if (!whole.ok) return askAbout(scene, whole);
  const ends = [from?.from ?? whole.from, to?.to ?? whole.to].toSorted();
  return { ok: true, params: { date_from: ends[0], date_to: ends[1] } };
}

function resolveSearch(params: Params, scene: Scene): Resolved {
  return resolvePeriod(params, scene, 'future') ?? ask(questionsIn(scene.locale).searchDates);
}

/** The one day that the message names, if it lies ahead. */
function dayInMessage(scene: Scene): string | null {
  const reading = read(scene.message, scene, 'future');
  if (!reading?.ok || reading.ranges.length !== 1 || reading.from !== reading.to) return null;
  return reading.from >= scene.today ? reading.from : null;
}

function resolveDay(params: Params, scene: Scene, time: string | null): Resolved {
  const own = dayInMessage(scene);
  const written = textOf(params['date']);
  const reading = written === '' ? null : read(written, scene, 'future');
  if (own !== null) return { ok: true, params: { date: own } };
  if (reading?.ok === false) return askAbout(scene, reading);
  const inMessage = read(scene.message, scene, 'future');
  if (inMessage?.ok === false) return askAbout(scene, inMessage);
  // A day in the past is what a model's stale sense of the date looks like.
  if (reading !== null && reading.from >= scene.today)
    return { ok: true, params: { date: reading.from } };
  // 3시에 회의 잡아줘: today, while 3 o'clock is still to come.
  const ahead = time !== null && minutesOf(time) > scene.minuteOfDay;
  if (reading === null && ahead) return { ok: true, params: { date: scene.today } };
  return ask(questionsIn(scene.locale).draftDate(textOf(params['title'])));
}

const minutesOf = (time: string): number =>
  Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Whether two times differ only in 오전 and 오후. */
const halfDayApart = (left: string, right: string): boolean =>
  Math.abs(minutesOf(left) - minutesOf(right)) === 720;

/** Start and end: the model's, unless the message says the same hour of the other half of the day. */
function resolveTimes(
  params: Params,
  scene: Scene,
): { time: string | null; end: string | null } | string {
  const inMessage = readTimes(scene.message);
  if (inMessage?.ok === false) return inMessage.text;
  const own = inMessage?.ok && inMessage.clocks.length <= 2 ? inMessage : null;
  const time = pickTime(readTimes(textOf(params['time'])), own?.start, own?.assumed === false);
  const end = pickTime(readTimes(textOf(params['end_time'])), own?.end, own?.assumed === false);
  return { time, end };
}

function pickTime(
  model: TimeReading | null,
  own: string | undefined,
  sure: boolean,
): string | null {
  const written = model?.ok ? model.start : null;
  if (own === undefined) return written;
  if (written === null || sure || halfDayApart(written, own)) return own;
  return written;
}

function resolveDraft(params: Params, scene: Scene): Resolved {
  const title = textOf(params['title']);
  if (title === '') return ask(questionsIn(scene.locale).draftTitle);
  const times = resolveTimes(params, scene);
  if (typeof times === 'string') return ask(questionsIn(scene.locale).timeFault(times));
  const day = resolveDay(params, scene, times.time);
  if (!day.ok) return day;
  const { time, end } = times;
  const description = textOf(params['description']);
  return {
    ok: true,
    params: {
      title,
      ...day.params,
      ...(time === null ? {} : { time }),
      ...(time === null || end === null || end === time ? {} : { end_time: end }),
      ...(description === '' ? {} : { description }),
    },
  };
}

/** A week of mail, when nothing narrows the search. */
const mailDays = 7;

function resolveMail(params: Params, scene: Scene): Resolved {
  const { date_from: from, date_to: to, folder, ...rest } = params;
  const written = textOf(from) !== '' || textOf(to) !== '';
  const period = written ? resolvePeriod(params, scene, 'past') : null;
  if (period?.ok === false) return period;
  const named = textOf(folder);
  const known = folderOf([named.toLowerCase(), ...named.toLowerCase().split(/[\s/]+/)]);
  const resolved: Params = { ...rest, ...period?.params };
  if (Object.keys(resolved).length === 0) resolved['days'] = mailDays;
  if (named !== '') resolved['folder'] = known ?? named;
  return { ok: true, params: resolved };
}

function resolveCall(call: ToolCall, scene: Scene): Resolved {
  const { params } = call;
  switch (`${call.tool}.${call.operation}`) {
    case 'calendar.search':
      return resolveSearch(params, scene);
    case 'calendar.create_draft':
      return resolveDraft(params, scene);
    case 'email.search':
      return resolveMail(params, scene);
    case 'document.search':
      return textOf(params['query']) === ''
        ? ask(questionsIn(scene.locale).documentQuery)
        : { ok: true, params };
    default:
      return { ok: true, params };
  }
}

function decideTools(calls: readonly ToolCall[], scene: Scene): Decision {
  const resolved: ToolCall[] = [];
  for (const call of calls) {
    const result = resolveCall(call, scene);
    if (!result.ok) {
      return { by: 'classifier', action: 'clarify', response: result.question, reason: 'params' };
    }
    resolved.push({ ...call, params: result.params });
  }
  return { by: 'classifier', action: 'tools', calls: resolved };
}

/**
 * The decision that follows from a classification. Null (unreadable) becomes `direct` without a response, with
 * the code of the failure as its reason: the classifier model then writes an answer.
 */
export function toDecision(
  classification: Classification | null,
  context: DecisionContext,
): Decision {
  if (classification === null) {
    return { by: 'classifier', action: 'direct', reason: 'GH_BACKEND_UNREADABLE' };
  }
  const { action, response, calls } = classification;
  if (action === 'tools' && calls !== undefined) {
    const { today, minuteOfDay } = civilNow(context.now, context.timeZone);
    const locale = localeOf(context.message);
    return decideTools(calls, { ...context, today: isoDate(today), minuteOfDay, locale });
  }
  return { by: 'classifier', action, ...(response === undefined ? {} : { response }) };
}

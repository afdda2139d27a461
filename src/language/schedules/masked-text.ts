/** A message with one placeholder for each time, date and repetition, so that frames of requests can be matched. */
import { civilNow, clockTime } from '#shared/calendar/civil-date';
import type { TextSpan } from '../dates/parse-dates.ts';
import type { ReminderSelector, ScheduleClause } from './schedule-request.ts';
import { findParts } from './when.ts';

/** One character for each kind of words. */
export const marks = {
  every: '\ue010',
  duration: '\ue011',
  date: '\ue012',
  time: '\ue013',
  /** 아침, in the evening: without an hour. */
  half: '\ue014',
} as const;
export type MarkKind = keyof typeof marks;

export const anyMark = `[${Object.values(marks).join('')}]`;
const kinds = new Map(
  Object.entries(marks).map(([kind, mark]) => [mark as string, kind as MarkKind]),
);

export interface MaskedText {
  masked: string;
  /** The text of a span of `masked`, with capitals. */
  original(start: number, end: number): string;
  /** The same in lower case. */
  lower(start: number, end: number): string;
}

const halfWords =
  /(?<![가-힣a-z])(?:아침|점심|저녁|새벽|오전|오후|한낮|대낮|낮|밤)(?=에|때|마다|\s|$|,)|(?<![a-z])(?:in the (?:morning|afternoon|evening)|at night|mornings?|afternoons?|evenings?)(?![a-z])/gu;

const known = new WeakMap<ScheduleClause, MaskedText>();

/** Each clause is masked once: this is most of the work of reading it. */
export function maskText(clause: ScheduleClause): MaskedText {
  const mask = known.get(clause) ?? maskClause(clause);
  known.set(clause, mask);
  return mask;
}

function maskClause({ text, cased, context }: ScheduleClause): MaskedText {
  const { today } = civilNow(context.now, context.timeZone);
  const parts = findParts(text, today);
  const spans: (TextSpan & { kind: MarkKind })[] = [];
  const add = (found: readonly TextSpan[], kind: MarkKind): void => {
    for (const { start, end } of found) {
      if (spans.some((one) => start < one.end && one.start < end)) continue;
      spans.push({ start, end, kind });
    }
  };
  add(parts.recurrences, 'every');
  add(parts.durations, 'duration');
  add(parts.dates?.spans ?? [], 'date');
  add(parts.times?.spans ?? [], 'time');
  add(
    [...text.matchAll(halfWords)].map(({ 0: word, index }) => ({
      start: index,
      end: index + word.length,
    })),
    'half',
  );
  const starts: number[] = [];
  let masked = '';
  let at = 0;
  const copyTo = (end: number): void => {
    for (; at < end; at += 1) {
      starts.push(at);
      masked += text[at];
    }
  };
  for (const { start, end, kind } of spans.toSorted((a, b) => a.start - b.start)) {
    copyTo(start);
    starts.push(start);
    masked += marks[kind];
    at = end;
  }
  copyTo(text.length);
  starts.push(text.length);
  const offset = (index: number): number => starts[index] ?? text.length;
  const shown = cased.length === text.length ? cased : text;
  return {
    masked,
    original: (start, end) => shown.slice(offset(start), offset(end)).trim(),
    lower: (start, end) => text.slice(offset(start), offset(end)).trim(),
  };
}

/** The kinds of the marks in a piece of a masked text. */
export const marksIn = (masked: string): MarkKind[] =>
  Array.from(masked).flatMap((char) => kinds.get(char) ?? []);

/** Whether two pieces complete one another: a day here, an hour there. */
export function areComplementary(first: string, second: string): boolean {
  const [left, right] = [marksIn(first), marksIn(second)];
  const both = [...left, ...right];
  return !both.includes('duration') && left.every((kind) => !right.includes(kind));
}

const weekdayWords: readonly (readonly [RegExp, number])[] = [
  [/월요일|월욜|\bmon(?:day)?s?\b/u, 0],
  [/화요일|화욜|\btue(?:s|sday)?s?\b/u, 1],
  [/수요일|수욜|\bwed(?:nesday)?s?\b/u, 2],
  [/목요일|목욜|\bthu(?:r|rs|rsday)?s?\b/u, 3],
  [/금요일|금욜|\bfri(?:day)?s?\b/u, 4],
  [/토요일|토욜|\bsat(?:urday)?s?\b/u, 5],
  [/일요일|일욜|\bsun(?:day)?s?\b/u, 6],
];

const twelveHours = 720;

/** The selection that the times and days of a text make. */
export function selectTimes(text: string, { context }: ScheduleClause): ReminderSelector {
  const { today } = civilNow(context.now, context.timeZone);
  const { dates, times } = findParts(text, today);
  const selector: ReminderSelector = {};
  if (times?.ok === true) {
    selector.times = times.clocks.flatMap(({ minutes, certainty }) =>
      certainty === 'explicit'
        ? [clockTime(minutes)]
        : [clockTime(minutes % twelveHours), clockTime((minutes % twelveHours) + twelveHours)],
    );
  }
  const weekdays = weekdayWords.flatMap(([word, day]) => (word.test(text) ? [day] : []));
  if (weekdays.length > 0) selector.weekdays = weekdays;
  else if (/평일|\bweek\s?days?\b/u.test(text)) selector.weekdays = [0, 1, 2, 3, 4];
  else if (dates?.ok === true && dates.from === dates.to) selector.date = dates.from;
  return selector;
}

/**
 * A message that is nothing but a time ("9시", "오전이요", "tomorrow at 3") completes the request about a reminder that was
 * asked about before it. Pure; never throws.
 */
import { civilNow, type LocalNow } from '#shared/calendar/civil-date';
import { minuteMs } from '#shared/calendar/time-units';
import { hasHangul, isShortEnough, normalizeCased } from '../normalize-text.ts';
import { timeOnly } from './bare-time.ts';
import { moveTarget } from './move-target.ts';
import { readScheduleRequest } from './read-schedule-request.ts';
import type { MoveTarget, ScheduleRequest } from './schedule-request.ts';
import { afterDuration, findParts, readWhen } from './when.ts';
import type { UnknownWhen, When, WhenContext } from './when-types.ts';

/** A message that was answered with a question. */
export interface AskedMessage {
  message: string;
  /** Epoch ms. */
  at: number;
}

/** A longer message says more than a time. */
const bareTimeMax = 60;

export const isBareTime = (message: string, context: LocalNow): boolean =>
  message.length <= bareTimeMax &&
  isShortEnough(message) &&
  timeOnly.isTime(normalizeCased(message).toLowerCase(), context);

/** @param asked the messages that were asked about before this one, oldest first; null: it completes none of them */
export function completedRequest(
  message: string,
  asked: readonly AskedMessage[],
  context: LocalNow,
): ScheduleRequest | null {
  const [first, ...answers] = asked;
  if (first === undefined) return null;
  const request = readScheduleRequest(first.message, { ...context, now: first.at });
  const all = [...answers, { message, at: context.now }];
  if (request === null || all.some((one) => !isBareTime(one.message, context))) {
    return completedRequest(message, answers, context);
  }
  // 내일 is the day after that of its own message; a duration begins with the answer.
  const { today } = civilNow(context.now, context.timeZone);
  const isOtherDay = civilNow(first.at, context.timeZone).today !== today;
  const wakes = /깨워|모닝콜|\bwake|\bget me up/iu.test(first.message);
  const answered = all.reduce<ScheduleRequest | null>((open, { message: words }) => {
    if (open === null) return null;
    const text = normalizeCased(words).toLowerCase();
    const hasDuration =
      timeOnly.amountOf(text) !== null || findParts(text, today).durations.length > 0;
    const now = isOtherDay && !hasDuration ? first.at : context.now;
    return answeredBy(text, open, { ...context, now, wakes });
  }, request);
  return answered;
}

function answeredBy(
  text: string,
  request: ScheduleRequest,
  context: WhenContext,
): ScheduleRequest | null {
  switch (request.do) {
    case 'set':
    case 'snooze': {
      const { when } = request;
      if (when === null || when.ok) return null;
      return { ...request, when: answeredWhen(when, text, context) };
    }
    case 'move':
    case 'correct':
      return request.to === null ? { ...request, to: answeredTarget(text, context) } : null;
    default:
      return null;
  }
}

function answeredTarget(text: string, context: WhenContext): MoveTarget | null {
  const amount = timeOnly.amountOf(text);
  if (amount !== null) return { rule: afterDuration(amount, context) };
  return moveTarget(timeOnly.withHour(text), context);
}

/** Questions whose words are the message, or not the time that is meant. */
const wordless: ReadonlySet<string> = new Set(['when', 'zone', 'interval', 'badTime']);

function answeredWhen({ ask, text }: UnknownWhen, answer: string, context: WhenContext): When {
  const isKorean = hasHangul(text) || hasHangul(answer);
  const hour = timeOnly.withHour(answer).match(/\d{1,2}/u)?.[0];
  const isHour = timeOnly.withHour(answer) !== answer;
  const bare = isHour ? (isKorean ? `${hour}시` : `at ${hour}`) : answer;
  const { today } = civilNow(context.now, context.timeZone);
  const given = findParts(bare, today);
  const amount = timeOnly.amountOf(answer);
  if (amount !== null && ask === 'interval') {
    const minutes = Math.round(amount / minuteMs);
    return readWhen(isKorean ? `${minutes}분마다` : `every ${minutes} minutes`, context);
  }
  if (amount !== null && wordless.has(ask)) return afterDuration(amount, context);
  const isWhole = given.recurrences.length > 0 || given.durations.length > 0;
  const half = timeOnly.halfOf(bare);
  if (isWhole || wordless.has(ask)) return readWhen(half ?? bare, context);
  const known = findParts(text, today);
  const clock = known.times?.spans[0];
  if (half !== null && clock !== undefined && isKorean) {
    // 낮 12시: the half stands before its hour.
    return readWhen(`${text.slice(0, clock.start)}${half} ${text.slice(clock.start)}`, context);
  }
  const replaced = [
    ...(given.times === null ? [] : (known.times?.spans ?? [])),
    ...(given.dates === null ? [] : (known.dates?.spans ?? [])),
  ];
  const kept = replaced.reduce(
    (so, { start, end }) => so.slice(0, start) + ' '.repeat(end - start) + so.slice(end),
    text,
  );
  return readWhen(`${kept.trim()} ${half ?? bare}`.trim(), context);
}

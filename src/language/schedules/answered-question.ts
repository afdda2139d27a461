/**
 * A message that is nothing but a time ("9시", "오전이요", "tomorrow at 3") completes the request about a reminder that was
 * asked about before it. Pure; never throws.
 */
import { civilNow, type LocalNow } from '#shared/calendar/civil-date';
import { hasHangul, isShortEnough, normalizeCased } from '../normalize-text.ts';
import { anyMark, maskText } from './masked-text.ts';
import { moveTarget } from './move-target.ts';
import { readScheduleRequest } from './read-schedule-request.ts';
import type { ScheduleRequest } from './schedule-request.ts';
import { findParts, readWhen } from './when.ts';
import type { UnknownWhen, When, WhenContext } from './when-types.ts';

/** A message that was answered with a question. */
export interface AskedMessage {
  message: string;
  /** Epoch ms. */
  at: number;
}

/** What may stand around a time without a meaning of its own. */
const koreanFiller =
  /(?:에는|에|쯤|경|정도|으로|로|부터|이요|이에요|예요|입니다|이야|요|알려\s?줘요?|깨워\s?줘요?|해\s?줘요?|할게요?|하자|부탁해요?|네|넵|응|아|음|그럼|그러면|그냥)(?=\s|$|[.,!?~])/gu;
const englishFiller =
  /\b(?:at|on|in|by|the|for|to|make it|let's say|let's do|say|let us say|please|ok|okay|um|uh|hmm|then|yes|remind me|wake me up|i'd say|i think|and)\b/gu;

/** 오전이요, pm: a half of the day alone, as words that the reader of times takes. */
const halves: readonly (readonly [RegExp, string])[] = [
  [/^(오전|오후|아침|저녁|새벽|밤|낮)\s*(?:이요|요|이에요|예요|입니다|이야|에)?[.!\s]*$/u, '$1'],
  [/^(?:in )?(?:the )?(?:morning|a\.?m\.?)[.!\s]*$/u, 'in the morning'],
  [/^(?:in )?(?:the )?(?:afternoon)[.!\s]*$/u, 'in the afternoon'],
  [/^(?:in )?(?:the )?(?:evening|p\.?m\.?)[.!\s]*$/u, 'in the evening'],
  [/^(?:at )?(?:night)[.!\s]*$/u, 'at night'],
];
const number = /^(?:at )?(\d{1,2})[.!\s]*$/u;

const halfOf = (text: string): string | null => {
  const [words, half] = halves.find(([pattern]) => pattern.test(text)) ?? [];
  return words === undefined || half === undefined ? null : text.replace(words, half);
};

/** A longer message says more than a time. */
const bareTimeMax = 60;

export function isBareTime(message: string, context: LocalNow): boolean {
  if (message.length > bareTimeMax || !isShortEnough(message)) return false;
  const text = normalizeCased(message).toLowerCase();
  if (halfOf(text) !== null || number.test(text)) return true;
  const { masked } = maskText({ text, cased: text, context });
  if (!new RegExp(anyMark, 'u').test(masked)) return false;
  const rest = masked
    .replace(new RegExp(anyMark, 'gu'), ' ')
    .replace(koreanFiller, ' ')
    .replace(englishFiller, ' ');
  return /^[\s.,!?~]*$/u.test(rest);
}

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
    const hasDuration = findParts(text, today).durations.length > 0;
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
      return request.to === null ? { ...request, to: moveTarget(text, context) } : null;
    default:
      return null;
  }
}

/** Questions whose words are the message, or not the time that is meant. */
const wordless: ReadonlySet<string> = new Set(['when', 'zone', 'interval', 'badTime']);

function answeredWhen({ ask, text }: UnknownWhen, answer: string, context: WhenContext): When {
  const isKorean = hasHangul(text) || hasHangul(answer);
  const hour = number.exec(answer)?.[1];
  const bare = hour === undefined ? answer : isKorean ? `${hour}시` : `at ${hour}`;
  const { today } = civilNow(context.now, context.timeZone);
  const given = findParts(bare, today);
  if (ask === 'interval' && given.durations.length > 0 && given.recurrences.length === 0) {
    return readWhen(isKorean ? `${bare}마다` : `every ${bare}`, context);
  }
  const isWhole = given.recurrences.length > 0 || given.durations.length > 0;
  if (isWhole || wordless.has(ask)) return readWhen(halfOf(bare) ?? bare, context);
  const known = findParts(text, today);
  const replaced = [
    ...(given.times === null ? [] : (known.times?.spans ?? [])),
    ...(given.dates === null ? [] : (known.dates?.spans ?? [])),
  ];
  const kept = replaced.reduce(
    (so, { start, end }) => so.slice(0, start) + ' '.repeat(end - start) + so.slice(end),
    text,
  );
  return readWhen(`${kept.trim()} ${halfOf(bare) ?? bare}`.trim(), context);
}

/** Words that are a time and nothing else: "9시", "오전이요", "tomorrow at 3 please", "10분". Pure. */
import { hasHangul } from '../normalize-text.ts';
import { findDurations } from '../dates/parse-durations.ts';
import { anyMark, maskText } from './masked-text.ts';
import type { WhenContext } from './when-types.ts';

/** What may stand around a time without a meaning of its own. */
const koreanFiller =
  /(?:에는|에|쯤|경|정도|으로|로|부터|이요|이에요|예요|입니다|이야|요|알려\s?줘요?|깨워\s?줘요?|해\s?줘요?|할게요?|하자|부탁해요?|네|넵|응|아|음|그럼|그러면|그냥|아니요?|아니야|아냐)(?=\s|$|[.,!?~])/gu;
const englishFiller =
  /\b(?:at|on|in|by|the|for|to|make it|let's say|let's do|say|let us say|please|ok|okay|um|uh|hmm|then|yes|no|actually|sorry|instead|rather|remind me|wake me up|i'd say|i think|i mean|and)\b/gu;

/** 오전이요, pm: a half of the day alone, as words that the reader of times takes. */
const halves: readonly (readonly [RegExp, string])[] = [
  [/^(오전|오후|아침|저녁|새벽|밤|낮)\s*(?:이요|요|이에요|예요|입니다|이야|에)?[.!\s]*$/u, '$1'],
  [/^(?:in )?(?:the )?(?:morning|a\.?m\.?)[.!\s]*$/u, 'in the morning'],
  [/^(?:in )?(?:the )?(?:afternoon)[.!\s]*$/u, 'in the afternoon'],
  [/^(?:in )?(?:the )?(?:evening|p\.?m\.?)[.!\s]*$/u, 'in the evening'],
  [/^(?:at )?(?:night)[.!\s]*$/u, 'at night'],
];
const number = /^(?:at )?(\d{1,2})[.!\s]*$/u;

const plain = (text: string): string =>
  text
    .replace(koreanFiller, ' ')
    .replace(englishFiller, ' ')
    .replace(/[\s.,!?~]+/gu, ' ')
    .trim();

const isFiller = (text: string): boolean => plain(text) === '';

/** Null: it is more than a half of the day. */
function halfOf(text: string): string | null {
  const words = plain(text) === '' ? text : plain(text);
  const [pattern, half] =
    halves.find(([shape]) => shape.test(text)) ?? halves.find(([shape]) => shape.test(words)) ?? [];
  if (pattern === undefined || half === undefined) return null;
  return pattern.test(text) ? text.replace(pattern, half) : words.replace(pattern, half);
}

/** A number alone is an hour. */
function withHour(text: string): string {
  const hour = number.exec(text)?.[1] ?? number.exec(plain(text))?.[1];
  if (hour === undefined) return text;
  return hasHangul(text) ? `${hour}시` : `at ${hour}`;
}

/** An amount of time without "in" or 뒤; null: something else. */
function amountOf(text: string): number | null {
  const [duration, more] = findDurations(text, true);
  if (duration === undefined || more !== undefined) return null;
  return isFiller(`${text.slice(0, duration.start)} ${text.slice(duration.end)}`)
    ? duration.ms
    : null;
}

function isTime(text: string, context: WhenContext): boolean {
  if (halfOf(text) !== null || withHour(text) !== text || amountOf(text) !== null) return true;
  const { masked } = maskText({ text, cased: text, context });
  if (!new RegExp(anyMark, 'u').test(masked)) return false;
  return isFiller(masked.replace(new RegExp(anyMark, 'gu'), ' '));
}

/** @param text normalised, in lower case */
export const timeOnly = { isTime, isFiller, halfOf, withHour, amountOf };

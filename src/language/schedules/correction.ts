/**
 * A message that corrects the reminder that was set just before it: "아니 10분", "8시로 바꿔줘", "make it 9", "no, at 4pm". Whether
 * one was set is known to the tool: elsewhere these words are ordinary chat. Pure.
 */
import { findDurations } from '../dates/parse-durations.ts';
import { timeOnly } from './bare-time.ts';
import { moveTarget } from './move-target.ts';
import type { MoveTarget, ScheduleClause } from './schedule-request.ts';
import { afterDuration } from './when.ts';
import type { WhenContext } from './when-types.ts';

const koreanNo =
  /^(?:아니(?:요|야|다|지|오)?|아냐|아참|아\s*참|잠깐만?|참)(?:\s+(?:아니|그거?|그게|그냥|말고))?[\s,.!~…]+/u;
/** The verb of a change, with what stands for the reminder: 그거 8시로 바꿔줘. */
const koreanChange =
  /^(?:(?:그거|그걸|그|방금\s*(?:거|것|건)?|아까\s*(?:거|것)?|시간|시각|알림)(?:을|를|은|는|도)?\s*)*(?<to>.*?)\s*(?:으?로\s*)?(?:좀\s*)?(?:바꿔|변경|수정|옮겨|고쳐|미뤄|당겨|늦춰)[가-힣\s]{0,10}[.!~\s]*$/u;
/** 8시 말고 9시. */
const koreanInstead = /^.{1,20}?\s*말고\s+/u;
const englishNo =
  /^(?:(?:no|nope|nah|wait|oops|sorry|actually|rather|i mean(?:t)?|correction)[\s,.!]+)+/u;
const englishChange =
  /^(?:please\s+)?(?:make|change|move|set|push|switch|reschedule|shift)\s+(?:it|that|this|the\s+(?:time|reminder|alarm))\s*(?:to|for|at|until)?\s*/u;
const englishTail = /[\s,]*(?:instead|rather|please)[.!\s]*$/u;

/** Null: no correction. `to` null: the time is to be changed, and none is named. */
export function readCorrection({
  text,
  context,
}: ScheduleClause): { to: MoveTarget | null } | null {
  const words = correctedWords(text);
  if (words === null) return null;
  if (words === '') return { to: null };
  const to = targetOf(words, context);
  return to === null ? null : { to };
}

/** The words for the new time; empty: none are named. */
function correctedWords(text: string): string | null {
  const plain = text.replace(koreanNo, '').replace(englishNo, '').trim();
  const changed = koreanChange.exec(plain)?.groups?.['to'];
  if (changed !== undefined) return changed.trim();
  const english = englishChange.exec(plain)?.[0];
  const left = plain.slice(english?.length ?? 0).replace(englishTail, '');
  if (english !== undefined) return left.trim();
  const other = plain.replace(koreanInstead, '');
  const isCorrection = plain !== text.trim() || other !== plain || left !== plain;
  return isCorrection && plain !== '' ? (other === plain ? left : other).trim() : null;
}

/** A time and nothing else. */
function targetOf(words: string, context: WhenContext): MoveTarget | null {
  const [duration, more] = findDurations(words, true);
  if (duration !== undefined && more === undefined) {
    const rest = `${words.slice(0, duration.start)}${words.slice(duration.end)}`;
    if (timeOnly.isFiller(rest)) return { rule: afterDuration(duration.ms, context) };
  }
  return timeOnly.isTime(words, context) ? moveTarget(timeOnly.withHour(words), context) : null;
}

/** Reads a message as a request about reminders, in Korean or English. Pure; never throws. */
import type { LocalNow } from '#shared/calendar/civil-date';
import { englishSchedule } from '../english/english-schedule.ts';
import { koreanSchedule } from '../korean/korean-schedule.ts';
import { hasHangul, isShortEnough, normalizeCased } from '../normalize-text.ts';
import { readCorrection } from './correction.ts';
import type { ScheduleRequest } from './schedule-request.ts';

/** Plain words that take back the last change. */
const undoes =
  /^(?:방금\s*(?:그거|거|것|알림)?\s*)?(?:취소(?:해|해줘|해줘요|해주세요|할게|할래|하자|요)?|되돌려(?:줘|주세요)?|실행\s*취소|무르기|물러줘|원래대로(?:\s*해줘)?)[.!~\s]*$|^(?:please\s+)?(?:undo(?:\s+(?:that|it|this))?|cancel(?:\s+(?:that|it|this))?|revert(?:\s+(?:that|it))?|take (?:that|it) back)(?:\s+please)?[.!\s]*$/u;

/** 내일아침8시, 월요일9시: a time that is written together with the day before it. */
const withSpaces = (text: string): string =>
  text.replace(
    /(?<=오늘|내일|모레|글피|요일|매일|평일|주말|\d일|말일|아침|점심|저녁|새벽|오전|오후)(?=(?:아침|점심|저녁|새벽|오전|오후|밤|낮)\s?\d|\d{1,2}\s?(?:시|:\d\d))/gu,
    ' ',
  );

/** A longer message says more than another time. */
const correctionMax = 60;

export function readScheduleRequest(message: string, context: LocalNow): ScheduleRequest | null {
  if (!isShortEnough(message)) return null;
  const cased = withSpaces(normalizeCased(message));
  const text = cased.toLowerCase();
  if (undoes.test(text))
    return { do: 'undo', isOfSet: /취소|cancel/u.test(text) && !text.includes('실행') };
  const clause = { text, cased, context };
  const request = hasHangul(text) ? koreanSchedule(clause) : englishSchedule(clause);
  if (request !== null || text.length > correctionMax) return request;
  const corrected = readCorrection(clause);
  return corrected === null ? null : { do: 'correct', ...corrected };
}

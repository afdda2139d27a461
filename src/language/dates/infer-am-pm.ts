/** Infers am or pm for an hour without 오전 or 오후 from the words of its clause: tonight at 8, 7시에 저녁 약속. */
import { alternation } from '../word-lists.ts';

/**
 * - `explicit`: certain (오후 3시, 15:00, tonight at 8)
 * - `likely`: 1 to 6 o'clock, which people mean in the afternoon
 * - `ambiguous`: am or pm; a caller with more context decides
 */
export type AmPmCertainty = 'explicit' | 'likely' | 'ambiguous';

interface InferredAmPm {
  period: 'am' | 'pm' | 'night' | undefined;
  /** Undefined if the words around the hour give no hint. */
  certainty?: AmPmCertainty;
  /** Whether the hour is in a night: before 06:00 it is then on the next day. */
  isNight: boolean;
}

const dayBefore = alternation('오늘 내일 낼 모레 글피 이따 요일 일');
const night = new RegExp(
  `(?:${dayBefore})\\s*밤(?=에|$|[^가-힣])|\\btonight\\b|\\b(?:tomorrow|[a-z]+day)\\s+night\\b`,
  'u',
);
const lateMeal = /야식/u;
const evening = /저녁|\b(?:evening|dinner|supper)\b/u;
const morning =
  /아침|새벽|오전|기상|일출|첫차|비행기|공항|출국|조깅|\b(?:morning|breakfast|wake|sunrise|dawn|flight|fly|airport|jog|run)\b/u;

/** The text between the punctuation marks before and after the hour. */
function clauseAround(text: string, start: number, end: number): string {
  const from = Math.max(...Array.from(',;.!?', (mark) => text.lastIndexOf(mark, start - 1))) + 1;
  const length = text.slice(end).search(/[,;.!?]/u);
  const to = length < 0 ? text.length : end + length;
  return `${text.slice(Math.min(from, start), start)} ${text.slice(end, to)}`;
}

const unknownAmPm: InferredAmPm = { period: undefined, isNight: false };

/** What the clause around `span` implies for an hour, 1 to 12. */
export function inferAmPm(
  text: string,
  span: { start: number; end: number },
  hour: number,
): InferredAmPm {
  const clause = clauseAround(text, span.start, span.end);
  if (night.test(clause)) {
    // At night, 1 to 4 o'clock may be after midnight; 5 to 11 are before it.
    if (hour <= 4) return { period: 'night', certainty: 'ambiguous', isNight: true };
    return { period: hour === 12 ? 'night' : 'pm', certainty: 'explicit', isNight: true };
  }
  const isEarly = morning.test(clause);
  const isLate = evening.test(clause);
  if (isEarly && !isLate) {
    return {
      period: hour >= 5 && hour <= 6 ? 'am' : undefined,
      certainty: 'ambiguous',
      isNight: false,
    };
  }
  if (isEarly) return { ...unknownAmPm, certainty: 'ambiguous' };
  if (isLate && hour >= 5 && hour <= 9)
    return { period: 'pm', certainty: 'explicit', isNight: false };
  if (lateMeal.test(clause) && hour >= 8) {
    return { period: hour === 12 ? 'night' : 'pm', certainty: 'explicit', isNight: true };
  }
  return unknownAmPm;
}

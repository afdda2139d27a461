/**
 * Which half of the day an hour without 오전 or 오후 belongs to, by the words of its clause: tonight at 8,
 * 7시에 저녁 약속, breakfast at 6. It owns no hour that says its half itself.
 */
import { anyOf } from './number-words.ts';

/**
 * - `said`: beyond doubt (오후 3시, 15:00, tonight at 8)
 * - `usual`: 1 to 6 o'clock, which people mean by day
 * - `open`: either half; who knows more of the sentence decides
 */
export type HalfSaid = 'said' | 'usual' | 'open';

interface HalfAround {
  half: 'am' | 'pm' | 'night' | undefined;
  /** Undefined where the words around say nothing. */
  said?: HalfSaid;
  /** Whether the hour is one of a night, so that one before 06:00 is of the day after. */
  isNight: boolean;
}

const dayBefore = anyOf('오늘 내일 낼 모레 글피 이따 요일 일'.split(' '));
const night = new RegExp(
  `(?:${dayBefore})\\s*밤(?=에|$|[^가-힣])|\\btonight\\b|\\b(?:tomorrow|[a-z]+day)\\s+night\\b`,
  'u',
);
const lateMeal = /야식/u;
const evening = /저녁|\b(?:evening|dinner|supper)\b/u;
const morning =
  /아침|새벽|오전|기상|일출|첫차|비행기|공항|출국|조깅|\b(?:morning|breakfast|wake|sunrise|dawn|flight|fly|airport|jog|run)\b/u;

/** From the last comma or full stop before the hour to the next one behind it. */
function clauseAround(text: string, start: number, end: number): string {
  const from = Math.max(...Array.from(',;.!?', (mark) => text.lastIndexOf(mark, start - 1))) + 1;
  const length = text.slice(end).search(/[,;.!?]/u);
  const to = length < 0 ? text.length : end + length;
  return `${text.slice(Math.min(from, start), start)} ${text.slice(end, to)}`;
}

const unsaid: HalfAround = { half: undefined, isNight: false };

/** What the clause of the text around `span` says of an hour, 1 to 12. */
export function halfAround(
  text: string,
  span: { start: number; end: number },
  hour: number,
): HalfAround {
  const clause = clauseAround(text, span.start, span.end);
  if (night.test(clause)) {
    // At night 1 to 4 o'clock may be after midnight; from 5 on they are before it.
    if (hour <= 4) return { half: 'night', said: 'open', isNight: true };
    return { half: hour === 12 ? 'night' : 'pm', said: 'said', isNight: true };
  }
  const isEarly = morning.test(clause);
  const isLate = evening.test(clause);
  if (isEarly && !isLate) {
    return { half: hour >= 5 && hour <= 6 ? 'am' : undefined, said: 'open', isNight: false };
  }
  if (isEarly) return { ...unsaid, said: 'open' };
  if (isLate && hour >= 5 && hour <= 9) return { half: 'pm', said: 'said', isNight: false };
  if (lateMeal.test(clause) && hour >= 8) {
    return { half: hour === 12 ? 'night' : 'pm', said: 'said', isNight: true };
  }
  return unsaid;
}

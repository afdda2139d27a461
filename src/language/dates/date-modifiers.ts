/**
 * Words directly beside a date that change it. 크리스마스 전날, 12월 24일 다음 날 and "the day after Christmas" shift it by one
 * day; with a week, a holiday season, an exception or a repetition (크리스마스 주, 다음 주 빼고, the week of December 7, monday
 * week) the day is unclear.
 */
import { wordEnd } from '../korean/korean-date-words.ts';

interface DateModifier {
  /** Days from the written date to the date that is meant; null if unclear. */
  days: number | null;
  /** Span of the date including the words that shift it. */
  start: number;
  end: number;
}

const dayAfterDate = new RegExp(
  `^\\s*(?:의\\s*)?(?<step>전\\s?날|다음\\s?날|이튿날)${wordEnd}`,
  'u',
);
const dayBeforeDate = /(?:the\s+)?\bday\s+(?<step>after|before)\s+(?:the\s+)?$/u;

const particle = '(?=에|의|까지|부터|로|쯤|는|은|$|[^가-힣])';
const unclearBehind = new RegExp(
  [
    `^\\s*(?:의\\s*)?(?:(?:전|후|뒤|전후|앞뒤|무렵|즈음|이브|주|전\\s?주|다음\\s?주)${particle}|연휴|마다|빼고|빼면|말고|제외|아닌)`,
    '^\\s*이\\s?(?:있는|든|낀|포함된|속한)\\s*주',
    "^(?:'s)?\\s+(?:week|eve|of)(?![a-z])",
    '^\\s+(?:after|before)\\s+(?:next|last)(?![a-z])',
  ].join('|'),
  'u',
);
const unclearBefore = new RegExp(
  [
    '(?:매주|격주|매달|매월|매년)\\s*$',
    '\\b(?:hours?|days?|nights?|mornings?|evenings?|weekends?|weeks?|months?|eve)\\s+(?:of|after|before|from|following|preceding|prior\\s+to)\\s+(?:the\\s+)?$',
    '\\b(?:every|each|except|excluding|without|besides|other\\s+than|not)\\s+(?:on\\s+|for\\s+|from\\s+)?(?:the\\s+)?$',
  ].join('|'),
  'u',
);

/** How the words beside a date shift it; `days` is 0 if none does. */
export function dateModifier(text: string, date: { start: number; end: number }): DateModifier {
  const { start, end } = date;
  const [before, behind] = [text.slice(0, start), text.slice(end)];
  const next = dayAfterDate.exec(behind);
  if (next !== null) {
    const days = next.groups?.['step']?.startsWith('전') ? -1 : 1;
    return { days, start, end: end + next[0].length };
  }
  const shift = dayBeforeDate.exec(before);
  if (shift !== null) {
    return { days: shift.groups?.['step'] === 'after' ? 1 : -1, start: shift.index, end };
  }
  const unclear = unclearBehind.test(behind) || unclearBefore.test(before);
  return { days: unclear ? null : 0, start, end };
}

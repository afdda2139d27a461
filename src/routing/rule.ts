/**
 * What a rule gets and what it gives. A rule judges one clause; null means that it is not its business,
 * and the classifier will look at it. A rule never guesses: null is always a safe answer.
 */
import type { ToolCall } from '../../machines/decision.ts';
import type { Locale } from '../../machines/texts.ts';
import type { CivilDay } from './civil-date.ts';
import { type DateReading, readDatesIn } from './date-reader.ts';
import type { Preference } from './date-pattern.ts';
import type { HomeWords } from './home-words.ts';
import { questionsIn } from './questions.ts';
import type { Word } from './word-classes.ts';

export interface Clause {
  /** Normalised text. */
  text: string;
  /** The same, with `dateMark` and `timeMark` where dates and times stood. */
  masked: string;
  /** Korean clauses only; the English rules read `masked`. */
  words: Word[];
  /** Ends in a question mark. */
  question: boolean;
  locale: Locale;
  today: CivilDay;
  /** Words of this home. */
  home: HomeWords;
}

export type RuleOutcome =
  | { kind: 'calls'; rule: string; calls: ToolCall[] }
  | { kind: 'clarify'; rule: string; response: string }
  | { kind: 'status'; rule: string };

export type Rule = (clause: Clause) => RuleOutcome | null;

export const clauseDates = (clause: Clause, prefer: Preference): DateReading | null =>
  readDatesIn(clause.text, { today: clause.today, prefer });

/** Asks back about a date that cannot be; null where it is only not understood. */
export function dateQuestion(
  clause: Clause,
  rule: string,
  fault: Extract<DateReading, { ok: false }>,
): RuleOutcome | null {
  if (fault.reason === 'unclear') return null;
  const response = questionsIn(clause.locale).dateFault[fault.reason](fault.text);
  return { kind: 'clarify', rule, response };
}

export const has = (words: readonly Word[], ...classes: Word['class'][]): boolean =>
  words.some((word) => classes.includes(word.class));

const exceptionWord = /^(?:빼고|빼면|제외|제외하고|제외한|말고|외에|마다|아닌)$/;

/** 광고 빼고, 오늘 말고, 월요일마다: a condition that no parameter of a tool holds. */
export const hasException = (words: readonly Word[]): boolean =>
  words.some((word) => exceptionWord.test(word.text) || /(?:말고|마다)$/.test(word.tail));

/** How many of calendar, mail, documents and machines are named: from three on it is no sentence. */
export function domainCount(words: readonly Word[]): number {
  const domains = new Set<string>();
  for (const word of words) {
    if (word.class === 'machine' || word.class === 'state') domains.add('machine');
    else if (['calendar', 'mail', 'document'].includes(word.class)) domains.add(word.class);
  }
  return domains.size;
}

/** 회의가 뭐야, 메일이 뭐야: a subject, 뭐, and no date that would make it this one. */
export function asksForMeaning(words: readonly Word[], index: number): boolean {
  const [keyword, next] = [words[index], words[index + 1]];
  if (keyword === undefined || next === undefined || has(words, 'date')) return false;
  const subject = /^(?:가|이|는|은|란|이란)$/.test(keyword.tail);
  return subject && next.class === 'ask' && /^(?:뭐|무엇|뭔)/.test(next.text);
}

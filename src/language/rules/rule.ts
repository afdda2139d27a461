/**
 * Input and result of a rule. A rule judges one clause; null means that it does not apply, and the classifier decides.
 * A rule never guesses: null is always a safe answer.
 */
import type { ToolCall } from '#machines/decision';
import type { Locale } from '#machines/texts';
import type { CivilDay } from '#shared/calendar/civil-date';
import { type DateParseResult, parseNormalizedDates } from '../dates/parse-dates.ts';
import type { DatePreference } from '../dates/date-pattern.ts';
import type { CustomVocabulary } from './custom-vocabulary.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import type { Token } from '../token-types.ts';

export interface Clause {
  /** Normalised by `normalizeForRules`. */
  text: string;
  /** The same, with `datePlaceholder` and `timePlaceholder` in place of dates and times. */
  masked: string;
  /** Korean clauses only; the English rules read `masked`. */
  words: Token[];
  /** Ends in a question mark. */
  question: boolean;
  locale: Locale;
  today: CivilDay;
  /** Configured words of this installation. */
  vocabulary: CustomVocabulary;
}

export type RuleOutcome =
  | { kind: 'calls'; rule: string; calls: ToolCall[] }
  | { kind: 'clarify'; rule: string; response: string }
  | { kind: 'status'; rule: string };

export type Rule = (clause: Clause) => RuleOutcome | null;

export const parseClauseDates = (clause: Clause, prefer: DatePreference): DateParseResult | null =>
  parseNormalizedDates(clause.text, { today: clause.today, prefer });

/** Asks back about an invalid date; null if the date is only unclear. */
export function clarifyClauseDate(
  clause: Clause,
  rule: string,
  error: Extract<DateParseResult, { ok: false }>,
): RuleOutcome | null {
  if (error.reason === 'unclear') return null;
  const response = clarifyingQuestions(clause.locale).dateError[error.reason](error.text);
  return { kind: 'clarify', rule, response };
}

export const hasToken = (words: readonly Token[], ...classes: Token['class'][]): boolean =>
  words.some((word) => classes.includes(word.class));

const exceptionWord = /^(?:빼고|빼면|제외|제외하고|제외한|말고|외에|마다|아닌)$/;

/** 광고 빼고, 오늘 말고, 월요일마다: a condition that no tool parameter can express. */
export const hasException = (words: readonly Token[]): boolean =>
  words.some((word) => exceptionWord.test(word.text) || /(?:말고|마다)$/.test(word.tail));

/** Number of domains (calendar, mail, documents, machines) in the clause: with three or more it is no sentence. */
export function countDomains(words: readonly Token[]): number {
  const domains = new Set<string>();
  for (const word of words) {
    if (word.class === 'machine' || word.class === 'state') domains.add('machine');
    else if (['calendar', 'mail', 'document'].includes(word.class)) domains.add(word.class);
  }
  return domains.size;
}

/** 회의가 뭐야, 메일이 뭐야 ask for a definition: a subject and 뭐, without a date, which would mean entries of that day. */
export function isDefinitionQuestion(words: readonly Token[], index: number): boolean {
  const [keyword, next] = [words[index], words[index + 1]];
  if (keyword === undefined || next === undefined || hasToken(words, 'date')) return false;
  const subject = /^(?:가|이|는|은|란|이란)$/.test(keyword.tail);
  return subject && next.class === 'ask' && /^(?:뭐|무엇|뭔)/.test(next.text);
}

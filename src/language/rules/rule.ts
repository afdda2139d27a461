/**
 * Input and result of a rule. A rule judges one clause; null means that it does not apply, and the classifier decides.
 * A rule never guesses: null is always a safe answer.
 */
import type { ToolCall } from '#machines/decision';
import type { Locale } from '#machines/texts';
import { type CivilDay, isoDate } from '#shared/calendar/civil-date';
import {
  type DateParseResult,
  parseNormalizedDates,
  type ParsedDates,
} from '../dates/parse-dates.ts';
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
  question: boolean;
  locale: Locale;
  today: CivilDay;
  /** Configured words of this installation. */
  vocabulary: CustomVocabulary;
}

export type RuleOutcome =
  | { kind: 'calls'; rule: string; calls: ToolCall[] }
  /** `about`: the calls that the question is for; where they are not meant, it is not asked. */
  | { kind: 'clarify'; rule: string; response: string; about?: ToolCall[] }
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

/** 다음 미팅이 언제야: days to search, the length of a month view; later entries are rarely meant. */
const nextEventDays = 30;
/** Dates further apart than this many days get a separate call each. */
const oneCallDays = 31;
/** Days of mail if no date is named. */
const mailDays = 7;

const calendarSearch = (from: string, to: string): ToolCall => ({
  tool: 'calendar',
  operation: 'search',
  params: { date_from: from, date_to: to },
});

const calendarToday: ToolCall = { tool: 'calendar', operation: 'today', params: {} };

function periodCall(from: string, to: string, today: CivilDay): ToolCall {
  const day = isoDate(today);
  return from === day && to === day ? { ...calendarToday } : calendarSearch(from, to);
}

/** The calls for a calendar question; `open` is the period if no date is named. */
export function calendarCalls(
  reading: ParsedDates | null,
  today: CivilDay,
  open: 'today' | 'next' | 'previous',
): ToolCall[] {
  if (reading === null) {
    if (open === 'next') return [calendarSearch(isoDate(today), isoDate(today + nextEventDays))];
    if (open === 'previous') {
      return [calendarSearch(isoDate(today - nextEventDays), isoDate(today))];
    }
    return [{ ...calendarToday }];
  }
  const days = (Date.parse(reading.to) - Date.parse(reading.from)) / 86_400_000;
  if (reading.ranges.length > 1 && days > oneCallDays) {
    return reading.ranges.map((range) => periodCall(range.from, range.to, today));
  }
  return [periodCall(reading.from, reading.to, today)];
}

interface MailQuestion {
  dates: DateParseResult | null;
  today: CivilDay;
  query: string;
  from: string;
  folder: string | null;
}

export function mailCall(question: MailQuestion): ToolCall {
  const { dates, query, from, folder } = question;
  const params: Record<string, unknown> = {};
  if (query !== '') params['query'] = query;
  if (from !== '') params['from'] = from;
  if (dates?.ok) Object.assign(params, mailPeriod(dates, question.today));
  // A sender or search word may match mail older than a week.
  else if (query === '' && from === '') params['days'] = mailDays;
  if (folder !== null) params['folder'] = folder;
  return { tool: 'email', operation: 'search', params };
}

function mailPeriod(dates: ParsedDates, today: CivilDay): Record<string, unknown> {
  if (dates.rolling !== undefined) return { days: dates.rolling.days };
  const day = isoDate(today);
  if (dates.from === day && dates.to === day) return { days: 1 };
  return { date_from: dates.from, date_to: dates.to };
}

export const documentCall = (query: string): ToolCall => ({
  tool: 'document',
  operation: 'search',
  params: { query },
});

/** The context in which the calls of a classification are resolved: the message, the clock, and the date parser. */
import type { Locale } from '#machines/texts';
import type { DatePreference } from '../dates/date-pattern.ts';
import { type DateParseResult, parseDates } from '../dates/parse-dates.ts';
import type { CustomVocabulary } from './custom-vocabulary.ts';

export interface DecisionContext {
  /** The user's message that was classified. */
  message: string;
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
  /** Configured words for mail folders. */
  mailFolders?: CustomVocabulary['mailFolders'];
}

export interface ResolutionContext extends DecisionContext {
  /** `YYYY-MM-DD`. */
  today: string;
  /** Minutes since midnight. */
  minuteOfDay: number;
  locale: Locale;
}

export type Params = Record<string, unknown>;
export type ResolvedParams = { ok: true; params: Params } | { ok: false; question: string };

export const asString = (value: unknown): string => (typeof value === 'string' ? value : '');

export const parseDatesInContext = (
  text: string,
  context: ResolutionContext,
  prefer: DatePreference,
): DateParseResult | null =>
  parseDates(text, { now: context.now, timeZone: context.timeZone, prefer });

export const clarify = (question: string): ResolvedParams => ({ ok: false, question });

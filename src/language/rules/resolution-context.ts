/** The context in which the calls of a classification are resolved: the message, the clock, and the date parser. */
import type { Locale } from '#machines/texts';
import type { LocalNow } from '#shared/calendar/civil-date';
import type { DatePreference } from '../dates/date-pattern.ts';
import { type DateParseResult, parseDates } from '../dates/parse-dates.ts';
import type { CustomVocabulary } from './custom-vocabulary.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';

export interface DecisionContext extends LocalNow {
  message: string;
  /** Configured words for mail folders. */
  mailFolders?: CustomVocabulary['mailFolders'];
}

export interface ResolutionContext extends DecisionContext {
  /** `YYYY-MM-DD`. */
  today: string;
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

const clarifyDate = (
  context: ResolutionContext,
  error: Extract<DateParseResult, { ok: false }>,
): ResolvedParams =>
  clarify(clarifyingQuestions(context.locale).dateError[error.reason](error.text));

/** `date_from` and `date_to` as ISO dates; if the model left out both, they are read from the message. */
export function resolvePeriod(
  params: Params,
  context: ResolutionContext,
  prefer: DatePreference,
): ResolvedParams | null {
  const written = [asString(params['date_from']), asString(params['date_to'])];
  const readings = written.map((text) =>
    text === '' ? null : parseDatesInContext(text, context, prefer),
  );
  const wrong = readings.find((reading) => reading?.ok === false);
  if (wrong?.ok === false) return clarifyDate(context, wrong);
  const [from, to] = readings.map((reading) => (reading?.ok ? reading : null));
  const whole = from ?? to ?? parseDatesInContext(context.message, context, prefer);
  if (whole === null) return null;
  if (!whole.ok) return clarifyDate(context, whole);
  const ends = [from?.from ?? whole.from, to?.to ?? whole.to].toSorted();
  return { ok: true, params: { date_from: ends[0], date_to: ends[1] } };
}

/** Resolves the days of a search: the words that the model left in `date_from` and `date_to`, or those of the message. */
import type { DatePreference } from '../dates/date-pattern.ts';
import type { DateParseResult } from '../dates/parse-dates.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import {
  type Params,
  type ResolvedParams,
  type ResolutionContext,
  clarify,
  parseDatesInContext,
  asString,
} from '../rules/resolution-context.ts';

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

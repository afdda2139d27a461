/**
 * Converts the model's classification to a decision. Models are poor at calendars: date words that they left in the
 * parameters are resolved here, and missing dates are read from the message.
 */
import type { Decision, ToolCall } from '#machines/decision';
import { localeOf } from '#machines/texts';
import { civilNow, isoDate } from '#shared/calendar/civil-date';
import type { Classification } from './parse-classification.ts';
import type { DatePreference } from '../dates/date-pattern.ts';
import type { DateParseResult } from '../dates/parse-dates.ts';
import {
  type DecisionContext,
  type Params,
  type ResolvedParams,
  type ResolutionContext,
  clarify,
  parseDatesInContext,
  asString,
} from '../rules/resolution-context.ts';
import { resolveDraft } from '../rules/draft-params.ts';
import { resolveFolder } from '../rules/custom-vocabulary.ts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';

const clarifyDate = (
  context: ResolutionContext,
  error: Extract<DateParseResult, { ok: false }>,
): ResolvedParams =>
  clarify(clarifyingQuestions(context.locale).dateError[error.reason](error.text));

/** `date_from` and `date_to` as ISO dates; if the model left out both, they are read from the message. */
function resolvePeriod(
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

/** 언제였지: asks about a past event, or about a date that the user has forgotten. */
const asksAboutPast = /[였었했갔났렸](?:지|던|더라|나|니|어)|\b(?:was|were|did|had|last)\b/u;
/** How many days back and ahead a search by words alone covers. */
const keywordSearchDays = 180;

function resolveSearch(params: Params, context: ResolutionContext): ResolvedParams {
  const query = asString(params['query']);
  const period = resolvePeriod(params, context, 'future');
  if (query === '') return period ?? clarify(clarifyingQuestions(context.locale).searchDates);
  if (period !== null)
    return period.ok ? { ok: true, params: { ...period.params, query } } : period;
  if (!asksAboutPast.test(context.message)) return { ok: true, params: { query } };
  const { today } = civilNow(context.now, context.timeZone);
  const [from, to] = [isoDate(today - keywordSearchDays), isoDate(today + keywordSearchDays)];
  return { ok: true, params: { date_from: from, date_to: to, query } };
}

/** Days of mail when no other parameter narrows the search. */
const mailDays = 7;

function resolveMail(params: Params, context: ResolutionContext): ResolvedParams {
  const { date_from: from, date_to: to, folder, ...rest } = params;
  const written = asString(from) !== '' || asString(to) !== '';
  const period = written ? resolvePeriod(params, context, 'past') : null;
  if (period?.ok === false) return period;
  const named = asString(folder);
  const known = resolveFolder(
    [named.toLowerCase(), ...named.toLowerCase().split(/[\s/]+/)],
    context.mailFolders,
  );
  const resolved: Params = { ...rest, ...period?.params };
  if (Object.keys(resolved).length === 0) resolved['days'] = mailDays;
  if (named !== '') resolved['folder'] = known ?? named;
  return { ok: true, params: resolved };
}

function resolveCall(call: ToolCall, context: ResolutionContext): ResolvedParams {
  const { params } = call;
  switch (`${call.tool}.${call.operation}`) {
    case 'calendar.search':
      return resolveSearch(params, context);
    case 'calendar.create_draft':
      return resolveDraft(params, context);
    case 'email.search':
      return resolveMail(params, context);
    case 'document.search':
      return asString(params['query']) === ''
        ? clarify(clarifyingQuestions(context.locale).documentQuery)
        : { ok: true, params };
    default:
      return { ok: true, params };
  }
}

function decideTools(calls: readonly ToolCall[], context: ResolutionContext): Decision {
  const resolved: ToolCall[] = [];
  for (const call of calls) {
    const result = resolveCall(call, context);
    if (!result.ok) {
      return { by: 'classifier', action: 'clarify', response: result.question, reason: 'params' };
    }
    resolved.push({ ...call, params: result.params });
  }
  return { by: 'classifier', action: 'tools', calls: resolved };
}

/**
 * The decision for a classification. Null (unreadable) becomes `direct` without a response, with the error code as its
 * reason: the classifier model then writes an answer.
 */
export function toDecision(
  classification: Classification | null,
  context: DecisionContext,
): Decision {
  if (classification === null) {
    return { by: 'classifier', action: 'direct', reason: 'GH_BACKEND_UNREADABLE' };
  }
  const { action, response, calls } = classification;
  if (action === 'tools' && calls !== undefined) {
    const { today, minuteOfDay } = civilNow(context.now, context.timeZone);
    const locale = localeOf(context.message);
    return decideTools(calls, { ...context, today: isoDate(today), minuteOfDay, locale });
  }
  return { by: 'classifier', action, ...(response === undefined ? {} : { response }) };
}

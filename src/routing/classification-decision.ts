/**
 * From the model's classification to a decision. Models are poor at calendars: date words they left in are
 * resolved here, and what they left out is read from the message.
 */
import type { Decision, ToolCall } from '../../machines/decision.ts';
import { localeOf } from '../../machines/texts.ts';
import { civilNow, isoDate } from './civil-date.ts';
import type { Classification } from './classification.ts';
import type { Preference } from './date-pattern.ts';
import type { DateReading } from './date-reader.ts';
import {
  type DecisionContext,
  type Params,
  type Resolved,
  type Scene,
  ask,
  read,
  textOf,
} from './decision-scene.ts';
import { resolveDraft } from './draft-params.ts';
import { folderOf } from './home-words.ts';
import { questionsIn } from './questions.ts';

const askAbout = (scene: Scene, fault: Extract<DateReading, { ok: false }>): Resolved =>
  ask(questionsIn(scene.locale).dateFault[fault.reason](fault.text));

/** `date_from` and `date_to` as ISO dates; what the model left out is read from the message. */
function resolvePeriod(params: Params, scene: Scene, prefer: Preference): Resolved | null {
  const written = [textOf(params['date_from']), textOf(params['date_to'])];
  const readings = written.map((text) => (text === '' ? null : read(text, scene, prefer)));
  const wrong = readings.find((reading) => reading?.ok === false);
  if (wrong?.ok === false) return askAbout(scene, wrong);
  const [from, to] = readings.map((reading) => (reading?.ok ? reading : null));
  const whole = from ?? to ?? read(scene.message, scene, prefer);
  if (whole === null) return null;
  if (!whole.ok) return askAbout(scene, whole);
  const ends = [from?.from ?? whole.from, to?.to ?? whole.to].toSorted();
  return { ok: true, params: { date_from: ends[0], date_to: ends[1] } };
}

/** 언제였지: asked of what was, and of what one has forgotten. */
const askedBack = /[였었했갔났렸](?:지|던|더라|나|니|어)|\b(?:was|were|did|had|last)\b/u;
/** How far a search by words alone looks back, and then ahead, in days. */
const wordsReachDays = 180;

function resolveSearch(params: Params, scene: Scene): Resolved {
  const query = textOf(params['query']);
  const period = resolvePeriod(params, scene, 'future');
  if (query === '') return period ?? ask(questionsIn(scene.locale).searchDates);
  if (period !== null)
    return period.ok ? { ok: true, params: { ...period.params, query } } : period;
  if (!askedBack.test(scene.message)) return { ok: true, params: { query } };
  const { today } = civilNow(scene.now, scene.timeZone);
  const [from, to] = [isoDate(today - wordsReachDays), isoDate(today + wordsReachDays)];
  return { ok: true, params: { date_from: from, date_to: to, query } };
}

/** A week of mail, when nothing narrows the search. */
const mailDays = 7;

function resolveMail(params: Params, scene: Scene): Resolved {
  const { date_from: from, date_to: to, folder, ...rest } = params;
  const written = textOf(from) !== '' || textOf(to) !== '';
  const period = written ? resolvePeriod(params, scene, 'past') : null;
  if (period?.ok === false) return period;
  const named = textOf(folder);
  const known = folderOf(
    [named.toLowerCase(), ...named.toLowerCase().split(/[\s/]+/)],
    scene.mailFolders,
  );
  const resolved: Params = { ...rest, ...period?.params };
  if (Object.keys(resolved).length === 0) resolved['days'] = mailDays;
  if (named !== '') resolved['folder'] = known ?? named;
  return { ok: true, params: resolved };
}

function resolveCall(call: ToolCall, scene: Scene): Resolved {
  const { params } = call;
  switch (`${call.tool}.${call.operation}`) {
    case 'calendar.search':
      return resolveSearch(params, scene);
    case 'calendar.create_draft':
      return resolveDraft(params, scene);
    case 'email.search':
      return resolveMail(params, scene);
    case 'document.search':
      return textOf(params['query']) === ''
        ? ask(questionsIn(scene.locale).documentQuery)
        : { ok: true, params };
    default:
      return { ok: true, params };
  }
}

function decideTools(calls: readonly ToolCall[], scene: Scene): Decision {
  const resolved: ToolCall[] = [];
  for (const call of calls) {
    const result = resolveCall(call, scene);
    if (!result.ok) {
      return { by: 'classifier', action: 'clarify', response: result.question, reason: 'params' };
    }
    resolved.push({ ...call, params: result.params });
  }
  return { by: 'classifier', action: 'tools', calls: resolved };
}

/**
 * The decision that follows from a classification. Null (unreadable) becomes `direct` without a response, with
 * the code of the failure as its reason: the classifier model then writes an answer.
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

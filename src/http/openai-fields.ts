/**
 * What becomes of each field of a request to `/v1/chat/completions` (docs/openai-api.md has the table).
 *
 * F1: a field that cannot be honoured is refused by its name.
 * F2: a field that would only tune an answer, and has no effect here, is accepted and named in the answer
 *     (`gatehouse.ignored`).
 * F3: everything else is passed on to a backend, fields that OpenAI does not know included: servers have their own.
 */
import { GatehouseError } from '../lib/errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const fieldError = (param: string, why: string): GatehouseError =>
  new GatehouseError('GH_REQUEST_INVALID', `${param}: ${why}`, { param });

/** Refused where they ask for something, and why. */
const refused: ReadonlyMap<string, string> = new Map([
  ['n', 'only one choice is given'],
  ['logprobs', 'probabilities of tokens are not given'],
  ['top_logprobs', 'probabilities of tokens are not given'],
  ['functions', 'send the functions as tools'],
  ['function_call', 'send tool_choice'],
  ['audio', 'answers are text'],
  ['modalities', 'answers are text'],
  ['web_search_options', 'there is no search of the web behind this address'],
  ['moderation', 'nothing is moderated here'],
  // Each would have another model answer than the one that was named.
  ['models', 'one model is named by model'],
  ['fallbacks', 'one model is named by model'],
  ['adapters', 'the configured model answers as it is'],
  ['draft_model', 'the configured model answers as it is'],
]);

/** Bookkeeping of OpenAI's own service: an answer is the same with and without. */
const withoutEffect: ReadonlySet<string> = new Set([
  'store',
  'service_tier',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'safety_identifier',
]);

/** What Gatehouse reads itself, for a backend and for the assistant alike. */
const own: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'user',
  'metadata',
]);

/** What is read and checked here before a backend gets it in the form that its server takes. */
const shaped: ReadonlySet<string> = new Set([
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
]);

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** These ask for something although they are empty: with `{}` the web is searched with the usual settings. */
const asksWhenEmpty: ReadonlySet<string> = new Set(['web_search_options']);

/** Values that say what is so without them. */
const usual: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  logprobs: [false],
  top_logprobs: [0],
  store: [false],
  function_call: ['auto', 'none'],
  service_tier: ['auto', 'default'],
};

function asksForNothing(name: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (value === '') return name !== 'model';
  if (isEmpty(value)) return !asksWhenEmpty.has(name);
  if (name === 'response_format') return (value as { type?: unknown }).type === 'text';
  if (name === 'modalities') return Array.isArray(value) && value.every((one) => one === 'text');
  if (name === 'stop') return Array.isArray(value) && value.every((one) => one === '');
  return (Object.hasOwn(usual, name) ? usual[name] : undefined)?.includes(value) ?? false;
}

/**
 * The fields that ask for something. What is null, or empty, or the usual value, is as if it were not there: some
 * servers die on a null.
 * @throws GH_REQUEST_INVALID with the name of the first field that cannot be honoured
 */
export function askedFields(input: Fields): Record<string, unknown> {
  const asked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (name !== 'messages' && asksForNothing(name, value)) continue;
    const why = refused.get(name);
    if (why !== undefined) throw fieldError(name, why);
    asked[name] = value;
  }
  return asked;
}

/** What a backend's server gets as it is. */
export const passedOn = (asked: Fields): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(asked).filter(
      ([name]) => !own.has(name) && !shaped.has(name) && !withoutEffect.has(name),
    ),
  );

/** F2, for a backend. */
export const ignoredByBackend = (asked: Fields): string[] =>
  Object.keys(asked).filter((name) => withoutEffect.has(name));

/** Of no use to the assistant, and either refused or empty. */
const ofTools: ReadonlySet<string> = new Set(['tools', 'tool_choice', 'parallel_tool_calls']);

/** F2, for the assistant, which has settings of its own. */
export const ignoredByAssistant = (asked: Fields): string[] =>
  Object.keys(asked).filter((name) => !own.has(name) && !ofTools.has(name));

/**
 * How each field of a request to `/v1/chat/completions` is handled (docs/openai-api.md has the table).
 *
 * F1: a field that cannot be supported is refused by its name.
 * F2: a field that would only tune an answer, and has no effect here, is accepted and listed in the response
 *     (`gatehouse.ignored`).
 * F3: all other fields are passed on to a backend, including fields that OpenAI does not define: servers have their
 *     own.
 */
import { GatehouseError } from '#shared/errors';

export type Fields = Readonly<Record<string, unknown>>;

export const fieldError = (param: string, why: string): GatehouseError =>
  new GatehouseError('GH_REQUEST_INVALID', `${param}: ${why}`, { param });

/** Refused where their value requests something; with the reason. */
const unsupportedFields: ReadonlyMap<string, string> = new Map([
  ['n', 'only one choice is given'],
  ['logprobs', 'probabilities of tokens are not given'],
  ['top_logprobs', 'probabilities of tokens are not given'],
  ['functions', 'send the functions as tools'],
  ['function_call', 'send tool_choice'],
  ['audio', 'answers are text'],
  ['modalities', 'answers are text'],
  ['web_search_options', 'there is no search of the web behind this address'],
  ['moderation', 'nothing is moderated here'],
  // Each of these would let another model answer than the one in `model`.
  ['models', 'one model is named by model'],
  ['fallbacks', 'one model is named by model'],
  ['adapters', 'the configured model answers as it is'],
  ['draft_model', 'the configured model answers as it is'],
]);

/** Bookkeeping of OpenAI's own service: the answer is the same with and without them. */
const fieldsWithoutEffect: ReadonlySet<string> = new Set([
  'store',
  'service_tier',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'safety_identifier',
]);

/** Fields that Gatehouse reads itself, for backends and for the assistant. */
const ownFields: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'user',
  'metadata',
]);

/** Fields that are checked here and passed to a backend in the form that its server accepts. */
const checkedFields: ReadonlySet<string> = new Set([
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

/** These request something even when empty: with `{}` the web is searched with default settings. */
const asksWhenEmpty: ReadonlySet<string> = new Set(['web_search_options']);

/** Values that equal the default. */
const defaultValues: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  logprobs: [false],
  top_logprobs: [0],
  store: [false],
  function_call: ['auto', 'none'],
  service_tier: ['auto', 'default'],
};

function isDefault(name: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (value === '') return name !== 'model';
  if (isEmpty(value)) return !asksWhenEmpty.has(name);
  if (name === 'response_format') return (value as { type?: unknown }).type === 'text';
  if (name === 'modalities') return Array.isArray(value) && value.every((one) => one === 'text');
  if (name === 'stop') return Array.isArray(value) && value.every((one) => one === '');
  return (
    (Object.hasOwn(defaultValues, name) ? defaultValues[name] : undefined)?.includes(value) ?? false
  );
}

/**
 * The fields that request something. A field that is null, empty or at its default is dropped: some servers crash on
 * null.
 * @throws GH_REQUEST_INVALID with the name of the first field that cannot be supported
 */
export function effectiveFields(input: Fields): Record<string, unknown> {
  const given = Object.entries(input).filter(
    ([name, value]) => name === 'messages' || !isDefault(name, value),
  );
  for (const [name] of given) {
    const why = unsupportedFields.get(name);
    if (why !== undefined) throw fieldError(name, why);
  }
  // An assignment to the key `__proto__` would add fields that were not checked.
  return Object.fromEntries(given);
}

/** Fields that a backend's server gets unchanged. */
export const passthroughFields = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([name]) =>
        !ownFields.has(name) && !checkedFields.has(name) && !fieldsWithoutEffect.has(name),
    ),
  );

/** F2, for a backend. */
export const ignoredByBackend = (fields: Fields): string[] =>
  Object.keys(fields).filter((name) => fieldsWithoutEffect.has(name));

/** The assistant does not use these; they are refused or empty. */
const toolFields: ReadonlySet<string> = new Set(['tools', 'tool_choice', 'parallel_tool_calls']);

/** F2, for the assistant, which has its own settings. */
export const ignoredByAssistant = (fields: Fields): string[] =>
  Object.keys(fields).filter((name) => !ownFields.has(name) && !toolFields.has(name));

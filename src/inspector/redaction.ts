/**
 * Takes what people and models wrote out of what is shown: the shape of a conversation without its words.
 * Pure.
 *
 * R1 A string passes only in a field that is known to hold a code, and only where it looks like one. Under any
 *    other name it becomes its length: a field that is new tomorrow leaks no word.
 * R2 What has no fixed shape (parameters, what a tool found, what other programs know) is hidden as a whole: there
 *    numbers and the names of fields tell as much as texts.
 */
import { jobStates } from '../../machines/job-types.ts';
import { jobDefinition } from './stately.ts';

/** `texts`: every text of a person, a model or a tool becomes its length. */
export type Redaction = 'none' | 'texts';

/** Made by our own programs, or chosen by the operator. */
const codeFields = new Set(
  [
    // Whose name is it
    ['type', 'id', 'key', 'src', 'jobId', 'job_id', 'document_id', 'reply_id', 'next_cursor'],
    ['sessionId', 'rootId', '_version', 'channel', 'locale'],
    // Where it stands
    ['state', 'active', 'edges', 'tags', 'running', 'ended', 'status', 'outcome', 'delivery'],
    ['phase', 'circuit', 'load', 'kind', 'priority', 'roles', 'origin', 'redaction'],
    // What was decided, by whom it is done, what went wrong
    ['action', 'tool', 'operation', 'backend', 'model', 'models', 'reasonerLoad'],
    ['code', 'reason', 'why', 'errorReason', 'error_reason'],
    // When
    ['at', 'now', 'createdAt', 'created_at', 'updated_at', 'since', 'queued_at', 'due_at'],
    ['paused_at', 'opens_at', 'checked_at', 'next_probe_at', 'hours'],
  ].flat(),
);

/** No blanks, nothing but ASCII. */
const codeLike = /^[\w.:#/()[\]+→,-]{0,120}$/;
const fieldLike = /^[\w.:-]{1,64}$/;
/** What the job machine is called where Stately's tools see it. */
const ownActor = /^job\/[0-9A-Z]{26}$/;
const ownId = /^[0-9A-Z]{26}$/;

type Fields = Record<string, unknown>;

export const applyRedaction = <Value>(value: Value, redaction: Redaction): Value =>
  redaction === 'none' ? value : (redacted(value) as Value);

export const redacted = (value: unknown): unknown => redactedIn('', value);

/** `name`: of the field that holds it, also of one in a list. */
function redactedIn(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => redactedIn(name, one));
  if (typeof value === 'string') return isCode(name, value) ? value : hidden(value);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Fields;
  if ('_version' in fields && !ownId.test(String(fields['sessionId']))) return guestOf(fields);
  if ('off' in fields && typeof fields['content'] === 'string') return chunkOf(fields);
  const { key } = fields;
  // A change of the context: the name of the field stands beside its values.
  const isChange = 'after' in fields && typeof key === 'string';
  const nameOf = (own: string): string =>
    isChange && (own === 'before' || own === 'after') ? key : own;
  return Object.fromEntries(
    Object.entries(fields).map(([own, inner]) => [
      fieldLike.test(own) ? own : String(hidden(own)),
      hasNoShape(nameOf(own), fields) ? hidden(inner) : redactedField(nameOf(own), inner),
    ]),
  );
}

function redactedField(name: string, value: unknown): unknown {
  if (name === 'value') return stateOf(value);
  // `row 7`, or the name of a field; what comes behind may quote.
  if (name === 'differs' && Array.isArray(value)) {
    return value.map((one) => String(one).split(':')[0]);
  }
  return name === 'load_word' ? value : redactedIn(name, value);
}

function isCode(name: string, text: string): boolean {
  if (name === 'from' || name === 'to') return (jobStates as readonly string[]).includes(text);
  if (name === 'name') return ownActor.test(text);
  if (name === 'definition') return text === jobDefinition;
  return codeFields.has(name) && codeLike.test(text);
}

const hasNoShape = (name: string, fields: Fields): boolean =>
  name === 'params' ||
  name === 'changes' ||
  // What a tool found; `data` of a state event is only its body and is looked at field by field.
  (name === 'data' && 'tool' in fields);

/** A state of a machine: a name, or names within names. */
function stateOf(value: unknown): unknown {
  if (typeof value === 'string') return codeLike.test(value) ? value : hidden(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, stateOf(inner)] as const),
  );
}

/** The text so far as one length: the lengths of pieces cannot be put together. */
const chunkOf = (fields: Fields): Fields => ({
  ...fields,
  off: 0,
  content: `[${Number(fields['off']) + String(fields['content']).length} characters]`,
});

/** What another program tells of an actor: who it is, in what state it is, and that something happened. */
function guestOf({ _version, event, snapshot, ...envelope }: Fields): Fields {
  const { status, value, tags } = (snapshot ?? {}) as Fields;
  return {
    ...(redactedIn('', envelope) as Fields),
    _version: redactedIn('_version', _version),
    ...(event === undefined ? {} : { event: { type: stateOf((event as Fields)['type']) } }),
    ...(snapshot === undefined
      ? {}
      : {
          snapshot: {
            status: redactedIn('status', status),
            value: stateOf(value),
            context: '[hidden]',
            tags: redactedIn('tags', tags ?? []),
          },
        }),
  };
}

function hidden(value: unknown): unknown {
  if (value === null || value === undefined || value === '') return value;
  return typeof value === 'string' ? `[${value.length} characters]` : '[hidden]';
}

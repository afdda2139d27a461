/**
 * Takes what people and models wrote out of what is shown: the shape of a conversation without its words.
 * Pure. A field is redacted by its name, wherever it stands, and whatever reads like prose is redacted
 * under any name: a field that is new tomorrow leaks no sentence.
 */

/** `texts`: every text of a person, a model or a tool becomes its length. */
export type Redaction = 'none' | 'texts';

const textFields = new Set([
  'message',
  'title',
  'text',
  'content',
  'reply',
  'response',
  'summary',
  'params',
  'changes',
  'user_id',
  'userId',
  'user',
  'conversation',
  'by',
  'cancelledBy',
]);

/** Made by us, from the machine itself. */
const ownFields = new Set(['definition', 'differs']);
/** Ids, codes, states, times: no blanks, nothing but ASCII. */
const codeLike = /^[\w.:#/()[\]+→,-]{0,120}$/;

export const applyRedaction = <Value>(value: Value, redaction: Redaction): Value =>
  redaction === 'none' ? value : (redacted(value) as Value);

export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value === 'string') return codeLike.test(value) ? value : hidden(value);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  const { key } = fields;
  // A change of the context: the name of the field stands beside its values.
  const isChangeOfText = 'after' in fields && typeof key === 'string' && textFields.has(key);
  return Object.fromEntries(
    Object.entries(fields).map(([name, inner]) => {
      if (ownFields.has(name)) return [name, inner];
      const isText =
        textFields.has(name) ||
        (isChangeOfText && (name === 'before' || name === 'after')) ||
        // What a tool found; `data` of a state event is only its body and is looked at field by field.
        (name === 'data' && 'tool' in fields) ||
        // What a whole job gave back: its answer.
        (name === 'output' && typeof inner === 'string');
      return [name, isText ? hidden(inner) : redacted(inner)];
    }),
  );
}

function hidden(value: unknown): unknown {
  if (value === null || value === undefined || value === '') return value;
  return typeof value === 'string' ? `[${value.length} characters]` : '[hidden]';
}

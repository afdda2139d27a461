/**
 * Takes what people and models wrote out of what is shown: the shape of a conversation without its words.
 * Pure. A field is redacted by its name, wherever it stands.
 */

/** `texts`: every text of a person, a model or a tool becomes its length. */
export type Redaction = 'none' | 'texts';

const textFields = new Set([
  'message',
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

export const applyRedaction = <Value>(value: Value, redaction: Redaction): Value =>
  redaction === 'none' ? value : (redacted(value) as Value);

export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  const { key } = fields;
  // A change of the context: the name of the field stands beside its values.
  const isChangeOfText = 'after' in fields && typeof key === 'string' && textFields.has(key);
  return Object.fromEntries(
    Object.entries(fields).map(([name, inner]) => {
      const isText =
        textFields.has(name) ||
        (isChangeOfText && (name === 'before' || name === 'after')) ||
        // What a tool found; `data` of a state event is only its body and is looked at field by field.
        (name === 'data' && 'tool' in fields);
      return [name, isText ? hidden(inner) : redacted(inner)];
    }),
  );
}

function hidden(value: unknown): unknown {
  if (value === null || value === undefined || value === '') return value;
  return typeof value === 'string' ? `[${value.length} characters]` : '[hidden]';
}

/** The error that a body or a frame speaks of, in all the shapes in use. */

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** Words that servers put into an error field when there is no error. */
const noError = /^(?:|null|none|ok|success|no error|undefined)$/i;

/** Null, false, 0, an empty text, list or object, and an object that holds nothing else. */
function saysNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0) return true;
  if (typeof value === 'string') return noError.test(value.trim());
  if (typeof value !== 'object') return false;
  const parts: unknown[] = Object.values(value);
  const isSuccess = isFields(value) && [0, 200].includes(value['code'] as number);
  return parts.every(saysNothing) || (isSuccess && noError.test(text(value['message'])));
}

export interface SaidError {
  message: string;
  type: string;
}

/** Where the words of an error stand, from the most common name on. */
const messageFields = ['message', 'msg', 'error_msg', 'error_message', 'detail', 'reason', 'error'];

function said(value: unknown): SaidError | null {
  if (saysNothing(value)) return null;
  if (typeof value === 'string') return { message: value, type: '' };
  if (Array.isArray(value)) {
    const messages = value.flatMap((part) => said(part)?.message ?? []);
    return { message: messages.join('; '), type: 'validation' };
  }
  if (!isFields(value)) return { message: JSON.stringify(value), type: '' };
  const message = messageFields.map((name) => text(value[name])).find((words) => words !== '');
  return { message: message ?? JSON.stringify(value), type: text(value['type']) };
}

/** Fields that speak of an error wherever they stand, unless they say nothing. */
const errorFields = ['error', 'errors', 'err', 'detail', 'error_msg', 'error_message'];

/** What else marks a frame without choices as an error. */
const isErrorFrame = (value: Fields): boolean =>
  value['object'] === 'error' ||
  value['type'] === 'error' ||
  value['status'] === 'error' ||
  value['success'] === false ||
  (typeof value['code'] === 'number' && value['code'] >= 400 && text(value['message']) !== '');

/**
 * Reads the error of a body or a frame: `{error: "…"}`, `{error: {message, type}}`, `{detail: "…"}`,
 * `{detail: [{msg}]}`, `{object: "error", message}`, `{code, message}` and an error inside of a choice.
 * Null when it speaks of none; `error: {}`, `error: null` and `detail: ""` are none.
 */
export function errorOf(value: unknown): SaidError | null {
  if (!isFields(value)) return null;
  for (const name of errorFields) {
    const error = said(value[name]);
    if (error) return error;
  }
  const choices = Array.isArray(value['choices']) ? value['choices'] : [];
  for (const choice of choices) {
    const error = isFields(choice) ? said(choice['error']) : null;
    if (error) return error;
  }
  if (choices.length > 0 || !isErrorFrame(value)) return null;
  return { message: said(value)?.message ?? JSON.stringify(value), type: 'error' };
}

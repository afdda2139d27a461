/** Parses the error reported by a body or a chunk, in all known shapes. */
import { isJsonObject, type JsonObject } from '#shared/text/json-text';

const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** Texts that servers put into an error field when there is no error. */
const noErrorWords = /^(?:|null|none|ok|success|no error|undefined)$/i;

/** Whether the value is null, false, 0, an empty text, list or object, or an object that contains only such values. */
function isBlankError(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0) return true;
  if (typeof value === 'string') return noErrorWords.test(value.trim());
  if (typeof value !== 'object') return false;
  const parts: unknown[] = Object.values(value);
  const isSuccess = isJsonObject(value) && [0, 200].includes(value['code'] as number);
  return parts.every(isBlankError) || (isSuccess && noErrorWords.test(text(value['message'])));
}

export interface UpstreamError {
  message: string;
  type: string;
}

/** JsonObject of the error message, most common first. */
const messageFields = ['message', 'msg', 'error_msg', 'error_message', 'detail', 'reason', 'error'];

function toUpstreamError(value: unknown): UpstreamError | null {
  if (isBlankError(value)) return null;
  if (typeof value === 'string') return { message: value, type: '' };
  if (Array.isArray(value)) {
    const messages = value.flatMap((part) => toUpstreamError(part)?.message ?? []);
    return { message: messages.join('; '), type: 'validation' };
  }
  if (!isJsonObject(value)) return { message: JSON.stringify(value), type: '' };
  const message = messageFields.map((name) => text(value[name])).find((words) => words !== '');
  return { message: message ?? JSON.stringify(value), type: text(value['type']) };
}

/** JsonObject that report an error at any place, unless they are blank. */
const errorFields = ['error', 'errors', 'err', 'detail', 'error_msg', 'error_message'];

/** Other signs that a chunk without choices is an error. */
const isErrorChunk = (value: JsonObject): boolean =>
  value['object'] === 'error' ||
  value['type'] === 'error' ||
  value['status'] === 'error' ||
  value['success'] === false ||
  (typeof value['code'] === 'number' && value['code'] >= 400 && text(value['message']) !== '');

/**
 * Parses the error of a body or a chunk: `{error: "…"}`, `{error: {message, type}}`, `{detail: "…"}`, `{detail:
 * [{msg}]}`, `{object: "error", message}`, `{code, message}` and an error inside a choice. Null without an error;
 * `error: {}`, `error: null` and `detail: ""` are no errors.
 */
export function parseUpstreamError(value: unknown): UpstreamError | null {
  if (!isJsonObject(value)) return null;
  for (const name of errorFields) {
    const error = toUpstreamError(value[name]);
    if (error) return error;
  }
  const choices = Array.isArray(value['choices']) ? value['choices'] : [];
  for (const choice of choices) {
    const error = isJsonObject(choice) ? toUpstreamError(choice['error']) : null;
    if (error) return error;
  }
  if (choices.length > 0 || !isErrorChunk(value)) return null;
  return { message: toUpstreamError(value)?.message ?? JSON.stringify(value), type: 'error' };
}

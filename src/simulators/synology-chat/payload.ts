/**
 * Parses the body of a post to the API as the NAS does: `payload=<urlencoded JSON>`, or plain JSON. It is strict where
 * clients were seen to fail: a payload that is not urlencoded is refused if it contains `&`, `+` or `%`.
 */
import type { Attachment, ButtonAction } from './chat-types.ts';

export interface Payload {
  text: string;
  userIds: number[];
  fileUrl: string | null;
  attachments: Attachment[];
}

export interface Refusal {
  code: number;
  errors: string;
}

export type ParseResult<T> = { ok: true; value: T } | ({ ok: false } & Refusal);

const refused = (code: number, errors: string): { ok: false } & Refusal => ({
  ok: false,
  code,
  errors,
});

const notJson = refused(407, 'payload: not a json object');
const wrongFormat = (what: string) => refused(120, `payload: ${what}`);

/** The raw value of a form field, still encoded; null if absent. */
function rawField(body: string, name: string): string | null {
  for (const part of body.split('&')) {
    if (part.startsWith(`${name}=`)) return part.slice(name.length + 1);
  }
  return null;
}

/** The format of the payload. `none`: there is none, or nothing that could be one. */
export const payloadFormat = (body: string): 'form' | 'json' | 'none' =>
  /^\s*\{/.test(body) ? 'json' : rawField(body, 'payload') === null ? 'none' : 'form';

function parseJsonPayload(body: string): ParseResult<Record<string, unknown>> {
  const form = payloadFormat(body);
  if (form === 'none') return refused(101, 'payload: missing');
  const raw = form === 'json' ? body : rawField(body, 'payload')!;
  if (raw.trim() === '') return refused(101, 'payload: empty');
  try {
    const value: unknown = JSON.parse(form === 'json' ? raw : decoded(raw));
    return isRecord(value) ? { ok: true, value } : notJson;
  } catch {
    return notJson;
  }
}

/** Throws if the value is not urlencoded. An encoded payload contains no quote and no brace. */
function decoded(raw: string): string {
  if (/["{]/.test(raw)) {
    if (/[+%]/.test(raw)) throw new Error('not urlencoded');
    return raw;
  }
  return decodeURIComponent(raw.replaceAll('+', ' '));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textField = (value: unknown): string | null =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : null;

export function parsePayload(body: string): ParseResult<Payload> {
  const json = parseJsonPayload(body);
  if (!json.ok) return json;
  const { text: rawText, user_ids: ids = [], file_url: fileUrl = null } = json.value;
  const text = textField(rawText);
  if (text === null) return wrongFormat('text is not a string');
  if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id))) {
    return wrongFormat('user_ids is not a list of numbers');
  }
  if (fileUrl !== null && typeof fileUrl !== 'string') {
    return wrongFormat('file_url is not a string');
  }
  const attachments = parseAttachments(json.value['attachments']);
  if (!attachments.ok) return attachments;
  if (text === '' && fileUrl === null && attachments.value.length === 0) {
    return refused(101, 'payload: empty');
  }
  return { ok: true, value: { text, userIds: ids, fileUrl, attachments: attachments.value } };
}

/** The `attachments` of a payload or of a webhook response. */
export function parseAttachments(value: unknown): ParseResult<Attachment[]> {
  if (value === undefined || value === null) return { ok: true, value: [] };
  if (!Array.isArray(value)) return wrongFormat('attachments is not a list');
  const attachments: Attachment[] = [];
  for (const one of value as unknown[]) {
    if (!isRecord(one)) return wrongFormat('an attachment is not an object');
    const { callback_id: callbackId, actions = [] } = one;
    const text = textField(one['text']);
    if (text === null) return wrongFormat('text of an attachment is not a string');
    if (!Array.isArray(actions)) return wrongFormat('actions is not a list');
    if (actions.length > 0 && (typeof callbackId !== 'string' || callbackId === '')) {
      return wrongFormat('callback_id is required for buttons');
    }
    const buttons: ButtonAction[] = [];
    for (const action of actions as unknown[]) {
      const button = parseButton(action);
      if (button === null) return wrongFormat('an action is not a button');
      buttons.push(button);
    }
    attachments.push({ callbackId: String(callbackId ?? ''), text, actions: buttons });
  }
  return { ok: true, value: attachments };
}

/** The colours that Chat supports. */
const styles = new Set(['green', 'grey', 'red', 'orange', 'blue', 'teal']);

function parseButton(value: unknown): ButtonAction | null {
  if (!isRecord(value) || value['type'] !== 'button') return null;
  const { name, text, value: sent = '', style = 'grey' } = value;
  if (typeof name !== 'string' || typeof text !== 'string' || typeof sent !== 'string') return null;
  if (typeof style !== 'string' || !styles.has(style)) return null;
  return { type: 'button', name, value: sent, text, style };
}

/** The message in a webhook response; null if it is not a message. */
export function parseWebhookResponse(
  body: string,
): { text: string; attachments: Attachment[] } | null {
  // The usual response.
  if (body === '') return null;
  try {
    const value: unknown = JSON.parse(body);
    if (!isRecord(value)) return null;
    const text = textField(value['text']) ?? '';
    const attachments = parseAttachments(value['attachments']);
    if (!attachments.ok || (text === '' && attachments.value.length === 0)) return null;
    return { text, attachments: attachments.value };
  } catch {
    return null;
  }
}

/**
 * Parses a webhook of Chat: a message, or a click on a button. Versions of Chat and its webhooks differ in names and
 * types of fields, so each value is taken from any of its known places. Only the shape is checked here.
 */
import { parseJsonWithoutNul, removeNul } from '#shared/text/remove-nul';

export interface MessagePost {
  kind: 'message';
  token: string;
  userId: string;
  postId: string;
  /** When the post was made, by the NAS's clock, epoch ms; null if missing. */
  sentAt: number | null;
  text: string;
  channelId: string | null;
  triggerWord: string | null;
  /** Set if Chat reports a file with the post. */
  fileName: string | null;
}

export interface ClickPost {
  kind: 'click';
  token: string;
  userId: string;
  postId: string;
  callbackId: string;
  value: string;
  /** Label of the button; '' if missing. */
  label: string;
  channelId: string | null;
}

export type WebhookPost = MessagePost | ClickPost;

/** Null for a body that is neither a form nor a JSON object. */
export function parseWebhookPost(body: string, contentType: string): WebhookPost | null {
  const fields = /\bjson\b/i.test(contentType) ? parseJsonFields(body) : parseFormFields(body);
  if (fields === null) return null;
  const payload = fields['payload'];
  if (payload === undefined) return parseMessage(fields);
  const click = asObject(payload) ?? parseJsonFields(firstValue(fields, 'payload'));
  return click === null ? null : parseClick(click, fields);
}

type Fields = Record<string, unknown>;

const asObject = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

function parseJsonFields(text: string): Fields | null {
  try {
    return asObject(parseJsonWithoutNul(text));
  } catch {
    return null;
  }
}

function parseFormFields(body: string): Fields {
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(body)) {
    (fields[removeNul(name)] ??= []).push(removeNul(value));
  }
  return fields;
}

/** The first non-empty value of these names; of a list its first non-empty item. Numbers become text. */
function firstValue(fields: Fields, ...names: string[]): string {
  for (const name of names) {
    if (!Object.hasOwn(fields, name)) continue;
    const value = fields[name];
    const all: unknown[] = Array.isArray(value) ? value : [value];
    const found = all.map(scalarText).find((one) => one !== '');
    if (found !== undefined) return found;
  }
  return '';
}

const scalarText = (value: unknown): string =>
  typeof value === 'string' ? value : Number.isSafeInteger(value) ? String(value) : '';

const orNull = (text: string): string | null => (text === '' ? null : text);

const parseMessage = (fields: Fields): MessagePost => ({
  kind: 'message',
  token: firstValue(fields, 'token'),
  userId: firstValue(fields, 'user_id', 'userId', 'user'),
  postId: firstValue(fields, 'post_id', 'postId'),
  sentAt: parseTimestamp(firstValue(fields, 'timestamp')),
  text: firstValue(fields, 'text', 'message', 'content').toWellFormed(),
  channelId: orNull(firstValue(fields, 'channel_id', 'channelId')),
  triggerWord: orNull(firstValue(fields, 'trigger_word', 'triggerWord')),
  fileName: orNull(firstValue(fields, 'file_name', 'filename', 'file_url', 'file')),
});

const parseTimestamp = (text: string): number | null =>
  /^\d{1,15}$/.test(text) ? Number(text) : null;

function parseClick(click: Fields, outer: Fields): ClickPost {
  const actions: unknown[] = Array.isArray(click['actions']) ? click['actions'] : [];
  const action = asObject(actions[0]) ?? {};
  const user = asObject(click['user']) ?? click;
  return {
    kind: 'click',
    token: firstValue(click, 'token') || firstValue(outer, 'token'),
    userId: firstValue(user, 'user_id', 'userId', 'id'),
    postId: firstValue(click, 'post_id', 'postId'),
    callbackId: firstValue(click, 'callback_id', 'callbackId'),
    value: firstValue(action, 'value'),
    label: firstValue(action, 'text').toWellFormed(),
    channelId: orNull(firstValue(click, 'channel_id') || firstValue(outer, 'channel_id')),
  };
}

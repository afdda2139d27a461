/**
 * Reads what Chat sends: a message, or a click on a button. Chat's versions and its webhooks differ in
 * names and types of fields; what matters is taken from wherever it stands. Nothing is checked here but its shape.
 */

export interface MessagePost {
  kind: 'message';
  token: string;
  userId: string;
  postId: string;
  /** When the post was made, by the clock of the NAS, epoch ms; null where it does not say. */
  sentAt: number | null;
  text: string;
  channelId: string | null;
  triggerWord: string | null;
  /** Chat said that a file comes with it. */
  fileName: string | null;
}

export interface ClickPost {
  kind: 'click';
  token: string;
  userId: string;
  postId: string;
  callbackId: string;
  value: string;
  /** What stands on the button; '' where Chat did not say. */
  label: string;
  channelId: string | null;
}

export type WebhookPost = MessagePost | ClickPost;

/** Null for a body that is neither a form nor a JSON object. */
export function readPost(body: string, contentType: string): WebhookPost | null {
  const fields = /\bjson\b/i.test(contentType) ? jsonFields(body) : formFields(body);
  if (fields === null) return null;
  const payload = fields['payload'];
  if (payload === undefined) return messageOf(fields);
  const click = asObject(payload) ?? jsonFields(field(fields, 'payload'));
  return click === null ? null : clickOf(click, fields);
}

type Fields = Record<string, unknown>;

const asObject = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

function jsonFields(text: string): Fields | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

function formFields(body: string): Fields {
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(body)) (fields[name] ??= []).push(value);
  return fields;
}

/** The first of the names that has a value; of a list its first value. Numbers come as text. */
function field(fields: Fields, ...names: string[]): string {
  for (const name of names) {
    if (!Object.hasOwn(fields, name)) continue;
    const value = fields[name];
    const all: unknown[] = Array.isArray(value) ? value : [value];
    const found = all.map(plain).find((one) => one !== '');
    if (found !== undefined) return found;
  }
  return '';
}

const plain = (value: unknown): string =>
  typeof value === 'string' ? value : Number.isSafeInteger(value) ? String(value) : '';

const orNull = (text: string): string | null => (text === '' ? null : text);

const messageOf = (fields: Fields): MessagePost => ({
  kind: 'message',
  token: field(fields, 'token'),
  userId: field(fields, 'user_id', 'userId', 'user'),
  postId: field(fields, 'post_id', 'postId'),
  sentAt: timeOf(field(fields, 'timestamp')),
  text: field(fields, 'text', 'message', 'content').toWellFormed(),
  channelId: orNull(field(fields, 'channel_id', 'channelId')),
  triggerWord: orNull(field(fields, 'trigger_word', 'triggerWord')),
  fileName: orNull(field(fields, 'file_name', 'filename', 'file_url', 'file')),
});

const timeOf = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);

function clickOf(click: Fields, outer: Fields): ClickPost {
  const actions: unknown[] = Array.isArray(click['actions']) ? click['actions'] : [];
  const action = asObject(actions[0]) ?? {};
  const user = asObject(click['user']) ?? click;
  return {
    kind: 'click',
    token: field(click, 'token') || field(outer, 'token'),
    userId: field(user, 'user_id', 'userId', 'id'),
    postId: field(click, 'post_id', 'postId'),
    callbackId: field(click, 'callback_id', 'callbackId'),
    value: field(action, 'value'),
    label: field(action, 'text').toWellFormed(),
    channelId: orNull(field(click, 'channel_id') || field(outer, 'channel_id')),
  };
}

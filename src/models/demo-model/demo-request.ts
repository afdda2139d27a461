/** Parses a request for the demo model: message, language, date, and the expected form of the answer. Pure. */
import { localeOf, type Locale } from '#machines/texts';
import { civilDay, type CivilDay } from '#shared/calendar/civil-date';

export interface PromptMessage {
  role: string;
  content: string;
}

/** The fields of a chat request that the demo model uses. */
export interface DemoRequest {
  messages: PromptMessage[];
  stream: boolean;
  /** Properties and required names of the requested JSON schema; null without a schema. */
  schema: { properties: Record<string, unknown>; required: string[] } | null;
  tools: OfferedFunction[];
  /** Whether tools may be called. */
  mayCall: boolean;
}

export interface OfferedFunction {
  name: string;
  /** The string parameters, the required parameters first. */
  textParameters: string[];
}

type Fields = Record<string, unknown>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const strings = (value: unknown): string[] =>
  list(value).filter((each): each is string => typeof each === 'string');

function schemaOf(body: Fields): DemoRequest['schema'] {
  const format = fields(body['response_format']);
  const schema = fields(fields(format['json_schema'])['schema']);
  if (format['type'] !== 'json_schema') return null;
  return { properties: fields(schema['properties']), required: strings(schema['required']) };
}

function toolOf(value: unknown): OfferedFunction {
  const call = fields(fields(value)['function']);
  const schema = fields(call['parameters']);
  const properties = fields(schema['properties']);
  const takesText = Object.keys(properties).filter(
    (name) => fields(properties[name])['type'] === 'string',
  );
  const required = strings(schema['required']).filter((name) => takesText.includes(name));
  return {
    name: text(call['name']),
    textParameters: [...required, ...takesText.filter((name) => !required.includes(name))],
  };
}

/** Reads a JSON body; null without messages. */
export function parseDemoRequest(body: unknown): DemoRequest | null {
  const given = fields(body);
  const messages = list(given['messages']).map((value) => {
    const { role, content } = fields(value);
    const parts = list(content).map((part) => text(fields(part)['text']));
    return { role: text(role), content: text(content) || parts.join('') };
  });
  if (messages.length === 0) return null;
  const tools = list(given['tools']).map(toolOf);
  return {
    messages,
    stream: given['stream'] === true,
    schema: schemaOf(given),
    tools,
    mayCall: tools.length > 0 && given['tool_choice'] !== 'none',
  };
}

const systemPrompt = ({ messages }: DemoRequest): string =>
  messages.flatMap(({ role, content }) => (role === 'system' ? [content] : [])).join('\n');

/** The whole last user message, with the text that the prompt added around it. */
export const lastUserText = ({ messages }: DemoRequest): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';

/** A label that prompts put before the user's message. */
const label =
  /(?:^|\n)[ \t>*#[]*(?:사용자 메시지|메시지|질문|요청|user message|message|question|request)(?:[ \t*\]]*[:：]|\])[ \t]*\n?/gi;

/** A line with the current time, added by the prompt. */
const timeLine = /^[[(<]?\s*(?:현재|지금|오늘 날짜|current|now\b|time\b|date\b).*\d{4}.*$/i;

/** The user's message, without the time and the labels that the prompt added. */
export function userMessageOf(request: DemoRequest): string {
  const whole = lastUserText(request);
  const tagged = /<(message|user_message|question|memo)>([\s\S]*?)<\/\1>/i.exec(whole)?.[2];
  if (tagged !== undefined) return tagged.trim();
  const labels = [...whole.matchAll(label)];
  const last = labels.at(-1);
  const rest = last ? whole.slice(last.index + last[0].length) : whole;
  const lines = rest.split('\n').filter((line) => !timeLine.test(line.trim()));
  return lines.join('\n').trim() || whole.trim();
}

export const languageOf = (request: DemoRequest): Locale => localeOf(userMessageOf(request));

/** Whether the request is a classification: by its schema, or by a system prompt that describes the actions. */
export function wantsClassification(request: DemoRequest): boolean {
  if (request.schema) return 'action' in request.schema.properties;
  const prompt = systemPrompt(request);
  return /\baction\b/.test(prompt) && /\bclarify\b/.test(prompt) && /\bdirect\b/.test(prompt);
}

/** Whether the request asks to turn a memo into markdown. */
export const wantsDocument = (request: DemoRequest): boolean =>
  /markdown|마크다운/i.test(systemPrompt(request)) && /memo|note|메모/i.test(systemPrompt(request));

/** Today's date according to the prompt, the last user message first; null without a date. */
export function todayOf(request: DemoRequest): CivilDay | null {
  for (const where of [lastUserText(request), systemPrompt(request)]) {
    const match =
      /(\d{4})년 (\d{1,2})월 (\d{1,2})일/.exec(where) ?? /(\d{4})-(\d{2})-(\d{2})/.exec(where);
    if (match) return civilDay(Number(match[1]), Number(match[2]), Number(match[3]));
  }
  return null;
}

/** The tool results after the last user message. */
export function toolResults({ messages }: DemoRequest): string[] {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  return messages
    .slice(asked + 1)
    .flatMap(({ role, content }) => (role === 'tool' ? [content] : []));
}

/** What the practice model can make out in a request: who asked what, when, and in which form an answer is wanted. Pure. */
import { localeOf, type Locale } from '../../machines/texts.ts';

export interface PromptMessage {
  role: string;
  content: string;
}

/** The body of a chat request, as far as the practice model looks at it. */
export interface PracticeRequest {
  messages: PromptMessage[];
  stream: boolean;
  /** Properties and required names of the JSON schema, where one was asked for. */
  schema: { properties: Record<string, unknown>; required: string[] } | null;
  tools: PracticeTool[];
  /** Tools may be called. */
  mayCall: boolean;
}

export interface PracticeTool {
  name: string;
  /** The parameters that take text, the required ones first. */
  textParameters: string[];
}

type Fields = Record<string, unknown>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const strings = (value: unknown): string[] =>
  list(value).filter((each): each is string => typeof each === 'string');

function schemaOf(body: Fields): PracticeRequest['schema'] {
  const format = fields(body['response_format']);
  const schema = fields(fields(format['json_schema'])['schema']);
  if (format['type'] !== 'json_schema') return null;
  return { properties: fields(schema['properties']), required: strings(schema['required']) };
}

function toolOf(value: unknown): PracticeTool {
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

/** Reads a parsed body; null when it has no messages. */
export function readPracticeRequest(body: unknown): PracticeRequest | null {
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

const system = ({ messages }: PracticeRequest): string =>
  messages.flatMap(({ role, content }) => (role === 'system' ? [content] : [])).join('\n');

/** All of the last message of the user, with what the prompt put around it. */
export const lastUserText = ({ messages }: PracticeRequest): string =>
  messages.findLast(({ role }) => role === 'user')?.content ?? '';

/** A label that prompts put before the message itself. */
const label =
  /(?:^|\n)[ \t>*#[]*(?:사용자 메시지|메시지|질문|요청|user message|message|question|request)(?:[ \t*\]]*[:：]|\])[ \t]*\n?/gi;

/** A line that tells the time, not what the person said. */
const timeLine = /^[[(<]?\s*(?:현재|지금|오늘 날짜|current|now\b|time\b|date\b).*\d{4}.*$/i;

/** What the person said: without the time and the labels that the prompt added. */
export function messageOf(request: PracticeRequest): string {
  const whole = lastUserText(request);
  const tagged = /<(message|user_message|question|memo)>([\s\S]*?)<\/\1>/i.exec(whole)?.[2];
  if (tagged !== undefined) return tagged.trim();
  const labels = [...whole.matchAll(label)];
  const last = labels.at(-1);
  const rest = last ? whole.slice(last.index + last[0].length) : whole;
  const lines = rest.split('\n').filter((line) => !timeLine.test(line.trim()));
  return lines.join('\n').trim() || whole.trim();
}

export const languageOf = (request: PracticeRequest): Locale => localeOf(messageOf(request));

/** Classification is wanted: the schema says so, or a system prompt that describes the actions. */
export function wantsClassification(request: PracticeRequest): boolean {
  if (request.schema) return 'action' in request.schema.properties;
  const prompt = system(request);
  return /\baction\b/.test(prompt) && /\bclarify\b/.test(prompt) && /\bdirect\b/.test(prompt);
}

/** A memo is to be turned into markdown. */
export const wantsDocument = (request: PracticeRequest): boolean =>
  /markdown|마크다운/i.test(system(request)) && /memo|note|메모/i.test(system(request));

export interface CivilDate {
  year: number;
  month: number;
  day: number;
}

/** The date that the prompt gives as today, the one in the last message first; null when it gives none. */
export function todayOf(request: PracticeRequest): CivilDate | null {
  for (const where of [lastUserText(request), system(request)]) {
    const match =
      /(\d{4})년 (\d{1,2})월 (\d{1,2})일/.exec(where) ?? /(\d{4})-(\d{2})-(\d{2})/.exec(where);
    if (match) return { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
  }
  return null;
}

/** The results of tools that the request carries, after the last question. */
export function toolResults({ messages }: PracticeRequest): string[] {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  return messages
    .slice(asked + 1)
    .flatMap(({ role, content }) => (role === 'tool' ? [content] : []));
}

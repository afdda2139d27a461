/** Converts the messages of a request, in the forms that clients send, to the form that a backend's server accepts. */
import { z } from 'zod';
import type { ChatMessage, ModelToolCall } from '#shared/model/model';
import { inputError } from '#shared/parse-input';
import { fieldError } from './openai-fields.ts';

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;

export const messageSchema = z.looseObject({
  role: z.enum(roles, `must be one of ${roles.join(', ')}`),
  content: z.unknown().optional(),
  name: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
  tool_call_id: z.string().nullish(),
});
export type IncomingChatMessage = z.infer<typeof messageSchema>;

/** Some clients leave out `type`, some send the arguments as an object, some send none. */
const toolCallSchema = z.looseObject({
  id: z.string().min(1),
  type: z.literal('function').nullish(),
  function: z.looseObject({
    name: z.string().min(1),
    arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  }),
});

/** Reasoning of earlier answers: it must not become part of a prompt again. */
const reasoningFields: ReadonlySet<string> = new Set([
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'thinking',
  'thinking_blocks',
]);

/** Fields that are read here, or repeat a part of an answer. */
const knownFields: ReadonlySet<string> = new Set([
  ...Object.keys(messageSchema.shape),
  'refusal',
  'annotations',
  'function_call',
  'audio',
]);

/**
 * All messages in the form that servers accept; `ignored` lists the fields that were left out.
 * @throws GH_REQUEST_INVALID with the path of the value that cannot be passed on
 */
export function parseMessages(incoming: readonly IncomingChatMessage[]): {
  messages: ChatMessage[];
  ignored: string[];
} {
  const ignored = new Set<string>();
  const messages = incoming.map((raw, index) => parseMessage(raw, `messages.${index}`, ignored));
  return { messages, ignored: [...ignored] };
}

function parseMessage(raw: IncomingChatMessage, where: string, ignored: Set<string>): ChatMessage {
  if (raw.role === 'function') throw fieldError(`${where}.role`, 'send the result as role tool');
  for (const field of ['function_call', 'audio']) {
    const why = field === 'audio' ? 'only text is passed on' : 'send the call as tool_calls';
    if ((raw[field] ?? null) !== null) throw fieldError(`${where}.${field}`, why);
  }
  const calls = (raw.tool_calls ?? []).map((call, index) =>
    parseToolCall(call, `${where}.tool_calls.${index}`),
  );
  const further = Object.entries(raw).filter(([name, value]) => {
    if (knownFields.has(name) || value === null || value === undefined) return false;
    if (!reasoningFields.has(name)) return true;
    ignored.add(`messages.${name}`);
    return false;
  });
  return {
    ...Object.fromEntries(further),
    // Local chat templates do not know `developer`; for OpenAI it is the new name of `system`.
    role: raw.role === 'developer' ? 'system' : raw.role,
    content: parseContent(raw, where),
    ...(raw.name ? { name: raw.name } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(raw.tool_call_id ? { tool_call_id: raw.tool_call_id } : {}),
  };
}

function parseContent(raw: IncomingChatMessage, where: string): string {
  const { role, content = null } = raw;
  if (content !== null) return parseTextContent(content, `${where}.content`);
  if (role === 'user') throw fieldError(`${where}.content`, 'a message of a user has content');
  // The text of a refusal is the content of the answer.
  return typeof raw['refusal'] === 'string' ? raw['refusal'] : '';
}

function parseToolCall(raw: unknown, where: string): ModelToolCall {
  const read = toolCallSchema.safeParse(raw);
  if (!read.success) throw inputError(read.error, [where]);
  const { id, function: called } = read.data;
  const { name, arguments: given } = called;
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { id, type: 'function', function: { name, arguments: text.trim() === '' ? '{}' : text } };
}

/**
 * Text, or parts that are all text. Other parts would not reach the model, so they are refused.
 * @throws GH_REQUEST_INVALID with the path of the part
 */
export function parseTextContent(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw fieldError(where, 'expected text, or a list of text parts');
  return content
    .map((part: unknown, index) => {
      const text = partText(part);
      if (text !== null) return text;
      throw fieldError(`${where}.${index}`, 'only text parts are passed on to a model');
    })
    .join('\n');
}

const textParts: ReadonlySet<unknown> = new Set([undefined, 'text', 'input_text', 'output_text']);

function partText(part: unknown): string | null {
  if (typeof part === 'string') return part;
  if (typeof part !== 'object' || part === null) return null;
  const { type, text, refusal } = part as Record<string, unknown>;
  if (textParts.has(type) && typeof text === 'string') return text;
  return type === 'refusal' && typeof refusal === 'string' ? refusal : null;
}

/** Distinguishes the first message of one chat from that of another: its text and all other content. */
export function fingerprintOf(content: unknown): string {
  if (content === undefined || content === null) return '';
  try {
    return parseTextContent(content, '');
  } catch {
    return JSON.stringify(content);
  }
}

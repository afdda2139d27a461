/** The messages of a request in the forms in which clients send them, as a backend's server takes them. */
import { z } from 'zod';
import type { ChatMessage, ModelToolCall } from '../contract/model.ts';
import { fieldError } from './openai-fields.ts';

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;

export const message = z.looseObject({
  role: z.enum(roles, `must be one of ${roles.join(', ')}`),
  content: z.unknown().optional(),
  name: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
  tool_call_id: z.string().nullish(),
});
export type IncomingMessage = z.infer<typeof message>;

/** Some clients leave `type` out, some send the arguments as an object, some none at all. */
const toolCall = z.looseObject({
  id: z.string().min(1),
  type: z.literal('function').nullish(),
  function: z.looseObject({
    name: z.string().min(1),
    arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  }),
});

/** Thoughts of earlier answers: they are never part of a prompt again. */
const thoughts: ReadonlySet<string> = new Set([
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'thinking',
  'thinking_blocks',
]);

/** Read here, or a copy of an answer that says nothing new. */
const known: ReadonlySet<string> = new Set([
  ...Object.keys(message.shape),
  'refusal',
  'annotations',
  'function_call',
  'audio',
]);

/**
 * All messages, each in the form that servers take; `ignored` names what was left out.
 * @throws GH_REQUEST_INVALID with the path of what cannot be passed on
 */
export function readMessages(incoming: readonly IncomingMessage[]): {
  messages: ChatMessage[];
  ignored: string[];
} {
  const ignored = new Set<string>();
  const messages = incoming.map((raw, index) => readMessage(raw, `messages.${index}`, ignored));
  return { messages, ignored: [...ignored] };
}

function readMessage(raw: IncomingMessage, where: string, ignored: Set<string>): ChatMessage {
  if (raw.role === 'function') throw fieldError(`${where}.role`, 'send the result as role tool');
  for (const field of ['function_call', 'audio']) {
    const why = field === 'audio' ? 'only text is passed on' : 'send the call as tool_calls';
    if ((raw[field] ?? null) !== null) throw fieldError(`${where}.${field}`, why);
  }
  const calls = (raw.tool_calls ?? []).map((call, index) =>
    readToolCall(call, `${where}.tool_calls.${index}`),
  );
  const further = Object.entries(raw).filter(([name, value]) => {
    if (known.has(name) || value === null || value === undefined) return false;
    if (!thoughts.has(name)) return true;
    ignored.add(`messages.${name}`);
    return false;
  });
  return {
    ...Object.fromEntries(further),
    // Local templates know no `developer`; OpenAI says that it is the new name of `system`.
    role: raw.role === 'developer' ? 'system' : raw.role,
    content: contentOf(raw, where),
    ...(raw.name ? { name: raw.name } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(raw.tool_call_id ? { tool_call_id: raw.tool_call_id } : {}),
  };
}

function contentOf(raw: IncomingMessage, where: string): string {
  const { role, content = null } = raw;
  if (content !== null) return textOf(content, `${where}.content`);
  if (role === 'user') throw fieldError(`${where}.content`, 'a message of a user has content');
  // What a model refused is what it said.
  return typeof raw['refusal'] === 'string' ? raw['refusal'] : '';
}

function readToolCall(raw: unknown, where: string): ModelToolCall {
  const read = toolCall.safeParse(raw);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw fieldError([where, ...(issue?.path ?? [])].join('.'), issue?.message ?? 'is not valid');
  }
  const { id, function: called } = read.data;
  const { name, arguments: given } = called;
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { id, type: 'function', function: { name, arguments: text.trim() === '' ? '{}' : text } };
}

/**
 * Text, or parts that are all text. Anything else would be lost on the way to the model, so it is refused.
 * @throws GH_REQUEST_INVALID with the path of the part
 */
export function textOf(content: unknown, where: string): string {
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

/** What tells the first message of one chat from that of another: its text, and whatever else is in it. */
export function fingerprintOf(content: unknown): string {
  if (content === undefined || content === null) return '';
  try {
    return textOf(content, '');
  } catch {
    return JSON.stringify(content);
  }
}

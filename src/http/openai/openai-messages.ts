/** Converts the messages of a request, in the forms that clients send, to the form that a backend's server accepts. */
import { z } from 'zod';
import type { ChatMessage, ModelToolCall } from '#shared/model/model';
import { inputError } from '#shared/parse-input';
import { parseContent, parseTextContent, type PlacedPictures } from './message-content.ts';
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

export interface ReadMessages {
  messages: ChatMessage[];
  pictures: PlacedPictures[];
  /** Fields that were left out. */
  ignored: string[];
}

/**
 * All messages in the form that servers accept.
 * @throws GH_REQUEST_INVALID, GH_PICTURE_REFUSED with the path of the value that cannot be passed on
 */
export function parseMessages(incoming: readonly IncomingChatMessage[]): ReadMessages {
  const ignored = new Set<string>();
  const pictures: PlacedPictures[] = [];
  const messages = incoming.map((raw, index) =>
    parseMessage(raw, `messages.${index}`, ignored, pictures),
  );
  return { messages, pictures, ignored: [...ignored] };
}

function parseMessage(
  raw: IncomingChatMessage,
  where: string,
  ignored: Set<string>,
  pictures: PlacedPictures[],
): ChatMessage {
  if (raw.role === 'function') throw fieldError(`${where}.role`, 'send the result as role tool');
  for (const field of ['function_call', 'audio']) {
    const why =
      field === 'audio' ? 'only text and pictures are passed on' : 'send the call as tool_calls';
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
    ...contentOf(raw, where, pictures),
    ...(raw.name ? { name: raw.name } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(raw.tool_call_id ? { tool_call_id: raw.tool_call_id } : {}),
  };
}

function contentOf(
  raw: IncomingChatMessage,
  where: string,
  found: PlacedPictures[],
): Pick<ChatMessage, 'content' | 'parts'> {
  const { role, content = null } = raw;
  const place = `${where}.content`;
  if (content === null) {
    if (role === 'user') throw fieldError(place, 'a message of a user has content');
    // The text of a refusal is the content of the answer.
    return { content: typeof raw['refusal'] === 'string' ? raw['refusal'] : '' };
  }
  // Chat templates know pictures of people and of tools only.
  if (role !== 'user' && role !== 'tool') return { content: parseTextContent(content, place) };
  const { text, parts, pictures } = parseContent(content, place);
  if (parts === null) return { content: text };
  found.push({ where: place, pictures });
  return { content: text, parts };
}

function parseToolCall(raw: unknown, where: string): ModelToolCall {
  const read = toolCallSchema.safeParse(raw);
  if (!read.success) throw inputError(read.error, [where]);
  const { id, function: called } = read.data;
  const { name, arguments: given } = called;
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { id, type: 'function', function: { name, arguments: text.trim() === '' ? '{}' : text } };
}

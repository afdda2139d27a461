/**
 * Parses one JSON chunk of a completion, tolerantly. Servers differ in which fields they send, omit or fill with null;
 * this file maps all of them to one shape and never throws. completion-accumulator.ts interprets the chunks.
 */
import { parseUpstreamError } from './upstream-error.ts';
import { isJsonObject, type JsonObject } from '#shared/text/json-text';
import type { TokenUsage } from '#shared/model/model';

/** A delta of a tool call; servers send whole calls, or a name first and the arguments in pieces. */
export interface ToolCallDelta {
  index: number | null;
  id: string | null;
  name: string | null;
  /** JSON text, or a part of it. `whole`: the server sent an object instead. */
  arguments: string;
  whole: boolean;
  /** From a whole message that some servers send after the deltas: it may repeat an earlier call. */
  isRepeat?: boolean;
}

export type CompletionChunk =
  | { kind: 'error'; message: string; type: string }
  | {
      kind: 'delta';
      content: string;
      /** The content is the whole answer so far, not an increment. */
      isWhole: boolean;
      reasoning: string;
      toolCalls: readonly ToolCallDelta[];
      /** The server's finish_reason, in lower case; null without one. */
      finish: string | null;
      usage: TokenUsage | null;
    }
  /** No part of the answer: a ping, a progress report. */
  | { kind: 'other' }
  | { kind: 'bad' };

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

const isThought = (part: unknown): boolean =>
  isJsonObject(part) && /think|reason/i.test(text(part['type']));

const partText = (part: unknown): string =>
  isJsonObject(part) ? text(part['text']) || text(part['content']) : text(part);

/** Content as a string, as one part, or as a list of parts; only text parts count. */
function contentOf(value: unknown): string {
  const parts: unknown[] = Array.isArray(value) ? value : [value];
  return parts.map((part) => (isThought(part) ? '' : partText(part))).join('');
}

/** Thinking as text, as an object, or as a list; in its own field or as a part of the content. */
function thoughtText(value: unknown): string {
  if (Array.isArray(value)) return value.map(thoughtText).join('');
  if (!isJsonObject(value)) return text(value);
  return partText(value) || thoughtText(value['thinking']) || text(value['summary']);
}

/** Names of the thinking field; some servers send two of them with the same text. */
const reasoningFields = [
  'reasoning_content',
  'reasoning',
  'thinking',
  'reasoning_text',
  'reasoning_details',
  'thinking_blocks',
];

function reasoningOf(delta: JsonObject): string {
  for (const name of reasoningFields) {
    const thought = thoughtText(delta[name]);
    if (thought !== '') return thought;
  }
  const { content } = delta;
  return Array.isArray(content) ? thoughtText(content.filter(isThought)) : '';
}

/** A number, or a string of digits. */
const indexOf = (value: unknown): number | null =>
  count(typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value);

function toolCallDeltasIn(value: unknown): ToolCallDelta[] {
  if (!isJsonObject(value)) return [];
  const call = isJsonObject(value['function']) ? value['function'] : value;
  const args = call['arguments'] ?? call['parameters'];
  const whole = typeof args === 'object' && args !== null;
  return [
    {
      index: indexOf(value['index']),
      id: text(value['id']) || (count(value['id'])?.toString() ?? null),
      name: text(call['name']) || null,
      arguments: whole ? JSON.stringify(args) : text(args),
      whole,
    },
  ];
}

function toolCallDeltasOf(delta: JsonObject): ToolCallDelta[] {
  const calls = delta['tool_calls'];
  const pieces = Array.isArray(calls) ? calls.flatMap(toolCallDeltasIn) : toolCallDeltasIn(calls);
  // Some servers send both, the old field beside the new field.
  return pieces.length > 0 ? pieces : toolCallDeltasIn(delta['function_call']);
}

/** The calls of a delta, and the calls of a whole message beside it. */
const toolCallsOfChoice = (choice: JsonObject): ToolCallDelta[] => {
  const { delta, message } = choice;
  if (!isJsonObject(delta)) return isJsonObject(message) ? repeatedToolCalls(message) : [];
  return [...toolCallDeltasOf(delta), ...(isJsonObject(message) ? repeatedToolCalls(message) : [])];
};

const repeatedToolCalls = (message: JsonObject): ToolCallDelta[] =>
  toolCallDeltasOf(message).map((piece) => ({ ...piece, isRepeat: true }));

const emptyDelta = {
  kind: 'delta',
  content: '',
  isWhole: false,
  reasoning: '',
  toolCalls: [],
  finish: null,
} as const;

function usageOf(value: unknown): TokenUsage | null {
  if (!isJsonObject(value)) return null;
  const promptTokens = count(value['prompt_tokens']);
  const completionTokens = count(value['completion_tokens']);
  if (promptTokens === null && completionTokens === null) return null;
  const details = value['prompt_tokens_details'];
  return {
    promptTokens: promptTokens ?? 0,
    completionTokens: completionTokens ?? 0,
    cachedTokens: isJsonObject(details) ? count(details['cached_tokens']) : null,
  };
}

/** Texts that mean "no finish_reason". */
const noFinish = /^(?:null|none|undefined|nil|false)?$/i;

/** A finish_reason as text, or under `type` in an object; Python prints an enum as `FinishReason.STOP`. */
function normalizedFinishReason(value: unknown): string | null {
  const reason = text(isJsonObject(value) ? value['type'] : value).trim();
  return noFinish.test(reason) ? null : reason.replace(/^FinishReason\./, '').toLowerCase();
}

/** The finish_reason of a choice, under any of its names, or beside the choices. */
function finishOf(choice: JsonObject, delta: JsonObject, chunk: JsonObject): string | null {
  for (const each of [choice, delta, chunk]) {
    for (const name of ['finish_reason', 'finishReason', 'stop_reason', 'done_reason']) {
      const reason = normalizedFinishReason(each[name]);
      if (reason !== null) return reason;
    }
  }
  return chunk['done'] === true ? 'stop' : null;
}

/** The first choice. Ollama's own protocol has no choices: the message is a field of the chunk. */
function choiceOf(chunk: JsonObject): JsonObject | null {
  const { choices } = chunk;
  if (isJsonObject(choices)) return choices;
  const list: unknown[] = Array.isArray(choices) ? choices : [];
  const first = list.find((each) => isJsonObject(each) && (count(each['index']) ?? 0) === 0);
  if (isJsonObject(first)) return first;
  const isOllamaFormat =
    list.length === 0 && (isJsonObject(chunk['message']) || chunk['done'] === true);
  return isOllamaFormat ? { delta: chunk['message'] } : null;
}

/** Parses one chunk. `event` is the SSE event name, if any. Never throws. */
export function parseChunk(value: unknown, event?: string): CompletionChunk {
  const error = parseUpstreamError(value);
  if (error) return { kind: 'error', ...error };
  if (event === 'error') return { kind: 'error', message: JSON.stringify(value), type: 'error' };
  if (!isJsonObject(value)) return { kind: 'bad' };
  const usage = usageOf(value['usage']);
  const choice = choiceOf(value);
  if (choice === null) {
    if (!usage) return { kind: 'other' };
    return { ...emptyDelta, usage };
  }
  const delta = isJsonObject(choice['delta']) ? choice['delta'] : {};
  const message = isJsonObject(choice['message']) ? choice['message'] : {};
  const piece = contentOf(delta['content']) || text(choice['text']);
  return {
    kind: 'delta',
    content: piece || contentOf(message['content']),
    isWhole: piece === '',
    reasoning: reasoningOf(delta) || reasoningOf(message),
    toolCalls: toolCallsOfChoice(choice),
    finish: finishOf(choice, delta, value),
    usage,
  };
}

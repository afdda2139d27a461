/**
 * One JSON frame of an answer, read tolerantly. Servers differ in which fields they send, which they leave
 * out and which they fill with null; this file turns all of them into one shape and never throws.
 * What a frame means for the answer is answer-reader.ts.
 */

/** A piece of a tool call; servers send whole calls, or a name first and the arguments bit by bit. */
export interface ToolCallPiece {
  index: number | null;
  id: string | null;
  name: string | null;
  /** JSON text, or a part of one. `whole` when the server sent an object instead. */
  arguments: string;
  whole: boolean;
  /** From a whole message that some servers send after the deltas: it may have come before. */
  isRepeat?: boolean;
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number | null;
}

export type Frame =
  | { kind: 'error'; message: string; type: string }
  | {
      kind: 'delta';
      content: string;
      reasoning: string;
      toolCalls: ToolCallPiece[];
      /** The server's own word for why it ended. */
      finish: string | null;
      usage: Usage | null;
    }
  /** Something that says nothing about the answer: a ping, a progress report. */
  | { kind: 'other' }
  | { kind: 'bad' };

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** Content as a string, or as a list of parts of which those of text count. */
function contentOf(value: unknown): string {
  if (!Array.isArray(value)) return text(value);
  return value.map((part) => (isFields(part) ? text(part['text']) : text(part))).join('');
}

/** Three names for one thing; some servers send two of them with the same text. */
function reasoningOf(delta: Fields): string {
  return text(delta['reasoning_content']) || text(delta['reasoning']) || text(delta['thinking']);
}

/** A number, also as text. */
const indexOf = (value: unknown): number | null =>
  count(typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value);

function pieceOf(value: unknown): ToolCallPiece[] {
  if (!isFields(value)) return [];
  const call = isFields(value['function']) ? value['function'] : value;
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

function toolCallsOf(delta: Fields): ToolCallPiece[] {
  const calls = delta['tool_calls'];
  const pieces = Array.isArray(calls) ? calls.flatMap(pieceOf) : pieceOf(calls);
  // Some send both, the old field beside the new one.
  return pieces.length > 0 ? pieces : pieceOf(delta['function_call']);
}

/** The calls of a delta, and those of a whole message beside it. */
const callsOf = (choice: Fields): ToolCallPiece[] => {
  const { delta, message } = choice;
  if (!isFields(delta)) return isFields(message) ? repeats(message) : [];
  return [...toolCallsOf(delta), ...(isFields(message) ? repeats(message) : [])];
};

const repeats = (message: Fields): ToolCallPiece[] =>
  toolCallsOf(message).map((piece) => ({ ...piece, isRepeat: true }));

function usageOf(value: unknown): Usage | null {
  if (!isFields(value)) return null;
  const promptTokens = count(value['prompt_tokens']);
  const completionTokens = count(value['completion_tokens']);
  if (promptTokens === null && completionTokens === null) return null;
  const details = value['prompt_tokens_details'];
  return {
    promptTokens: promptTokens ?? 0,
    completionTokens: completionTokens ?? 0,
    cachedTokens: isFields(details) ? count(details['cached_tokens']) : null,
  };
}

/**
 * The error that a body or a frame speaks of, in any of the shapes in use: `{error: "…"}`,
 * `{error: {message, type}}`, `{detail: "…"}`, `{detail: [{msg}]}`, `{object: "error", message}`. Null when it speaks of none.
 */
export function errorOf(value: unknown): { message: string; type: string } | null {
  if (!isFields(value)) return null;
  const { error, detail } = value;
  if (typeof error === 'string' && error !== '') return { message: error, type: '' };
  if (isFields(error)) {
    const message = text(error['message']) || JSON.stringify(error);
    return { message, type: text(error['type']) };
  }
  if (typeof detail === 'string') return { message: detail, type: '' };
  if (Array.isArray(detail)) {
    const messages = detail.map((part) => (isFields(part) ? text(part['msg']) : text(part)));
    return { message: messages.join('; '), type: 'validation' };
  }
  if (value['object'] === 'error' || value['type'] === 'error') {
    return { message: text(value['message']) || JSON.stringify(value), type: 'error' };
  }
  return null;
}

/** Reads one frame. `event` is the SSE event name, where the server gave one. */
export function readFrame(value: unknown, event?: string): Frame {
  const error = errorOf(value);
  if (error) return { kind: 'error', ...error };
  if (event === 'error') return { kind: 'error', message: JSON.stringify(value), type: 'error' };
  if (!isFields(value)) return { kind: 'bad' };
  const usage = usageOf(value['usage']);
  const choices = Array.isArray(value['choices']) ? value['choices'] : [];
  const choice: unknown = choices.find(
    (each) => isFields(each) && (count(each['index']) ?? 0) === 0,
  );
  if (!isFields(choice)) {
    if (!usage) return { kind: 'other' };
    return { kind: 'delta', content: '', reasoning: '', toolCalls: [], finish: null, usage };
  }
  const source = choice['delta'] ?? choice['message'];
  const delta = isFields(source) ? source : {};
  return {
    kind: 'delta',
    content: contentOf(delta['content']) || text(choice['text']),
    reasoning: reasoningOf(delta),
    toolCalls: callsOf(choice),
    finish: text(choice['finish_reason']) || null,
    usage,
  };
}

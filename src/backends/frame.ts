/**
 * One JSON frame of an answer, read tolerantly. Servers differ in which fields they send, which they leave
 * out and which they fill with null; this file turns all of them into one shape and never throws.
 * What a frame means for the answer is answer-reader.ts.
 */
import { errorOf } from './frame-error.ts';

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
      /** The content is that of the whole answer so far, not a further piece of it. */
      isWhole: boolean;
      reasoning: string;
      toolCalls: readonly ToolCallPiece[];
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

const isThought = (part: unknown): boolean =>
  isFields(part) && /think|reason/i.test(text(part['type']));

const partText = (part: unknown): string =>
  isFields(part) ? text(part['text']) || text(part['content']) : text(part);

/** Content as a string, as one part, or as a list of parts of which those of text count. */
function contentOf(value: unknown): string {
  const parts: unknown[] = Array.isArray(value) ? value : [value];
  return parts.map((part) => (isThought(part) ? '' : partText(part))).join('');
}

/** Thinking in its field, as text, as an object, or as a list; also as a part of the content. */
function thoughtText(value: unknown): string {
  if (Array.isArray(value)) return value.map(thoughtText).join('');
  if (!isFields(value)) return text(value);
  return partText(value) || thoughtText(value['thinking']) || text(value['summary']);
}

/** Names for one thing; some servers send two of them with the same text. */
const reasoningFields = [
  'reasoning_content',
  'reasoning',
  'thinking',
  'reasoning_text',
  'reasoning_details',
  'thinking_blocks',
];

function reasoningOf(delta: Fields): string {
  for (const name of reasoningFields) {
    const thought = thoughtText(delta[name]);
    if (thought !== '') return thought;
  }
  const { content } = delta;
  return Array.isArray(content) ? thoughtText(content.filter(isThought)) : '';
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

const noDelta = {
  kind: 'delta',
  content: '',
  isWhole: false,
  reasoning: '',
  toolCalls: [],
  finish: null,
} as const;

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

/** Texts that stand for no finish_reason. */
const noFinish = /^(?:null|none|undefined|nil|false)?$/i;

/** A finish_reason as text, or under `type` in an object; `FinishReason.STOP` is how Python prints an enum. */
function finishWord(value: unknown): string | null {
  const word = text(isFields(value) ? value['type'] : value).trim();
  return noFinish.test(word) ? null : word.replace(/^FinishReason\./, '').toLowerCase();
}

/** The finish_reason of a choice, under any of its names, or beside the choices. */
function finishOf(choice: Fields, delta: Fields, frame: Fields): string | null {
  for (const each of [choice, delta, frame]) {
    for (const name of ['finish_reason', 'finishReason', 'stop_reason', 'done_reason']) {
      const word = finishWord(each[name]);
      if (word !== null) return word;
    }
  }
  return frame['done'] === true ? 'stop' : null;
}

/** The first choice. Ollama's own protocol has none: its message stands in the frame. */
function choiceOf(frame: Fields): Fields | null {
  const { choices } = frame;
  if (isFields(choices)) return choices;
  const list: unknown[] = Array.isArray(choices) ? choices : [];
  const first = list.find((each) => isFields(each) && (count(each['index']) ?? 0) === 0);
  if (isFields(first)) return first;
  const isOwn = list.length === 0 && (isFields(frame['message']) || frame['done'] === true);
  return isOwn ? { delta: frame['message'] } : null;
}

/** Reads one frame. `event` is the SSE event name, where the server gave one. */
export function readFrame(value: unknown, event?: string): Frame {
  const error = errorOf(value);
  if (error) return { kind: 'error', ...error };
  if (event === 'error') return { kind: 'error', message: JSON.stringify(value), type: 'error' };
  if (!isFields(value)) return { kind: 'bad' };
  const usage = usageOf(value['usage']);
  const choice = choiceOf(value);
  if (choice === null) {
    if (!usage) return { kind: 'other' };
    return { ...noDelta, usage };
  }
  const delta = isFields(choice['delta']) ? choice['delta'] : {};
  const message = isFields(choice['message']) ? choice['message'] : {};
  const piece = contentOf(delta['content']) || text(choice['text']);
  return {
    kind: 'delta',
    content: piece || contentOf(message['content']),
    isWhole: piece === '',
    reasoning: reasoningOf(delta) || reasoningOf(message),
    toolCalls: callsOf(choice),
    finish: finishOf(choice, delta, value),
    usage,
  };
}

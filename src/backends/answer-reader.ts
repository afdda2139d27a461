/**
 * What the frames of one answer add up to. Pure: no clock, no sockets.
 *
 * 1. An answer is complete when a finish_reason was seen. The end of the stream, `[DONE]` and status 200 prove
 *    nothing: a crashed server looks the same.
 * 2. The first thing that goes wrong before that decides; nothing after the finish_reason can undo it.
 * 3. Thinking is never part of the text; an answer that consists of nothing else is a failure.
 * 4. What is read is bounded, whatever the server was told about `max_tokens`.
 */
import type { ErrorReason, ModelAnswer, ModelToolCall } from '../contract/model.ts';
import { readFrame, type Frame, type Usage } from './frame.ts';
import { createThinkingFilter, type ThinkingFilter } from './thinking-filter.ts';
import type { Markup } from './thinking-markup.ts';
import { parsesAsJson } from './call-arguments.ts';
import { createToolCallAssembler, type ToolCallAssembler } from './tool-calls.ts';

export type FinishReason = ModelAnswer['finishReason'];

export interface ReaderOptions {
  markup: Markup;
  /** See ThinkingFilterOptions. */
  expectOrphanClose: boolean;
  /** Tool calls are dropped: the request had said `toolChoice: 'none'`. */
  dropToolCalls: boolean;
  /** Names of the tools that were offered; null where none were. */
  toolNames: ReadonlySet<string> | null;
  /** Bound of all text, thinking and arguments together, in UTF-16 code units. */
  charsMax: number;
  onText: (text: string, replace: boolean) => void;
}

export interface ReaderFailure {
  errorReason: ErrorReason;
  message: string;
}

export type Reading =
  | {
      ok: true;
      text: string;
      toolCalls: ModelToolCall[];
      finishReason: FinishReason;
      usage: Usage | null;
      orphanClose: boolean;
    }
  | ({ ok: false; partialText: string; orphanClose: boolean } & ReaderFailure);

export interface AnswerReader {
  /** Takes one JSON value. */
  json(value: unknown, event: string | undefined): void;
  fail(errorReason: ErrorReason, message: string): void;
  /** A token of any sort has come: text, thinking or a piece of a tool call. */
  readonly sawToken: boolean;
  /** A finish_reason was seen. */
  readonly finished: boolean;
  /** Nothing that follows can change the outcome for the better. */
  readonly failed: boolean;
  /** Call once, at the end. */
  result(): Reading;
}

/** The words of the servers for a normal end; `abort` and its like are not among them. */
const finishWords: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};

const brokenFinishes: ReadonlySet<string> = new Set(['abort', 'aborted', 'error', 'cancelled']);

function finishReasonOf(word: string, calls: ModelToolCall[]): FinishReason {
  const reason = finishWords[word] ?? 'stop';
  if (calls.length === 0) return reason === 'tool_calls' ? 'stop' : reason;
  // mlx and Ollama say `stop` with calls; cut by the limit, calls count only when their arguments are whole.
  if (reason !== 'length') return 'tool_calls';
  const whole = calls.every((call) => parsesAsJson(call.function.arguments));
  return whole ? 'tool_calls' : 'length';
}

class Reader implements AnswerReader {
  readonly #options: ReaderOptions;
  readonly #filter: ThinkingFilter;
  readonly #assembler: ToolCallAssembler;
  #text = '';
  #chars = 0;
  #sawToken = false;
  #sawReasoning = false;
  #finish: string | null = null;
  #usage: Usage | null = null;
  #failure: ReaderFailure | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { toolNames } = options;
    this.#assembler = createToolCallAssembler(toolNames && ((name) => toolNames.has(name)));
    this.#filter = createThinkingFilter({
      markup: options.markup,
      expectOrphanClose: options.expectOrphanClose,
      onText: (chunk, replace) => {
        this.#text = replace ? chunk : this.#text + chunk;
        options.onText(chunk, replace);
      },
    });
  }

  get sawToken(): boolean {
    return this.#sawToken;
  }

  get finished(): boolean {
    return this.#finish !== null;
  }

  get failed(): boolean {
    return this.#failure !== null;
  }

  json(value: unknown, event: string | undefined): void {
    const frame = readFrame(value, event);
    if (frame.kind === 'error') this.fail('upstream_stream_error', frame.message);
    else if (frame.kind === 'bad') this.fail('bad_chunk', 'a frame that is not an object');
    else if (frame.kind === 'delta' && !this.#failure) this.#delta(frame);
  }

  fail(errorReason: ErrorReason, message: string): void {
    if (this.#finish === null) this.#failure ??= { errorReason, message };
  }

  result(): Reading {
    let orphanClose = false;
    if (this.#finish === null) {
      this.fail('truncated', 'the stream ended without a finish_reason');
    } else {
      const end = this.#filter.end(this.#finish === 'length');
      orphanClose = end.orphanClose;
      this.#failure = this.#emptiness(end.unclosed);
    }
    if (this.#failure) {
      return { ok: false, partialText: this.#text, orphanClose, ...this.#failure };
    }
    const toolCalls = this.#assembler.calls();
    const finishReason = finishReasonOf(this.#finish ?? 'stop', toolCalls);
    return { ok: true, text: this.#text, toolCalls, finishReason, usage: this.#usage, orphanClose };
  }

  #delta(frame: Extract<Frame, { kind: 'delta' }>): void {
    this.#usage = frame.usage ?? this.#usage;
    if (this.#finish !== null) return;
    this.#chars += frame.content.length + frame.reasoning.length;
    for (const piece of frame.toolCalls) this.#chars += piece.arguments.length;
    if (frame.content || frame.reasoning || frame.toolCalls.length > 0) this.#sawToken = true;
    if (frame.reasoning) this.#sawReasoning = true;
    if (frame.content) this.#filter.push(frame.content);
    if (!this.#options.dropToolCalls) {
      for (const piece of frame.toolCalls) this.#assembler.add(piece);
    }
    if (frame.finish && brokenFinishes.has(frame.finish)) {
      this.fail('upstream_stream_error', `the server ended the answer with "${frame.finish}"`);
    } else if (frame.finish) {
      this.#finish = frame.finish;
    } else if (this.#chars > this.#options.charsMax) {
      this.fail('answer_too_long', `no end after ${this.#chars} characters`);
    }
  }

  /** Why an answer that ended by itself is none after all; null when it is one. */
  #emptiness(unclosed: boolean): ReaderFailure | null {
    if (this.#text !== '' || this.#assembler.calls().length > 0) return null;
    if (unclosed || this.#sawReasoning) {
      return {
        errorReason: 'unclosed_thinking',
        message: `only thinking, no answer (${this.#finish})`,
      };
    }
    return { errorReason: 'empty_answer', message: `an empty answer (${this.#finish})` };
  }
}

export const createAnswerReader = (options: ReaderOptions): AnswerReader => new Reader(options);

/**
 * What the frames of one answer add up to. Pure: no clock, no sockets.
 *
 * 1. Where an answer ends is decided in answer-end.ts. Without any sign of an end it is cut: the end of the stream
 *    and status 200 prove nothing, a crashed server looks the same.
 * 2. The first thing that goes wrong before that decides; nothing after the end can undo it.
 * 3. Thinking is never part of the text; an answer that consists of nothing else is a failure.
 * 4. What is read is bounded, whatever the server was told about `max_tokens`.
 */
import type { ErrorReason, ModelAnswer, ModelToolCall } from '../contract/model.ts';
import { createAnswerEnd, type Verdict } from './answer-end.ts';
import { createCallFilter, type CallFilter } from './call-filter.ts';
import { readFrame, type Frame, type Usage } from './frame.ts';
import { createThinkingFilter, type ThinkingFilter } from './thinking-filter.ts';
import type { PrintedCallOptions } from '../lib/printed-calls/printed-calls.ts';
import type { Markup } from './thinking-markup.ts';
import { parsesAsJson } from './call-arguments.ts';
import { createToolCallAssembler, type ToolCallAssembler } from './tool-calls.ts';

type Delta = Extract<Frame, { kind: 'delta' }>;

export type FinishReason = ModelAnswer['finishReason'];

export interface ReaderOptions {
  markup: Markup;
  /** See ThinkingFilterOptions. */
  expectOrphanClose: boolean;
  /** Tool calls are dropped: the request had said `toolChoice: 'none'`. */
  dropToolCalls: boolean;
  /** The tools that were offered: a call of one of them within the text is a call. Null: none were. */
  printedCalls: PrintedCallOptions | null;
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
  /** `[DONE]` has come. */
  done(): void;
  /** Frames with text, thinking or a piece of a tool call so far. */
  readonly tokens: number;
  /** Whether the answer has ended: `perhaps` when the finish_reason stood beside words and more may come. */
  readonly finished: 'no' | 'perhaps' | 'yes';
  /** Nothing that follows can change the outcome for the better. */
  readonly closed: boolean;
  /** Call once, at the end. */
  result(): Reading;
}

/** The words of the servers for an end, in lower case. A word that is in no table is a normal end. */
const finishWords: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_length: 'length',
  max_new_tokens: 'length',
  max_output_tokens: 'length',
  model_length: 'length',
  context_length_exceeded: 'length',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool_calls',
  tool_call: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  safety: 'content_filter',
  recitation: 'content_filter',
  refusal: 'content_filter',
};

/** Words by which a server says that it did not come to an end. */
const brokenFinishes: ReadonlySet<string> = new Set([
  'abort',
  'aborted',
  'cancelled',
  'canceled',
  'error',
  'failed',
  'timeout',
  'network_error',
  'unload',
  'insufficient_system_resource',
]);

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
  /** Takes the calls out of the text. */
  readonly #printed: CallFilter | null;
  readonly #end = createAnswerEnd();
  #text = '';
  /** All content as the server sent it. */
  #raw = '';
  /** Content that came after the end, while it is not known whether it counts. */
  #held = '';
  #chars = 0;
  #tokens = 0;
  #sawReasoning = false;
  #overfull = false;
  #usage: Usage | null = null;
  #failure: ReaderFailure | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { printedCalls, dropToolCalls: drops } = options;
    this.#assembler = createToolCallAssembler(
      printedCalls && ((name) => printedCalls.offers.names.includes(name)),
    );
    const show = (chunk: string, replace: boolean): void => {
      this.#text = replace ? chunk : this.#text + chunk;
      options.onText(chunk, replace);
    };
    this.#printed = printedCalls && createCallFilter({ ...printedCalls, drops, onText: show });
    this.#filter = createThinkingFilter({
      markup: options.markup,
      expectOrphanClose: options.expectOrphanClose,
      onText: (chunk, replace) =>
        this.#printed ? this.#printed.push(chunk, replace) : show(chunk, replace),
      onCall: (name, args) => {
        if (options.dropToolCalls) return;
        this.#assembler.add({ index: null, id: null, name, arguments: args, whole: true });
      },
    });
  }

  get tokens(): number {
    return this.#tokens;
  }

  get finished(): 'no' | 'perhaps' | 'yes' {
    if (!this.#end.stands) return 'no';
    return this.#end.weight === 'beside' ? 'perhaps' : 'yes';
  }

  get closed(): boolean {
    return this.#failure !== null || this.#overfull;
  }

  json(value: unknown, event: string | undefined): void {
    const frame = readFrame(value, event);
    if (frame.kind === 'error') this.fail('upstream_stream_error', frame.message);
    else if (frame.kind === 'bad') this.fail('bad_chunk', 'a frame that is not an object');
    else if (frame.kind === 'delta' && !this.#failure) this.#delta(frame);
  }

  done(): void {
    if (!this.#failure) this.#end.done();
  }

  fail(errorReason: ErrorReason, message: string): void {
    if (!this.#end.stands) this.#failure ??= { errorReason, message };
  }

  result(): Reading {
    const { word } = this.#end;
    if (word === null) this.fail('truncated', 'the stream ended without a finish_reason or [DONE]');
    let orphanClose = false;
    let toolCalls: ModelToolCall[] = [];
    if (!this.#failure) {
      this.#filter.push(this.#held);
      const end = this.#filter.end(finishWords[word ?? ''] === 'length');
      orphanClose = end.orphanClose;
      const printed = this.#printed?.end() ?? [];
      const native = this.#assembler.calls();
      toolCalls = native.length > 0 ? native : printed;
      this.#failure = toolCalls.length > 0 ? null : this.#emptiness(end.unclosed);
    }
    if (this.#failure) {
      return { ok: false, partialText: this.#text, orphanClose, ...this.#failure };
    }
    const finishReason = finishReasonOf(word ?? 'stop', toolCalls);
    return { ok: true, text: this.#text, toolCalls, finishReason, usage: this.#usage, orphanClose };
  }

  #delta(frame: Delta): void {
    this.#usage = frame.usage ?? this.#usage;
    const { reasoning, toolCalls } = frame;
    const content = this.#newContent(frame);
    this.#chars += content.length + reasoning.length;
    for (const piece of toolCalls) this.#chars += piece.arguments.length;
    const call = toolCalls.length > 0;
    const words = call || content !== '' || reasoning !== '';
    const isBroken = frame.finish !== null && brokenFinishes.has(frame.finish);
    const verdict = this.#end.take({ words, call, finish: isBroken ? null : frame.finish });
    if (verdict === 'drop') this.#held = '';
    else this.#words(content, frame, verdict);
    if (words) this.#tokens++;
    if (isBroken) {
      this.fail('upstream_stream_error', `the server ended the answer with "${frame.finish}"`);
    } else if (this.#chars > this.#options.charsMax) {
      this.#overfull = true;
      this.fail('answer_too_long', `no end after ${this.#chars} characters`);
    }
  }

  #words(content: string, { reasoning, toolCalls }: Delta, verdict: Verdict): void {
    if (reasoning && !this.#sawReasoning) {
      this.#sawReasoning = true;
      this.#filter.sawReasoning();
    }
    if (!this.#options.dropToolCalls) for (const piece of toolCalls) this.#assembler.add(piece);
    this.#raw += content;
    this.#held += content;
    if (verdict === 'hold') return;
    const text = this.#held;
    this.#held = '';
    if (text !== '') this.#filter.push(text);
  }

  /** Some servers send the whole message once more at the end: what was there already is no new content. */
  #newContent({ content, isWhole }: Delta): string {
    if (!isWhole || this.#raw === '') return content;
    if (content.trim() === this.#raw.trim()) return '';
    return content.startsWith(this.#raw) ? content.slice(this.#raw.length) : content;
  }

  /** Why an answer that ended by itself is none after all; null when it is one. */
  #emptiness(unclosed: boolean): ReaderFailure | null {
    if (this.#text !== '') return null;
    if (unclosed || this.#sawReasoning) {
      return {
        errorReason: 'unclosed_thinking',
        message: `only thinking, no answer (${this.#end.word})`,
      };
    }
    return { errorReason: 'empty_answer', message: `an empty answer (${this.#end.word})` };
  }
}

export const createAnswerReader = (options: ReaderOptions): AnswerReader => new Reader(options);

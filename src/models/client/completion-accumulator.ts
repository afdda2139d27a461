/**
 * Accumulates the chunks of one completion. Pure: no clock, no sockets.
 *
 * 1. completion-end.ts decides where a completion ends. Without any end signal it is truncated: the end of the stream
 *    and status 200 prove nothing, a crashed server looks the same.
 * 2. The first failure before the end decides; nothing after the end can change the result.
 * 3. Thinking is never part of the text; a completion with only thinking is a failure.
 * 4. The accepted length is limited, whatever `max_tokens` was sent to the server.
 */
import type { ErrorReason, ModelAnswer, ModelToolCall } from '#shared/model/model';
import { CompletionEnd, type TextVerdict } from './completion-end.ts';
import { PrintedCallFilter } from './text-filters/printed-call-filter.ts';
import { parseChunk, type CompletionChunk } from './stream-chunk.ts';
import { ThinkingFilter } from './text-filters/thinking-filter.ts';
import type { PrintedCallOptions } from '#shared/text/printed-calls/printed-calls';
import type { Markup } from './text-filters/thinking-markup.ts';
import { parsesAsJson } from './call-arguments.ts';
import { ToolCallAssembler } from './tool-call-assembler.ts';
import type { TokenUsage } from '#shared/model/model';
import type { RequestFailure } from './error-mapping.ts';

type Delta = Extract<CompletionChunk, { kind: 'delta' }>;

export type FinishReason = ModelAnswer['finishReason'];

export interface AccumulatorOptions {
  markup: Markup;
  /** See ThinkingFilterOptions. */
  expectOrphanClose: boolean;
  /** Drop tool calls: the request had `toolChoice: 'none'`. */
  dropToolCalls: boolean;
  /** The offered tools: a call of one of them inside the text is a tool call. Null: no tools were offered. */
  printedCalls: PrintedCallOptions | null;
  /** Limit of text, thinking and arguments together, in UTF-16 code units. */
  charsMax: number;
  onText: (text: string, replace: boolean) => void;
}

export type Completion =
  | {
      ok: true;
      text: string;
      toolCalls: ModelToolCall[];
      finishReason: FinishReason;
      usage: TokenUsage | null;
      orphanClose: boolean;
    }
  | ({ ok: false; partialText: string; orphanClose: boolean } & RequestFailure);

/** The servers' finish_reason values, in lower case. A value that is in no table is a normal end. */
const finishReasonsByWord: Record<string, FinishReason> = {
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

/** The finish_reason values of an abnormal end. */
const abnormalFinishReasons: ReadonlySet<string> = new Set([
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
  const reason = finishReasonsByWord[word] ?? 'stop';
  if (calls.length === 0) return reason === 'tool_calls' ? 'stop' : reason;
  // mlx and Ollama send `stop` with tool calls; after truncation by the limit, calls count only if their arguments are
  // complete.
  if (reason !== 'length') return 'tool_calls';
  const whole = calls.every((call) => parsesAsJson(call.function.arguments));
  return whole ? 'tool_calls' : 'length';
}

export class CompletionAccumulator {
  readonly #options: AccumulatorOptions;
  readonly #filter: ThinkingFilter;
  readonly #assembler: ToolCallAssembler;
  /** Removes printed tool calls from the text; null when no tools were offered. */
  readonly #printed: PrintedCallFilter | null;
  readonly #end = new CompletionEnd();
  #text = '';
  /** All content as sent by the server. */
  #raw = '';
  /** Content received after the end signal, until it is known whether it counts. */
  #held = '';
  #chars = 0;
  #tokens = 0;
  #sawReasoning = false;
  #overfull = false;
  #usage: TokenUsage | null = null;
  #failure: RequestFailure | null = null;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
    const { printedCalls, dropToolCalls: drops } = options;
    this.#assembler = new ToolCallAssembler(
      printedCalls && ((name) => printedCalls.offers.names.includes(name)),
    );
    const show = (chunk: string, replace: boolean): void => {
      this.#text = replace ? chunk : this.#text + chunk;
      options.onText(chunk, replace);
    };
    this.#printed = printedCalls && new PrintedCallFilter({ ...printedCalls, drops, onText: show });
    this.#filter = new ThinkingFilter({
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

  /** Number of chunks with text, thinking or a tool call delta so far. */
  get tokens(): number {
    return this.#tokens;
  }

  /**
   * Whether the completion has ended; `perhaps`: the finish_reason came in a chunk with content, and more may follow.
   */
  get finished(): 'no' | 'perhaps' | 'yes' {
    if (!this.#end.isComplete) return 'no';
    return this.#end.weight === 'beside' ? 'perhaps' : 'yes';
  }

  /** Further chunks cannot improve the result. */
  get isClosed(): boolean {
    return this.#failure !== null || this.#overfull;
  }

  /** Adds one parsed JSON chunk. */
  accept(value: unknown, event: string | undefined): void {
    const completionChunk = parseChunk(value, event);
    if (completionChunk.kind === 'error')
      this.fail('upstream_stream_error', completionChunk.message);
    else if (completionChunk.kind === 'bad')
      this.fail('bad_chunk', 'a frame that is not an object');
    else if (completionChunk.kind === 'delta' && !this.#failure) this.#acceptDelta(completionChunk);
  }

  /** `[DONE]` was received. */
  markDone(): void {
    if (!this.#failure) this.#end.markDone();
  }

  fail(errorReason: ErrorReason, message: string): void {
    if (!this.#end.isComplete) this.#failure ??= { errorReason, message };
  }

  /** Call once, at the end. */
  result(): Completion {
    const { finishReason: word } = this.#end;
    if (word === null) this.fail('truncated', 'the stream ended without a finish_reason or [DONE]');
    let orphanClose = false;
    let toolCalls: ModelToolCall[] = [];
    if (!this.#failure) {
      this.#filter.push(this.#held);
      const end = this.#filter.end(finishReasonsByWord[word ?? ''] === 'length');
      orphanClose = end.orphanClose;
      const printed = this.#printed?.end() ?? [];
      const native = this.#assembler.calls();
      toolCalls = native.length > 0 ? native : printed;
      this.#failure = toolCalls.length > 0 ? null : this.#emptyCompletionFailure(end.unclosed);
    }
    if (this.#failure) {
      return { ok: false, partialText: this.#text, orphanClose, ...this.#failure };
    }
    const finishReason = finishReasonOf(word ?? 'stop', toolCalls);
    return { ok: true, text: this.#text, toolCalls, finishReason, usage: this.#usage, orphanClose };
  }

  #acceptDelta(delta: Delta): void {
    this.#usage = delta.usage ?? this.#usage;
    const { reasoning, toolCalls } = delta;
    const content = this.#withoutRepeatedContent(delta);
    this.#chars += content.length + reasoning.length;
    for (const piece of toolCalls) this.#chars += piece.arguments.length;
    const hasToolCall = toolCalls.length > 0;
    const hasContent = hasToolCall || content !== '' || reasoning !== '';
    const isBroken = delta.finish !== null && abnormalFinishReasons.has(delta.finish);
    const verdict = this.#end.observe({
      hasContent,
      hasToolCall,
      finish: isBroken ? null : delta.finish,
    });
    if (verdict === 'drop') this.#held = '';
    else this.#addContent(content, delta, verdict);
    if (hasContent) this.#tokens++;
    if (isBroken) {
      this.fail('upstream_stream_error', `the server ended the answer with "${delta.finish}"`);
    } else if (this.#chars > this.#options.charsMax) {
      this.#overfull = true;
      this.fail('answer_too_long', `no end after ${this.#chars} characters`);
    }
  }

  #addContent(content: string, { reasoning, toolCalls }: Delta, verdict: TextVerdict): void {
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

  /** Some servers repeat the whole message at the end: returns only the new content. */
  #withoutRepeatedContent({ content, isWhole }: Delta): string {
    if (!isWhole || this.#raw === '') return content;
    if (content.trim() === this.#raw.trim()) return '';
    return content.startsWith(this.#raw) ? content.slice(this.#raw.length) : content;
  }

  /** The failure of a completion that ended normally but has no answer; null when it has one. */
  #emptyCompletionFailure(unclosed: boolean): RequestFailure | null {
    if (this.#text !== '') return null;
    if (unclosed || this.#sawReasoning) {
      return {
        errorReason: 'unclosed_thinking',
        message: `only thinking, no answer (${this.#end.finishReason})`,
      };
    }
    return { errorReason: 'empty_answer', message: `an empty answer (${this.#end.finishReason})` };
  }
}

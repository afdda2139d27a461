/**
 * Detects where a completion ends. Pure; docs/backends.md has the same rules as a table.
 *
 * The end signals are a finish_reason and `[DONE]`. On many servers they contradict each other and the chunks that
 * follow, so a finish_reason has a weight:
 *  - `early`: before any content. Ignored once content comes.
 *  - `beside`: in a chunk with content. Revoked by further content; the last finish_reason counts.
 *  - `apart`: in a chunk without content, after content. Further text is held: it counts if the next finish_reason is
 *    the same or none follows, and is dropped if the next finish_reason differs.
 * `[DONE]` is the server's statement that it has finished, also without a finish_reason. Without any signal the
 * completion is truncated.
 */

export type FinishWeight = 'none' | 'early' | 'beside' | 'apart';

/** The end signals of one chunk. */
export interface EndSignals {
  /** Text, thinking or a tool call delta. */
  hasContent: boolean;
  hasToolCall: boolean;
  /** The server's finish_reason; null without one. */
  finish: string | null;
}

/**
 * What to do with the text of a chunk; tool calls always count until the end is final. `read`: add it. `hold`: keep it
 * until a later verdict. `release`: add the held text, then this. `drop`: discard the held text, this text and
 * everything later.
 */
export type TextVerdict = 'read' | 'hold' | 'release' | 'drop';

export class CompletionEnd {
  #finishReason: string | null = null;
  #weight: FinishWeight = 'none';
  #sawContent = false;
  #holding = false;
  /** A tool call came after the end signal: the server really continued. */
  #sawToolCallAfterEnd = false;
  #over = false;
  #done = false;
  #wasRevoked = false;

  /** The effective finish_reason; null while there is none. `stop` after `[DONE]` alone. */
  get finishReason(): string | null {
    return this.#finishReason ?? (this.#done ? 'stop' : null);
  }

  get weight(): FinishWeight {
    return this.#weight;
  }

  /** The completion is complete; a later error is ignored. */
  get isComplete(): boolean {
    if (this.#done || this.#weight === 'apart') return true;
    return this.#weight === 'beside' && !this.#wasRevoked;
  }

  /** Content has followed a finish_reason: this server's finish_reason does not mean the end. */
  get wasRevoked(): boolean {
    return this.#wasRevoked;
  }

  /** `[DONE]` was received. */
  markDone(): void {
    this.#done = true;
  }

  observe(signs: EndSignals): TextVerdict {
    const { hasContent, finish } = signs;
    if (this.#over) return 'drop';
    if (this.#weight === 'apart') return this.#observeAfterEnd(signs);
    if (hasContent && this.#finishReason !== null) {
      this.#wasRevoked = true;
      this.#finishReason = null;
      this.#weight = 'none';
    }
    this.#sawContent ||= hasContent;
    if (finish !== null) {
      this.#finishReason = finish;
      this.#weight = hasContent ? 'beside' : this.#sawContent ? 'apart' : 'early';
    }
    return 'read';
  }

  #observeAfterEnd({ hasContent, hasToolCall, finish }: EndSignals): TextVerdict {
    this.#sawToolCallAfterEnd ||= hasToolCall;
    if (finish === null) {
      if (!hasContent) return 'read';
      this.#holding = true;
      return 'hold';
    }
    const contradicts =
      finish !== this.#finishReason && (this.#holding || hasContent) && !this.#sawToolCallAfterEnd;
    this.#over = contradicts;
    this.#holding = false;
    if (contradicts) return 'drop';
    this.#finishReason = finish;
    return 'release';
  }
}

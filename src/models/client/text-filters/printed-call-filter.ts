/**
 * Removes tool calls that a model printed as text from the stream. lib/printed-calls parses them; this filter decides
 * what is shown before the text is complete.
 *
 * 1. Text is held back from the start, or possible start, of a call, and only as long as this is undecided.
 * 2. Calls and text are parsed from the whole text at the end: the result does not depend on how it was split.
 */
import { randomUUID } from 'node:crypto';
import type { ModelToolCall } from '#shared/model/model';
import {
  parsePrintedCalls,
  safeTextEnd,
  type PrintedCallOptions,
} from '#shared/text/printed-calls/printed-calls';

export interface PrintedCallFilterOptions extends PrintedCallOptions {
  /** Calls were not allowed: they are removed, and the text after them stays. */
  drops: boolean;
  /** Visible text, in order. `replace`: discard all earlier text. */
  onText: (text: string, replace: boolean) => void;
}

/** Held text longer than this is treated as a call and not examined again before the end. */
const heldCharsMax = 4_000;

export class PrintedCallFilter {
  readonly #options: PrintedCallFilterOptions;
  #text = '';
  #shown = 0;

  constructor(options: PrintedCallFilterOptions) {
    this.#options = options;
  }

  push(chunk: string, replace: boolean): void {
    if (replace) {
      if (this.#shown > 0) this.#options.onText('', true);
      this.#text = '';
      this.#shown = 0;
    }
    this.#text += chunk;
    if (this.#text.length - this.#shown > heldCharsMax + chunk.length) return;
    this.#show(safeTextEnd(this.#text, this.#shown, this.#options));
  }

  /** Call once, at the end. Returns the calls, or none when they are dropped. */
  end(): ModelToolCall[] {
    const { calls, before, outside } = parsePrintedCalls(this.#text, this.#options);
    const { drops, onText } = this.#options;
    const text = drops ? outside.trimStart() : before;
    if (text.startsWith(this.#text.slice(0, this.#shown))) {
      if (text.length > this.#shown) onText(text.slice(this.#shown), false);
    } else onText(text, true);
    if (drops) return [];
    return calls.map(({ name, arguments: args }) => ({
      id: `call_${randomUUID()}`,
      type: 'function',
      function: { name, arguments: args },
    }));
  }

  #show(end: number): void {
    if (end <= this.#shown) return;
    const text = this.#text.slice(this.#shown, end);
    this.#shown = end;
    this.#options.onText(text, false);
  }
}

/**
 * Takes the calls that a model printed into its text out of the stream. What they are is read by
 * lib/printed-calls; this decides what is shown before the text is whole.
 *
 * 1. Text is held back from where a call begins, or may yet begin, and for no longer than that is open.
 * 2. Calls and text are read from the whole text at the end: how it was cut changes neither.
 */
import { randomUUID } from 'node:crypto';
import type { ModelToolCall } from '../contract/model.ts';
import {
  readPrintedCalls,
  shownEnd,
  type PrintedCallOptions,
} from '../lib/printed-calls/printed-calls.ts';

export interface CallFilterOptions extends PrintedCallOptions {
  /** The calls were not allowed: they are taken out, and the text goes on behind them. */
  drops: boolean;
  /** Visible text, in order. `replace`: forget all before. */
  onText: (text: string, replace: boolean) => void;
}

export interface CallFilter {
  push(chunk: string, replace: boolean): void;
  /** Call once. The calls, unless they are dropped. */
  end(): ModelToolCall[];
}

/** What is held for longer than this is a call: it is not looked at again before the end. */
const heldMax = 4_000;

class Filter implements CallFilter {
  readonly #options: CallFilterOptions;
  #text = '';
  #shown = 0;

  constructor(options: CallFilterOptions) {
    this.#options = options;
  }

  push(chunk: string, replace: boolean): void {
    if (replace) {
      if (this.#shown > 0) this.#options.onText('', true);
      this.#text = '';
      this.#shown = 0;
    }
    this.#text += chunk;
    if (this.#text.length - this.#shown > heldMax + chunk.length) return;
    this.#show(shownEnd(this.#text, this.#shown, this.#options));
  }

  end(): ModelToolCall[] {
    const { calls, before, outside } = readPrintedCalls(this.#text, this.#options);
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

export const createCallFilter = (options: CallFilterOptions): CallFilter => new Filter(options);

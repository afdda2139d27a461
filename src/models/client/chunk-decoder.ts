/**
 * Decodes the bytes of a response into JSON chunks. Works line by line, because many servers and proxies implement only
 * parts of server-sent events.
 *
 * 1. A line whose data is JSON by itself is a chunk at once, with or without a following blank line, with or without a
 *    leading `data:`. Data that is JSON only together with the next lines is buffered until a blank line.
 * 2. A body without `data:` is JSON lines, concatenated objects, an array of objects, or one document.
 * 3. The result does not depend on how the network split the bytes.
 *
 * Owns the buffered text of an incomplete chunk; it is bounded.
 */
import { tryParseJson, findBalancedEnd } from '#shared/text/json-text';
import { parseJsonWithoutNul } from '#shared/text/remove-nul';
import type { CompletionAccumulator } from './completion-accumulator.ts';

/**
 * Maximum buffered text of one unfinished event or JSON document, in characters. A whole answer as one document is well
 * under 1 M; without a limit a broken server fills the memory.
 */
const pendingCharsMax = 4_000_000;

export interface ChunkDecoderCallbacks {
  /** One parsed JSON value, with the SSE event name, if any. */
  onJson: (value: unknown, event: string | undefined) => void;
  /** `[DONE]` was received. Nothing follows. */
  onDone: () => void;
  /** Text that is not valid JSON. `atEnd`: the stream ended inside it. */
  onBad: (text: string, atEnd: boolean) => void;
  onOverflow: () => void;
}

const doneForms: ReadonlySet<string> = new Set(['[done]', '"[done]"', 'done']);

/**
 * A field of server-sent events. Some servers write it in capitals or with leading space, proxies write `data:` twice.
 */
const field = /^\s*(data|event|id|retry)\s*(?::|$)\s?(?:data: ?)*/i;

/** A line that starts a JSON value, or `[DONE]`; log lines start with `[` as well. */
const bareJson = /^\s*(?:,?\s*\{|\[\s*(?:$|\{)|\[DONE\])/i;

/** Punctuation around an element of an array. */
const aroundElement = /^[[,]\s*(?=\{)|\s*[\],]$/g;

/** Every chunk has at least one of these fields. A line without any may be part of a document. */
const chunkFields = ['choices', 'error', 'message', 'detail', 'object', 'usage', 'delta', 'type'];

const isChunk = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && chunkFields.some((name) => name in value);

export class ChunkDecoder {
  readonly #callbacks: ChunkDecoderCallbacks;
  readonly #utf8 = new TextDecoder('utf-8');
  /** Text after the last line end. */
  #line = '';
  /** The last character was CR: a following LF belongs to it. */
  #afterCr = false;
  #event: string | undefined;
  /** Data lines that are not complete JSON yet. `bare`: they came without `data:`. */
  #pending: { text: string; bare: boolean } | null = null;
  #overflowed = false;

  constructor(callbacks: ChunkDecoderCallbacks) {
    this.#callbacks = callbacks;
  }

  push(bytes: Uint8Array): void {
    this.#feed(this.#utf8.decode(bytes, { stream: true }));
  }

  /** The body has ended: buffered text is parsed as if its last line were complete. */
  end(): void {
    this.#feed(this.#utf8.decode());
    if (this.#line !== '') this.#readLine(this.#line);
    this.#line = '';
    this.#flush(true);
  }

  #feed(text: string): void {
    if (text === '' || this.#overflowed) return;
    let from = this.#afterCr && text.startsWith('\n') ? 1 : 0;
    for (let at = from; at < text.length; at++) {
      const char = text.charCodeAt(at);
      if (char !== 0x0a && char !== 0x0d) continue;
      this.#readLine(this.#line + text.slice(from, at));
      this.#line = '';
      if (char === 0x0d && text.charCodeAt(at + 1) === 0x0a) at++;
      from = at + 1;
    }
    this.#afterCr = text.endsWith('\r');
    this.#line += text.slice(from);
    if (this.#line.length + (this.#pending?.text.length ?? 0) <= pendingCharsMax) return;
    this.#overflowed = true;
    this.#line = '';
    this.#pending = null;
    this.#callbacks.onOverflow();
  }

  #readLine(line: string): void {
    const found = field.exec(line);
    const name = found?.[1]?.toLowerCase();
    const rest = line.slice(found?.[0].length ?? 0);
    if (name === 'data') return this.#data(rest, false);
    if (name === 'event') {
      if (this.#pending?.bare === false) this.#flush(false);
      this.#event = rest.trim();
      return;
    }
    if (name !== undefined) return;
    if (line.trim() === '') return this.#endEvent();
    if (line.startsWith(':')) return;
    if (bareJson.test(line) || this.#pending?.bare === true) this.#data(line, true);
  }

  /** A blank line ends an event, but not a pretty-printed document that contains blank lines. */
  #endEvent(): void {
    if (this.#pending?.bare !== true) this.#flush(false);
    this.#event = undefined;
  }

  #data(text: string, bare: boolean): void {
    const trimmed = text.trim();
    if (trimmed === '') return;
    if (doneForms.has(trimmed.toLowerCase())) {
      this.#flush(false);
      return this.#callbacks.onDone();
    }
    const value =
      tryParseJson(trimmed) ??
      (bare ? tryParseJson(trimmed.replace(aroundElement, '')) : undefined);
    const isWhole = value !== undefined && (this.#pending === null || isChunk(value));
    if (!isWhole) {
      this.#pending ??= { text: '', bare };
      this.#pending.text += (this.#pending.text === '' ? '' : '\n') + text;
      return;
    }
    this.#flush(false);
    this.#emit(value);
  }

  #emit(value: unknown): void {
    const { onJson } = this.#callbacks;
    if (Array.isArray(value)) for (const each of value) onJson(each, this.#event);
    else onJson(value, this.#event);
  }

  /** Parses the buffered text: as one value, otherwise as several. */
  #flush(atEnd: boolean): void {
    const held = this.#pending;
    this.#pending = null;
    const text = held?.text.trim() ?? '';
    // Brackets of an array whose elements were emitted as separate chunks.
    if (held === null || (held.bare && /^[\s,[\]]*$/.test(text))) return;
    const value = tryParseJson(text);
    if (value !== undefined) return this.#emit(value);
    const sequence = parseJsonSequence(text);
    if (sequence) {
      for (const each of sequence.values) this.#emit(each);
      if (sequence.done) this.#callbacks.onDone();
    } else if (this.#event === 'error') {
      // LM Studio and proxies send a plain-text error under the event `error`.
      this.#callbacks.onJson({ error: text }, this.#event);
    } else {
      this.#callbacks.onBad(text.slice(0, 200), atEnd);
    }
  }
}

/** Creates a parser that feeds the accumulator. It stops after `[DONE]` or a failure. */
export function createCompletionStreamParser(accumulator: CompletionAccumulator) {
  let done = false;
  const decoder = new ChunkDecoder({
    onJson(value, event) {
      if (!done) accumulator.accept(value, event);
    },
    onDone() {
      done = true;
      accumulator.markDone();
    },
    onBad(text, atEnd) {
      if (atEnd) accumulator.fail('truncated', 'the stream ended inside of a frame');
      else accumulator.fail('bad_chunk', `not JSON: ${text}`);
    },
    onOverflow: () => accumulator.fail('answer_too_long', 'a frame without end'),
  });
  return {
    push: (bytes: Uint8Array): void => decoder.push(bytes),
    /** The body has ended. */
    end: (): void => decoder.end(),
    /** Further input is ignored. */
    get isDone(): boolean {
      return done || accumulator.isClosed;
    },
  };
}

/** Separators between two values: space, commas, brackets of an array, `data:`, newlines written as `\n`. */
const separators = /(?:[\s,]|(?:data|event): ?|\\[rn]|\[DONE\])*/iy;

/** Punctuation around the elements of an array. */
const brackets = /[\s,[\]]*/y;

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  pattern.exec(text);
  return pattern.lastIndex;
}

/**
 * The objects of a text that contains only objects and separators; `done`: the text ends with `[DONE]`. Null when the
 * text contains anything else, or no object.
 */
function parseJsonSequence(text: string): { values: unknown[]; done: boolean } | null {
  const values: unknown[] = [];
  const between =
    text.trimStart().startsWith('[') && !text.includes('[DONE]') ? brackets : separators;
  for (let at = skip(between, text, 0); at < text.length; at = skip(between, text, at)) {
    const end = text[at] === '{' ? findBalancedEnd(text, at) : -1;
    if (end < 0) return null;
    try {
      values.push(parseJsonWithoutNul(text.slice(at, end)));
    } catch {
      return null;
    }
    at = end;
  }
  return values.length > 0 ? { values, done: text.trimEnd().endsWith('[DONE]') } : null;
}

/**
 * From the bytes of a response to JSON frames. Reads line by line, because many servers and proxies keep only half
 * of the rules of server-sent events.
 *
 * 1. A line whose data is JSON by itself is a frame at once, with or without a blank line behind it, with or without
 *    `data:` before it. Data that is JSON only together with the next lines waits for a blank line.
 * 2. A body without `data:` is JSON lines, objects one after another, an array of them, or one document.
 * 3. How the bytes were cut into chunks changes nothing.
 *
 * Owns the text that is not yet a frame; it is bounded.
 */
import { jsonSequence } from './json-sequence.ts';

/**
 * Text held for one unfinished event or one JSON document, in characters. A whole answer as one document is
 * well under 1 M; without a bound a broken server fills the memory.
 */
const PENDING_CHARS_MAX = 4_000_000;

export interface FrameDecoderCallbacks {
  /** One parsed JSON value, with the name of its event where it had one. */
  onJson: (value: unknown, event: string | undefined) => void;
  /** `[DONE]`. Nothing follows. */
  onDone: () => void;
  /** Text that should have been JSON. `atEnd`: the stream ended inside of it. */
  onBad: (text: string, atEnd: boolean) => void;
  onOverflow: () => void;
}

export interface FrameDecoder {
  push(bytes: Uint8Array): void;
  /** The body has ended: what is held is read as if its last line were complete. */
  end(): void;
}

const doneForms: ReadonlySet<string> = new Set(['[done]', '"[done]"', 'done']);

/** A field of server-sent events. Some write it in capitals or with space before it, proxies write `data:` twice. */
const field = /^\s*(data|event|id|retry)\s*(?::|$)\s?(?:data: ?)*/i;

/** A line that begins a JSON value, or `[DONE]`; log lines begin with `[` as well. */
const bareJson = /^\s*(?:,?\s*\{|\[\s*(?:$|\{)|\[DONE\])/i;

/** What stands around an element of an array. */
const aroundElement = /^[[,]\s*(?=\{)|\s*[\],]$/g;

/** Fields of which every frame has one. A line with none of them may be a part of a document. */
const frameFields = ['choices', 'error', 'message', 'detail', 'object', 'usage', 'delta', 'type'];

const isFrame = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && frameFields.some((name) => name in value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

class Decoder implements FrameDecoder {
  readonly #callbacks: FrameDecoderCallbacks;
  readonly #utf8 = new TextDecoder('utf-8');
  /** Text behind the last line end. */
  #line = '';
  /** The last character was CR: a LF that follows belongs to it. */
  #afterCr = false;
  #event: string | undefined;
  /** Lines of data that are not JSON yet, with where they came from. */
  #pending: { text: string; bare: boolean } | null = null;
  #overflowed = false;

  constructor(callbacks: FrameDecoderCallbacks) {
    this.#callbacks = callbacks;
  }

  push(bytes: Uint8Array): void {
    this.#feed(this.#utf8.decode(bytes, { stream: true }));
  }

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
    if (this.#line.length + (this.#pending?.text.length ?? 0) <= PENDING_CHARS_MAX) return;
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

  /** A blank line ends an event, but not a document that is printed with blank lines in it. */
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
      parsed(trimmed) ?? (bare ? parsed(trimmed.replace(aroundElement, '')) : undefined);
    const isWhole = value !== undefined && (this.#pending === null || isFrame(value));
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

  /** Reads what was held: as one value, else as several. */
  #flush(atEnd: boolean): void {
    const held = this.#pending;
    this.#pending = null;
    const text = held?.text.trim() ?? '';
    // The brackets of an array whose elements were frames of their own.
    if (held === null || (held.bare && /^[\s,[\]]*$/.test(text))) return;
    const value = parsed(text);
    if (value !== undefined) return this.#emit(value);
    const sequence = jsonSequence(text);
    if (sequence) {
      for (const each of sequence.values) this.#emit(each);
      if (sequence.done) this.#callbacks.onDone();
    } else if (this.#event === 'error') {
      // LM Studio and proxies send the text of an error under the event `error`.
      this.#callbacks.onJson({ error: text }, this.#event);
    } else {
      this.#callbacks.onBad(text.slice(0, 200), atEnd);
    }
  }
}

export const createFrameDecoder = (callbacks: FrameDecoderCallbacks): FrameDecoder =>
  new Decoder(callbacks);

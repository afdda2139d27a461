/**
 * From the bytes of a response to JSON frames: server-sent events as they should be, and what comes instead
 * of them (one JSON document, an error line without `data:`, an event without its blank line at the end).
 * Owns the bytes that are not yet a frame; they are bounded.
 */
import { createParser } from 'eventsource-parser';

/**
 * Bytes held for one unfinished event or one JSON document, in characters. A whole answer as one document is
 * well under 1 M; without a bound a broken server fills the memory.
 */
const PENDING_CHARS_MAX = 4_000_000;

export interface FrameDecoderCallbacks {
  /** One parsed JSON value, with the name of its event where it had one. */
  onJson: (value: unknown, event: string | undefined) => void;
  /** `[DONE]`. Says only that nothing follows. */
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

type Mode = 'unknown' | 'events' | 'document';

export function createFrameDecoder(callbacks: FrameDecoderCallbacks): FrameDecoder {
  const utf8 = new TextDecoder('utf-8');
  let mode: Mode = 'unknown';
  let pending = '';
  let atEnd = false;

  function json(data: string, event: string | undefined): void {
    const trimmed = data.trim();
    if (trimmed === '') return;
    if (trimmed === '[DONE]') return callbacks.onDone();
    let value: unknown;
    try {
      value = JSON.parse(trimmed);
    } catch {
      // LM Studio and proxies send the text of an error under the event `error`.
      if (event === 'error') return callbacks.onJson({ error: trimmed }, event);
      return callbacks.onBad(trimmed.slice(0, 200), atEnd);
    }
    callbacks.onJson(value, event);
  }

  const parser = createParser({
    maxBufferSize: PENDING_CHARS_MAX,
    onEvent: (event) => json(event.data, event.event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') callbacks.onOverflow();
      // mlx and vLLM proxies write the error as a bare line between the events.
      else if (error.line?.trimStart().startsWith('{')) json(error.line, undefined);
    },
  });

  /** The first character that is not a space decides: an SSE stream cannot begin with a brace. */
  function feed(text: string): void {
    if (mode === 'unknown') {
      pending += text;
      const start = pending.trimStart();
      if (start === '') return;
      mode = start.startsWith('{') || start.startsWith('[') ? 'document' : 'events';
      if (mode === 'events') parser.feed(pending);
      return;
    }
    if (mode === 'events') return parser.feed(text);
    pending += text;
    if (pending.length > PENDING_CHARS_MAX) callbacks.onOverflow();
  }

  return {
    push: (bytes) => feed(utf8.decode(bytes, { stream: true })),
    end() {
      feed(utf8.decode());
      atEnd = true;
      if (mode === 'document') json(pending, undefined);
      else if (mode === 'events') parser.feed('\n\n');
    },
  };
}

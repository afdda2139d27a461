/** The bytes of one answer, read into its frames and these into the answer. No sockets, no clock. */
import type { AnswerReader } from './answer-reader.ts';
import { createFrameDecoder } from './frame-decoder.ts';

export interface AnswerStream {
  push(bytes: Uint8Array): void;
  /** The body has ended. */
  end(): void;
  /** Nothing that follows is read. */
  readonly over: boolean;
}

/** Feeds the reader. `[DONE]` and a failure are the last things that are read. */
export function createAnswerStream(reader: AnswerReader): AnswerStream {
  let done = false;
  const decoder = createFrameDecoder({
    onJson(value, event) {
      if (!done) reader.json(value, event);
    },
    onDone() {
      done = true;
      reader.done();
    },
    onBad(text, atEnd) {
      if (atEnd) reader.fail('truncated', 'the stream ended inside of a frame');
      else reader.fail('bad_chunk', `not JSON: ${text}`);
    },
    onOverflow: () => reader.fail('answer_too_long', 'a frame without end'),
  });
  return {
    push: (bytes) => decoder.push(bytes),
    end: () => decoder.end(),
    get over() {
      return done || reader.closed;
    },
  };
}

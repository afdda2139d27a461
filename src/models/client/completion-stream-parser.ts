/** Parses the bytes of one completion into chunks and feeds them to the accumulator. No sockets, no clock. */
import type { CompletionAccumulator } from './completion-accumulator.ts';
import { createChunkDecoder } from './chunk-decoder.ts';

export interface CompletionStreamParser {
  push(bytes: Uint8Array): void;
  /** The body has ended. */
  end(): void;
  /** Further input is ignored. */
  readonly isDone: boolean;
}

/** Creates a parser that feeds the accumulator. It stops after `[DONE]` or a failure. */
export function createCompletionStreamParser(
  accumulator: CompletionAccumulator,
): CompletionStreamParser {
  let done = false;
  const decoder = createChunkDecoder({
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
    push: (bytes) => decoder.push(bytes),
    end: () => decoder.end(),
    get isDone() {
      return done || accumulator.isClosed;
    },
  };
}

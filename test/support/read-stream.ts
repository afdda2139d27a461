/** Reads the bytes of an answer like a model call, without a server. */
import {
  CompletionAccumulator,
  type AccumulatorOptions,
} from '#models/client/completion-accumulator';
import { createCompletionStreamParser } from '#models/client/chunk-decoder';
import { standardMarkup } from '#models/client/text-filters/thinking-markup';

export interface StreamReading {
  /** `ok`, or the reason of the failure. */
  end: string;
  /** The displayed text at the end, also after a failure. */
  text: string;
  finish: string | null;
  calls: [name: string, args: string][];
  /** The texts passed to `onText`, in order. */
  pieces: string[];
}

/** `chunks` in their order of arrival; text is sent as UTF-8. */
export function readStream(
  chunks: string | readonly Uint8Array[],
  options: Partial<AccumulatorOptions> = {},
): StreamReading {
  let seen = '';
  const pieces: string[] = [];
  const reader = new CompletionAccumulator({
    markup: standardMarkup,
    expectOrphanClose: false,
    dropToolCalls: false,
    printedCalls: null,
    charsMax: 100_000,
    ...options,
    onText(text, replace) {
      seen = replace ? text : seen + text;
      pieces.push(text);
    },
  });
  const answer = createCompletionStreamParser(reader);
  const bytes = typeof chunks === 'string' ? [new TextEncoder().encode(chunks)] : chunks;
  for (const each of bytes) {
    if (answer.isDone) break;
    answer.push(each);
  }
  answer.end();
  const reading = reader.result();
  if (!reading.ok) return { end: reading.errorReason, text: seen, finish: null, calls: [], pieces };
  return {
    end: 'ok',
    text: seen,
    finish: reading.finishReason,
    calls: reading.toolCalls.map(({ function: { name, arguments: args } }) => [name, args]),
    pieces,
  };
}

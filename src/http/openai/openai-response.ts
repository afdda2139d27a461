/**
 * One response to an OpenAI client: one JSON body, or a stream of chunks.
 *
 * A1 While nothing has been sent, a failure has an HTTP status of its own. So a stream delays its headers until the
 *    first text, but not longer than most failures take to occur: a client that waits in the queue must not take the
 *    connection for dead.
 * A2 Where a text is replaced (streamed-text.ts), the chunk is marked (`gatehouse.replaces`).
 * A3 Only a complete answer ends with a finish_reason and `[DONE]`; a failure within the stream is an error event.
 */
import type { FastifyReply } from 'fastify';
import type { QueuePosition } from '#machines/job-types';
import type { GatehouseError } from '#shared/errors';
import { StreamedText } from './streamed-text.ts';
import { createDelayedSseStream, type DelayedSseStream } from '../server/deferred-sse.ts';
import {
  chunkOf,
  completionOf,
  toOpenAiError,
  toolCallDelta,
  usageChunkOf,
  type CompletionEnd,
  type CompletionHead,
} from './openai-shapes.ts';

export interface CompletionResponse {
  /** The next piece of the text; `replaces`: all text before it is void. */
  text(content: string, replaces: boolean): void;
  /** Progress or queue position, as an SSE comment for people who look at the stream. */
  note(comment: string): void;
  finish(end: CompletionEnd): void;
  /** @throws the error while it can still be sent as a status. */
  fail(error: GatehouseError): void;
  /** Stops all timers. Idempotent. */
  close(): void;
}

export const queueNote = ({ position, etaMs }: QueuePosition): string =>
  `waiting, place ${position}${etaMs === null ? '' : `, about ${Math.ceil(etaMs / 1000)} s`}`;

export const jsonCompletionResponse = (
  reply: FastifyReply,
  head: CompletionHead,
): CompletionResponse => ({
  text: () => undefined,
  note: () => undefined,
  finish: (end) => void reply.send(completionOf(head, end)),
  fail(error) {
    throw error;
  },
  close: () => undefined,
});

export const sseCompletionResponse = (
  reply: FastifyReply,
  head: CompletionHead,
  includeUsage: boolean,
): CompletionResponse => new CompletionSseStream(reply, head, includeUsage);

class CompletionSseStream implements CompletionResponse {
  readonly #stream: DelayedSseStream;
  readonly #head: CompletionHead;
  readonly #includeUsage: boolean;
  readonly #text = new StreamedText((content, replaces) => {
    const chunk = chunkOf(this.#head, { content });
    this.#send(replaces ? { ...chunk, gatehouse: { replaces } } : chunk);
  });
  #lastNote = '';

  constructor(reply: FastifyReply, head: CompletionHead, includeUsage: boolean) {
    this.#head = head;
    this.#includeUsage = includeUsage;
    this.#stream = createDelayedSseStream(reply, (stream) => {
      stream.push({ data: chunkOf(head, { role: 'assistant', content: '' }) });
      if (this.#lastNote !== '') stream.comment(this.#lastNote);
    });
  }

  text(content: string, replaces: boolean): void {
    this.#text.add(content, replaces);
  }

  note(comment: string): void {
    this.#lastNote = comment;
    if (this.#stream.isOpen) this.#stream.open().comment(comment);
  }

  finish(end: CompletionEnd): void {
    this.#text.complete(end.text);
    for (const [index, call] of end.toolCalls.entries()) {
      this.#send(chunkOf(this.#head, toolCallDelta(call, index)));
    }
    const last = chunkOf(this.#head, {}, end.finishReason);
    this.#send({ ...last, gatehouse: end.about });
    // Clients read usage from the chunk without choices, and fail where it contains none.
    if (this.#includeUsage && end.usage !== null) this.#send(usageChunkOf(this.#head, end.usage));
    this.#stream.end({ data: '[DONE]' });
  }

  fail(error: GatehouseError): void {
    this.close();
    if (!this.#stream.isOpen) throw error;
    this.#stream.end({ data: toOpenAiError(error) });
  }

  close(): void {
    this.#stream.close();
  }

  #send(data: object): void {
    this.#stream.open().push({ data });
  }
}

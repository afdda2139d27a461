/**
 * One response to an OpenAI client: one JSON body, or a stream of chunks.
 *
 * A1 While nothing has been sent, a failure has an HTTP status of its own. So a stream delays its headers until the
 *    first text, but not longer than most failures take to occur: a client that waits in the queue must not take the
 *    connection for dead.
 * A2 A chunk cannot be taken back in OpenAI's format. Where a text is replaced, a blank line and the whole new text
 *    follow, and the chunk is marked (`gatehouse.replaces`).
 * A3 Only a complete answer ends with a finish_reason and `[DONE]`; a failure within the stream is an error event.
 */
import type { FastifyReply } from 'fastify';
import type { QueuePosition } from '#machines/job-types';
import type { GatehouseError } from '#shared/errors';
import {
  chunkOf,
  completionOf,
  toOpenAiError,
  toolCallDelta,
  usageChunkOf,
  type CompletionEnd,
  type CompletionHead,
} from './openai-shapes.ts';

/** Longer than a backend connection takes to fail (2 s); shorter than a client waits for a silent server (30 s). */
const headerDelayMs = 3_000;
/** Proxies close connections that are silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A client with more unread bytes than this is disconnected; that cancels its request. */
const pendingBytesMax = 1024 * 1024;

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
  readonly #reply: FastifyReply;
  readonly #head: CompletionHead;
  readonly #includeUsage: boolean;
  readonly #headerTimer: NodeJS.Timeout;
  #keepAlive: NodeJS.Timeout | null = null;
  #isOpen = false;
  /** The answer so far as the client has it. */
  #sentText = '';
  /** The text sent so far is no longer part of the answer. */
  #isVoid = false;
  #lastNote = '';

  constructor(reply: FastifyReply, head: CompletionHead, includeUsage: boolean) {
    this.#reply = reply;
    this.#head = head;
    this.#includeUsage = includeUsage;
    this.#headerTimer = setTimeout(() => this.#open(), headerDelayMs);
  }

  text(content: string, replaces: boolean): void {
    if (replaces && this.#sentText !== '') {
      this.#sentText = '';
      this.#isVoid = true;
    }
    if (content === '') return;
    this.#sentText += content;
    if (this.#isVoid) {
      this.#isVoid = false;
      const separated = chunkOf(this.#head, { content: `\n\n${content}` });
      this.#send({ ...separated, gatehouse: { replaces: true } });
    } else {
      this.#send(chunkOf(this.#head, { content }));
    }
  }

  note(comment: string): void {
    this.#lastNote = comment;
    if (this.#isOpen) this.#write(`: ${comment}\n\n`);
  }

  finish(end: CompletionEnd): void {
    this.#completeText(end.text);
    for (const [index, call] of end.toolCalls.entries()) {
      this.#send(chunkOf(this.#head, toolCallDelta(call, index)));
    }
    const last = chunkOf(this.#head, {}, end.finishReason);
    this.#send({ ...last, gatehouse: end.about });
    // Clients read usage from the chunk without choices, and fail where it contains none.
    if (this.#includeUsage && end.usage !== null) this.#send(usageChunkOf(this.#head, end.usage));
    this.#write('data: [DONE]\n\n');
    this.#end();
  }

  fail(error: GatehouseError): void {
    this.close();
    if (!this.#isOpen) throw error;
    this.#send(toOpenAiError(error));
    this.#end();
  }

  close(): void {
    clearTimeout(this.#headerTimer);
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
  }

  /** The final text is authoritative; usually all of it has been streamed already. */
  #completeText(text: string): void {
    if (this.#sentText.trim() === text.trim()) return;
    const isMore = text.startsWith(this.#sentText);
    this.text(isMore ? text.slice(this.#sentText.length) : text, !isMore);
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    clearTimeout(this.#headerTimer);
    const { raw } = this.#reply.hijack();
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const role = { role: 'assistant', content: '' };
    this.#write(`data: ${JSON.stringify(chunkOf(this.#head, role))}\n\n`);
    if (this.#lastNote !== '') this.#write(`: ${this.#lastNote}\n\n`);
    this.#keepAlive = setInterval(() => this.#write(': keep-alive\n\n'), keepAliveMs);
  }

  #send(value: object): void {
    this.#open();
    this.#write(`data: ${JSON.stringify(value)}\n\n`);
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (raw.writableLength > pendingBytesMax) raw.destroy();
    else if (!raw.destroyed) raw.write(text);
  }

  #end(): void {
    this.close();
    this.#reply.raw.end();
  }
}

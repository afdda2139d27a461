/**
 * One answer on its way to an OpenAI client: whole, or as a stream of chunks.
 *
 * A1 While nothing has been sent, a failure is a status of its own. So a stream holds its headers back until
 *    the first text, but not for longer than most failures take to show: a client that waits in the queue
 *    must not take the connection for dead.
 * A2 What a chunk said cannot be taken back in OpenAI's shape. Where a text is replaced, a blank line and the
 *    whole new text follow, and the chunk says so (`gatehouse.replaces`).
 * A3 Only a complete answer ends with a finish_reason and `[DONE]`; a failure in the stream is an error frame.
 */
import type { FastifyReply } from 'fastify';
import type { QueuePosition } from '../contract/model.ts';
import type { GatehouseError } from '../lib/errors.ts';
import {
  chunkOf,
  completionOf,
  errorOf,
  toolCallDelta,
  usageChunkOf,
  type AnswerEnd,
  type AnswerHead,
} from './openai-shapes.ts';

/** Longer than a connection takes to fail (2 s); shorter than a client's patience with a silent server (30 s). */
const headersHeldMs = 3_000;
/** Proxies cut what is silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A reader this far behind is cut off; that cancels its request, for nobody reads the answer. */
const pendingBytesMax = 1024 * 1024;

export interface Answer {
  /** The next piece of the text; `replaces`: all before it is void. */
  text(content: string, replaces: boolean): void;
  /** Where it waits, or what goes on, for whoever looks at the stream. */
  note(comment: string): void;
  finish(end: AnswerEnd): void;
  /** @throws the error, while it can still be answered with a status. */
  fail(error: GatehouseError): void;
  /** Ends all timers. Idempotent. */
  close(): void;
}

export const queueNote = ({ position, etaMs }: QueuePosition): string =>
  `waiting, place ${position}${etaMs === null ? '' : `, about ${Math.ceil(etaMs / 1000)} s`}`;

export const wholeAnswer = (reply: FastifyReply, head: AnswerHead): Answer => ({
  text: () => undefined,
  note: () => undefined,
  finish: (end) => void reply.send(completionOf(head, end)),
  fail(error) {
    throw error;
  },
  close: () => undefined,
});

export const streamedAnswer = (
  reply: FastifyReply,
  head: AnswerHead,
  includeUsage: boolean,
): Answer => new Stream(reply, head, includeUsage);

class Stream implements Answer {
  readonly #reply: FastifyReply;
  readonly #head: AnswerHead;
  readonly #includeUsage: boolean;
  readonly #held: NodeJS.Timeout;
  #keepAlive: NodeJS.Timeout | null = null;
  #isOpen = false;
  /** What the client takes for the answer so far. */
  #shown = '';
  /** What was sent before is no part of it any more. */
  #isVoid = false;
  #lastNote = '';

  constructor(reply: FastifyReply, head: AnswerHead, includeUsage: boolean) {
    this.#reply = reply;
    this.#head = head;
    this.#includeUsage = includeUsage;
    this.#held = setTimeout(() => this.#open(), headersHeldMs);
  }

  text(content: string, replaces: boolean): void {
    if (replaces && this.#shown !== '') {
      this.#shown = '';
      this.#isVoid = true;
    }
    if (content === '') return;
    this.#shown += content;
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

  finish(end: AnswerEnd): void {
    this.#completeText(end.text);
    for (const [index, call] of end.toolCalls.entries()) {
      this.#send(chunkOf(this.#head, toolCallDelta(call, index)));
    }
    const last = chunkOf(this.#head, {}, end.finishReason);
    this.#send({ ...last, gatehouse: end.about });
    // Clients take the chunk without choices for the usage, and fail where it holds none.
    if (this.#includeUsage && end.usage !== null) this.#send(usageChunkOf(this.#head, end.usage));
    this.#write('data: [DONE]\n\n');
    this.#end();
  }

  fail(error: GatehouseError): void {
    this.close();
    if (!this.#isOpen) throw error;
    this.#send(errorOf(error));
    this.#end();
  }

  close(): void {
    clearTimeout(this.#held);
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
  }

  /** The final text is the truth; what was streamed is usually all of it already. */
  #completeText(text: string): void {
    if (this.#shown.trim() === text.trim()) return;
    const isMore = text.startsWith(this.#shown);
    this.text(isMore ? text.slice(this.#shown.length) : text, !isMore);
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    clearTimeout(this.#held);
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

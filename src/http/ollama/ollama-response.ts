/**
 * One response to an Ollama client: one JSON body, or a stream of JSON lines (application/x-ndjson).
 *
 * 1. Clients read each line as a chunk, so there are no comments: the keep-alive is a chunk without text.
 * 2. Only a complete answer ends with `done: true`; a failure within the stream is a line with `error`.
 */
import type { FastifyReply } from 'fastify';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { ModelToolCall } from '#shared/model/model';
import { tryParseJson } from '#shared/text/json-text';
import { createDelayedSseStream, type DelayedSseStream } from '../server/deferred-sse.ts';
import { StreamedText } from '../openai/streamed-text.ts';
import type { CompletionResponse } from '../openai/openai-response.ts';
import type { CompletionEnd } from '../openai/openai-shapes.ts';
import { toOllamaError } from './ollama-shapes.ts';

/** Where the text of an answer stands: `message` of a chat, `response` of a generation. */
export type OllamaForm = 'chat' | 'generate';

export interface OllamaHead {
  model: string;
  form: OllamaForm;
  clock: Clock;
}

const nanoseconds = (ms: number): number => Math.round(ms * 1e6);

const timeOf = ({ clock }: OllamaHead): string => new Date(clock.now()).toISOString();

function contentOf(form: OllamaForm, text: string, calls: readonly ModelToolCall[] = []): object {
  if (form === 'generate') return { response: text };
  const toolCalls = calls.map(toOllamaCall);
  const withCalls = toolCalls.length === 0 ? {} : { tool_calls: toolCalls };
  return { message: { role: 'assistant', content: text, ...withCalls } };
}

/** @throws GH_BACKEND_UNAVAILABLE when the model has written arguments that are no object: the format has only objects */
function toOllamaCall({ id, function: { name, arguments: text } }: ModelToolCall, index: number) {
  const given = tryParseJson(text);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new GatehouseError(
      'GH_BACKEND_UNAVAILABLE',
      `The model called ${name} with arguments that are no JSON object`,
    );
  }
  return { id, function: { index, name, arguments: given } };
}

export const chunkOf = (head: OllamaHead, text: string, calls?: readonly ModelToolCall[]) => ({
  model: head.model,
  created_at: timeOf(head),
  ...contentOf(head.form, text, calls),
  done: false,
});

/** @param text of the whole answer, or what is left of it in a stream */
export function endOf(
  head: OllamaHead,
  startedAt: number,
  { usage, finishReason, about }: CompletionEnd,
  text: string,
  calls: readonly ModelToolCall[] = [],
): object {
  const { queue_ms: queueMs = 0, first_token_ms: firstMs = 0, total_ms: totalMs = 0 } = about;
  const [queue, first, total] = [queueMs, firstMs, totalMs].map((ms) => Number(ms ?? 0));
  return {
    ...chunkOf(head, text, calls),
    done: true,
    done_reason: finishReason === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds(head.clock.now() - startedAt),
    load_duration: nanoseconds(queue!),
    prompt_eval_duration: nanoseconds(first!),
    eval_duration: nanoseconds(Math.max(0, total! - first!)),
    ...(usage === null
      ? {}
      : { prompt_eval_count: usage.promptTokens, eval_count: usage.completionTokens }),
    gatehouse: about,
  };
}

/** The answer to a request without a message: the model is there. */
export const loadedOf = (head: OllamaHead) => ({
  ...chunkOf(head, ''),
  done: true,
  done_reason: 'load' as const,
});

export function createOllamaResponse(
  reply: FastifyReply,
  head: OllamaHead,
  isStream: boolean,
): CompletionResponse {
  const startedAt = head.clock.now();
  if (isStream) return new OllamaStream(reply, head, startedAt);
  return {
    text: () => undefined,
    note: () => undefined,
    finish: (end) => void reply.send(endOf(head, startedAt, end, end.text, end.toolCalls)),
    fail(error) {
      throw error;
    },
    close: () => undefined,
  };
}

class OllamaStream implements CompletionResponse {
  readonly #stream: DelayedSseStream;
  readonly #head: OllamaHead;
  readonly #startedAt: number;
  readonly #text = new StreamedText((content) => this.#send(chunkOf(this.#head, content)));

  constructor(reply: FastifyReply, head: OllamaHead, startedAt: number) {
    this.#head = head;
    this.#startedAt = startedAt;
    this.#stream = createDelayedSseStream(reply, () => undefined, {
      contentType: 'application/x-ndjson',
      textOf: ({ data }) => `${JSON.stringify(data)}\n`,
      commentOf: () => null,
      keepAlive: () => `${JSON.stringify(chunkOf(head, ''))}\n`,
    });
  }

  text(content: string, replaces: boolean): void {
    this.#text.add(content, replaces);
  }

  note(): void {}

  finish(end: CompletionEnd): void {
    this.#text.complete(end.text);
    if (end.toolCalls.length > 0) this.#send(chunkOf(this.#head, '', end.toolCalls));
    this.#stream.end({ data: endOf(this.#head, this.#startedAt, end, '') });
  }

  fail(error: GatehouseError): void {
    this.close();
    if (!this.#stream.isOpen) throw error;
    this.#stream.end({ data: toOllamaError(error) });
  }

  close(): void {
    this.#stream.close();
  }

  #send(data: object): void {
    this.#stream.open().push({ data });
  }
}

/**
 * The response of the ask loop: one JSON body, or server-sent events (docs/ask.md).
 *
 * 1. While nothing has been sent, a failure has an HTTP status of its own. So a stream delays its headers until the
 *    first event, but not longer than most failures take to occur.
 * 2. A stream ends with `done` or with `error`; a stream that ends with neither was cut.
 */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { QueuePosition } from '#machines/job-types';
import type { GatehouseError } from '#shared/errors';
import { sourceSchema } from '#shared/wire/document-views';
import { createDeferredSseStream } from '../server/deferred-sse.ts';

export const askLoopResultSchema = z.strictObject({
  answer: z.string(),
  sources: z.array(sourceSchema),
  partial: z.boolean(),
  tool_rounds: z.int(),
  llm_calls: z.int(),
  backend: z.string(),
  /** Null unless the request asked for it (`debug`). */
  debug_trace: z.array(z.unknown()).nullable(),
});
export type AskLoopResult = z.infer<typeof askLoopResultSchema>;

export interface AskLoopListener {
  sources(sources: AskLoopResult['sources']): void;
  round(round: {
    round: number;
    calls: { name: string; arguments: string; error?: string }[];
  }): void;
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
}

export interface AskLoopResponse extends AskLoopListener {
  finish(result: AskLoopResult): void;
  /** @throws the error while it can still be sent as a status. */
  fail(error: GatehouseError): void;
  /** Stops all timers. Idempotent. */
  close(): void;
}

const nothing = (): void => undefined;

export const jsonAskLoopResponse = (reply: FastifyReply): AskLoopResponse => ({
  sources: nothing,
  round: nothing,
  text: nothing,
  queued: nothing,
  finish: (result) => void reply.send(result),
  fail(error) {
    throw error;
  },
  close: nothing,
});

export function sseAskLoopResponse(reply: FastifyReply): AskLoopResponse {
  const stream = createDeferredSseStream(reply);
  let n = 0;
  return {
    sources: (sources) => stream.event('sources', { sources }),
    round: ({ round, calls }) =>
      stream.event('round', {
        round,
        calls: calls.map(({ name, arguments: text, error }) => ({
          name,
          arguments: text,
          ...(error === undefined ? {} : { error }),
        })),
      }),
    text(content, replaces) {
      if (replaces) {
        n = 0;
        stream.event('replace', { content });
      } else {
        stream.event('token', { n, content });
        n += 1;
      }
    },
    queued: (queue) => stream.buffer('queue', { queue }),
    finish: (result) => stream.end('done', result),
    fail: (error) => stream.fail(error),
    close: () => stream.close(),
  };
}

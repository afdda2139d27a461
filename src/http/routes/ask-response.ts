/**
 * The response to a question: one JSON body, or server-sent events (docs/ask.md).
 *
 * 1. While nothing has been sent, a failure has an HTTP status of its own. So a stream delays its headers until the
 *    first text, but not longer than most failures take to occur.
 * 2. A stream ends with `result` or with `error`; a stream that ends with neither was cut.
 */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { QueuePosition } from '#machines/job-types';
import type { GatehouseError } from '#shared/errors';
import { sourceSchema } from '#shared/wire/document-views';
import { createDeferredSseStream } from '../server/deferred-sse.ts';

export const askResultSchema = z.strictObject({
  answer: z.string(),
  sources: z.array(sourceSchema),
  backend: z.string(),
  truncated: z.boolean(),
});
export type AskResult = z.infer<typeof askResultSchema>;

export interface AskListener {
  sources(sources: AskResult['sources']): void;
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
}

export interface AskResponse extends AskListener {
  finish(result: AskResult): void;
  /** @throws the error while it can still be sent as a status. */
  fail(error: GatehouseError): void;
  /** Stops all timers. Idempotent. */
  close(): void;
}

const bodyOf = ({ answer, sources, backend, truncated }: AskResult): AskResult => ({
  answer,
  sources,
  backend,
  truncated,
});

export const jsonAskResponse = (reply: FastifyReply): AskResponse => ({
  sources: () => undefined,
  text: () => undefined,
  queued: () => undefined,
  finish: (result) => void reply.send(bodyOf(result)),
  fail(error) {
    throw error;
  },
  close: () => undefined,
});

export function sseAskResponse(reply: FastifyReply): AskResponse {
  const stream = createDeferredSseStream(reply);
  let n = 0;
  return {
    sources: (sources) => stream.buffer('sources', { sources }),
    text(content, replaces) {
      stream.event('token', { n, content, ...(replaces ? { replaces } : {}) });
      n += 1;
    },
    queued: (queue) => stream.buffer('processing', { queue }),
    finish: (result) => stream.end('result', bodyOf(result)),
    fail: (error) => stream.fail(error),
    close: () => stream.close(),
  };
}

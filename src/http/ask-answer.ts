/**
 * One answer to a question on its way to the client: whole, or as server-sent events (docs/ask.md).
 *
 * 1. While nothing has been sent, a failure is a status of its own. So a stream holds its headers back until
 *    the first text, but not for longer than most failures take to show.
 * 2. A stream ends with `result` or with `error`; one that ends with neither was cut.
 */
import type { FastifyReply } from 'fastify';
import type { QueuePosition } from '../contract/model.ts';
import type { GatehouseError } from '../lib/errors.ts';
import { createEventStream } from './event-stream.ts';

interface Source {
  id: string;
  title: string;
  snippet: string;
}

export interface AskResult {
  answer: string;
  sources: readonly Source[];
  backend: string;
  truncated: boolean;
}

export interface AskListener {
  sources(sources: readonly Source[]): void;
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
}

export interface AskAnswer extends AskListener {
  finish(result: AskResult): void;
  /** @throws the error, while it can still be answered with a status. */
  fail(error: GatehouseError): void;
  /** Ends all timers. Idempotent. */
  close(): void;
}

const bodyOf = ({ answer, sources, backend, truncated }: AskResult): AskResult => ({
  answer,
  sources,
  backend,
  truncated,
});

export const wholeAsk = (reply: FastifyReply): AskAnswer => ({
  sources: () => undefined,
  text: () => undefined,
  queued: () => undefined,
  finish: (result) => void reply.send(bodyOf(result)),
  fail(error) {
    throw error;
  },
  close: () => undefined,
});

export function streamedAsk(reply: FastifyReply): AskAnswer {
  const stream = createEventStream(reply);
  let n = 0;
  return {
    sources: (sources) => stream.later('sources', { sources }),
    text(content, replaces) {
      stream.event('token', { n, content, ...(replaces ? { replaces } : {}) });
      n += 1;
    },
    queued: (queue) => stream.later('processing', { queue }),
    finish: (result) => stream.end('result', bodyOf(result)),
    fail: (error) => stream.fail(error),
    close: () => stream.close(),
  };
}

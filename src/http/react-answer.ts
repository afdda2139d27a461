/**
 * An answer of the loop on its way to the client: whole, or as server-sent events (docs/ask.md).
 *
 * 1. While nothing has been sent, a failure is a status of its own: a stream holds its headers back until there
 *    is something to say, but not for longer than most failures take to show.
 * 2. A stream ends with `done` or with `error`; one that ends with neither was cut.
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

/** The body of an answer. */
export interface ReactResult {
  answer: string;
  sources: readonly Source[];
  partial: boolean;
  tool_rounds: number;
  llm_calls: number;
  backend: string;
  /** Null unless it was asked for. */
  debug_trace: unknown[] | null;
}

export interface ReactListener {
  sources(sources: readonly Source[]): void;
  round(round: {
    round: number;
    calls: { name: string; arguments: string; error?: string }[];
  }): void;
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
}

export interface ReactAnswer extends ReactListener {
  finish(result: ReactResult): void;
  /** @throws the error, while it can still be answered with a status. */
  fail(error: GatehouseError): void;
  /** Ends all timers. Idempotent. */
  close(): void;
}

const nothing = (): void => undefined;

export const wholeReact = (reply: FastifyReply): ReactAnswer => ({
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

export function streamedReact(reply: FastifyReply): ReactAnswer {
  const stream = createEventStream(reply);
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
    queued: (queue) => stream.later('queue', { queue }),
    finish: (result) => stream.end('done', result),
    fail: (error) => stream.fail(error),
    close: () => stream.close(),
  };
}

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
import { problemOf } from './problem.ts';

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

/** Longer than a connection takes to fail (2 s); shorter than a client's patience with a silent server (30 s). */
const headersHeldMs = 3_000;
/** Proxies cut what is silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A reader this far behind is cut off; that cancels its question, for nobody reads the answer. */
const pendingBytesMax = 1024 * 1024;

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
  let isOpen = false;
  let sources: readonly Source[] = [];
  let queue: QueuePosition | null = null;
  let n = 0;
  let keepAlive: NodeJS.Timeout | undefined;

  const write = (text: string): void => {
    const { raw } = reply;
    if (raw.writableLength > pendingBytesMax) raw.destroy();
    else if (!raw.destroyed) raw.write(text);
  };
  const event = (name: string, data: unknown): void =>
    write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  const open = (): void => {
    if (isOpen) return;
    isOpen = true;
    clearTimeout(held);
    reply.hijack().raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    event('sources', { sources });
    if (queue !== null) event('processing', { queue });
    keepAlive = setInterval(() => write(': keep-alive\n\n'), keepAliveMs);
  };
  const held = setTimeout(open, headersHeldMs);
  const close = (): void => {
    clearTimeout(held);
    clearInterval(keepAlive);
  };
  const end = (name: string, data: unknown): void => {
    open();
    event(name, data);
    close();
    reply.raw.end();
  };

  return {
    sources(found) {
      sources = found;
    },
    text(content, replaces) {
      open();
      event('token', { n, content, ...(replaces ? { replaces } : {}) });
      n += 1;
    },
    queued(position) {
      queue = position;
      if (isOpen) event('processing', { queue });
    },
    finish: (result) => end('result', bodyOf(result)),
    fail(error) {
      if (isOpen) end('error', problemOf(error));
      else {
        close();
        throw error;
      }
    },
    close,
  };
}

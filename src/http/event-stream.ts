/**
 * One answer as server-sent events, whose headers are held back until it has something to say: until then its
 * failure can still be a status. A reader who falls far behind is cut off, which cancels what it asked for.
 */
import type { FastifyReply } from 'fastify';
import type { GatehouseError } from '../lib/errors.ts';
import { problemOf } from './problem.ts';

export interface EventStream {
  /** Opens the stream where it is not open yet. */
  event(name: string, data: unknown): void;
  /** Worth saying, but no reason to open: the newest of each name comes with the opening. */
  later(name: string, data: unknown): void;
  /** The last event. */
  end(name: string, data: unknown): void;
  /** Says it as the last event; throws it where nothing has been sent yet, for a status. */
  fail(error: GatehouseError): void;
  /** Ends the timers. Idempotent. */
  close(): void;
}

/** Longer than a connection takes to fail (2 s); shorter than a client's patience with a silent server (30 s). */
const headersHeldMs = 3_000;
/** Proxies cut what is silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A reader this far behind reads no more. */
const pendingBytesMax = 1024 * 1024;

export function createEventStream(reply: FastifyReply): EventStream {
  const { raw } = reply;
  let isOpen = false;
  const waiting = new Map<string, unknown>();
  let keepAlive: NodeJS.Timeout | undefined;

  const write = (text: string): void => {
    if (raw.writableLength > pendingBytesMax) raw.destroy();
    else if (!raw.destroyed) raw.write(text);
  };
  const send = (name: string, data: unknown): void =>
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
    for (const [name, data] of waiting) send(name, data);
    keepAlive = setInterval(() => write(': keep-alive\n\n'), keepAliveMs);
  };
  const held = setTimeout(open, headersHeldMs);
  const close = (): void => {
    clearTimeout(held);
    clearInterval(keepAlive);
  };

  const end = (name: string, data: unknown): void => {
    open();
    send(name, data);
    close();
    raw.end();
  };

  return {
    event(name, data) {
      open();
      send(name, data);
    },
    later(name, data) {
      if (isOpen) send(name, data);
      else waiting.set(name, data);
    },
    end,
    fail(error) {
      if (!isOpen) {
        close();
        throw error;
      }
      end('error', problemOf(error));
    },
    close,
  };
}

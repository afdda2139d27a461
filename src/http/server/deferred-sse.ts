/**
 * One response as server-sent events with delayed headers: until the first event a failure can still be a status. A
 * client that falls too far behind is disconnected, which cancels its request.
 */
import type { FastifyReply } from 'fastify';
import type { GatehouseError } from '#shared/errors';
import { toProblemDetails } from './problem-details.ts';

export interface DeferredSseStream {
  /** Sends the headers first if they have not been sent. */
  event(name: string, data: unknown): void;
  /**
   * Sends the event if the stream is open; else keeps the newest event of each name and sends it when the stream opens.
   */
  buffer(name: string, data: unknown): void;
  /** Sends the last event and ends the stream. */
  end(name: string, data: unknown): void;
  /** Sends the error as the last event. @throws the error while nothing has been sent, for a status */
  fail(error: GatehouseError): void;
  /** Stops the timers. Idempotent. */
  close(): void;
}

/** Longer than a backend connection takes to fail (2 s); shorter than a client waits for a silent server (30 s). */
const headerDelayMs = 3_000;
/** Proxies close connections that are silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A client with more unread bytes than this is disconnected. */
const pendingBytesMax = 1024 * 1024;

export function createDeferredSseStream(reply: FastifyReply): DeferredSseStream {
  const { raw } = reply;
  let isOpen = false;
  const buffered = new Map<string, unknown>();
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
    clearTimeout(headerTimer);
    reply.hijack().raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    for (const [name, data] of buffered) send(name, data);
    keepAlive = setInterval(() => write(': keep-alive\n\n'), keepAliveMs);
  };
  const headerTimer = setTimeout(open, headerDelayMs);
  const close = (): void => {
    clearTimeout(headerTimer);
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
    buffer(name, data) {
      if (isOpen) send(name, data);
      else buffered.set(name, data);
    },
    end,
    fail(error) {
      if (!isOpen) {
        close();
        throw error;
      }
      end('error', toProblemDetails(error));
    },
    close,
  };
}

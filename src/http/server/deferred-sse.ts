/**
 * One response as server-sent events with delayed headers: until the first message a failure can still be a status. A
 * client that falls too far behind is disconnected, which cancels its request.
 */
import type { FastifyReply } from 'fastify';
import type { GatehouseError } from '#shared/errors';
import { toProblemDetails } from './problem-details.ts';
import { createSseStream, type SseStream, type StreamFormat } from './sse-stream.ts';

/** Longer than a backend connection takes to fail (2 s); shorter than a client waits for a silent server (30 s). */
const headerDelayMs = 3_000;

/** @param onOpen writes what comes first; called once, when the headers are sent */
export function createDelayedSseStream(
  reply: FastifyReply,
  onOpen: (stream: SseStream) => void,
  format?: StreamFormat,
) {
  let stream: SseStream | null = null;
  const open = (): SseStream => {
    if (stream !== null) return stream;
    clearTimeout(headerTimer);
    stream = createSseStream(reply.hijack().raw, {}, format);
    stream.open();
    onOpen(stream);
    return stream;
  };
  const headerTimer = setTimeout(open, headerDelayMs);
  return {
    get isOpen(): boolean {
      return stream !== null;
    },
    /** The stream; sends the headers if they have not been sent. */
    open,
    /** Ends the stream with a last message. */
    end(message: Parameters<SseStream['push']>[0]): void {
      const opened = open();
      opened.push(message);
      opened.end();
    },
    /** Stops the timer of the headers. Idempotent. */
    close: (): void => clearTimeout(headerTimer),
  };
}
export type DelayedSseStream = ReturnType<typeof createDelayedSseStream>;

export function createDeferredSseStream(reply: FastifyReply) {
  const buffered = new Map<string, unknown>();
  const delayed = createDelayedSseStream(reply, (stream) => {
    for (const [event, data] of buffered) stream.push({ event, data });
  });
  return {
    /** Sends the headers first if they have not been sent. */
    event: (event: string, data: unknown): void => delayed.open().push({ event, data }),
    /**
     * Sends the event if the stream is open; else keeps the newest event of each name and sends it when the stream opens.
     */
    buffer(event: string, data: unknown): void {
      if (delayed.isOpen) delayed.open().push({ event, data });
      else buffered.set(event, data);
    },
    /** Sends the last event and ends the stream. */
    end: (event: string, data: unknown): void => delayed.end({ event, data }),
    /** Sends the error as the last event. @throws the error while nothing has been sent, for a status */
    fail(error: GatehouseError): void {
      if (delayed.isOpen) delayed.end({ event: 'error', data: toProblemDetails(error) });
      else {
        delayed.close();
        throw error;
      }
    },
    /** Stops the timers. Idempotent. */
    close: (): void => delayed.close(),
  };
}

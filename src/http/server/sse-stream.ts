/**
 * The only writer of server-sent events: headers, keep-alive comments, backpressure.
 *
 * 1. Stored events are written with `send`, at the client's pace: what the client has not read stays in the database.
 *    A client that reads nothing for 30 s is disconnected; it reconnects with Last-Event-ID and loses nothing.
 * 2. Live events are written with `push`, which does not wait: a client with more than 1 MiB of unread bytes is
 *    disconnected.
 * 3. The headers are sent with the first message, or by `open`. Before that `noContent` is possible: after a 204 an
 *    EventSource does not reconnect, as it does every few seconds after any other end of a stream (HTML, 9.2.3).
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface SseMessage {
  /** Sent back by the client as Last-Event-ID. */
  id?: number | undefined;
  /** Default: `message`. */
  event?: string;
  /** Sent as JSON; a text is sent as it is, without line breaks. */
  data: unknown;
}

/** How a stream writes its messages: server-sent events, or another format of one message after the other. */
export interface StreamFormat {
  contentType: string;
  textOf(message: SseMessage): string;
  /** What people who look at the stream may read; null: the format has no comments. */
  commentOf(text: string): string | null;
  /** Sent while there is nothing to say. */
  keepAlive(): string;
}

const contentType = 'text/event-stream; charset=utf-8';
const streamHeaders = {
  'cache-control': 'no-cache, no-transform',
  // Proxies such as nginx would buffer the stream.
  'x-accel-buffering': 'no',
};
/** Proxies close connections that are silent for 30 to 60 s. */
const keepAliveMs = 15_000;
const pendingBytesMax = 1024 * 1024;

/** @param headers of this stream, beside the usual ones */
export function createSseStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string>> = {},
  format: StreamFormat = serverSentEvents,
) {
  let keepAlive: NodeJS.Timeout | undefined;
  const isOpen = (): boolean => !response.destroyed && !response.writableEnded;
  const open = (): void => {
    if (response.headersSent || !isOpen()) return;
    response.writeHead(200, {
      'content-type': format.contentType,
      ...streamHeaders,
      ...headers,
    });
    response.flushHeaders();
    keepAlive = setInterval(() => {
      if (isOpen() && !response.writableNeedDrain) response.write(format.keepAlive());
    }, keepAliveMs);
  };
  const close = (): void => clearInterval(keepAlive);
  response.once('close', close);
  const write = (text: string): boolean => {
    open();
    return !isOpen() || response.write(text);
  };
  const writeNow = (text: string): void => {
    if (response.writableLength > pendingBytesMax) response.destroy();
    else write(text);
  };

  return {
    /** The client is connected, and the stream has not ended. */
    get isOpen(): boolean {
      return isOpen();
    },
    open,
    /** Resolves with true when more can be written; with false when the stream is over. */
    async send(message: SseMessage): Promise<boolean> {
      if (!isOpen()) return false;
      if (write(format.textOf(message))) return true;
      if (await waitForDrain(response, drainTimeoutMs)) return true;
      response.destroy();
      return false;
    },
    push: (message: SseMessage): void => writeNow(format.textOf(message)),
    comment(text: string): void {
      const comment = format.commentOf(text);
      if (comment !== null) writeNow(comment);
    },
    /** Ends a stream in which nothing was sent with 204. */
    noContent(): void {
      response.writeHead(204).end();
    },
    end(): void {
      open();
      close();
      response.end();
    },
  };
}
export type SseStream = ReturnType<typeof createSseStream>;

const serverSentEvents: StreamFormat = {
  contentType,
  textOf({ id, event, data }) {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    return `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`;
  },
  commentOf: (text) => `: ${text}\n\n`,
  keepAlive: () => ': keep-alive\n\n',
};

/** The response to `HEAD` on a stream: the headers of the `GET`, without a stream. */
export const sendSseHeadResponse = (reply: FastifyReply): FastifyReply =>
  reply.type(contentType).header('cache-control', streamHeaders['cache-control']).send('');

/** `seq` of the last event that an EventSource has, from its header or `?last_event_id`. Missing or invalid: 0. */
export function parseLastEventId(request: FastifyRequest): number {
  const query = (request.query as Record<string, unknown>)['last_event_id'];
  return parsePosition(request.headers['last-event-id'] ?? query);
}

/** A position in a stream; 0 for a value that is none. */
export function parsePosition(value: unknown): number {
  const position = Number(value ?? 0);
  return Number.isSafeInteger(position) && position > 0 ? position : 0;
}

/**
 * Resolves with true when more can be written, with false when the connection is closed or the client read nothing for
 * `timeoutMs`. Removes its listeners.
 */
export function waitForDrain(response: ServerResponse, timeoutMs: number): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const finish = (isRead: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      resolve(isRead && !response.destroyed);
    };
    const onDrain = (): void => finish(true);
    const onClose = (): void => finish(false);
    const timer = setTimeout(finish, timeoutMs, false);
    response.on('drain', onDrain).on('close', onClose);
  });
}

/** A client on a very slow radio link reads something within this time; a longer limit only keeps dead connections. */
const drainTimeoutMs = 30_000;

/**
 * `GET /events`: the events of all jobs, documents, schedules and facts as server-sent events, stored and live, in commit order
 * (at-least-once: an event that is repeated after a lost connection has the same event id). The client sets the
 * position to continue after with `from` or Last-Event-ID. Without it the stream starts with the oldest kept event;
 * with `now` only new events are sent. The response header Last-Event-ID has the start position. Events are read from
 * the journal at the client's pace: a slow client costs no memory.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { MaybePromise } from '#shared/maybe-promise';
import { isDocumentEvent, type OutgoingEvent } from '#shared/wire/document-event';
import { eventStream, declareRoutes, type RouteServer } from '../server/route-schemas.ts';
import { createSseStream, parsePosition, sendSseHeadResponse } from '../server/sse-stream.ts';

export interface EventLog {
  /**
   * The rows with events among the next `limit` rows after a position, in order; `upTo` is the last row that was read.
   */
  after(
    pos: number,
    limit: number,
  ): MaybePromise<{
    rows: readonly { pos: number; events: readonly OutgoingEvent[] }[];
    upTo: number;
  }>;
  /** The last position before `at` (epoch ms). */
  positionAt(at: number): MaybePromise<number>;
}

export interface EventNotifier {
  subscribe(
    jobId: null,
    listener: Record<'event' | 'token' | 'document' | 'schedule' | 'memory', () => void>,
  ): () => void;
}

/** Rows per read; a row can contain a long answer. */
const rowsAtOnce = 20;
/** Cost of reading a row for this client, in response bytes. */
const bytesPerRow = 128;
/** While the client owes, its connection and debt are checked again at this interval. */
const debtMsMax = 1_000;

export interface EventRoutesOptions {
  log: EventLog;
  notifier: EventNotifier;
  /** The user id under which this user's documents are stored; a shared library has one for all users. */
  libraryOwner(userId: string): string;
}

const declare = declareRoutes('jobs');

export const eventRoutes =
  ({ log, notifier, libraryOwner }: EventRoutesOptions) =>
  (server: RouteServer): void => {
    server.get(
      '/events',
      declare.person(
        'The events of all jobs, documents, schedules and facts, old and new, in the order of their commits.',
        {
          querystring: z.object({
            from: z
              .string()
              .optional()
              .describe(
                'Goes on after this position; `now`: only what is new. The answer has the position in the header Last-Event-ID.',
              ),
          }),
          headers: z.object({
            'Last-Event-ID': z.string().optional().describe('Goes on after this position.'),
          }),
          response: { 200: eventStream },
        },
      ),
      async (request, reply) => {
        if (request.method === 'HEAD') return sendSseHeadResponse(reply);
        const position = request.headers['last-event-id'] ?? request.query.from ?? 0;
        const start = position === 'now' ? await log.positionAt(Infinity) : parsePosition(position);
        const { user } = request.caller;
        const isTheirs = (event: OutgoingEvent): boolean =>
          user === null || event.user_id === (isDocumentEvent(event) ? libraryOwner(user) : user);
        reply.hijack();
        await streamEvents(
          reply.raw,
          { log, notifier, isTheirs, throttle: throttleFor(request, reply.raw) },
          start,
        );
      },
    );
  };

/** Waits for a fair slice and until earlier reads are paid for (rate limiter); then charges `bytes`. */
type ReadThrottle = (bytes: number) => Promise<void>;

function throttleFor(
  {
    chargeResponseBytes,
    owedMs,
    waitForSlice,
  }: Pick<FastifyRequest, 'chargeResponseBytes' | 'owedMs' | 'waitForSlice'>,
  response: ServerResponse,
): ReadThrottle {
  return async (bytes) => {
    await waitForSlice();
    for (let owed = owedMs(); owed > 0 && !response.destroyed; owed = owedMs()) {
      const waitMs = Math.min(owed, debtMsMax);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    chargeResponseBytes(bytes);
  };
}

async function streamEvents(
  response: ServerResponse,
  source: {
    log: EventLog;
    notifier: EventNotifier;
    isTheirs(event: OutgoingEvent): boolean;
    throttle: ReadThrottle;
  },
  from: number,
): Promise<void> {
  const { log, notifier, isTheirs, throttle } = source;
  let pos = from;
  let isMore = true;
  let wake: () => void = () => undefined;
  const onNews = (): void => {
    isMore = true;
    wake();
  };
  const unsubscribe = notifier.subscribe(null, {
    event: onNews,
    token: () => undefined,
    document: onNews,
    schedule: onNews,
    memory: onNews,
  });
  response.once('close', () => wake());
  const stream = createSseStream(response, { 'last-event-id': String(from) });
  stream.open();
  try {
    while (stream.isOpen) {
      isMore = false;
      const { rows, upTo } = await log.after(pos, rowsAtOnce);
      const isAtEnd = upTo === pos;
      let bytes = (upTo - pos) * bytesPerRow;
      pos = upTo;
      for (const row of rows) {
        const events = row.events.filter(isTheirs);
        for (const [index, event] of events.entries()) {
          // Only the last event of a row has the id: a client that is disconnected within a row must get the row again.
          const id = index === events.length - 1 ? row.pos : undefined;
          const data = JSON.stringify(event);
          bytes += Buffer.byteLength(data);
          if (!(await stream.send({ id, event: event.type, data }))) return;
        }
      }
      // A user who may see few of the events reads on without ever waiting for the socket, so other work must get in
      // between.
      if (!isAtEnd) await throttle(bytes);
      else if (!isMore && stream.isOpen) await new Promise<void>((resolve) => (wake = resolve));
    }
  } catch {
    // If the database cannot be read, the stream ends: the client reconnects with its Last-Event-ID.
    response.destroy();
  } finally {
    unsubscribe();
  }
}

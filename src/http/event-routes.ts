/**
 * `GET /events`: the state events of all jobs as server-sent events, old and new, in the order of the journal.
 * Repeated ones, after a lost connection, have the same event id. A reader says with `from` (or Last-Event-ID) after which position it wants to go on; without, it gets all
 * that is kept. Read from the journal at the reader's own pace: a slow one costs no memory.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { StateEvent } from '../contract/state-event.ts';

export interface EventLog {
  /** The rows with events among the next `limit` after a position, in order; `upTo` is the last one looked at. */
  after(
    pos: number,
    limit: number,
  ): { rows: readonly { pos: number; events: readonly StateEvent[] }[]; upTo: number };
}

export interface EventNews {
  subscribe(jobId: null, listener: { event(): void; token(): void }): () => void;
}

const rowsAtOnce = 200;
const keepAliveMs = 15_000;

export function eventRoutes(log: EventLog, news: EventNews): (server: FastifyInstance) => void {
  return (server) => {
    server.get('/events', async (request, reply) => {
      const { from } = request.query as { from?: string };
      const asked = Number(request.headers['last-event-id'] ?? from ?? 0);
      reply.hijack();
      await follow(reply.raw, log, news, Number.isSafeInteger(asked) && asked > 0 ? asked : 0);
    });
  };
}

async function follow(
  response: ServerResponse,
  log: EventLog,
  news: EventNews,
  from: number,
): Promise<void> {
  let pos = from;
  let wake: () => void = () => undefined;
  const unsubscribe = news.subscribe(null, { event: () => wake(), token: () => undefined });
  const closed = once(response, 'close');
  response.once('close', () => wake());
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  response.flushHeaders();
  try {
    while (!response.destroyed) {
      const { rows, upTo } = log.after(pos, rowsAtOnce);
      const isAtEnd = upTo === pos;
      pos = upTo;
      for (const row of rows) {
        for (const [index, event] of row.events.entries()) {
          // A reader that is cut off within a row must get the row again: only its last event has the position.
          const id = index === row.events.length - 1 ? `id: ${row.pos}\n` : '';
          const text = `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
          if (!response.write(text)) await Promise.race([once(response, 'drain'), closed]);
        }
      }
      if (isAtEnd) {
        const isNew = await new Promise<boolean>((resolve) => {
          const timer = setTimeout(resolve, keepAliveMs, false);
          wake = () => {
            clearTimeout(timer);
            resolve(true);
          };
        });
        if (!isNew) response.write(': keep-alive\n\n');
      }
    }
  } catch {
    // A database that cannot be read ends the stream: the reader comes again where it was.
    response.destroy();
  } finally {
    unsubscribe();
  }
}

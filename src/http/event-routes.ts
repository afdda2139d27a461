/**
 * `GET /events`: the events of all jobs and documents as server-sent events, old and new, in the order of their commits.
 * Repeated ones, after a lost connection, have the same event id. A reader says with `from` (or Last-Event-ID) after which position it wants to go on; without, it gets all
 * that is kept, and with `now` only what is new. The position from which it goes on is in the header Last-Event-ID of the answer. Read from the journal at the reader's own pace: a slow one costs no memory.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isDocumentEvent, type OutboxEvent } from '../contract/document-event.ts';
import { fairTurn } from '../lib/fair-turns.ts';
import { person } from './access.ts';
import { drained } from './drained.ts';
import { sendHead } from './sse-head.ts';

export interface EventLog {
  /** The rows with events among the next `limit` after a position, in order; `upTo` is the last one looked at. */
  after(
    pos: number,
    limit: number,
  ): { rows: readonly { pos: number; events: readonly OutboxEvent[] }[]; upTo: number };
  /** The last position before `at` (epoch ms). */
  positionAt(at: number): number;
}

export interface EventNews {
  subscribe(jobId: null, listener: { event(): void; token(): void; document(): void }): () => void;
}

/** Rows of one slice: a row can have a long answer in it. */
const rowsAtOnce = 20;
/** What a row costs that is read for this reader, as bytes of an answer. */
const bytesPerRow = 128;
/** A debt is looked at again after this: the reader may be gone. */
const debtMsMax = 1_000;
const keepAliveMs = 15_000;

export interface EventRoutesOptions {
  log: EventLog;
  news: EventNews;
  /** In whose name this user's documents are: of a shared library it is one for all. */
  libraryOwner(userId: string): string;
}

export function eventRoutes({
  log,
  news,
  libraryOwner,
}: EventRoutesOptions): (server: FastifyInstance) => void {
  return (server) => {
    server.get('/events', person, async (request, reply) => {
      if (request.method === 'HEAD') return sendHead(reply);
      const { from } = request.query as { from?: string };
      const place = request.headers['last-event-id'] ?? from ?? 0;
      const asked = place === 'now' ? log.positionAt(Infinity) : Number(place);
      const { user } = request.caller;
      const isTheirs = (event: OutboxEvent): boolean =>
        user === null || event.user_id === (isDocumentEvent(event) ? libraryOwner(user) : user);
      reply.hijack();
      await follow(
        reply.raw,
        { log, news, isTheirs, pace: paceOf(request, reply.raw) },
        Number.isSafeInteger(asked) && asked > 0 ? asked : 0,
      );
    });
  };
}

/** Waits for the reader's turn, and until what it has read is paid for; then charges it for the next rows. */
type Pace = (bytes: number) => Promise<void>;

function paceOf({ caller, countAnswer, owedMs }: FastifyRequest, response: ServerResponse): Pace {
  return async (bytes) => {
    await fairTurn(caller.user ?? '');
    for (let owed = owedMs(); owed > 0 && !response.destroyed; owed = owedMs()) {
      const waitMs = Math.min(owed, debtMsMax);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    countAnswer(bytes);
  };
}

async function follow(
  response: ServerResponse,
  source: { log: EventLog; news: EventNews; isTheirs(event: OutboxEvent): boolean; pace: Pace },
  from: number,
): Promise<void> {
  const { log, news, isTheirs, pace } = source;
  let pos = from;
  let wake: () => void = () => undefined;
  const unsubscribe = news.subscribe(null, {
    event: () => wake(),
    token: () => undefined,
    document: () => wake(),
  });
  response.once('close', () => wake());
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'last-event-id': String(from),
  });
  response.flushHeaders();
  try {
    while (!response.destroyed) {
      const { rows, upTo } = log.after(pos, rowsAtOnce);
      const isAtEnd = upTo === pos;
      let bytes = (upTo - pos) * bytesPerRow;
      pos = upTo;
      for (const row of rows) {
        const events = row.events.filter(isTheirs);
        for (const [index, event] of events.entries()) {
          // A reader that is cut off within a row must get the row again: only its last event has the position.
          const id = index === events.length - 1 ? `id: ${row.pos}\n` : '';
          const text = `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
          bytes += Buffer.byteLength(text);
          if (!response.write(text) && !(await drained(response))) return;
        }
      }
      // One who may see little of much reads on without ever waiting for a socket: others must get in between.
      if (!isAtEnd) await pace(bytes);
      else {
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

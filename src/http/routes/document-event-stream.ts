/**
 * A document's events as server-sent events: from the beginning or after a given `seq`, stored events first, then live,
 * each once and in order. Events are always read from the database, at the client's pace: a live notification only
 * signals that there is more to read. A document has no last event: the stream ends when the client disconnects.
 */
import type { ServerResponse } from 'node:http';
import type { DocumentEvent } from '#shared/wire/document-event';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { waitForDrain, drainTimeoutMs } from '../server/backpressure.ts';

export interface DocumentEventFeed {
  /** Stored events of the document after `afterSeq`, in order; a limited number per call. */
  events(documentId: string, afterSeq: number): DocumentEvent[];
  /** Receives the events of all documents. Returns the unsubscribe function. */
  subscribe(listener: (event: DocumentEvent) => void): () => void;
}

/** Proxies close connections that are silent for 30 to 60 s. */
const keepAliveMs = 15_000;

/**
 * Resolves when the client has disconnected. A client that reads nothing is disconnected; it reconnects with
 * Last-Event-ID and loses nothing.
 */
export async function streamDocumentEvents(
  response: ServerResponse,
  source: DocumentEventFeed,
  documentId: string,
  afterSeq: number,
): Promise<void> {
  let sent = afterSeq;
  let isMore = true;
  let wake: () => void = () => undefined;
  const unsubscribe = source.subscribe((event) => {
    if (event.document_id !== documentId) return;
    isMore = true;
    wake();
  });
  response.once('close', () => wake());
  const waitForEvent = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, keepAliveMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  /** False when the client has disconnected or does not read. */
  const write = async (text: string): Promise<boolean> =>
    response.write(text) || waitForDrain(response, drainTimeoutMs);

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  try {
    while (!response.destroyed) {
      if (!isMore) {
        await waitForEvent();
        if (!isMore && !response.destroyed) response.write(': keep-alive\n\n');
        if (!isMore || response.destroyed) continue;
      }
      isMore = false;
      const events = source.events(documentId, sent);
      for (const event of events) {
        const text = `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
        if (!(await write(text))) return;
        sent = event.seq;
      }
      if (events.length === 0) continue;
      isMore = true;
      await yieldToEventLoop();
    }
  } catch {
    // If the database cannot be read, the stream ends: the client reconnects with its Last-Event-ID.
    response.end();
  } finally {
    unsubscribe();
    if (!response.writableEnded) response.destroy();
  }
}

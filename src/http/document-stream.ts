/**
 * A document's events as server-sent events: from the beginning or after a given `seq`, stored ones first, then
 * live, each once and in order. Always read from what is stored, at the reader's own pace: an event that is told
 * live was stored before, and only says that there is more. A document has no last event: the stream ends with
 * its reader.
 */
import type { ServerResponse } from 'node:http';
import type { DocumentEvent } from '../contract/document-event.ts';
import { othersTurn } from '../lib/others-turn.ts';
import { drained, readerPatienceMs } from './drained.ts';

export interface DocumentEventSource {
  /** Stored events of the document after `afterSeq`, in order; some at a time. */
  events(documentId: string, afterSeq: number): DocumentEvent[];
  /** Told of every document. Returns the way out. */
  subscribe(listener: (event: DocumentEvent) => void): () => void;
}

/** Proxies cut what is silent for 30 to 60 s. */
const keepAliveMs = 15_000;

/** Resolves when the reader is gone. Who takes nothing comes again with Last-Event-ID and loses nothing. */
export async function streamDocument(
  response: ServerResponse,
  source: DocumentEventSource,
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
  const news = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, keepAliveMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  /** Whether the reader is there for more. */
  const write = async (text: string): Promise<boolean> =>
    response.write(text) || drained(response, readerPatienceMs);

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  try {
    while (!response.destroyed) {
      if (!isMore) {
        await news();
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
      await othersTurn();
    }
  } catch {
    // A database that cannot be read ends the stream: the reader comes again where it was.
    response.end();
  } finally {
    unsubscribe();
    if (!response.writableEnded) response.destroy();
  }
}

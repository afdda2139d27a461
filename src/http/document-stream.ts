/**
 * A document's events as server-sent events: from the beginning or after a given `seq`, stored ones first, then
 * live, each once and in order. A document has no last event: the stream ends with its reader.
 */
import type { ServerResponse } from 'node:http';
import type { DocumentEvent } from '../contract/document-event.ts';

export interface DocumentEventSource {
  /** Stored events of the document after `afterSeq`, in order; some at a time. */
  events(documentId: string, afterSeq: number): DocumentEvent[];
  /** Told of every document. Returns the way out. */
  subscribe(listener: (event: DocumentEvent) => void): () => void;
}

/** Proxies cut what is silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A reader this far behind is cut off: it comes again with Last-Event-ID and loses nothing. */
const pendingBytesMax = 1024 * 1024;

export function streamDocument(
  response: ServerResponse,
  source: DocumentEventSource,
  documentId: string,
  afterSeq: number,
): void {
  let sent = afterSeq;
  const write = (text: string): void => {
    if (response.writableLength > pendingBytesMax) response.destroy();
    else response.write(text);
  };
  // Always read from what is stored: an event that is told live was stored before.
  const sendNew = (): void => {
    for (;;) {
      const events = source.events(documentId, sent);
      for (const event of events) {
        write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
        sent = event.seq;
      }
      if (events.length === 0 || response.destroyed) return;
    }
  };
  const keepAlive = setInterval(() => write(': keep-alive\n\n'), keepAliveMs);
  const unsubscribe = source.subscribe((event) => {
    if (event.document_id === documentId) sendOrEnd();
  });
  const end = (): void => {
    clearInterval(keepAlive);
    unsubscribe();
    response.end();
  };
  const sendOrEnd = (): void => {
    try {
      sendNew();
    } catch {
      // A database that cannot be read ends the stream: the reader comes again where it was.
      end();
    }
  };
  response.once('close', end);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  sendOrEnd();
}

/**
 * The events of a document or schedule as server-sent events: from the beginning or after a given `seq`, stored events first, then live,
 * each once and in order. Events are always read from the database, at the client's pace: a live notification only
 * signals that there is more to read. There is no last event: the stream ends when the client disconnects.
 */
import type { ServerResponse } from 'node:http';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { createSseStream } from '../server/sse-stream.ts';

export interface StoredEventFeed {
  /** Stored events of the document or schedule after `afterSeq`, in order; a limited number per call. */
  events(id: string, afterSeq: number): Promise<readonly { seq: number; type: string }[]>;
  /** The listener is called when there may be more events of `id`. Returns the unsubscribe function. */
  subscribe(id: string, onNews: () => void): () => void;
}

/** Resolves when the client has disconnected. */
export async function streamStoredEvents(
  response: ServerResponse,
  source: StoredEventFeed,
  id: string,
  afterSeq: number,
): Promise<void> {
  const stream = createSseStream(response);
  let sent = afterSeq;
  let isMore = true;
  let wake: () => void = () => undefined;
  const unsubscribe = source.subscribe(id, () => {
    isMore = true;
    wake();
  });
  response.once('close', () => wake());

  stream.open();
  try {
    while (stream.isOpen) {
      if (!isMore) await new Promise<void>((resolve) => (wake = resolve));
      isMore = false;
      const events = await source.events(id, sent);
      for (const event of events) {
        if (!(await stream.send({ id: event.seq, event: event.type, data: event }))) return;
        sent = event.seq;
      }
      if (events.length === 0) continue;
      isMore = true;
      await yieldToEventLoop();
    }
  } catch {
    // If the database cannot be read, the stream ends: the client reconnects with its Last-Event-ID.
    stream.end();
  } finally {
    unsubscribe();
  }
}

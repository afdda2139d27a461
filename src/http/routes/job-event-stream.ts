/**
 * A job's state events as server-sent events: from the beginning or after a given `seq`, stored events first, then
 * live, each once and in order; token chunks in between. Ends after the final event. Stored events are written at the
 * client's pace.
 *
 * A client that has already seen the final event gets 204: an EventSource does not reconnect after it, as it does every
 * few seconds after any other end of a stream (HTML, 9.2.3).
 */
import type { ServerResponse } from 'node:http';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import { waitForDrain, drainTimeoutMs } from '../server/backpressure.ts';

export interface JobEventFeed {
  /** Stored state events of the job after `afterSeq`, a limited number per call; empty: there are no more. */
  events(jobId: string, afterSeq: number): Promise<StateEvent[]>;
  subscribe(
    jobId: string,
    listener: { event(event: StateEvent): void; token(chunk: TokenChunk): void },
  ): () => void;
  textSoFar(jobId: string): TokenChunk | null;
}

const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};
/** Proxies close connections that are silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/**
 * A client with more unread live bytes than this is disconnected: it reconnects with Last-Event-ID and loses nothing.
 */
const pendingBytesMax = 1024 * 1024;

export async function streamJobEvents(
  response: ServerResponse,
  source: JobEventFeed,
  jobId: string,
  afterSeq: number,
): Promise<void> {
  let sent = afterSeq;
  let buffered: StateEvent[] | null = [];
  const finish = (): void => {
    clearInterval(keepAlive);
    unsubscribe();
    response.end();
  };
  const write = (text: string): void => {
    if (response.writableLength > pendingBytesMax) response.destroy();
    else response.write(text);
  };
  const send = (event: StateEvent): void => {
    if (event.seq > sent) {
      sent = event.seq;
      write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
    if (isFinal(event)) finish();
  };
  const sendToken = (chunk: TokenChunk): void =>
    write(`event: token\ndata: ${JSON.stringify(chunk)}\n\n`);

  const unsubscribe = source.subscribe(jobId, {
    // Events committed while the history is read are buffered.
    event: (event) => (buffered === null ? send(event) : void buffered.push(event)),
    token: (chunk) => {
      if (buffered === null) sendToken(chunk);
    },
  });
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) write(': keep-alive\n\n');
  }, keepAliveMs);
  response.once('close', finish);
  try {
    const { stored, from, isOver } = await loadHistory(source, jobId, afterSeq);
    if (isOver) {
      response.writeHead(204);
      finish();
      return;
    }
    sent = from;
    response.writeHead(200, eventStreamHeaders);
    // Buffered events are written after the history; only then are events forwarded as they arrive.
    const pending = buffered;
    const more = async (): Promise<StateEvent[]> =>
      orElse(await source.events(jobId, sent), () => pending.splice(0));
    let history = orElse(stored, () => pending.splice(0));
    for (; history.length > 0; history = await more()) {
      for (const event of history) {
        if (response.writableEnded) return;
        send(event);
        if (response.writableEnded) return;
        if (response.writableNeedDrain && !(await waitForDrain(response, drainTimeoutMs))) {
          response.destroy();
          return;
        }
      }
    }
    if (response.writableEnded) return;
    buffered = null;
    const text = source.textSoFar(jobId);
    if (text !== null) sendToken(text);
  } catch {
    // With any other status an EventSource would not reconnect.
    if (!response.headersSent) response.writeHead(200, eventStreamHeaders);
    finish();
  }
}

const orElse = (events: StateEvent[], others: () => StateEvent[]): StateEvent[] =>
  events.length > 0 ? events : others();

/** Stored events after `afterSeq`. `isOver`: the job has ended, and the client has seen its final event. */
async function loadHistory(
  source: JobEventFeed,
  jobId: string,
  afterSeq: number,
): Promise<{ stored: StateEvent[]; from: number; isOver: boolean }> {
  const stored = await source.events(jobId, afterSeq);
  if (stored.length > 0 || afterSeq === 0) return { stored, from: afterSeq, isOver: false };
  const [last] = await source.events(jobId, afterSeq - 1);
  // The number is of another job, or from before a backup was restored: start at the beginning.
  if (last === undefined) return { stored: await source.events(jobId, 0), from: 0, isOver: false };
  return { stored, from: afterSeq, isOver: isFinal(last) };
}

const isFinal = (event: StateEvent | undefined): boolean =>
  event?.type === 'done' || event?.type === 'cancelled';

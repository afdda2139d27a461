/**
 * A job's state events as server-sent events: from the beginning or after a given `seq`, stored ones first,
 * then live, each once and in order; pieces of the answer in between. Ends after the final event. What is stored is
 * written at the reader's own pace.
 *
 * A reader that has seen the final event gets 204: an EventSource does not reconnect after it, as it does every few
 * seconds after any other end of a stream (HTML, 9.2.3).
 */
import type { ServerResponse } from 'node:http';
import type { StateEvent, TokenChunk } from '../contract/state-event.ts';
import { drained, readerPatienceMs } from './drained.ts';

export interface EventSource {
  /** Stored state events of the job after `afterSeq`, some at a time; empty: there are no more. */
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
/** Proxies cut what is silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A reader this far behind what is live is cut off: it comes again with Last-Event-ID and loses nothing. */
const pendingBytesMax = 1024 * 1024;

export async function streamJob(
  response: ServerResponse,
  source: EventSource,
  jobId: string,
  afterSeq: number,
): Promise<void> {
  let sent = afterSeq;
  let early: StateEvent[] | null = [];
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
    // What is committed while the stored events are read waits for them.
    event: (event) => (early === null ? send(event) : void early.push(event)),
    token: (chunk) => {
      if (early === null) sendToken(chunk);
    },
  });
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) write(': keep-alive\n\n');
  }, keepAliveMs);
  response.once('close', finish);
  try {
    const { stored, from, isOver } = await historyAfter(source, jobId, afterSeq);
    if (isOver) {
      response.writeHead(204);
      finish();
      return;
    }
    sent = from;
    response.writeHead(200, eventStreamHeaders);
    // What is told meanwhile is written behind it; only then all goes out as it comes.
    const pending = early;
    const more = async (): Promise<StateEvent[]> =>
      orElse(await source.events(jobId, sent), () => pending.splice(0));
    let history = orElse(stored, () => pending.splice(0));
    for (; history.length > 0; history = await more()) {
      for (const event of history) {
        if (response.writableEnded) return;
        send(event);
        if (response.writableEnded) return;
        if (response.writableNeedDrain && !(await drained(response, readerPatienceMs))) {
          response.destroy();
          return;
        }
      }
    }
    if (response.writableEnded) return;
    early = null;
    const text = source.textSoFar(jobId);
    if (text !== null) sendToken(text);
  } catch {
    // An EventSource takes any other status for final, and would not come again.
    if (!response.headersSent) response.writeHead(200, eventStreamHeaders);
    finish();
  }
}

const orElse = (events: StateEvent[], others: () => StateEvent[]): StateEvent[] =>
  events.length > 0 ? events : others();

/** What is stored after `afterSeq`. `isOver`: the job has ended, and the reader has seen all of it. */
async function historyAfter(
  source: EventSource,
  jobId: string,
  afterSeq: number,
): Promise<{ stored: StateEvent[]; from: number; isOver: boolean }> {
  const stored = await source.events(jobId, afterSeq);
  if (stored.length > 0 || afterSeq === 0) return { stored, from: afterSeq, isOver: false };
  const [last] = await source.events(jobId, afterSeq - 1);
  // A number of another job, or from before a backup was restored: this one is read from its beginning.
  if (last === undefined) return { stored: await source.events(jobId, 0), from: 0, isOver: false };
  return { stored, from: afterSeq, isOver: isFinal(last) };
}

const isFinal = (event: StateEvent | undefined): boolean =>
  event?.type === 'done' || event?.type === 'cancelled';

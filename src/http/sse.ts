/**
 * A job's state events as server-sent events: from the beginning or after a given `seq`, stored ones first,
 * then live, each once and in order; pieces of the answer in between. Ends after the final event. What is stored is
 * written at the reader's own pace.
 */
import type { ServerResponse } from 'node:http';
import type { StateEvent, TokenChunk } from '../contract/state-event.ts';
import { drained, readerPatienceMs } from './drained.ts';

export interface EventSource {
  /** All stored state events of the job after `afterSeq`. */
  events(jobId: string, afterSeq: number): Promise<StateEvent[]>;
  subscribe(
    jobId: string,
    listener: { event(event: StateEvent): void; token(chunk: TokenChunk): void },
  ): () => void;
  textSoFar(jobId: string): TokenChunk | null;
}

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
    if (event.type === 'done' || event.type === 'cancelled') finish();
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
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  try {
    let stored = await source.events(jobId, afterSeq);
    if (stored.length === 0 && afterSeq > 0) {
      const all = await source.events(jobId, 0);
      // A number of another job, or from before a backup was restored: this one is read from its beginning.
      if ((all.at(-1)?.seq ?? 0) < afterSeq) [stored, sent] = [all, 0];
    }
    // What is told meanwhile is written behind it; only then all goes out as it comes.
    const first = early.splice(0);
    const isNews = stored.length + first.length > 0;
    for (let history = [...stored, ...first]; history.length > 0; history = early.splice(0)) {
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
    // A reader that comes after the end and has seen all of it is not kept waiting.
    if (!isNews && !(await isOpen(source, jobId))) finish();
  } catch {
    finish();
  }
}

async function isOpen(source: EventSource, jobId: string): Promise<boolean> {
  const last = (await source.events(jobId, 0)).at(-1);
  return last?.type !== 'done' && last?.type !== 'cancelled';
}

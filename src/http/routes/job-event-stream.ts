/**
 * A job's state events as server-sent events: from the beginning or after a given `seq`, stored events first, then
 * live, each once and in order; token chunks in between. Ends after the final event. A client that has already seen the
 * final event gets 204.
 */
import type { ServerResponse } from 'node:http';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import { createSseStream, type SseMessage } from '../server/sse-stream.ts';

export interface JobEventFeed {
  /** Stored state events of the job after `afterSeq`, a limited number per call; empty: there are no more. */
  events(jobId: string, afterSeq: number): Promise<StateEvent[]>;
  subscribe(
    jobId: string,
    listener: { event(event: StateEvent): void; token(chunk: TokenChunk): void },
  ): () => void;
  textSoFar(jobId: string): TokenChunk | null;
}

export async function streamJobEvents(
  response: ServerResponse,
  source: JobEventFeed,
  jobId: string,
  afterSeq: number,
): Promise<void> {
  const stream = createSseStream(response);
  let sent = afterSeq;
  let buffered: StateEvent[] | null = [];
  const finish = (): void => {
    unsubscribe();
    if (stream.isOpen) stream.end();
  };
  const sendLive = (event: StateEvent): void => {
    if (event.seq > sent) {
      sent = event.seq;
      stream.push(messageOf(event));
    }
    if (isFinal(event)) finish();
  };
  const sendToken = (data: TokenChunk): void => stream.push({ event: 'token', data });

  const unsubscribe = source.subscribe(jobId, {
    // Events committed while the history is read are buffered.
    event: (event) => (buffered === null ? sendLive(event) : void buffered.push(event)),
    token: (chunk) => {
      if (buffered === null) sendToken(chunk);
    },
  });
  response.once('close', unsubscribe);
  try {
    const { stored, from, isOver } = await loadHistory(source, jobId, afterSeq);
    if (isOver) {
      unsubscribe();
      stream.noContent();
      return;
    }
    sent = from;
    stream.open();
    // Buffered events are written after the history; only then are events forwarded as they arrive.
    const pending = buffered;
    const more = async (): Promise<StateEvent[]> =>
      orElse(await source.events(jobId, sent), () => pending.splice(0));
    let history = orElse(stored, () => pending.splice(0));
    for (; history.length > 0; history = await more()) {
      for (const event of history) {
        if (event.seq > sent) {
          sent = event.seq;
          if (!(await stream.send(messageOf(event)))) return;
        }
        if (isFinal(event)) return finish();
      }
    }
    if (!stream.isOpen) return;
    buffered = null;
    const text = source.textSoFar(jobId);
    if (text !== null) sendToken(text);
  } catch {
    // With any other status than 200 an EventSource would not reconnect.
    finish();
  }
}

const messageOf = (event: StateEvent): SseMessage => ({
  id: event.seq,
  event: event.type,
  data: event,
});

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

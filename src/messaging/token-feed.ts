/**
 * Pieces of answers, straight to whoever listens: core NATS, not stored, lost with the connection. The
 * final event carries the whole text, so that nothing depends on them.
 *
 * T1: pieces of one job are put together until there are 256 bytes or 50 ms have passed.
 * T2: nothing is sent while there is no connection; after it is back, one frame with `off: 0` holds all so far.
 * T3: `n` counts the frames of a job, `off` is where the content begins in the answer; 0 means: start again.
 */
import type { NatsConnection } from 'nats';
import type { StateEvent, TokenChunk } from '../contract/state-event.ts';
import type { Subjects } from '../contract/subjects.ts';

export interface TokenFeed {
  token(chunk: TokenChunk): void;
  event(event: StateEvent): void;
  attach(nc: NatsConnection): void;
  detach(): void;
}

export interface TokenFeedParts {
  subjects: Subjects;
  userOf(jobId: string): string | null;
  textSoFar(jobId: string): TokenChunk | null;
  onFrame(): void;
}

/** Smoother than a reader notices; a frame per token would cost ten times the messages. */
const frameDelayMs = 50;
const frameBytes = 256;
/** No UTF-16 unit takes more in JSON: `\\u0000`. */
const bytesPerUnitMax = 6;
const frameUnitsMax = 64 * 1024;
/** What stands in a frame besides its content. */
const frameOverheadBytes = 1_024;

interface Stream {
  subject: string;
  n: number;
  off: number;
  text: string;
}

export function createTokenFeed(parts: TokenFeedParts): TokenFeed {
  /** Jobs that are writing an answer. */
  const streams = new Map<string, Stream>();
  let nc: NatsConnection | null = null;
  let unitsMax = frameUnitsMax;
  let timer: NodeJS.Timeout | null = null;

  const send = (jobId: string, stream: Stream): void => {
    if (nc !== null && !nc.isClosed() && !nc.isDraining()) {
      for (const { at, content } of frames(stream.text, unitsMax)) {
        stream.n += 1;
        const frame: TokenChunk = { job_id: jobId, n: stream.n, off: stream.off + at, content };
        nc.publish(stream.subject, JSON.stringify(frame));
        parts.onFrame();
      }
    }
    stream.off += stream.text.length;
    stream.text = '';
  };

  const sendAll = (): void => {
    timer = null;
    for (const [jobId, stream] of streams) send(jobId, stream);
  };

  const open = (jobId: string): Stream | null => {
    const userId = parts.userOf(jobId);
    if (userId === null) return null;
    const stream = { subject: parts.subjects.tokens({ userId, jobId }), n: 0, off: 0, text: '' };
    streams.set(jobId, stream);
    return stream;
  };

  return {
    token({ job_id, off, content }) {
      const stream = streams.get(job_id) ?? open(job_id);
      if (stream === null || nc === null) return;
      if (off !== stream.off + stream.text.length) {
        // Another text begins: what has not been sent of the last one is of no use any more.
        stream.text = '';
        stream.off = off;
      }
      stream.text += content;
      if (Buffer.byteLength(stream.text) >= frameBytes) send(job_id, stream);
      else timer ??= setTimeout(sendAll, frameDelayMs);
    },
    event({ job_id, type }) {
      const stream = streams.get(job_id);
      if (stream === undefined || (type !== 'done' && type !== 'cancelled')) return;
      send(job_id, stream);
      streams.delete(job_id);
    },
    attach(connection) {
      nc = connection;
      const bytesMax = (nc.info?.max_payload ?? 1024 ** 2) - frameOverheadBytes;
      unitsMax = Math.max(1, Math.min(frameUnitsMax, Math.floor(bytesMax / bytesPerUnitMax)));
      for (const [jobId, stream] of streams) {
        const text = parts.textSoFar(jobId)?.content ?? '';
        [stream.off, stream.text] = [0, text];
        send(jobId, stream);
      }
    },
    detach() {
      nc = null;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}

/** Pieces of at most `unitsMax`, not cut between the halves of a surrogate pair. */
function* frames(text: string, unitsMax: number): Generator<{ at: number; content: string }> {
  let at = 0;
  while (at < text.length) {
    const end = at + unitsMax;
    const isSplit =
      unitsMax > 1 && end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1));
    const content = text.slice(at, isSplit ? end - 1 : end);
    yield { at, content };
    at += content.length;
  }
}

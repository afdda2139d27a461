/**
 * Publishes the tokens of answers to live subscribers: core NATS, not stored, lost with the connection. The final event
 * carries the whole text, so nothing depends on them.
 *
 * T1: tokens of one job are batched until there are 256 bytes or 50 ms have passed.
 * T2: nothing is sent without a connection; after a reconnect, one chunk with `off: 0` holds the whole text so far.
 * T3: `n` counts the chunks of a job, `off` is the offset of the content in the answer; 0: discard the earlier text.
 */
import type { NatsConnection } from 'nats';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import type { Subjects } from '#shared/wire/subjects';

export interface TokenFeed {
  token(chunk: TokenChunk): void;
  event(event: StateEvent): void;
  attach(nc: NatsConnection): void;
  detach(): void;
}

export interface TokenFeedParts {
  subjects: Subjects;
  userOf(jobId: string): MaybePromise<string | null>;
  textSoFar(jobId: string): TokenChunk | null;
  onChunk(): void;
}

/** Not noticed by a reader; a message per token would cost ten times as many messages. */
const chunkDelayMs = 50;
const chunkBytes = 256;
/** Largest JSON size of a UTF-16 unit: `\\u0000`. */
const bytesPerUnitMax = 6;
const chunkUnitsMax = 64 * 1024;
/** Size of a chunk without its content. */
const chunkOverheadBytes = 1_024;

interface TokenStream {
  /** Null until the job's user is known. */
  subject: string | null;
  n: number;
  off: number;
  text: string;
}

export function createTokenFeed(parts: TokenFeedParts): TokenFeed {
  /** Jobs with an answer in progress. */
  const streams = new Map<string, TokenStream>();
  let nc: NatsConnection | null = null;
  let unitsMax = chunkUnitsMax;
  let timer: NodeJS.Timeout | null = null;

  const send = (jobId: string, stream: TokenStream): void => {
    const { subject } = stream;
    if (subject === null) return;
    if (nc !== null && !nc.isClosed() && !nc.isDraining()) {
      for (const { at, content } of splitChunks(stream.text, unitsMax)) {
        stream.n += 1;
        const chunk: TokenChunk = { job_id: jobId, n: stream.n, off: stream.off + at, content };
        nc.publish(subject, JSON.stringify(chunk));
        parts.onChunk();
      }
    }
    stream.off += stream.text.length;
    stream.text = '';
  };

  const flush = (): void => {
    timer = null;
    for (const [jobId, stream] of streams) send(jobId, stream);
  };

  const open = (jobId: string): TokenStream | null => {
    const stream: TokenStream = { subject: null, n: 0, off: 0, text: '' };
    streams.set(jobId, stream);
    findSubject(jobId, parts, (subject) => {
      stream.subject = subject;
      // The next piece asks again.
      if (subject === null) streams.delete(jobId);
      else if (stream.text !== '') timer ??= setTimeout(flush, chunkDelayMs);
    });
    return streams.get(jobId) ?? null;
  };

  return {
    token({ job_id, off, content }) {
      const stream = streams.get(job_id) ?? open(job_id);
      if (stream === null || nc === null) return;
      if (off !== stream.off + stream.text.length) {
        // Another text begins: the unsent rest of the old text is dropped.
        stream.text = '';
        stream.off = off;
      }
      stream.text += content;
      if (Buffer.byteLength(stream.text) >= chunkBytes) send(job_id, stream);
      else timer ??= setTimeout(flush, chunkDelayMs);
    },
    event({ job_id, type }) {
      const stream = streams.get(job_id);
      if (stream === undefined || (type !== 'done' && type !== 'cancelled')) return;
      send(job_id, stream);
      streams.delete(job_id);
    },
    attach(connection) {
      nc = connection;
      unitsMax = unitsOfChunk(connection);
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

/** Null where the job is not known, or cannot be read now. */
function findSubject(
  jobId: string,
  { userOf, subjects }: TokenFeedParts,
  onFound: (subject: string | null) => void,
): void {
  void settle(
    () => userOf(jobId),
    (userId) => onFound(userId === null ? null : subjects.tokens({ userId, jobId })),
    () => onFound(null),
  );
}

function unitsOfChunk({ info }: NatsConnection): number {
  const bytesMax = (info?.max_payload ?? 1024 ** 2) - chunkOverheadBytes;
  return Math.max(1, Math.min(chunkUnitsMax, Math.floor(bytesMax / bytesPerUnitMax)));
}

/** Pieces of at most `unitsMax`, not split between the halves of a surrogate pair. */
function* splitChunks(text: string, unitsMax: number): Generator<{ at: number; content: string }> {
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

/**
 * Tells subscribers inside the process what was committed, and the pieces of answers as they are written.
 * Nothing is kept but the text that each running answer has so far, for those who come late.
 */
import type { DocumentEvent } from '../contract/document-event.ts';
import type { StateEvent, TokenChunk } from '../contract/state-event.ts';

export interface LiveListener {
  event(event: StateEvent): void;
  token(chunk: TokenChunk): void;
  /** What happened to any document; only those who listen to everything are told. */
  document?(event: DocumentEvent): void;
}

export interface LiveHub {
  /** `jobId` null: every job. Returns the way out. A listener must not throw and must not block. */
  subscribe(jobId: string | null, listener: LiveListener): () => void;
  event(event: StateEvent): void;
  document(event: DocumentEvent): void;
  text(jobId: string, content: string, replace: boolean): void;
  /** The answer so far as one chunk, or null where none is being written. */
  textSoFar(jobId: string): TokenChunk | null;
}

interface Stream {
  n: number;
  text: string;
}

export function createLiveHub(): LiveHub {
  const everyone = new Set<LiveListener>();
  const ofJob = new Map<string, Set<LiveListener>>();
  const streams = new Map<string, Stream>();

  const tell = (jobId: string, say: (listener: LiveListener) => void): void => {
    for (const listener of everyone) say(listener);
    for (const listener of ofJob.get(jobId) ?? []) say(listener);
  };

  return {
    subscribe(jobId, listener) {
      if (jobId === null) {
        everyone.add(listener);
        return () => void everyone.delete(listener);
      }
      const listeners = ofJob.get(jobId) ?? new Set();
      ofJob.set(jobId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && ofJob.get(jobId) === listeners) ofJob.delete(jobId);
      };
    },
    event(event) {
      // A new state means a new writer: what was streamed until now is over. `n` goes on counting.
      const stream = streams.get(event.job_id);
      if (stream !== undefined && event.type === 'state') stream.text = '';
      if (event.type === 'done' || event.type === 'cancelled') streams.delete(event.job_id);
      tell(event.job_id, (listener) => listener.event(event));
    },
    document(event) {
      for (const listener of everyone) listener.document?.(event);
    },
    text(jobId, content, replace) {
      const stream = streams.get(jobId) ?? { n: 0, text: '' };
      streams.set(jobId, stream);
      if (replace) stream.text = '';
      const off = stream.text.length;
      stream.n += 1;
      stream.text += content;
      tell(jobId, (listener) => listener.token({ job_id: jobId, n: stream.n, off, content }));
    },
    textSoFar(jobId) {
      const stream = streams.get(jobId);
      if (stream === undefined || stream.text === '') return null;
      return { job_id: jobId, n: stream.n, off: 0, content: stream.text };
    },
  };
}

/** The live events of the jobs and documents of this process, and the text of running answers. */
import type { DocumentEvent } from './document-event.ts';
import type { StateEvent, TokenChunk } from './state-event.ts';

/** Must not throw and must not block. */
export interface LiveListener {
  event(event: StateEvent): void;
  token(chunk: TokenChunk): void;
  /** An event of any document; only subscribers to all jobs get it. */
  document?(event: DocumentEvent): void;
  /** Events of a schedule were stored. Likewise; not of those that another worker has stored. */
  schedule?(): void;
  /** Events of a fact were stored. Likewise. */
  memory?(): void;
}

export interface LiveSource {
  /** `jobId` null: every job. Returns the function that unsubscribes. */
  subscribe(jobId: string | null, listener: LiveListener): () => void;
  /** The answer so far as one chunk; null when none is being written. */
  textSoFar(jobId: string): TokenChunk | null;
}

/**
 * The document event: how the world sees a memo become a document. Same envelope as a state event, with
 * `document_id` in place of `job_id` (docs/drafts.md).
 */
import type { StateEvent } from './state-event.ts';

export type DocumentEventType =
  /** It waits to be drafted. */
  | 'queued'
  /** A model is asked. */
  | 'drafting'
  | 'progress'
  /** A person came first; it goes on by itself. */
  | 'preempted'
  | 'drafted'
  /** It needs no draft any more. */
  | 'skipped'
  | 'failed'
  /** Failed for the last time; only a person gets it going again. */
  | 'dead'
  | 'accepted'
  | 'edited'
  | 'rejected';

/** How drafting of the document stood when the event was made. */
export type DraftState =
  | 'waiting'
  | 'drafting'
  | 'dead'
  | 'draft'
  | 'accepted'
  | 'rejected'
  | 'none';

export interface DocumentEvent {
  /** `<document_id>:<seq>`. A repeated delivery has the same id. */
  id: string;
  document_id: string;
  /** Counts from 1 per document, without a hole. */
  seq: number;
  type: DocumentEventType;
  state: DraftState;
  /** ISO 8601 with offset. */
  at: string;
  user_id: string;
  data: Record<string, unknown>;
}

/** Whatever the outbox tells. */
export type OutboxEvent = StateEvent | DocumentEvent;

export const isDocumentEvent = (event: OutboxEvent): event is DocumentEvent =>
  'document_id' in event;

/**
 * Document events: the published history of a memo that becomes a document. Same envelope as a state event, with
 * `document_id` in place of `job_id` (docs/drafts.md).
 */
import type { StateEvent } from './state-event.ts';

export type DocumentEventType =
  /** Waits to be drafted. */
  | 'queued'
  /** A model request has begun. */
  | 'drafting'
  | 'progress'
  /** Interrupted by a foreground request; continues by itself. */
  | 'preempted'
  | 'drafted'
  /** Needs no draft any more. */
  | 'skipped'
  | 'failed'
  /** The last attempt failed; only a user can restart drafting. */
  | 'dead'
  | 'accepted'
  | 'edited'
  | 'rejected';

/** State of drafting when the event was made. */
export type DraftState =
  | 'waiting'
  | 'drafting'
  | 'dead'
  | 'draft'
  | 'accepted'
  | 'rejected'
  | 'none';

export interface DocumentEvent {
  /** `<document_id>:<seq>`. The same on a redelivery. */
  id: string;
  document_id: string;
  /** Counts from 1 per document, without gaps. */
  seq: number;
  type: DocumentEventType;
  state: DraftState;
  /** ISO 8601 with offset. */
  at: string;
  user_id: string;
  data: Record<string, unknown>;
}

/** Every event that the outbox publishes. */
export type OutgoingEvent = StateEvent | DocumentEvent;

export const isDocumentEvent = (event: OutgoingEvent): event is DocumentEvent =>
  'document_id' in event;

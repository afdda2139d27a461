/**
 * Document events: the published history of a memo that becomes a document. Same envelope as a state event, with
 * `document_id` in place of `job_id` (docs/drafts.md).
 */
import { z } from 'zod';
import type { MemoryEvent } from './memory-event.ts';
import type { ScheduleEvent } from './schedule-event.ts';
import type { StateEvent } from './state-event.ts';

const documentEventTypes = [
  /** Waits to be drafted. */
  'queued',
  /** A model request has begun. */
  'drafting',
  'progress',
  /** Interrupted by a foreground request; continues by itself. */
  'preempted',
  'drafted',
  /** Needs no draft any more. */
  'skipped',
  'failed',
  /** The last attempt failed; only a user can restart drafting. */
  'dead',
  'accepted',
  'edited',
  'rejected',
] as const;
export type DocumentEventType = (typeof documentEventTypes)[number];

const draftStates = [
  'waiting',
  'drafting',
  'dead',
  'draft',
  'accepted',
  'rejected',
  'none',
] as const;
export type DraftState = (typeof draftStates)[number];

export const documentEventSchema = z
  .strictObject({
    /** `<document_id>:<seq>`. The same on a redelivery. */
    id: z.string(),
    document_id: z.string(),
    /** Counts from 1 per document, without gaps. */
    seq: z.int(),
    type: z.enum(documentEventTypes),
    /** State of drafting when the event was made. */
    state: z.enum(draftStates),
    at: z.iso.datetime({ offset: true }),
    user_id: z.string(),
    data: z.record(z.string(), z.unknown()).describe('By type: docs/drafts.md.'),
  })
  .meta({ id: 'DocumentEvent' });
export type DocumentEvent = z.infer<typeof documentEventSchema>;

/** Every event that the outbox publishes. */
export type OutgoingEvent = StateEvent | DocumentEvent | ScheduleEvent | MemoryEvent;

export const isDocumentEvent = (event: OutgoingEvent): event is DocumentEvent =>
  'document_id' in event;

export const isScheduleEvent = (event: OutgoingEvent): event is ScheduleEvent =>
  'schedule_id' in event;

export const isMemoryEvent = (event: OutgoingEvent): event is MemoryEvent => 'memory_id' in event;

/** What an event is about: the `subject` of its envelope. */
export function subjectOfEvent(event: OutgoingEvent): {
  kind: 'job' | 'document' | 'schedule' | 'memory';
  id: string;
} {
  if (isDocumentEvent(event)) return { kind: 'document', id: event.document_id };
  if (isScheduleEvent(event)) return { kind: 'schedule', id: event.schedule_id };
  if (isMemoryEvent(event)) return { kind: 'memory', id: event.memory_id };
  return { kind: 'job', id: event.job_id };
}

export const isStateEvent = (event: OutgoingEvent): event is StateEvent => 'job_id' in event;

/** Maps a row of `document_event` to its event. Events of schedules and of facts are in the same table, their types with a prefix. */
import type { DocumentEvent, DocumentEventType, DraftState } from '#shared/wire/document-event';
import type { MemoryEvent, MemoryEventType } from '#shared/wire/memory-event';
import type { ScheduleEvent, ScheduleEventType } from '#shared/wire/schedule-event';
import { eventId } from '#shared/wire/state-event';
import type { DocumentEventTable } from './schema.ts';

/** Types of documents have no dot. */
export const scheduleTypePrefix = 'schedule.';
export const memoryTypePrefix = 'memory.';

export type DocumentEventRow = Omit<DocumentEventTable, 'pos'>;

/** An event before it is stored. `documentId`: also of a schedule. `at`: epoch ms. */
export interface NewEventRow {
  documentId: string;
  userId: string;
  type: string;
  state: string;
  at: number;
  data: Record<string, unknown>;
}

const common = ({ seq, document_id, at, user_id, data }: DocumentEventRow) => ({
  id: eventId(document_id, seq),
  seq,
  at: new Date(at).toISOString(),
  user_id,
  data: JSON.parse(data) as Record<string, unknown>,
});

/** The row of a document as a public event. */
export const documentEventOf = (row: DocumentEventRow): DocumentEvent => ({
  ...common(row),
  document_id: row.document_id,
  type: row.type as DocumentEventType,
  state: row.state as DraftState,
});

/** The row of a schedule as a public event. */
export const scheduleEventOf = (row: DocumentEventRow): ScheduleEvent => ({
  ...common(row),
  schedule_id: row.document_id,
  type: row.type.slice(scheduleTypePrefix.length) as ScheduleEventType,
  state: row.state as ScheduleEvent['state'],
});

/** The row of a fact as a public event. */
export const memoryEventOf = (row: DocumentEventRow): MemoryEvent => ({
  ...common(row),
  memory_id: row.document_id,
  type: row.type.slice(memoryTypePrefix.length) as MemoryEventType,
  state: row.state as MemoryEvent['state'],
});

/** Any row as a public event, and what it is about. */
export function storedEventOf(row: DocumentEventRow): {
  triggerType: 'document' | 'schedule' | 'memory';
  events: [DocumentEvent | ScheduleEvent | MemoryEvent];
} {
  const { type } = row;
  if (type.startsWith(scheduleTypePrefix)) {
    return { triggerType: 'schedule', events: [scheduleEventOf(row)] };
  }
  if (type.startsWith(memoryTypePrefix)) {
    return { triggerType: 'memory', events: [memoryEventOf(row)] };
  }
  return { triggerType: 'document', events: [documentEventOf(row)] };
}

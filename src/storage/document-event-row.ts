/** Maps a row of `document_event` to its event. */
import type { DocumentEvent, DocumentEventType, DraftState } from '#shared/wire/document-event';
import { eventId } from '#shared/wire/state-event';
import type { DocumentEventTable } from './schema.ts';

/** The row as a public event. */
export const documentEventOf = (row: Omit<DocumentEventTable, 'pos'>): DocumentEvent => ({
  id: eventId(row.document_id, row.seq),
  document_id: row.document_id,
  seq: row.seq,
  type: row.type as DocumentEventType,
  state: row.state as DraftState,
  at: new Date(row.at).toISOString(),
  user_id: row.user_id,
  data: JSON.parse(row.data) as Record<string, unknown>,
});

/** Maps facts to their rows, which are the same on both databases. */
import { createHash } from 'node:crypto';
import { memoryTypePrefix, type NewEventRow } from '#storage/document-event-row';
import type { MemoryFactTable, MemoryTermTable } from '#storage/schema';
import type { Fact } from '../fact.ts';
import type { FactChange } from '../memory-port.ts';

export const factColumns =
  'id user_id text digest created_by channel job_id created_at forgotten_at forgotten_by revision'.split(
    ' ',
  );

/** Two texts with one digest are the same fact. */
export const digestOf = (text: string): string =>
  createHash('sha256')
    .update(text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim())
    .digest('hex');

export const factRowOf = (one: Fact): MemoryFactTable => ({
  id: one.id,
  user_id: one.userId,
  text: one.text,
  // A digest of few words could be guessed.
  digest: one.forgottenAt === null ? digestOf(one.text) : null,
  created_by: one.createdBy,
  channel: one.channel,
  job_id: one.jobId,
  created_at: one.createdAt,
  forgotten_at: one.forgottenAt,
  forgotten_by: one.forgottenBy,
  revision: one.revision,
});

export const factOf = (row: MemoryFactTable): Fact => ({
  id: row.id,
  userId: row.user_id,
  text: row.text,
  createdBy: row.created_by,
  channel: row.channel,
  jobId: row.job_id,
  createdAt: row.created_at,
  forgottenAt: row.forgotten_at,
  forgottenBy: row.forgotten_by,
  revision: row.revision,
});

export const termRowsOf = ({ fact, terms }: FactChange): MemoryTermTable[] =>
  [...new Set(terms)].map((term) => ({
    user_id: fact.userId,
    term,
    created_at: fact.createdAt,
    fact: fact.id,
  }));

export const eventRowOf = ({ fact, event }: FactChange): NewEventRow => ({
  documentId: fact.id,
  userId: fact.userId,
  type: `${memoryTypePrefix}${event.type}`,
  state: fact.forgottenAt === null ? 'kept' : 'forgotten',
  at: fact.forgottenAt ?? fact.createdAt,
  data: event.data,
});

/** Events of documents and schedules as rows of `document_event`: they take the next positions of their owner's partition. */
import type { NewEventRow } from '../document-event-row.ts';
import type { DocumentEventTable } from '../schema.ts';
import { partitionOf } from './partition.ts';
import { storableText } from './storable-text.ts';

/** A row of `document_event` before it has its `seq`. */
export type PlacedEvent = Omit<DocumentEventTable, 'seq'> & { part: number };

/** `before`: the last position of each partition before the change. */
export function placeEvents(
  events: readonly NewEventRow[],
  before: ReadonlyMap<number, number>,
): PlacedEvent[] {
  const last = new Map(before);
  return events.map((event) => {
    const part = partitionOf(event.userId);
    const pos = last.get(part)! + 1;
    last.set(part, pos);
    return {
      document_id: storableText(event.documentId),
      user_id: storableText(event.userId),
      type: event.type,
      state: event.state,
      at: event.at,
      data: JSON.stringify(event.data),
      part,
      pos,
    };
  });
}

/** Positions that a change takes: those of its events, and one at least of each partition in which it changes a row. */
export function countPositions(
  owners: Iterable<string>,
  events: readonly Pick<NewEventRow, 'userId'>[],
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { userId } of events) {
    const partition = partitionOf(userId);
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  // A lost answer is recognised by the positions: every change moves them.
  for (const owner of owners) counts.set(partitionOf(owner), counts.get(partitionOf(owner)) ?? 1);
  return counts;
}

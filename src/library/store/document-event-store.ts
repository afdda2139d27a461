/**
 * Document events on disk. Positions are taken from the journal's own counter: one number orders state events and
 * document events by their commit, and the relay publishes both in one stream in this order.
 *
 * 1. An event is appended inside the transaction of the change that it reports.
 * 2. `seq` of a document has no gap: the last event of each document is kept whatever its age.
 */
import type { DocumentEvent } from '#shared/wire/document-event';
import type { DocumentEvents, NewDocumentEvent } from '../drafts/draft-storage-port.ts';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Database } from '#storage/database';
import { param, statementCompiler } from '#storage/compile-statement';
import type { DocumentEventTable } from '#storage/schema';
import { documentEventOf } from '#storage/document-event-row';
import { createRowAppender } from '#storage/event-appender';

/** Rows per transaction: the journal commits in between. */
const pruneBatch = 500;

interface OldEvent {
  at: number;
  pos: number;
  /** 1: the last event of its document. */
  is_last: number;
}

export function createDocumentEventStore(database: Database): DocumentEvents {
  const statements = prepareReads(database);

  const pruneAfter = database.connection.transaction((last: OldEvent, before: number) => {
    const old = statements.old.all(before, last.at, last.pos, pruneBatch);
    for (const { pos, is_last } of old) if (is_last === 0) statements.remove.run(pos);
    return old;
  });

  return {
    ofDocument: async (documentId, afterSeq, limit) =>
      statements.ofDocument.all(documentId, afterSeq, limit).map(documentEventOf),
    newest: async (documentId, limit) =>
      statements.newest.all(documentId, limit).map(documentEventOf).toReversed(),
    async prune(before) {
      let removed = 0;
      // The last events of documents stay; the cursor passes each of them once.
      let last: OldEvent = { at: 0, pos: 0, is_last: 0 };
      for (;;) {
        const old = pruneAfter(last, before);
        removed += old.filter(({ is_last }) => is_last === 0).length;
        if (old.length < pruneBatch) return removed;
        last = old.at(-1)!;
        await yieldToEventLoop();
      }
    },
  };
}

/** Appends one event. Call it inside the transaction of the change that the event reports. */
export function createEventAppender(
  database: Database,
): (event: NewDocumentEvent) => DocumentEvent {
  const append = createRowAppender(database);
  return (event) => documentEventOf(append(event));
}

function prepareReads(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  return {
    ofDocument: compile<DocumentEventTable>(
      query
        .selectFrom('document_event')
        .selectAll()
        .where('document_id', '=', param)
        .where('seq', '>', param)
        .orderBy('seq')
        .limit(param),
    ),
    newest: compile<DocumentEventTable>(
      query
        .selectFrom('document_event')
        .selectAll()
        .where('document_id', '=', param)
        .orderBy('seq', 'desc')
        .limit(param),
    ),
    old: connection.prepare<[number, number, number, number], OldEvent>(`
      select at, pos, seq = (select max(seq) from document_event
                              where document_id = old.document_id) as is_last
        from document_event as old
       where at < ? and (at, pos) > (?, ?) order by at, pos limit ?`),
    remove: connection.prepare('delete from document_event where pos = ?'),
  };
}

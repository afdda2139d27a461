/** Document events on PostgreSQL: reads and removal. postgres-library-commit.ts appends them. */
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { documentEventOf } from '#storage/document-event-row';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { DocumentEventTable } from '#storage/schema';
import type { DocumentEvents } from '../../drafts/draft-storage-port.ts';

/** Rows per transaction. */
const pruneBatch = 500;

export function createPostgresDocumentEvents(database: PostgresDatabase): DocumentEvents {
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));
  return {
    ofDocument: async (documentId, afterSeq, limit) =>
      (await all(statements.ofDocument, storableText(documentId), afterSeq, limit)).map(
        documentEventOf,
      ),
    newest: async (documentId, limit) =>
      (await all(statements.newest, storableText(documentId), limit))
        .map(documentEventOf)
        .toReversed(),
    async prune(before) {
      // The last events of documents stay; the cursor passes each of them once.
      const latest = Math.min(before, Number.MAX_SAFE_INTEGER);
      let [at, part, pos] = [0, -1, 0];
      for (let removed = 0; ;) {
        const [row] = await all(statements.prune, latest, at, part, pos, pruneBatch);
        if (row === undefined) return removed;
        removed += row.removed;
        ({ at, part, pos } = row);
      }
    },
  };
}

interface PrunedBatch {
  removed: number;
  /** The last row that was looked at. */
  at: number;
  part: number;
  pos: number;
}

const statements = {
  ofDocument: {
    name: 'events_of_document',
    text: `select * from document_event where document_id = $1 and seq > $2 order by seq limit $3`,
  } as PreparedStatement<DocumentEventTable>,
  newest: {
    name: 'newest_document_events',
    text: 'select * from document_event where document_id = $1 order by seq desc limit $2',
  } as PreparedStatement<DocumentEventTable>,
  prune: {
    name: 'prune_document_events',
    text: `with old as (
        select at, part, pos, exists (select 1 from document_event as later
            where later.document_id = old.document_id and later.seq > old.seq) as has_later
          from document_event as old
          where at < $1 and (at, part, pos) > ($2::bigint, $3::smallint, $4::bigint)
          order by at, part, pos limit $5),
      gone as (delete from document_event as event using old
        where old.has_later and event.part = old.part and event.pos = old.pos returning 1)
      select at, part, pos, (select count(*)::integer from gone) as removed
        from old order by at desc, part desc, pos desc limit 1`,
  } as PreparedStatement<PrunedBatch>,
};

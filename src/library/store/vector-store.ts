/**
 * The vectors of documents on disk, and the search among them. The only importer of sqlite-vec, which is loaded on
 * demand: it is native, and not available for every system.
 *
 * 1. A vector belongs to the current text: triggers remove it, and fill the backlog, in the transaction that changes
 *    the document.
 * 2. A search compares all vectors of the owner, exactly, slice by slice: other work waits for one slice at most.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Database } from '#storage/database';
import {
  missingExtension,
  type BacklogEntry,
  type NearDocument,
  type OpenedVectors,
  type StoredChunk,
  type VectorSpace,
  type VectorStorage,
} from '../semantic/embedding-port.ts';

/** Vectors compared per slice: about 5 ms for 512 numbers each. More delays other work, fewer cost more look-ups. */
const sliceRows = 1_000;

/** Loads the extension into the connection. Returns the reason when it is not available on this system. */
export async function openVectorStore(database: Database): Promise<OpenedVectors> {
  try {
    const { load } = await import('sqlite-vec');
    load(database.connection);
    return { ok: true, store: createVectorStore(database) };
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { ok: false, reason: `sqlite-vec cannot be loaded: ${why} (${missingExtension})` };
  }
}

type ChunkRow = { num: number; document: number; start: number; length: number; distance: number };
type WaitingRow = Omit<BacklogEntry, 'extractedText' | 'mdContent'> & {
  extracted_text: string;
  md_content: string | null;
};

function createVectorStore({ connection }: Database): VectorStorage {
  const statements = prepare(connection);
  let space = statements.space.get() as VectorSpace | undefined;

  const put = connection.transaction(
    (entry: { ticket: number; document: number }, chunks: readonly StoredChunk[]) => {
      if (statements.take.run(entry.ticket).changes === 0) return;
      const owner = statements.owner.get(entry.document)?.owner;
      if (owner === undefined) return;
      statements.clear.run(entry.document);
      for (const { start, length, vector } of chunks) {
        statements.insert.run(entry.document, owner, start, length, vector);
      }
    },
  );
  const change = connection.transaction((next: VectorSpace) => {
    connection.exec('delete from document_chunk; delete from embedding_backlog');
    connection.exec(
      'insert into embedding_backlog (document) select num from document where deleted_at is null',
    );
    statements.setSpace.run(next.model, next.dim);
  });

  return {
    dim: async () => space?.dim ?? null,
    use(next) {
      const isSame = space?.model === next.model;
      // A length that is not known yet does not count as a change.
      if (isSame && (next.dim === null || next.dim === space?.dim)) return false;
      if (isSame && space?.dim === null) {
        statements.setSpace.run(next.model, next.dim);
        space = next;
        return false;
      }
      const isFirst = space === undefined;
      change.immediate(next);
      space = next;
      return !isFirst;
    },
    backlog: async (limit) =>
      (statements.backlog.all(limit) as WaitingRow[]).map(
        ({ ticket, document, title, extracted_text, md_content }) => ({
          ticket,
          document,
          title,
          extractedText: extracted_text,
          mdContent: md_content,
        }),
      ),
    backlogCount: async () => (statements.count.get() as { count: number }).count,
    put: (entry, chunks) => put.immediate(entry, chunks),
    setAside: ({ ticket }) => void statements.setAside.run(ticket),

    async nearest(owner, vector, limit, signal) {
      if (vector.length !== space?.dim) return [];
      const best: ChunkRow[] = [];
      for (let after = 0; !signal.aborted;) {
        const end = statements.sliceEnd.get(owner, after, sliceRows) as { num: number | null };
        if (end.num === null) return documentsOf(best, limit, statements);
        const rows = statements.near.all(vector, owner, after, end.num, limit * chunksPerDocument);
        best.push(...(rows as ChunkRow[]));
        best.sort((a, b) => a.distance - b.distance);
        best.splice(limit * chunksPerDocument);
        after = end.num;
        await yieldToEventLoop();
      }
      return [];
    },
  };
}

/** The chunks of one long document may fill the first results; with this many per document there is room for others. */
const chunksPerDocument = 4;

function documentsOf(
  rows: readonly ChunkRow[],
  limit: number,
  statements: ReturnType<typeof prepare>,
): NearDocument[] {
  const seen = new Set<number>();
  const found: NearDocument[] = [];
  for (const { document, start, length, distance } of rows) {
    if (seen.has(document)) continue;
    seen.add(document);
    const id = statements.id.get(document)?.id;
    if (id !== undefined) found.push({ id, start, length, similarity: 1 - distance });
    if (found.length === limit) break;
  }
  return found;
}

function prepare(connection: Database['connection']) {
  return {
    space: connection.prepare('select model, dim from embedding_space where id = 1'),
    setSpace: connection.prepare(
      'insert or replace into embedding_space (id, model, dim) values (1, ?, ?)',
    ),
    backlog: connection.prepare(`
      select embedding_backlog.ticket, document.num as document, document.title,
             document.extracted_text, document.md_content
        from embedding_backlog join document on document.num = embedding_backlog.document
       where embedding_backlog.set_aside = 0
       order by embedding_backlog.ticket limit ?`),
    count: connection.prepare(
      'select count(*) as count from embedding_backlog where set_aside = 0',
    ),
    take: connection.prepare('delete from embedding_backlog where ticket = ?'),
    setAside: connection.prepare('update embedding_backlog set set_aside = 1 where ticket = ?'),
    owner: connection.prepare<[number], { owner: string }>(
      'select owner from document where num = ? and deleted_at is null',
    ),
    id: connection.prepare<[number], { id: string }>(
      'select id from document where num = ? and deleted_at is null',
    ),
    clear: connection.prepare('delete from document_chunk where document = ?'),
    insert: connection.prepare(
      'insert into document_chunk (document, owner, start, length, vector) values (?, ?, ?, ?, ?)',
    ),
    sliceEnd: connection.prepare(`
      select max(num) as num from
        (select num from document_chunk where owner = ? and num > ? order by num limit ?)`),
    near: connection.prepare(`
      select num, document, start, length, vec_distance_cosine(vector, ?) as distance
        from document_chunk
       where owner = ? and num > ? and num <= ? order by distance limit ?`),
  };
}

/** Documents on PostgreSQL: reads, full-text search and removal. postgres-library-commit.ts writes them. */
import { hash } from 'node:crypto';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import type { PartitionWriter } from '#storage/postgres/partition-writer';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { DocumentQuery, DocumentStorage, OutdatedDocument } from '../../document-port.ts';
import {
  documentOf,
  listedDocumentOf,
  type DocumentRow,
  type ListingRow,
} from '../library-rows.ts';
import { createPostgresDocumentEvents } from './postgres-document-events.ts';
import { createPostgresDraftStore } from './postgres-draft-store.ts';
import { createPostgresLibraryCommit } from './postgres-library-commit.ts';
import { markPiece } from './long-texts.ts';
import { toWordQuery, type WordQuery } from './word-query.ts';
import { rankWeights } from './word-vectors.ts';

/** The shape of a query is in the text of its statement. Those with few phrases have few shapes: they are prepared. */
const preparedPhrasesMax = 6;

/** Documents per transaction: a large document has a megabyte of text. */
const purgeBatch = 50;

export function createPostgresDocumentStore(
  database: PostgresDatabase,
  writer: PartitionWriter,
  faults: FaultInjector = noFaultInjection,
): DocumentStorage {
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));
  const found = async (statement: PreparedStatement<DocumentRow>, ...values: string[]) =>
    documentOf((await all(statement, ...values.map(storableText)))[0]);
  const search = <Row>(text: string, query: WordQuery, ...values: unknown[]): Promise<Row[]> => {
    const name = query.phrases.length > preparedPhrasesMax ? '' : `search_${hash('sha1', text)}`;
    return all<Row>(
      { name, text },
      query.whole,
      query.phrases.join(' | '),
      query.phrases,
      ...values,
    );
  };

  return {
    drafts: createPostgresDraftStore(database),
    events: createPostgresDocumentEvents(database),
    commit: createPostgresLibraryCommit(database, writer, faults),
    find: (id) => found(statements.find, id),
    findFile: (owner, path) => found(statements.findFile, owner, path),
    async search(owner, term, limit) {
      const query = toWordQuery(term);
      if (query === null) return [];
      return search(searchText(query), query, storableText(owner), limit);
    },
    async filterMatching(ids, term) {
      const query = toWordQuery(term);
      if (query === null || ids.length === 0) return [];
      const rows = await search<{ id: string }>(filterText(query), query, ids.map(storableText));
      return rows.map(({ id }) => id);
    },
    list: async (query) =>
      (await all(statements.list, ...listingValues(query))).map(listedDocumentOf),
    async outdatedIndex(limit) {
      const rows = await all(statements.outdated, limit);
      // The rows that are left belong to documents that were purged.
      if (rows.length === 0) await all(statements.allRenewed);
      return rows;
    },
    async purgeDeleted(deletedBefore) {
      const before = Math.min(deletedBefore, Number.MAX_SAFE_INTEGER);
      for (let purged = 0; ;) {
        const [row] = await all(statements.purge, before, purgeBatch);
        purged += row!.count;
        if (row!.count < purgeBatch) return purged;
      }
    },
  };
}

/** Null does not filter. */
const listingValues = (query: DocumentQuery): unknown[] => [
  storableText(query.owner),
  query.origin ?? null,
  query.memosOnly === true,
  query.draftStatus ?? null,
  query.needsDraft ?? null,
  query.before === undefined ? null : storableText(query.before),
  query.limit,
];

/** The phrase of this index in the third parameter of a search. */
const phraseParameter = (index: number): string => `($3::tsquery[])[${index + 1}]`;

/** Whether the pieces of a long text satisfy the query together. */
const piecesMatch = (query: WordQuery): string =>
  query.condition((index) => `bool_or(words @@ ${phraseParameter(index)})`);

const rank = (query: string): string => `ts_rank('${rankWeights}', words, ${query}, 1)`;

const searchText = (query: WordQuery): string => `
  select document.id, best.score from (
    select document, score from (
      select document, ${rank('$1::tsquery')} as score from document_words
        where piece = 0 and words @@ $1::tsquery and owner = $4
      union all
      select document, max(${rank('$2::tsquery')}) as score from document_words
        where piece > 0 and words @@ $2::tsquery and owner = $4
        group by document having ${piecesMatch(query)}) as matching
      order by score desc, document desc limit $5) as best
    join document on document.num = best.document
    order by best.score desc, document.num desc`;

const filterText = (query: WordQuery): string => `
  select id from document where id = any($4) and (
    exists (select 1 from document_words
      where document = num and piece = 0 and words @@ $1::tsquery)
    or exists (select 1 from document_words
      where document = num and piece > 0 and words @@ $2::tsquery
      having ${piecesMatch(query)}))`;

const statements = {
  find: {
    name: 'find_document',
    text: 'select * from document where id = $1',
  } as PreparedStatement<DocumentRow>,
  findFile: {
    name: 'find_file',
    // The first, as the commit compares it: an earlier version may have stored a path twice.
    text: `select * from document
      where owner = $1 and text_key(source_metadata::json ->> 'path') = text_key($2)
      order by num limit 1`,
  } as PreparedStatement<DocumentRow>,
  list: {
    name: 'list_documents',
    text: `select id, title, substr(extracted_text, 1, 300) as head, content_origin, md_draft_status,
        md_status, source_metadata, created_at, updated_at
      from document
      where owner = $1 and deleted_at is null and ($2::text is null or content_origin = $2)
        and (not $3::boolean or source_metadata::json ->> 'source' = 'memo')
        and ($4::text is null or md_draft_status = $4)
        and ($5::boolean is null
          or coalesce(source_metadata::json ->> 'needs_draft' in ('true', '1'), false) = $5)
        and ($6::text is null or id < $6)
      order by id desc limit $7`,
  } as PreparedStatement<ListingRow>,
  outdated: {
    name: 'outdated_documents',
    // A mark: the words of a long text were not stored before the process ended.
    text: `select document.id, coalesce((select min(piece) >= 0 from document_words
        where document_words.document = document.num), false) as "hasTokens"
      from (select document from document_words_backlog
        union select document from document_words where piece = ${markPiece}) as backlog
      join document on document.num = backlog.document limit $1`,
  } as PreparedStatement<OutdatedDocument>,
  allRenewed: { name: 'clear_words_backlog', text: 'delete from document_words_backlog' },
  // Triggers remove drafts, sections and vectors.
  purge: {
    name: 'purge_documents',
    text: `with old as (
        select num, id from document where deleted_at < $1 order by id limit $2 for update),
      versions as (delete from document_version using old where document_id = old.id),
      events as (delete from document_event using old where document_id = old.id),
      words as (delete from document_words using old where document = old.num),
      gone as (delete from document using old where document.num = old.num returning 1)
      select count(*)::integer as count from gone`,
  } as PreparedStatement<{ count: number }>,
};

/**
 * Documents and their index tokens on disk. The library turns texts into tokens; this file stores, matches and ranks
 * them.
 *
 * 1. A document and its tokens change in one transaction: the index always agrees with the documents.
 * 2. A deleted document has no tokens.
 */
import { sql } from 'kysely';
import { GatehouseError } from '#shared/errors';
import type { Database } from '#storage/database';
import { param, statementCompiler } from '#storage/compile-statement';
import type { DocumentTable } from '#storage/schema';
import type { Document, SourceMetadata } from '../document.ts';
import type { DocumentQuery, DocumentStorage, IndexedTokens } from '../document-port.ts';

/** As SQLite binds them; null does not filter. */
const listingValues = (query: DocumentQuery) => ({
  owner: query.owner,
  origin: query.origin ?? null,
  memosOnly: query.memosOnly === true ? 1 : 0,
  draftStatus: query.draftStatus ?? null,
  needsDraft: query.needsDraft === undefined ? null : Number(query.needsDraft),
  before: query.before ?? null,
  limit: query.limit,
});

type Row = Omit<DocumentTable, 'num'> & { num: number };

/** Writes throw GH_STORE_UNAVAILABLE when nothing was written. */
export function createDocumentStore(database: Database): DocumentStorage {
  const statements = prepare(database);
  const { connection } = database;

  const transaction = <Value>(work: () => Value): Value => {
    if (connection.inTransaction) return work();
    database.ensureInPlace();
    try {
      return connection.transaction(work).immediate();
    } catch (error) {
      const isStorage = (error as { name?: string }).name === 'SqliteError';
      if (!isStorage) throw error;
      throw new GatehouseError('GH_STORE_UNAVAILABLE', undefined, { cause: error });
    }
  };

  const write = (num: number | bigint, words: IndexedTokens | null): void => {
    if (words === null) statements.forget.run(num);
    else statements.index.run(num, words.title, words.body, words.markdown);
  };

  const documentOf = (row: Row | undefined): Document | null =>
    row === undefined ? null : documentOfRow(row);

  return {
    transaction,
    insert(document, words) {
      transaction(() => {
        const { lastInsertRowid } = statements.insert.run(
          document.id,
          document.owner,
          document.createdAt,
          ...changeable(document),
        );
        write(lastInsertRowid, words);
      });
    },
    replace(document, words) {
      transaction(() => {
        const found = statements.num.get(document.id, document.owner);
        if (found === undefined) return;
        statements.update.run(...changeable(document), found.num);
        if (words !== undefined) write(found.num, words);
      });
    },
    ...reindexBacklog(statements, write, transaction),
    find: (id) => documentOf(statements.find.get(id)),
    findFile: (owner, path) => documentOf(statements.findFile.get(owner, path)),
    search: (owner, match, limit) =>
      statements.search.all(match, owner, limit).map((row) => ({
        id: row.id,
        // FTS5 ranks the best lowest.
        score: -row.rank,
      })),
    filterMatching: (ids, match) =>
      statements.having.all(JSON.stringify(ids), match).map(({ id }) => id),
    list: (query) =>
      statements.list.all(listingValues(query)).map((row) => ({
        id: row.id,
        title: row.title,
        head: row.head,
        contentOrigin: row.content_origin as Document['contentOrigin'],
        mdDraftStatus: row.md_draft_status,
        mdStatus: row.md_status,
        sourceMetadata: JSON.parse(row.source_metadata) as SourceMetadata,
        createdAt: row.created_at,
        updatedAt: row.updated_at,
      })),
  };
}

/** The documents that an earlier version indexed. */
const reindexBacklog = (
  statements: ReturnType<typeof prepare>,
  write: (num: number, words: IndexedTokens | null) => void,
  transaction: (work: () => void) => void,
): Pick<DocumentStorage, 'outdatedIndexIds' | 'reindex'> => ({
  outdatedIndexIds(limit) {
    const ids = statements.outdated.all(limit).map(({ id }) => id);
    // The rows that are left belong to documents that were purged.
    if (ids.length === 0) statements.allRenewed.run();
    return ids;
  },
  reindex(id, words) {
    transaction(() => {
      const row = statements.find.get(id);
      if (row === undefined) return;
      statements.renewed.run(row.num);
      if (words !== undefined) write(row.num, words);
    });
  },
});

/** In the order of `changeableColumns`. */
const changeable = (document: Document): unknown[] => [
  document.updatedAt,
  document.deletedAt,
  document.contentOrigin,
  document.mdDraftStatus,
  document.mdStatus,
  document.mdExtractionEngine,
  document.mdGeneratedAt,
  document.title,
  JSON.stringify(document.sourceMetadata),
  document.extractedText,
  document.mdContent,
];

const changeableColumns = {
  updated_at: param,
  deleted_at: param,
  content_origin: param,
  md_draft_status: param,
  md_status: param,
  md_extraction_engine: param,
  md_generated_at: param,
  title: param,
  source_metadata: param,
  extracted_text: param,
  md_content: param,
};

const documentOfRow = (row: Row): Document => ({
  id: row.id,
  owner: row.owner,
  title: row.title,
  extractedText: row.extracted_text,
  mdContent: row.md_content,
  contentOrigin: row.content_origin as Document['contentOrigin'],
  mdDraftStatus: row.md_draft_status,
  mdStatus: row.md_status,
  mdExtractionEngine: row.md_extraction_engine,
  mdGeneratedAt: row.md_generated_at,
  sourceMetadata: JSON.parse(row.source_metadata) as SourceMetadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  deletedAt: row.deleted_at,
});

type ListingRow = Omit<Row, 'extracted_text' | 'md_content'> & { head: string };
type SearchRow = Pick<Row, 'id'> & { rank: number };

function prepare(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  return {
    insert: compile(
      query
        .insertInto('document')
        .values({ id: param, owner: param, created_at: param, ...changeableColumns }),
    ),
    update: compile(query.updateTable('document').set(changeableColumns).where('num', '=', param)),
    num: compile<{ num: number }>(
      query.selectFrom('document').select('num').where('id', '=', param).where('owner', '=', param),
    ),
    find: compile<Row>(query.selectFrom('document').selectAll().where('id', '=', param)),
    findFile: compile<Row>(
      query
        .selectFrom('document')
        .selectAll()
        .where('owner', '=', param)
        .where(sql`json_extract(source_metadata, '$.path')`, '=', param),
    ),
    list: connection.prepare<[ReturnType<typeof listingValues>], ListingRow>(`
      select id, title, substr(extracted_text, 1, 300) as head, content_origin, md_draft_status,
             md_status, source_metadata, created_at, updated_at
        from document
       where owner = @owner and deleted_at is null and (@before is null or id < @before)
         and (@origin is null or content_origin = @origin)
         and (@memosOnly = 0 or json_extract(source_metadata, '$.source') = 'memo')
         and (@draftStatus is null or md_draft_status = @draftStatus)
         and (@needsDraft is null
              or coalesce(json_extract(source_metadata, '$.needs_draft'), 0) = @needsDraft)
       order by id desc limit @limit`),
    outdated: connection.prepare<[number], Pick<Row, 'id'>>(`
      select document.id from document_words_backlog as backlog
        join document on document.num = backlog.document limit ?`),
    renewed: connection.prepare('delete from document_words_backlog where document = ?'),
    allRenewed: connection.prepare('delete from document_words_backlog'),
    // Kysely has no full-text search: these four are SQL. They read no text: callers load a document by its id.
    search: connection.prepare<unknown[], SearchRow>(`
      select document.id, best.rank
        from (select document.num, document_words.rank as rank
                from document_words join document on document.num = document_words.rowid
               where document_words match ? and document.owner = ?
               order by document_words.rank limit ?) as best
        join document on document.num = best.num
       order by best.rank, document.num desc`),
    // In this order of joins each wanted document is looked up in the index, however many others match.
    having: connection.prepare<[string, string], Pick<Row, 'id'>>(`
      select document.id
        from json_each(?) as wanted
        cross join document on document.id = wanted.value
        cross join document_words on document_words.rowid = document.num
       where document_words match ?`),
    index: connection.prepare(
      'insert or replace into document_words (rowid, title, body, markdown) values (?, ?, ?, ?)',
    ),
    forget: connection.prepare('delete from document_words where rowid = ?'),
  };
}

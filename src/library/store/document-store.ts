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

/** Times are epoch ms. */
export interface StoredDocument {
  id: string;
  owner: string;
  title: string;
  extractedText: string;
  mdContent: string | null;
  contentOrigin: string;
  mdDraftStatus: string | null;
  mdStatus: string | null;
  mdExtractionEngine: string | null;
  mdGeneratedAt: number | null;
  sourceMetadata: object;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

export interface IndexedTokens {
  title: string;
  body: string;
  markdown: string;
}

export interface FoundDocument {
  id: string;
  /** Larger is better; comparable within one search. */
  score: number;
}

/** `Stored`: the caller's document type. */
export interface DocumentStore<Stored extends StoredDocument> {
  /** @throws GH_STORE_UNAVAILABLE when nothing was written */
  insert(document: Stored, words: IndexedTokens | null): void;
  /**
   * @param words undefined: the stored tokens stay
   * @throws GH_STORE_UNAVAILABLE when nothing was written
   */
  replace(document: Stored, words: IndexedTokens | null | undefined): void;
  find(id: string): Stored | null;
  findFile(owner: string, path: string): Stored | null;
  search(owner: string, match: string, limit: number): FoundDocument[];
  /** Those of the given documents that match. */
  filterMatching(ids: readonly string[], match: string): string[];
  /** Documents that are not deleted, without their texts, newest first. */
  list(query: ListingQuery): ListedRow<Stored>[];
  transaction<Value>(work: () => Value): Value;
  /** Ids of documents that an earlier version indexed; empty when all are up to date. */
  outdatedIndexIds(limit: number): string[];
  /** Stores a document's new tokens and takes it off this backlog. @param words undefined: the stored tokens stay */
  reindex(id: string, words: IndexedTokens | null | undefined): void;
}

/** A field that is left out does not filter. */
interface ListingQuery {
  owner: string;
  origin?: string | undefined;
  /** Only documents that were created as memos, drafted or not. */
  memosOnly?: boolean;
  draftStatus?: string | undefined;
  needsDraft?: boolean | undefined;
  /** Only documents with a lower id. */
  before?: string | undefined;
  limit: number;
}

type ListedRow<Stored extends StoredDocument> = Pick<
  Stored,
  | 'id'
  | 'title'
  | 'contentOrigin'
  | 'mdDraftStatus'
  | 'mdStatus'
  | 'sourceMetadata'
  | 'createdAt'
  | 'updatedAt'
> & {
  /** The text's first characters. */
  head: string;
};

/** As SQLite binds them; null does not filter. */
const listingValues = (query: ListingQuery) => ({
  owner: query.owner,
  origin: query.origin ?? null,
  memosOnly: query.memosOnly === true ? 1 : 0,
  draftStatus: query.draftStatus ?? null,
  needsDraft: query.needsDraft === undefined ? null : Number(query.needsDraft),
  before: query.before ?? null,
  limit: query.limit,
});

type Row = Omit<DocumentTable, 'num'> & { num: number };

export function createDocumentStore<Stored extends StoredDocument>(
  database: Database,
): DocumentStore<Stored> {
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

  const documentOf = (row: Row | undefined): Stored | null =>
    row === undefined ? null : (documentOfRow(row) as Stored);

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
        contentOrigin: row.content_origin,
        mdDraftStatus: row.md_draft_status,
        mdStatus: row.md_status,
        sourceMetadata: JSON.parse(row.source_metadata) as Stored['sourceMetadata'],
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
): Pick<DocumentStore<StoredDocument>, 'outdatedIndexIds' | 'reindex'> => ({
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
const changeable = (document: StoredDocument): unknown[] => [
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

const documentOfRow = (row: Row): StoredDocument => ({
  id: row.id,
  owner: row.owner,
  title: row.title,
  extractedText: row.extracted_text,
  mdContent: row.md_content,
  contentOrigin: row.content_origin,
  mdDraftStatus: row.md_draft_status,
  mdStatus: row.md_status,
  mdExtractionEngine: row.md_extraction_engine,
  mdGeneratedAt: row.md_generated_at,
  sourceMetadata: JSON.parse(row.source_metadata) as object,
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

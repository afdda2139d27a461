/** Documents and their index tokens on disk: reads, full-text search and its ranking. library-commit.ts writes them. */
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import type { Database } from '#storage/database';
import { param, statementCompiler } from '#storage/compile-statement';
import type { DocumentQuery, DocumentStorage } from '../document-port.ts';
import { createDocumentEventStore } from './document-event-store.ts';
import { purgeDocuments } from './document-purge.ts';
import { createDraftStore } from './draft-store.ts';
import { toFtsMatch } from './fts-match.ts';
import { createLibraryCommit, pathOfDocument } from './library-commit.ts';
import { documentOf, listedDocumentOf, type DocumentRow, type ListingRow } from './library-rows.ts';

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

export function createDocumentStore(
  database: Database,
  faults: FaultInjector = noFaultInjection,
): DocumentStorage {
  const statements = prepare(database);

  return {
    drafts: createDraftStore(database),
    events: createDocumentEventStore(database),
    commit: createLibraryCommit(database, faults),
    purgeDeleted: (deletedBefore) => purgeDocuments(database, deletedBefore),
    find: async (id) => documentOf(statements.find.get(id)),
    findFile: async (owner, path) => documentOf(statements.findFile.get(owner, path)),
    search: async (owner, query, limit) =>
      statements.search.all(toFtsMatch(query), owner, limit).map((row) => ({
        id: row.id,
        // FTS5 ranks the best lowest.
        score: -row.rank,
      })),
    filterMatching: async (ids, query) =>
      statements.having.all(JSON.stringify(ids), toFtsMatch(query)).map(({ id }) => id),
    list: async (query) => statements.list.all(listingValues(query)).map(listedDocumentOf),
    async outdatedIndex(limit) {
      const rows = statements.outdated.all(limit);
      // The rows that are left belong to documents that were purged.
      if (rows.length === 0) statements.allRenewed.run();
      return rows.map(({ id, has_tokens }) => ({ id, hasTokens: has_tokens === 1 }));
    },
  };
}

type SearchRow = Pick<DocumentRow, 'id'> & { rank: number };

function prepare(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  return {
    find: compile<DocumentRow>(query.selectFrom('document').selectAll().where('id', '=', param)),
    findFile: compile<DocumentRow>(
      query
        .selectFrom('document')
        .selectAll()
        .where('owner', '=', param)
        .where(pathOfDocument, '=', param),
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
    // FTS5 keeps the sizes of each document that it has.
    outdated: connection.prepare<[number], { id: string; has_tokens: number }>(`
      select document.id, exists (
          select 1 from document_words_docsize as size where size.id = document.num) as has_tokens
        from document_words_backlog as backlog
        join document on document.num = backlog.document limit ?`),
    allRenewed: connection.prepare('delete from document_words_backlog'),
    // Kysely has no full-text search: these two are SQL. They read no text: callers load a document by its id.
    search: connection.prepare<unknown[], SearchRow>(`
      select document.id, best.rank
        from (select document.num, document_words.rank as rank
                from document_words join document on document.num = document_words.rowid
               where document_words match ? and document.owner = ?
               order by document_words.rank limit ?) as best
        join document on document.num = best.num
       order by best.rank, document.num desc`),
    // In this order of joins each wanted document is looked up in the index, however many others match.
    having: connection.prepare<[string, string], Pick<DocumentRow, 'id'>>(`
      select document.id
        from json_each(?) as wanted
        cross join document on document.id = wanted.value
        cross join document_words on document_words.rowid = document.num
       where document_words match ?`),
  };
}

/**
 * Stores one change of the library: documents with their index tokens, drafts, versions, sections, settings and events.
 *
 * 1. One transaction: a change is stored whole or not at all, and the index always agrees with the documents.
 * 2. The basis is compared in the same transaction. A change with an old basis writes nothing.
 * 3. A deleted document has no tokens.
 */
import { sql } from 'kysely';
import { GatehouseError } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import { param, statementCompiler } from '#storage/compile-statement';
import type { Database } from '#storage/database';
import type { DraftTable } from '#storage/schema';
import type { Document } from '../document.ts';
import type {
  CommitResult,
  DocumentStorage,
  DocumentWrite,
  IndexedTokens,
  LibraryChange,
} from '../document-port.ts';
import type { DraftRecord } from '../drafts/draft-storage-port.ts';
import { createEventAppender } from './document-event-store.ts';
import { recordOf } from './library-rows.ts';

/** The path that a document was imported from; indexed. */
export const pathOfDocument = sql`json_extract(source_metadata, '$.path')`;

export function createLibraryCommit(
  database: Database,
  faults: FaultInjector,
): DocumentStorage['commit'] {
  const statements = prepare(database);
  const appendEvent = createEventAppender(database);

  const index = (num: number | bigint, { tokens }: Pick<DocumentWrite, 'tokens'>): void => {
    if (tokens === undefined) return;
    if (tokens === null) statements.forget.run(num);
    else statements.index.run(num, ...tokenColumns(tokens));
  };
  const writeDocuments = ({ added, replaced, reindexed }: LibraryChange): void => {
    for (const write of added) {
      const { id, owner, createdAt } = write.document;
      const row = statements.insert.run(id, owner, createdAt, ...changeable(write.document));
      index(row.lastInsertRowid, write);
    }
    for (const write of replaced) {
      const { num } = statements.head.get(write.document.id)!;
      statements.update.run(...changeable(write.document), num);
      index(num, write);
    }
    for (const write of reindexed) {
      const row = statements.head.get(write.id);
      if (row === undefined) continue;
      statements.renewed.run(row.num);
      index(row.num, write);
    }
  };
  const writeDrafts = ({ drafts, sections, settings }: LibraryChange): void => {
    for (const { documentId, record } of drafts) {
      if (record === null) statements.removeDraft.run(documentId);
      else if (statements.saveDraft.run(record).changes === 0) {
        throw new Error(`no draft of document ${documentId} is needed`);
      }
    }
    for (const { documentId, section, requestSha256, mdContent } of sections) {
      statements.saveSection.run(documentId, section, requestSha256, mdContent);
    }
    for (const { name, value } of settings) statements.saveSetting.run(name, value);
  };
  const store = database.connection.transaction((change: LibraryChange): CommitResult => {
    if (!isBasisCurrent(statements, change)) return 'conflict';
    for (const one of change.versions) {
      const { documentId, version, madeBy, status, at, textSha256, mdContent } = one;
      statements.addVersion.run(documentId, version, madeBy, status, at, textSha256, mdContent);
    }
    for (const { documentId, version, status } of change.versionStatuses) {
      statements.setVersionStatus.run(status, documentId, version);
    }
    const [version] = change.versions;
    if (version !== undefined) faults.reach('draft.withinWrite', version.documentId);
    writeDocuments(change);
    writeDrafts(change);
    return change.events.map(appendEvent);
  });

  return (change) => {
    database.ensureInPlace();
    try {
      return store.immediate(change);
    } catch (error) {
      const isStorage = (error as { name?: string }).name === 'SqliteError';
      if (!isStorage) throw error;
      throw new GatehouseError('GH_STORE_UNAVAILABLE', undefined, { cause: error });
    }
  };
}

function isBasisCurrent(
  statements: ReturnType<typeof prepare>,
  { basis, replaced }: LibraryChange,
): boolean {
  return (
    [...basis.documents].every(
      ([id, updatedAt]) => (statements.head.get(id)?.updated_at ?? null) === updatedAt,
    ) &&
    [...basis.drafts].every(([id, record]) =>
      isSameRecord(recordOf(statements.draft.get(id)), record),
    ) &&
    basis.files.every(
      ({ owner, path, id }) => (statements.file.get(owner, path)?.id ?? null) === id,
    ) &&
    replaced.every(({ document }) => statements.head.get(document.id)?.owner === document.owner)
  );
}

const recordFields = [
  'state',
  'attempts',
  'dueAt',
  'queuedAt',
  'claimedAt',
  'lastCode',
  'lastError',
] as const satisfies (keyof DraftRecord)[];

const isSameRecord = (one: DraftRecord | null, other: DraftRecord | null): boolean =>
  one === null || other === null
    ? one === other
    : recordFields.every((field) => one[field] === other[field]);

const tokenColumns = ({ title, body, markdown }: IndexedTokens): string[] => [
  title,
  body,
  markdown,
];

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

function prepare(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  const version = query.updateTable('document_version').set({ status: param });
  return {
    head: compile<{ num: number; owner: string; updated_at: number }>(
      query.selectFrom('document').select(['num', 'owner', 'updated_at']).where('id', '=', param),
    ),
    file: compile<{ id: string }>(
      query
        .selectFrom('document')
        .select('id')
        .where('owner', '=', param)
        .where(pathOfDocument, '=', param),
    ),
    draft: compile<DraftTable>(
      query.selectFrom('draft').selectAll().where('document_id', '=', param),
    ),
    insert: compile(
      query
        .insertInto('document')
        .values({ id: param, owner: param, created_at: param, ...changeableColumns }),
    ),
    update: compile(query.updateTable('document').set(changeableColumns).where('num', '=', param)),
    index: connection.prepare(
      'insert or replace into document_words (rowid, title, body, markdown) values (?, ?, ?, ?)',
    ),
    forget: connection.prepare('delete from document_words where rowid = ?'),
    renewed: connection.prepare('delete from document_words_backlog where document = ?'),
    saveDraft: connection.prepare<[DraftRecord]>(`
      update draft set state = @state, attempts = @attempts, due_at = @dueAt, queued_at = @queuedAt,
             claimed_at = @claimedAt, last_code = @lastCode, last_error = @lastError
       where document_id = @documentId`),
    removeDraft: compile(query.deleteFrom('draft').where('document_id', '=', param)),
    addVersion: compile(
      query.insertInto('document_version').values({
        document_id: param,
        version: param,
        made_by: param,
        status: param,
        at: param,
        text_sha256: param,
        md_content: param,
      }),
    ),
    setVersionStatus: compile(
      version.where('document_id', '=', param).where('version', '=', param),
    ),
    saveSection: connection.prepare(`insert or replace into draft_section
      (document_id, section, request_sha256, md_content) values (?, ?, ?, ?)`),
    saveSetting: connection.prepare(
      'insert or replace into draft_setting (name, value) values (?, ?)',
    ),
  };
}

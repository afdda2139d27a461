/**
 * Reads the state of drafting: waiting, claimed and dead drafts; the finished sections of long memos; every version of a
 * document's markdown; and whether drafting is paused. library-commit.ts writes it.
 *
 * 1. A document has a row exactly while it needs a draft: triggers ensure that. Only a claimed row may stay longer.
 * 2. The queries of the draft worker and of open pages read an index in its order: nothing is sorted.
 */
import type { VersionPage, DraftStorage, OpenDraft } from '../drafts/draft-storage-port.ts';
import type { Database } from '#storage/database';
import { param, statementCompiler } from '#storage/compile-statement';
import type { DocumentVersionTable, DraftSectionTable, DraftTable } from '#storage/schema';
import {
  headOf,
  listedDraftOf,
  recordOf,
  sectionOf,
  versionOf,
  type HeadRow,
  type ListedDraftRow,
} from './library-rows.ts';

export function createDraftStore(database: Database): DraftStorage {
  const statements = prepare(database);
  return {
    find: async (documentId) => recordOf(statements.find.get(documentId)),
    findListed: async (documentId) => listedDraftOf(statements.listed.get(documentId)),
    nextDue: async (now) => statements.nextDue.get(now)?.id ?? null,
    rescheduleFutureDates: (now, waitMsMax) =>
      void statements.pullIn.run({ now, latest: now + waitMsMax }),
    list: async (owner, state, limit) =>
      (owner === null
        ? statements.list.all({ state, limit })
        : statements.listOf.all({ owner, state, limit })
      ).flatMap((row) => listedDraftOf(row) ?? []),
    claimed: async () => statements.claimed.all('drafting').flatMap((row) => recordOf(row) ?? []),
    undecided: async (owner, limit) =>
      owner === null ? statements.open.all({ limit }) : statements.openOf.all({ owner, limit }),
    versions: async (documentId) => statements.versions.all(documentId).map(headOf),
    versionPage: async (documentId, { before, limit, charsMax }) =>
      statements.versionPage
        .all({ documentId, before: before ?? Number.MAX_SAFE_INTEGER, limit, charsMax })
        .map(versionOf),
    async version(documentId, version) {
      const row = statements.version.get(documentId, version);
      return row === undefined ? null : versionOf(row);
    },
    sections: async (documentId) => statements.sections.all(documentId).map(sectionOf),
    getSetting: async (name) => statements.setting.get(name)?.value ?? null,
  };
}

const listed = 'select draft.*, document.title from draft join document on id = document_id';
const headColumns = ['document_id', 'version', 'made_by', 'status', 'at', 'text_sha256'] as const;
const dueFirst = 'order by due_at, document_id';
const openDrafts = `select id as documentId, owner, title, md_generated_at as at from document
  where md_draft_status = 'draft' and deleted_at is null`;

function prepare(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  return {
    find: compile<DraftTable>(
      query.selectFrom('draft').selectAll().where('document_id', '=', param),
    ),
    claimed: compile<DraftTable>(query.selectFrom('draft').selectAll().where('state', '=', param)),
    nextDue: connection.prepare<[number], { id: string }>(`
      select document_id as id from draft where state = 'waiting' and due_at <= ? ${dueFirst} limit 1`),
    pullIn: connection.prepare<[{ now: number; latest: number }]>(`
      update draft set due_at = @now, queued_at = min(queued_at, @now)
       where state = 'waiting' and due_at > @now and (queued_at > @now or due_at > @latest)`),
    list: connection.prepare<[{ state: string; limit: number }], ListedDraftRow>(
      `${listed} where state = @state ${dueFirst} limit @limit`,
    ),
    listOf: connection.prepare<[{ owner: string; state: string; limit: number }], ListedDraftRow>(
      `${listed} where draft.owner = @owner and state = @state ${dueFirst} limit @limit`,
    ),
    open: connection.prepare<[{ limit: number }], OpenDraft>(
      `${openDrafts} order by md_generated_at desc limit @limit`,
    ),
    openOf: connection.prepare<[{ owner: string; limit: number }], OpenDraft>(
      `${openDrafts} and owner = @owner order by md_generated_at desc limit @limit`,
    ),
    listed: connection.prepare<[string], ListedDraftRow>(
      `${listed} where document_id = ? and deleted_at is null`,
    ),
    ...prepareVersions(database),
    sections: compile<DraftSectionTable>(
      query.selectFrom('draft_section').selectAll().where('document_id', '=', param),
    ),
    setting: compile<{ value: string }>(
      query.selectFrom('draft_setting').select('value').where('name', '=', param),
    ),
  };
}

function prepareVersions(database: Database) {
  const { query, connection } = database;
  const compile = statementCompiler(database);
  const ofDocument = query.selectFrom('document_version').where('document_id', '=', param);
  return {
    versions: compile<HeadRow>(ofDocument.select(headColumns).orderBy('version', 'desc')),
    versionPage: connection.prepare<[VersionPage & { documentId: string }], DocumentVersionTable>(`
      select ${headColumns.join(', ')}, substr(md_content, 1, @charsMax) as md_content
        from document_version where document_id = @documentId and version < @before
       order by version desc limit @limit`),
    version: compile<DocumentVersionTable>(ofDocument.selectAll().where('version', '=', param)),
  };
}

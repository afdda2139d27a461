/** The state of drafting on PostgreSQL. postgres-library-commit.ts writes it. */
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { DocumentVersionTable, DraftSectionTable, DraftTable } from '#storage/schema';
import type { DraftStorage, OpenDraft } from '../../drafts/draft-storage-port.ts';
import {
  headOf,
  listedDraftOf,
  recordOf,
  sectionOf,
  versionOf,
  type HeadRow,
  type ListedDraftRow,
} from '../library-rows.ts';

export function createPostgresDraftStore(database: PostgresDatabase): DraftStorage {
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));
  const ofDocument = <Row>(
    statement: PreparedStatement<Row>,
    documentId: string,
    ...values: unknown[]
  ): Promise<Row[]> => all(statement, storableText(documentId), ...values);
  const ownerValue = (owner: string | null): string | null => owner && storableText(owner);

  return {
    find: async (documentId) => recordOf((await ofDocument(statements.find, documentId))[0]),
    findListed: async (documentId) =>
      listedDraftOf((await ofDocument(statements.findListed, documentId))[0]),
    nextDue: async (now) => (await all(statements.nextDue, now))[0]?.id ?? null,
    async rescheduleFutureDates(now, waitMsMax) {
      await all(statements.reschedule, now, now + waitMsMax);
    },
    async list(owner, state, limit) {
      const rows =
        owner === null
          ? await all(statements.list, state, limit)
          : await all(statements.listOf, state, limit, ownerValue(owner));
      return rows.flatMap((row) => listedDraftOf(row) ?? []);
    },
    claimed: async () => (await all(statements.claimed)).flatMap((row) => recordOf(row) ?? []),
    undecided: (owner, limit) =>
      owner === null
        ? all(statements.undecided, limit)
        : all(statements.undecidedOf, limit, ownerValue(owner)),
    versions: async (documentId) => (await ofDocument(statements.versions, documentId)).map(headOf),
    versionPage: async (documentId, { before, limit, charsMax }) =>
      (await ofDocument(statements.versionPage, documentId, before, limit, charsMax)).map(
        versionOf,
      ),
    async version(documentId, version) {
      const [row] = await ofDocument(statements.version, documentId, version);
      return row === undefined ? null : versionOf(row);
    },
    sections: async (documentId) =>
      (await ofDocument(statements.sections, documentId)).map(sectionOf),
    getSetting: async (name) =>
      (await all(statements.setting, storableText(name)))[0]?.value ?? null,
  };
}

const listed = `select draft.*, document.title from draft join document on id = document_id`;
const dueFirst = 'order by due_at, document_id';
const undecided = `select id as "documentId", owner, title, md_generated_at as at from document
  where md_draft_status = 'draft' and deleted_at is null`;
const head = 'document_id, version, made_by, status, at, text_sha256';

const statements = {
  find: {
    name: 'find_draft',
    text: 'select * from draft where document_id = $1',
  } as PreparedStatement<DraftTable>,
  findListed: {
    name: 'find_listed_draft',
    text: `${listed} where document_id = $1 and deleted_at is null`,
  } as PreparedStatement<ListedDraftRow>,
  nextDue: {
    name: 'next_due_draft',
    text: `select document_id as id from draft where state = 'waiting' and due_at <= $1
      ${dueFirst} limit 1`,
  } as PreparedStatement<{ id: string }>,
  reschedule: {
    name: 'reschedule_drafts',
    text: `update draft set due_at = $1, queued_at = least(queued_at, $1)
      where state = 'waiting' and due_at > $1 and (queued_at > $1 or due_at > $2)`,
  },
  list: {
    name: 'list_drafts',
    text: `${listed} where state = $1 ${dueFirst} limit $2`,
  } as PreparedStatement<ListedDraftRow>,
  listOf: {
    name: 'list_drafts_of',
    text: `${listed} where state = $1 and draft.owner = $3 ${dueFirst} limit $2`,
  } as PreparedStatement<ListedDraftRow>,
  claimed: {
    name: 'claimed_drafts',
    text: `select * from draft where state = 'drafting' ${dueFirst}`,
  } as PreparedStatement<DraftTable>,
  undecided: {
    name: 'undecided_drafts',
    text: `${undecided} order by md_generated_at desc limit $1`,
  } as PreparedStatement<OpenDraft>,
  undecidedOf: {
    name: 'undecided_drafts_of',
    text: `${undecided} and owner = $2 order by md_generated_at desc limit $1`,
  } as PreparedStatement<OpenDraft>,
  versions: {
    name: 'document_versions',
    text: `select ${head} from document_version where document_id = $1 order by version desc`,
  } as PreparedStatement<HeadRow>,
  // No limit is null.
  versionPage: {
    name: 'document_version_page',
    text: `select ${head}, substr(md_content, 1, $4::integer) as md_content from document_version
      where document_id = $1 and ($2::integer is null or version < $2)
      order by version desc limit $3`,
  } as PreparedStatement<DocumentVersionTable>,
  version: {
    name: 'document_version',
    text: 'select * from document_version where document_id = $1 and version = $2',
  } as PreparedStatement<DocumentVersionTable>,
  sections: {
    name: 'draft_sections',
    text: 'select * from draft_section where document_id = $1 order by section',
  } as PreparedStatement<DraftSectionTable>,
  setting: {
    name: 'draft_setting',
    text: 'select value from draft_setting where name = $1',
  } as PreparedStatement<{ value: string }>,
};

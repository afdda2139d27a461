/** A change of the library as the arguments of `commit_library`: one JSON list per kind of row. */
import { storableJson, storableText } from '#storage/postgres/storable-text';
import type { Document } from '../../document.ts';
import type { DocumentWrite, LibraryChange } from '../../document-port.ts';
import type { DraftRecord } from '../../drafts/draft-storage-port.ts';
import { wordVectors } from './word-vectors.ts';

/** All but the events, in the order of the function's parameters after those of the leases. */
export async function changeArguments(change: LibraryChange): Promise<unknown[]> {
  const { basis } = change;
  const tokens = tokensById(change);
  return [
    list([...basis.documents], ([id, updatedAt]) => ({ id, updated_at: updatedAt })),
    list([...basis.drafts], ([id, record]) => draftColumns(id, record)),
    list(basis.files, (file) => file),
    list(change.versions, (version) => ({
      document_id: version.documentId,
      version: version.version,
      made_by: version.madeBy,
      status: version.status,
      at: version.at,
      text_sha256: version.textSha256,
      md_content: version.mdContent,
    })),
    list(change.versionStatuses, ({ documentId, version, status }) => ({
      document_id: documentId,
      version,
      status,
    })),
    list(change.added, ({ document }) => documentColumns(document)),
    list(change.replaced, ({ document }) => documentColumns(document)),
    list([...tokens.keys()], (id) => ({ id })),
    list(await pieces(tokens), (piece) => piece),
    change.reindexed.map(({ id }) => storableText(id)),
    list(change.drafts, ({ documentId, record }) => draftColumns(documentId, record)),
    list(change.sections, ({ documentId, section, requestSha256, mdContent }) => ({
      document_id: documentId,
      section,
      request_sha256: requestSha256,
      md_content: mdContent,
    })),
    list(change.settings, (setting) => setting),
  ];
}

export const changeArgumentCount = 14;

const list = <Item>(items: readonly Item[], row: (item: Item) => object): string =>
  JSON.stringify(items.map(row), (_key, value: unknown) =>
    typeof value === 'string' ? storableText(value) : value,
  );

const documentColumns = (document: Document): object => ({
  id: document.id,
  owner: document.owner,
  created_at: document.createdAt,
  updated_at: document.updatedAt,
  deleted_at: document.deletedAt,
  content_origin: document.contentOrigin,
  md_draft_status: document.mdDraftStatus,
  md_status: document.mdStatus,
  md_extraction_engine: document.mdExtractionEngine,
  md_generated_at: document.mdGeneratedAt,
  title: document.title,
  source_metadata: storableJson(document.sourceMetadata),
  extracted_text: document.extractedText,
  md_content: document.mdContent,
});

/** No record: only its document. */
const draftColumns = (documentId: string, record: DraftRecord | null): object => ({
  document_id: documentId,
  state: record?.state,
  attempts: record?.attempts,
  due_at: record?.dueAt,
  queued_at: record?.queuedAt,
  claimed_at: record?.claimedAt,
  last_code: record?.lastCode,
  last_error: record?.lastError,
});

/** The last tokens of each document whose tokens change. */
function tokensById(
  change: LibraryChange,
): Map<string, NonNullable<DocumentWrite['tokens']> | null> {
  const writes = [
    ...[...change.added, ...change.replaced].map(({ document, tokens }) => ({
      id: document.id,
      tokens,
    })),
    ...change.reindexed,
  ];
  return new Map(writes.flatMap(({ id, tokens }) => (tokens === undefined ? [] : [[id, tokens]])));
}

async function pieces(
  tokens: ReadonlyMap<string, DocumentWrite['tokens']>,
): Promise<{ id: string; piece: number; words: string }[]> {
  const rows: { id: string; piece: number; words: string }[] = [];
  for (const [id, one] of tokens) {
    const vectors = one === null || one === undefined ? [] : await wordVectors(one);
    const first = vectors.length > 1 ? 1 : 0;
    for (const [index, words] of vectors.entries()) rows.push({ id, piece: first + index, words });
  }
  return rows;
}

/** A change of the library as the arguments of `commit_library`: one JSON list per kind of row. */
import { storableJson, storableText } from '#storage/postgres/storable-text';
import type { Document } from '../../document.ts';
import type { DocumentWrite, LibraryChange } from '../../document-port.ts';
import type { DraftRecord } from '../../drafts/draft-storage-port.ts';
import { longTextOf, markPiece, type LongText } from './long-texts.ts';
import { wordVectors } from './word-vectors.ts';

export interface ChangeArguments {
  /** All but the events, in the order of the function's parameters after those of the leases. */
  values: unknown[];
  /** Their words are stored after the change. */
  longTexts: LongText[];
}

export async function changeArguments(change: LibraryChange): Promise<ChangeArguments> {
  const tokens = tokensById(change);
  const { rows, longTexts } = await piecesOf(tokens);
  return { values: valuesOf(change, [...tokens.keys()], rows), longTexts };
}

function valuesOf(
  change: LibraryChange,
  indexed: readonly string[],
  pieces: readonly PieceRow[],
): unknown[] {
  const { basis } = change;
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
    list(indexed, (id) => ({ id })),
    list(pieces, (piece) => piece),
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

interface PieceRow {
  id: string;
  piece: number;
  words: string;
}

/** The rows that are stored with the change: of a long text only its mark. */
async function piecesOf(
  tokens: ReadonlyMap<string, DocumentWrite['tokens']>,
): Promise<{ rows: PieceRow[]; longTexts: LongText[] }> {
  const rows: PieceRow[] = [];
  const longTexts: LongText[] = [];
  for (const [id, one] of tokens) {
    const vectors = one === null || one === undefined ? [] : await wordVectors(one);
    if (vectors.length <= 1) {
      rows.push(...vectors.map((words) => ({ id, piece: 0, words })));
      continue;
    }
    const text = longTextOf(id, vectors);
    longTexts.push(text);
    rows.push({ id, piece: markPiece, words: text.mark });
  }
  return { rows, longTexts };
}

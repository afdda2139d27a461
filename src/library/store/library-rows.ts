/** Maps the rows of both databases to documents, drafts and versions. */
import type {
  DocumentTable,
  DocumentVersionTable,
  DraftSectionTable,
  DraftTable,
} from '#storage/schema';
import type { ListedDocument } from '../document-port.ts';
import type { Document, SourceMetadata } from '../document.ts';
import type {
  DocumentVersion,
  DraftRecord,
  DraftSection,
  ListedDraft,
  VersionHead,
} from '../drafts/draft-storage-port.ts';

export type DocumentRow = Omit<DocumentTable, 'num'> & { num: number };

export const documentOf = (row: DocumentRow | undefined): Document | null =>
  row === undefined
    ? null
    : {
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
      };

export type ListingRow = Pick<
  DocumentRow,
  | 'id'
  | 'title'
  | 'content_origin'
  | 'md_draft_status'
  | 'md_status'
  | 'source_metadata'
  | 'created_at'
  | 'updated_at'
> & { head: string };

export const listedDocumentOf = (row: ListingRow): ListedDocument => ({
  id: row.id,
  title: row.title,
  head: row.head,
  contentOrigin: row.content_origin as Document['contentOrigin'],
  mdDraftStatus: row.md_draft_status,
  mdStatus: row.md_status,
  sourceMetadata: JSON.parse(row.source_metadata) as SourceMetadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

export type ListedDraftRow = DraftTable & { title: string };

export const recordOf = (row: DraftTable | undefined): DraftRecord | null =>
  row === undefined
    ? null
    : {
        documentId: row.document_id,
        state: row.state as DraftRecord['state'],
        attempts: row.attempts,
        dueAt: row.due_at,
        queuedAt: row.queued_at,
        claimedAt: row.claimed_at,
        lastCode: row.last_code,
        lastError: row.last_error,
      };

export function listedDraftOf(row: ListedDraftRow | undefined): ListedDraft | null {
  const record = recordOf(row);
  if (row === undefined || record === null) return null;
  return { ...record, owner: row.owner, title: row.title, chars: row.chars };
}

export type HeadRow = Omit<DocumentVersionTable, 'md_content'>;

export const headOf = (row: HeadRow): VersionHead => ({
  documentId: row.document_id,
  version: row.version,
  madeBy: row.made_by as DocumentVersion['madeBy'],
  status: row.status as DocumentVersion['status'],
  at: row.at,
  textSha256: row.text_sha256,
});

export const versionOf = (row: DocumentVersionTable): DocumentVersion => ({
  ...headOf(row),
  mdContent: row.md_content,
});

export const sectionOf = (row: DraftSectionTable): DraftSection => ({
  documentId: row.document_id,
  section: row.section,
  requestSha256: row.request_sha256,
  mdContent: row.md_content,
});

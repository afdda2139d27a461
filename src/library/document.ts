/** A document: a memo, an imported file, or what was drafted from one. */
import { isoTime } from '#shared/calendar/time-units';
import type { DocumentView } from '#shared/wire/document-views';

/** `ai_drafted` once a model has drafted `mdContent`. */
export type ContentOrigin = DocumentView['content_origin'];

export interface SourceMetadata {
  /** The document's first origin, kept while its origin is `ai_drafted`. */
  source?: ContentOrigin;
  /** Waits for a draft. */
  needs_draft?: boolean;
  /** ISO 8601. */
  drafted_at?: string;
  /** Of an imported file: its path, and the digest of its bytes. */
  path?: string;
  sha256?: string;
  [key: string]: unknown;
}

/** Times are epoch ms. */
export interface Document {
  /** ULID. */
  id: string;
  /** User who may find it. */
  owner: string;
  title: string;
  /** The submitted text; drafting never changes it (P11). */
  extractedText: string;
  mdContent: string | null;
  contentOrigin: ContentOrigin;
  /** Not null only with `contentOrigin` `ai_drafted`. */
  mdDraftStatus: string | null;
  mdStatus: string | null;
  mdExtractionEngine: string | null;
  mdGeneratedAt: number | null;
  sourceMetadata: SourceMetadata;
  createdAt: number;
  updatedAt: number;
  /** Not null: it is kept but hidden. */
  deletedAt: number | null;
}

/** The API's form of a document; times become ISO 8601. */
export const documentView = (document: Document): DocumentView => ({
  id: document.id,
  title: document.title,
  extracted_text: document.extractedText,
  md_content: document.mdContent,
  content_origin: document.contentOrigin,
  md_draft_status: document.mdDraftStatus,
  md_status: document.mdStatus,
  md_extraction_engine: document.mdExtractionEngine,
  md_generated_at: document.mdGeneratedAt === null ? null : isoTime(document.mdGeneratedAt),
  source_metadata: document.sourceMetadata,
  created_at: isoTime(document.createdAt),
  updated_at: isoTime(document.updatedAt),
});

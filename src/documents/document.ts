/** A document: a memo, an imported file, or what was drafted from one. */

/** `ai_drafted` once a model has drafted `mdContent`. */
export type ContentOrigin = 'memo' | 'text' | 'file' | 'ai_drafted';

export interface SourceMetadata {
  /** The origin that it came with, kept while it is `ai_drafted`. */
  source?: ContentOrigin;
  /** Waits to be drafted. */
  needs_draft?: boolean;
  /** ISO 8601. */
  drafted_at?: string;
  /** Of an imported file: where it was, and the digest of what was read. */
  path?: string;
  sha256?: string;
  [key: string]: unknown;
}

/** Times are epoch ms. */
export interface Document {
  /** ULID. */
  id: string;
  /** Who may find it. */
  owner: string;
  title: string;
  /** The text as it was given; drafting never changes it (P11). */
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
  /** Not null: it is kept and found no more. */
  deletedAt: number | null;
}

/** A document as programs see it (docs/http.md). */
export interface DocumentView {
  id: string;
  title: string;
  extracted_text: string;
  md_content: string | null;
  content_origin: string;
  md_draft_status: string | null;
  md_status: string | null;
  md_extraction_engine: string | null;
  md_generated_at: string | null;
  source_metadata: SourceMetadata;
  created_at: string;
  updated_at: string;
}

const isoTime = (at: number): string => new Date(at).toISOString();

/** The public row; times become ISO 8601. */
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

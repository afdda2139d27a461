/**
 * Which of a document's versions is what it shows, whether that was made of the text that is there, and what a
 * document looks like with another one, or with none. Pure.
 */
import { createHash } from 'node:crypto';
import type { DraftState } from '../contract/document-event.ts';
import type { DocumentVersion, DraftStorage, VersionHead } from '../contract/draft-storage.ts';
import type { Document } from './document.ts';

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The version that the document shows: the newest one that was neither thrown away nor replaced. Not always the
 * newest: a rejected redraft gives way to what was accepted before it.
 * @param versions newest first
 */
export const versionInForce = (versions: readonly VersionHead[]): VersionHead | null =>
  versions.find(({ status }) => status === 'draft' || status === 'accepted') ?? null;

/** The version in force, with its text. */
export function shownVersion(
  drafts: Pick<DraftStorage, 'versions' | 'version'>,
  documentId: string,
): DocumentVersion | null {
  const inForce = versionInForce(drafts.versions(documentId));
  return inForce === null ? null : drafts.version(documentId, inForce.version);
}

/** Whether the memo has been edited since it was made into this version. */
export const isStale = (
  { textSha256 }: VersionHead,
  { extractedText }: Pick<Document, 'extractedText'>,
): boolean => textSha256 !== sha256Of(extractedText);

/** How drafting stands where no draft is waited for. */
export const settledState = ({ mdDraftStatus }: Pick<Document, 'mdDraftStatus'>): DraftState =>
  mdDraftStatus === 'draft' || mdDraftStatus === 'accepted' ? mdDraftStatus : 'none';

/** Waits to be drafted, or not any more. */
export const marked = (document: Document, needsDraft: boolean): Document => ({
  ...document,
  sourceMetadata: { ...document.sourceMetadata, needs_draft: needsDraft },
});

/** With this version, which was accepted. */
export const restored = ({ mdContent, at }: DocumentVersion): Partial<Document> => ({
  mdContent,
  mdDraftStatus: 'accepted',
  mdGeneratedAt: at,
});

/** As it was before it was drafted. */
export function withoutMarkdown({ sourceMetadata }: Document): Partial<Document> {
  const { drafted_at: _, ...metadata } = sourceMetadata;
  return {
    mdContent: null,
    contentOrigin: metadata.source ?? 'memo',
    mdDraftStatus: null,
    mdStatus: null,
    mdExtractionEngine: null,
    mdGeneratedAt: null,
    sourceMetadata: metadata,
  };
}

/**
 * Which version a document shows, whether that was made from the current text, and how a document looks with another
 * version or with none. Pure.
 */
import { createHash } from 'node:crypto';
import type { DraftState } from '#shared/wire/document-event';
import type { DocumentVersion, VersionHead } from './drafts/draft-storage-port.ts';
import type { Document } from './document.ts';

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The version that the document shows: the newest that was neither rejected nor replaced. Not always the newest: after
 * a rejected redraft it is the accepted version before it.
 * @param versions newest first
 */
export const currentVersion = (versions: readonly VersionHead[]): VersionHead | null =>
  versions.find(({ status }) => status === 'draft' || status === 'accepted') ?? null;

/** Whether the memo was edited since this version was made from it. */
export const isStale = (
  { textSha256 }: VersionHead,
  { extractedText }: Pick<Document, 'extractedText'>,
): boolean => textSha256 !== sha256Of(extractedText);

/** State of a document that waits for no draft. */
export const idleState = ({ mdDraftStatus }: Pick<Document, 'mdDraftStatus'>): DraftState =>
  mdDraftStatus === 'draft' || mdDraftStatus === 'accepted' ? mdDraftStatus : 'none';

/** Sets or clears the marker that the document waits for a draft. */
export const withNeedsDraft = (document: Document, needsDraft: boolean): Document => ({
  ...document,
  sourceMetadata: { ...document.sourceMetadata, needs_draft: needsDraft },
});

/** The changed fields of a document that shows this accepted version. */
export const withVersion = ({ mdContent, at }: DocumentVersion): Partial<Document> => ({
  mdContent,
  mdDraftStatus: 'accepted',
  mdGeneratedAt: at,
});

/** The changed fields of a document as it was before it was drafted. */
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

/** Which of a document's versions is what it shows, and whether that was made of the text that is there. Pure. */
import { createHash } from 'node:crypto';
import type { Document } from './document.ts';
import type { DocumentVersion } from './draft-port.ts';

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The version that the document shows: the newest one that was neither thrown away nor replaced. Not always the
 * newest: a rejected redraft gives way to what was accepted before it.
 * @param versions newest first
 */
export const versionInForce = (versions: readonly DocumentVersion[]): DocumentVersion | null =>
  versions.find(({ status }) => status === 'draft' || status === 'accepted') ?? null;

/** Whether the memo has been edited since it was made into this version. */
export const isStale = (
  { textSha256 }: DocumentVersion,
  { extractedText }: Pick<Document, 'extractedText'>,
): boolean => textSha256 !== sha256Of(extractedText);

/**
 * How drafting stands on disk: what waits and when it is due, what is claimed, what was given up; finished sections of
 * long memos; every version of a document's markdown; and what happened to it.
 */
import type { DocumentEvent, DocumentEventType, DraftState } from './document-event.ts';

/** How far the draft of one document is. Times are epoch ms. */
export interface DraftRecord {
  documentId: string;
  state: 'waiting' | 'drafting' | 'dead';
  /** Attempts that were begun and not given back. */
  attempts: number;
  /** Not before. */
  dueAt: number;
  queuedAt: number;
  claimedAt: number | null;
  /** Of the last failure. */
  lastCode: string | null;
  lastError: string | null;
}

export interface ListedDraft extends DraftRecord {
  owner: string;
  title: string;
  /** Of the memo's text. */
  chars: number;
}

/** A draft that waits for a person's decision. */
export interface OpenDraft {
  documentId: string;
  owner: string;
  title: string;
  /** When it was written, epoch ms. */
  at: number;
}

/** One content that a document's markdown has had. */
export interface DocumentVersion extends VersionHead {
  mdContent: string;
}

/** A version without its text. */
export interface VersionHead {
  documentId: string;
  /** Counts from 1. */
  version: number;
  /** A model's draft, or what a person made of it. */
  madeBy: 'draft' | 'edit';
  status: 'draft' | 'accepted' | 'rejected' | 'replaced';
  /** Epoch ms. */
  at: number;
  /** Of the memo's text that it was made from. */
  textSha256: string;
}

/** A finished part of the draft of a long memo, kept while the others are made. */
export interface DraftSection {
  documentId: string;
  /** From 0. */
  section: number;
  /** Of what the model was asked. */
  requestSha256: string;
  mdContent: string;
}

/** Writes belong to the transaction around them. A document has a record exactly while it wants a draft. */
export interface DraftStorage {
  find(documentId: string): DraftRecord | null;
  /** Of a document that waits for a draft. */
  listed(documentId: string): ListedDraft | null;
  /** The document must want a draft: there is a row. */
  put(record: DraftRecord): void;
  remove(documentId: string): void;
  /** The document to be drafted next: lowest due time, then lowest id. */
  nextDue(now: number): string | null;
  /**
   * What waits for a time that no clock can have meant is due: it was queued later than now, or has more than
   * `waitMsMax` to go.
   */
  pullIn(now: number, waitMsMax: number): void;
  /** Documents that want a draft and are this far, of one owner or (null) of all, in the order in which they are due. */
  list(owner: string | null, state: DraftRecord['state'], limit: number): ListedDraft[];
  /** After a start, those that a killed process left. */
  claimed(): DraftRecord[];
  /** Drafts of one owner or (null) of all that nobody has decided on, newest first. */
  open(owner: string | null, limit: number): OpenDraft[];
  /** @returns its number */
  addVersion(version: Omit<DocumentVersion, 'version'>): number;
  /** Newest first, without their texts. */
  versions(documentId: string): VersionHead[];
  /** Newest first, with the first characters of their texts: those below the version `before` (null: all). */
  versionPage(
    documentId: string,
    page: { before: number | null; limit: number; charsMax: number },
  ): DocumentVersion[];
  /** One with its whole text; null where there is none. */
  version(documentId: string, version: number): DocumentVersion | null;
  setVersionStatus(documentId: string, version: number, status: DocumentVersion['status']): void;
  /** Replaces an older one of this number. Goes with the record, and when the text changes. */
  keepSection(section: DraftSection): void;
  sections(documentId: string): DraftSection[];
  setting(name: string): string | null;
  set(name: string, value: string): void;
}

export interface NewDocumentEvent {
  documentId: string;
  userId: string;
  type: DocumentEventType;
  state: DraftState;
  /** Epoch ms. */
  at: number;
  data: Record<string, unknown>;
}

export interface DocumentEvents {
  /** In the transaction of the change that it tells of. */
  append(event: NewDocumentEvent): DocumentEvent;
  /** With `seq` greater than `afterSeq`, in order; at most `limit`. */
  ofDocument(documentId: string, afterSeq: number, limit: number): DocumentEvent[];
  /** The last ones, in order; at most `limit`. */
  newest(documentId: string, limit: number): DocumentEvent[];
}

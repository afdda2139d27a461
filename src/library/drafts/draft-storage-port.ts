/**
 * Stored state of drafting: waiting, claimed and dead drafts with their due times; finished sections of long memos;
 * every version of a document's markdown; and the document events.
 */
import type { DocumentEvent, DocumentEventType, DraftState } from '#shared/wire/document-event';

/** Drafting state of one document. Times are epoch ms. */
export interface DraftRecord {
  documentId: string;
  state: 'waiting' | 'drafting' | 'dead';
  /** Attempts that were started and not given back. */
  attempts: number;
  /** Earliest start. */
  dueAt: number;
  queuedAt: number;
  claimedAt: number | null;
  /** Code of the last failure. */
  lastCode: string | null;
  lastError: string | null;
}

export interface ListedDraft extends DraftRecord {
  owner: string;
  title: string;
  /** Length of the memo's text. */
  chars: number;
}

/** A draft that waits for the user's decision. */
export interface OpenDraft {
  documentId: string;
  owner: string;
  title: string;
  /** When the draft was written, epoch ms. */
  at: number;
}

/** One version of a document's markdown. */
export interface DocumentVersion extends VersionHead {
  mdContent: string;
}

/** A version without its text. */
export interface VersionHead {
  documentId: string;
  /** Counts from 1. */
  version: number;
  /** `draft`: written by a model; `edit`: edited by the user. */
  madeBy: 'draft' | 'edit';
  status: 'draft' | 'accepted' | 'rejected' | 'replaced';
  /** Epoch ms. */
  at: number;
  /** Digest of the memo's text that it was made from. */
  textSha256: string;
}

/** A finished section of a long memo's draft, kept while the other sections are made. */
export interface DraftSection {
  documentId: string;
  /** From 0. */
  section: number;
  /** Digest of the model request. */
  requestSha256: string;
  mdContent: string;
}

/** Versions below `before` (null: all), newest first, with the first `charsMax` characters of their texts. */
export interface VersionPage {
  before: number | null;
  limit: number;
  charsMax: number;
}

/** Drafts are written by `commit` of document-port.ts. A document has a record exactly while it needs a draft. */
export interface DraftStorage {
  find(documentId: string): Promise<DraftRecord | null>;
  /** A document that waits for a draft. */
  findListed(documentId: string): Promise<ListedDraft | null>;
  /** The next document to draft: lowest due time, then lowest id. */
  nextDue(now: number): Promise<string | null>;
  /**
   * Makes waiting drafts with implausible times due now: queued later than `now`, or due more than `waitMsMax` ahead.
   * Such times were written by a wrong clock.
   */
  rescheduleFutureDates(now: number, waitMsMax: number): void | Promise<void>;
  /** Documents in this drafting state, of one owner (null: of all), by due time. */
  list(owner: string | null, state: DraftRecord['state'], limit: number): Promise<ListedDraft[]>;
  /** After a start: drafts that a killed process had claimed. */
  claimed(): Promise<DraftRecord[]>;
  /** Drafts without a decision, of one owner (null: of all), newest first. */
  undecided(owner: string | null, limit: number): Promise<OpenDraft[]>;
  /** Newest first, without their texts. They change only together with their document. */
  versions(documentId: string): Promise<VersionHead[]>;
  versionPage(documentId: string, page: VersionPage): Promise<DocumentVersion[]>;
  /** One version with its whole text; null if there is none. */
  version(documentId: string, version: number): Promise<DocumentVersion | null>;
  sections(documentId: string): Promise<DraftSection[]>;
  getSetting(name: string): Promise<string | null>;
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
  /** Events with `seq` above `afterSeq`, in order; at most `limit`. */
  ofDocument(documentId: string, afterSeq: number, limit: number): Promise<DocumentEvent[]>;
  /** The last events, in order; at most `limit`. */
  newest(documentId: string, limit: number): Promise<DocumentEvent[]>;
  /** Removes older events (epoch ms), except the last of each document; resolves with their number. */
  prune(before: number): Promise<number>;
}

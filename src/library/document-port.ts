/**
 * Storage port of the library, implemented by the document store; nothing here names SQL. Reads are asynchronous. A write
 * is one command: a change set that is stored whole or not at all, with the facts that it was decided on. When a fact is
 * no longer true, the change is refused as a conflict and decided again, so no update is lost.
 */
import type { DocumentEvent } from '#shared/wire/document-event';
import type { Document } from './document.ts';
import type {
  DocumentEvents,
  DocumentVersion,
  DraftRecord,
  DraftSection,
  DraftStorage,
  NewDocumentEvent,
} from './drafts/draft-storage-port.ts';

/** Index tokens of a document: separated by spaces, matched as they are. */
export interface IndexedTokens {
  title: string;
  body: string;
  markdown: string;
}

export interface OutdatedDocument {
  id: string;
  hasTokens: boolean;
}

export interface RankedDocument {
  id: string;
  /** Larger is better; comparable within one search. */
  score: number;
}

/** Filter of a listing. */
export interface DocumentQuery {
  owner: string;
  origin?: string | undefined;
  /** Only documents that were created as memos, drafted or not. */
  memosOnly?: boolean;
  draftStatus?: string | undefined;
  needsDraft?: boolean | undefined;
  /** Only documents with a lower id. */
  before?: string | undefined;
  limit: number;
}

/** A document without its texts. Times are epoch ms. */
export interface ListedDocument extends Omit<
  Document,
  'owner' | 'extractedText' | 'mdContent' | 'mdExtractionEngine' | 'mdGeneratedAt' | 'deletedAt'
> {
  /** The text's first characters. */
  head: string;
}

/** A full-text query. An adapter renders it in the syntax of its database. */
export type SearchTerm =
  /** These words, one directly after the other; `isPrefix`: the last one may continue. */
  | { words: readonly string[]; isPrefix: boolean }
  | { all: readonly SearchTerm[] }
  | { any: readonly SearchTerm[] };

export interface DocumentWrite {
  document: Document;
  /** Null for a deleted document: it is in no index. Undefined: the stored tokens stay. */
  tokens: IndexedTokens | null | undefined;
}

/** What a change was decided on. The change is refused when any of this is different by then. */
export interface ChangeBasis {
  /** `updatedAt` of these documents, which grows with each change; null: there was none. */
  documents: Map<string, number | null>;
  drafts: Map<string, DraftRecord | null>;
  /** The document of a path. */
  files: { owner: string; path: string; id: string | null }[];
}

/** One change of the library, as data. Stored in the order of these fields. */
export interface LibraryChange {
  basis: ChangeBasis;
  versions: DocumentVersion[];
  versionStatuses: Pick<DocumentVersion, 'documentId' | 'version' | 'status'>[];
  added: DocumentWrite[];
  /** Each replaces the document of its id and owner. */
  replaced: DocumentWrite[];
  /** Takes these documents off the backlog of an earlier index form. */
  reindexed: { id: string; tokens: DocumentWrite['tokens'] }[];
  /** Null removes the record. A record is saved only while its document needs a draft. */
  drafts: { documentId: string; record: DraftRecord | null }[];
  /** Each replaces the section of its number. Deleted with the record, and when the memo's text changes. */
  sections: DraftSection[];
  settings: { name: string; value: string }[];
  /** Appended in this order, each with the next `seq` of its document and the next position of the journal. */
  events: NewDocumentEvent[];
}

/** The stored events, or that nothing was written because the basis has changed. */
export type CommitResult = DocumentEvent[] | 'conflict';

export interface DocumentStorage {
  readonly drafts: DraftStorage;
  readonly events: DocumentEvents;
  find(id: string): Promise<Document | null>;
  /** The document that was imported from this path, deleted or not. */
  findFile(owner: string, path: string): Promise<Document | null>;
  /** Documents of the owner that match, best first. */
  search(owner: string, query: SearchTerm, limit: number): Promise<RankedDocument[]>;
  /** Those of the given documents that match. */
  filterMatching(ids: readonly string[], query: SearchTerm): Promise<string[]>;
  /** Documents that are not deleted, newest first. */
  list(query: DocumentQuery): Promise<ListedDocument[]>;
  /** Documents whose tokens an earlier version made, or that have none after a copy; empty when all are up to date. */
  outdatedIndex(limit: number): Promise<OutdatedDocument[]>;
  /**
   * Stores the whole change in one transaction, or nothing. Durable when it returns or resolves.
   * @throws GH_STORE_UNAVAILABLE when nothing was written
   */
  commit(change: LibraryChange): CommitResult | Promise<CommitResult>;
  /** Removes documents deleted before a time (epoch ms), with all that belongs to them; resolves with their number. */
  purgeDeleted(deletedBefore: number): Promise<number>;
}

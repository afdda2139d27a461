/** What the library asks of storage. Satisfied by the document store; nothing here names SQL. */
import type { Document, SourceMetadata } from './document.ts';

/** The words of a document as the index takes them: separated by spaces, matched as they stand. */
export interface IndexedWords {
  title: string;
  body: string;
  markdown: string;
}

export interface RankedDocument {
  id: string;
  /** Larger is better; comparable within one search. */
  score: number;
}

/** Which documents a listing shows. */
export interface DocumentQuery {
  owner: string;
  origin?: string | undefined;
  /** Only what came as a memo, drafted or not. */
  memosOnly?: boolean;
  draftStatus?: string | undefined;
  needsDraft?: boolean | undefined;
  /** Only documents with a lower id. */
  before?: string | undefined;
  limit: number;
}

/** A document without its texts. Times are epoch ms. */
export interface ListedDocument {
  id: string;
  title: string;
  /** The text's first characters. */
  head: string;
  contentOrigin: string;
  mdDraftStatus: string | null;
  mdStatus: string | null;
  sourceMetadata: SourceMetadata;
  createdAt: number;
  updatedAt: number;
}

/** All writes are durable when they return, unless they are inside `together`: then when that returns. */
export interface DocumentStorage {
  /** @param words null for a deleted document: it is in no index */
  insert(document: Document, words: IndexedWords | null): void;
  /**
   * Replaces the document of this id and owner.
   * @param words in place of the old ones; undefined: those stay
   */
  replace(document: Document, words: IndexedWords | null | undefined): void;
  find(id: string): Document | null;
  /** The document that was imported from this path, deleted or not. */
  findFile(owner: string, path: string): Document | null;
  /** Documents of the owner that match, best first. `match` is made of quoted terms, AND, OR and brackets. */
  search(owner: string, match: string, limit: number): RankedDocument[];
  /** Those of the documents that match. */
  having(ids: readonly string[], match: string): string[];
  /** Documents that are not deleted, newest first. */
  list(query: DocumentQuery): ListedDocument[];
  /** Ids of documents whose words are of an earlier version; empty when all are of this one. */
  outdated(limit: number): string[];
  /**
   * Takes a document out of these, with its new words.
   * @param words undefined: those that are there stay
   */
  renew(id: string, words: IndexedWords | null | undefined): void;
  /** All writes of `work` in one transaction. Not for work that waits. */
  together<Value>(work: () => Value): Value;
}

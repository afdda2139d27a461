/** Storage port of the library, implemented by the document store; nothing here names SQL. */
import type { Document } from './document.ts';

/** Index tokens of a document: separated by spaces, matched as they are. */
export interface IndexedTokens {
  title: string;
  body: string;
  markdown: string;
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

/** All writes are durable when they return, unless they are inside `transaction`: then when that returns. */
export interface DocumentStorage {
  /** @param words null for a deleted document: it is in no index */
  insert(document: Document, words: IndexedTokens | null): void;
  /**
   * Replaces the document of this id and owner.
   * @param words replace the stored tokens; undefined: the stored tokens stay
   */
  replace(document: Document, words: IndexedTokens | null | undefined): void;
  find(id: string): Document | null;
  /** The document that was imported from this path, deleted or not. */
  findFile(owner: string, path: string): Document | null;
  /** Documents of the owner that match, best first. `match` consists of quoted terms, AND, OR and brackets. */
  search(owner: string, match: string, limit: number): RankedDocument[];
  /** Those of the given documents that match. */
  filterMatching(ids: readonly string[], match: string): string[];
  /** Documents that are not deleted, newest first. */
  list(query: DocumentQuery): ListedDocument[];
  /** Ids of documents that an earlier version indexed; empty when all are up to date. */
  outdatedIndexIds(limit: number): string[];
  /**
   * Stores a document's new tokens and takes it off this backlog.
   * @param words undefined: the stored tokens stay
   */
  reindex(id: string, words: IndexedTokens | null | undefined): void;
  /** All writes of `work` in one transaction. `work` must be synchronous. */
  transaction<Value>(work: () => Value): Value;
}

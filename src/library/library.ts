/**
 * The library: every document is created, changed and found through it.
 *
 * 1. Every document has an owner, and no other user finds it (unless the library is shared).
 * 2. A document is searched by its submitted text and its markdown; a deleted document is not found.
 * 3. The submitted text is replaced only by its owner or by a new version of its file, never by drafting (P11).
 */
import type { FoundSource } from '#machines/ask-types';
import type { Clock } from '#shared/clock';
import type { IdSource } from '#shared/ids';
import type { ContentOrigin, Document, SourceMetadata } from './document.ts';
import type { DocumentQuery, DocumentStorage, ListedDocument } from './document-port.ts';
import { rankDocuments, type Ranking } from './fulltext/fts-ranking.ts';
import { parseQuery, type ParsedQuery } from './fulltext/fts-terms.ts';
import { snippetOf } from './fulltext/snippet.ts';
import {
  createIncrementalTokenizer,
  type IncrementalTokenizer,
} from './fulltext/incremental-tokenizer.ts';
import { reindexBatch } from './fulltext/reindexer.ts';

/** Characters of a title. */
const titleCharsMax = 200;

/** Results of one search, at most. */
const limitMax = 100;

/** Owner of all documents in a shared library: also the user of a message that names none. */
const sharedOwner = 'local';

export interface NewDocument {
  /** Default: the first line of the text. */
  title?: string | undefined;
  text: string;
  origin: Exclude<ContentOrigin, 'ai_drafted'>;
  /** Markdown that was submitted with it. */
  markdown?: string | undefined;
  metadata?: SourceMetadata;
}

export interface SearchHit extends FoundSource {
  /** Larger is better; comparable within one search. */
  score: number;
}

export interface SearchResult {
  hits: SearchHit[];
  /** `false`: no document has every word; these have most of the query's terms. */
  isExact: boolean;
}

interface DocumentSearcher {
  /** Documents with the words of the query, best first; `limit` 1 to 100. */
  search(userId: string, query: string, limit?: number): SearchResult;
  /** Only the ranking, without reading texts. `isStrict`: without documents that are merely similar. */
  rank(userId: string, query: string, limit: number, isStrict?: boolean): Ranking;
  /** One document as a search hit, with score 0; null when the user can see no such document. */
  getHit(userId: string, id: string, query: string): SearchHit | null;
}

export interface Library extends DocumentSearcher, Pick<IncrementalTokenizer, 'tokenizeBefore'> {
  /** Reindexes a batch of documents that an earlier version indexed; resolves with whether there may be more. */
  reindexBatch(): Promise<boolean>;
  /** The owner of this user's documents: in a shared library the same for all users. */
  ownerOf(userId: string): string;
  /** Durable when it returns. */
  create(userId: string, document: NewDocument): Document;
  /** Null when the user can see no such document. */
  get(userId: string, id: string): Document | null;
  /** The document that was imported from this path, deleted or not. */
  findFile(userId: string, path: string): Document | null;
  /**
   * Reads, changes and writes in one transaction. `edit` returns the document to store, or null to leave it unchanged;
   * it must be synchronous. Returns the document as stored afterwards, null when there is no such document.
   */
  change(userId: string, id: string, edit: (current: Document) => Document | null): Document | null;
  /** Soft delete: the document is hidden; retention removes the row later. False when there was none. */
  remove(userId: string, id: string): boolean;
  /** Newest first. */
  list(userId: string, query: Omit<DocumentQuery, 'owner'>): ListedDocument[];
  /** All writes of `work` in one transaction. `work` must be synchronous. */
  transaction<Value>(work: () => Value): Value;
}

export interface LibraryOptions {
  storage: DocumentStorage;
  ids: IdSource;
  clock: Clock;
  /** One library for all users. Otherwise each user has a separate library. */
  shared?: boolean;
}

export function createLibrary(options: LibraryOptions): Library {
  const { storage, ids, clock, shared = false } = options;
  const ownerOf = (userId: string): string => (shared ? sharedOwner : userId);
  const tokenizer = createIncrementalTokenizer();

  const find = (userId: string, id: string): Document | null => {
    const document = storage.find(id);
    const isVisible = document?.owner === ownerOf(userId) && document.deletedAt === null;
    return isVisible ? document : null;
  };

  const store = (current: Document, next: Document): Document => {
    // Later than the last change, even within one millisecond: a comparison must show that it changed.
    const updatedAt = Math.max(clock.now(), current.updatedAt + 1);
    const document = { ...next, id: current.id, owner: current.owner, updatedAt };
    // Tokenizing a long text takes a second, and most changes only set a marker.
    storage.replace(
      document,
      hasSameContent(current, document) ? undefined : tokenizer.tokensOf(document),
    );
    return document;
  };

  return {
    ownerOf,
    transaction: storage.transaction,
    tokenizeBefore: tokenizer.tokenizeBefore,
    reindexBatch: () => reindexBatch(storage, tokenizer),
    ...createSearcher(storage, ownerOf, find),
    get: find,
    findFile: (userId, path) => storage.findFile(ownerOf(userId), path),

    create(userId, { title, text, origin, markdown, metadata }) {
      const now = clock.now();
      const document: Document = {
        id: ids(),
        owner: ownerOf(userId),
        title: titleOf(title, text),
        extractedText: text,
        mdContent: markdown ?? null,
        contentOrigin: origin,
        mdDraftStatus: null,
        mdStatus: markdown === undefined ? null : 'success',
        mdExtractionEngine: markdown === undefined ? null : origin,
        mdGeneratedAt: markdown === undefined ? null : now,
        sourceMetadata: { source: origin, ...metadata },
        createdAt: now,
        updatedAt: now,
        deletedAt: null,
      };
      storage.insert(document, tokenizer.tokensOf(document));
      return document;
    },

    change(userId, id, edit) {
      return storage.transaction(() => {
        const current = storage.find(id);
        if (current === null || current.owner !== ownerOf(userId)) return null;
        const next = edit(current);
        return next === null ? current : store(current, next);
      });
    },

    remove(userId, id) {
      return storage.transaction(() => {
        const current = find(userId, id);
        if (current === null) return false;
        store(current, { ...current, deletedAt: clock.now() });
        return true;
      });
    },

    list: (userId, query) => storage.list({ ...query, owner: ownerOf(userId) }),
  };
}

/** Search in the documents that `find` shows to a user. */
function createSearcher(
  storage: DocumentStorage,
  ownerOf: Library['ownerOf'],
  find: (userId: string, id: string) => Document | null,
): DocumentSearcher {
  const rank = (userId: string, words: ParsedQuery, limit: number, isStrict: boolean): Ranking => {
    const most = Math.min(Math.max(1, Math.floor(limit)), limitMax);
    return rankDocuments(storage, ownerOf(userId), words, { limit: most, isStrict });
  };
  return {
    search(userId, query, limit = 10) {
      const words = parseQuery(query);
      const { found, isExact } = rank(userId, words, limit, false);
      const hits = found.flatMap(({ id, score }) => {
        const document = find(userId, id);
        if (document === null) return [];
        return { ...hitOf(document, words), score: Number(score.toPrecision(6)) };
      });
      return { hits, isExact };
    },

    rank: (userId, query, limit, isStrict = false) =>
      rank(userId, parseQuery(query), limit, isStrict),

    getHit(userId, id, query) {
      const document = find(userId, id);
      return document === null ? null : hitOf(document, parseQuery(query));
    },
  };
}

function hitOf({ id, title, extractedText, mdContent }: Document, words: ParsedQuery): SearchHit {
  const inText = snippetOf(extractedText, words);
  const snippet = inText === '' ? snippetOf(mdContent ?? '', words) : inText;
  return { id, title, snippet, score: 0 };
}

/** Whether the index tokens stay the same. */
const hasSameContent = (one: Document, other: Document): boolean =>
  one.title === other.title &&
  one.extractedText === other.extractedText &&
  one.mdContent === other.mdContent &&
  one.deletedAt === other.deletedAt;

/** One line: the given title, else the first line that is not empty. */
export function titleOf(title: string | undefined, text: string): string {
  const lines = [title ?? '', ...text.slice(0, 4000).split('\n', 40)];
  const first = lines
    .map((line) => line.replace(/^[\s#>*-]+/, '').trim())
    .find((line) => line !== '');
  const line = (first ?? '').normalize('NFC').replace(/[\p{Cc}\s]+/gu, ' ');
  return Array.from(line).slice(0, titleCharsMax).join('') || '제목 없음';
}

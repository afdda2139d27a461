/**
 * The library: every document is created, changed and found through it.
 *
 * 1. Every document has an owner, and no other user finds it (unless the library is shared).
 * 2. A document is searched by its submitted text and its markdown; a deleted document is not found.
 * 3. A change is decided on stored data and committed only if that data is still the same; else it is decided again. No
 *    update is lost, also of another process.
 * 4. The submitted text is replaced only by its owner or by a new version of its file, never by drafting (P11).
 */
import type { FoundSource } from '#machines/ask-types';
import type { Clock } from '#shared/clock';
import type { IdSource } from '#shared/ids';
import { repeatOnConflict } from '#shared/repeat-on-conflict';
import { createSerialQueue } from '#shared/serial-queue';
import type { DocumentEvent } from '#shared/wire/document-event';
import type { ContentOrigin, Document, SourceMetadata } from './document.ts';
import type { DocumentQuery, DocumentStorage, ListedDocument } from './document-port.ts';
import { rankDocuments, type Ranking } from './fulltext/fts-ranking.ts';
import { parseQuery, type ParsedQuery } from './fulltext/fts-terms.ts';
import { snippetOf } from './fulltext/snippet.ts';
import { reindexBatch } from './fulltext/reindexer.ts';
import {
  collectChanges,
  isEmptyChange,
  type Changes,
  type CommitChanges,
} from './library-changes.ts';

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
  search(userId: string, query: string, limit?: number): Promise<SearchResult>;
  /** Only the ranking, without reading texts. `isStrict`: without documents that are merely similar. */
  rank(userId: string, query: string, limit: number, isStrict?: boolean): Promise<Ranking>;
  /** One document as a search hit, with score 0; null when the user can see no such document. */
  getHit(userId: string, id: string, query: string): Promise<SearchHit | null>;
}

export interface Library extends DocumentSearcher {
  /** Reindexes a batch of documents that an earlier version indexed; resolves with whether there may be more. */
  reindexBatch(): Promise<boolean>;
  /** The owner of this user's documents: in a shared library the same for all users. */
  ownerOf(userId: string): string;
  /** Durable when it resolves. */
  create(userId: string, document: NewDocument): Promise<Document>;
  /** A new document of this user, not stored yet. */
  newDocument(userId: string, document: NewDocument): Document;
  /** Null when the user can see no such document. With `changes` the document is part of the basis of a change. */
  get(userId: string, id: string, changes?: Pick<Changes, 'find'>): Promise<Document | null>;
  /** Newest first. */
  list(userId: string, query: Omit<DocumentQuery, 'owner'>): Promise<ListedDocument[]>;
  commit: CommitChanges;
  /** Number of changes of existing documents since the start: an equal number means that none has changed. */
  readonly changeCount: number;
}

export interface LibraryOptions {
  storage: DocumentStorage;
  ids: IdSource;
  clock: Clock;
  /** One library for all users. Otherwise each user has a separate library. */
  shared?: boolean;
  /** Called in commit order with each event, when its change is on disk. */
  publish?: (event: DocumentEvent) => void;
}

export function createLibrary(options: LibraryOptions): Library {
  const { storage, ids, clock, shared = false } = options;
  const ownerOf = (userId: string): string => (shared ? sharedOwner : userId);
  const { commit, changeCount } = createCommitter(options);

  const get: Library['get'] = async (userId, id, changes = storage) => {
    const document = await changes.find(id);
    const isVisible = document?.owner === ownerOf(userId) && document.deletedAt === null;
    return isVisible ? document : null;
  };

  const newDocument: Library['newDocument'] = (
    userId,
    { title, text, origin, markdown, metadata },
  ) => {
    const now = clock.now();
    return {
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
  };

  return {
    ownerOf,
    commit,
    get changeCount() {
      return changeCount();
    },
    reindexBatch: () => reindexBatch(storage, commit),
    ...createSearcher(storage, ownerOf, get),
    get,
    newDocument,
    create: (userId, document) =>
      commit(null, (changes) => changes.add(newDocument(userId, document))),
    list: (userId, query) => storage.list({ ...query, owner: ownerOf(userId) }),
  };
}

function createCommitter({ storage, clock, publish }: LibraryOptions): {
  commit: CommitChanges;
  changeCount: () => number;
} {
  const inOrder = createSerialQueue();
  let changeCount = 0;
  return {
    changeCount: () => changeCount,
    commit(key, decide) {
      const tokens = new Map<string, string>();
      const attempt = async () => {
        const changes = collectChanges({ storage, clock, tokens });
        const value = await decide(changes);
        if (isEmptyChange(changes.change)) return { value };
        const stored = storage.commit(changes.change);
        // A store that is done at once publishes at once: in the order of its commits.
        const events = stored instanceof Promise ? await stored : stored;
        if (events === 'conflict') return events;
        const { replaced, drafts } = changes.change;
        if (replaced.length + drafts.length + events.length > 0) changeCount += 1;
        for (const event of events) publish?.(event);
        return { value };
      };
      const run = async () => (await repeatOnConflict(attempt)).value;
      return key === null ? run() : inOrder(key, run);
    },
  };
}

/** Search in the documents that `get` shows to a user. */
function createSearcher(
  storage: DocumentStorage,
  ownerOf: Library['ownerOf'],
  get: Library['get'],
): DocumentSearcher {
  const rank = (
    userId: string,
    words: ParsedQuery,
    limit: number,
    isStrict: boolean,
  ): Promise<Ranking> => {
    const most = Math.min(Math.max(1, Math.floor(limit)), limitMax);
    return rankDocuments(storage, ownerOf(userId), words, { limit: most, isStrict });
  };
  return {
    async search(userId, query, limit = 10) {
      const words = parseQuery(query);
      const { found, isExact } = await rank(userId, words, limit, false);
      const hits: SearchHit[] = [];
      for (const { id, score } of found) {
        const document = await get(userId, id);
        if (document === null) continue;
        hits.push({ ...hitOf(document, words), score: Number(score.toPrecision(6)) });
      }
      return { hits, isExact };
    },

    rank: (userId, query, limit, isStrict = false) =>
      rank(userId, parseQuery(query), limit, isStrict),

    async getHit(userId, id, query) {
      const document = await get(userId, id);
      return document === null ? null : hitOf(document, parseQuery(query));
    },
  };
}

function hitOf({ id, title, extractedText, mdContent }: Document, words: ParsedQuery): SearchHit {
  const inText = snippetOf(extractedText, words);
  const snippet = inText === '' ? snippetOf(mdContent ?? '', words) : inText;
  return { id, title, snippet, score: 0 };
}

/** One line: the given title, else the first line that is not empty. */
export function titleOf(title: string | undefined, text: string): string {
  const lines = [title ?? '', ...text.slice(0, 4000).split('\n', 40)];
  const first = lines
    .map((line) => line.replace(/^[\s#>*-]+/, '').trim())
    .find((line) => line !== '');
  const line = (first ?? '').normalize('NFC').replace(/[\p{Cc}\s]+/gu, ' ');
  return Array.from(line).slice(0, titleCharsMax).join('') || '제목 없음';
}

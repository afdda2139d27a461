/**
 * The library: every document goes in, changes and is found through here.
 *
 * 1. Everything has an owner, and nobody else finds it (unless the library is shared).
 * 2. What a document says is searched as it was given and as markdown; a deleted one is not found.
 * 3. The given text is replaced only by its owner or by a new version of its file, never by drafting (P11).
 */
import type { Clock } from '../lib/clock.ts';
import type { IdSource } from '../lib/ids.ts';
import type { ContentOrigin, Document, SourceMetadata } from './document.ts';
import type { DocumentQuery, DocumentStorage, ListedDocument } from './document-port.ts';
import { rankDocuments, type Ranking } from './ranking.ts';
import { queryWords, type QueryWords } from './search-words.ts';
import { snippetOf } from './snippet.ts';
import { createWordCutter, type WordCutter } from './word-cutter.ts';
import { renewSome } from './word-renewal.ts';

/** Characters of a title. */
const titleCharsMax = 200;

/** Results of one search, at most. */
const limitMax = 100;

/** Owner of everything in a shared library: also the user of a message that names none. */
const sharedOwner = 'local';

export interface NewDocument {
  /** The first line of the text where there is none. */
  title?: string | undefined;
  text: string;
  origin: Exclude<ContentOrigin, 'ai_drafted'>;
  /** Markdown that came with it. */
  markdown?: string | undefined;
  metadata?: SourceMetadata;
}

export interface SearchHit {
  id: string;
  title: string;
  /** One line, about 160 characters. */
  snippet: string;
  /** Larger is better; comparable within one search. */
  score: number;
}

export interface SearchResult {
  hits: SearchHit[];
  /** `false`: no document has every word; these have most of the question. */
  isExact: boolean;
}

interface Finder {
  /** Documents with the words of the question, best first; `limit` 1 to 100. */
  search(userId: string, query: string, limit?: number): SearchResult;
  /** Which they are, without a look at their texts. `isStrict`: none that is merely similar. */
  rank(userId: string, query: string, limit: number, isStrict?: boolean): Ranking;
  /** What a search shows of one document, with the score 0; null where there is none that the user may see. */
  hit(userId: string, id: string, query: string): SearchHit | null;
}

export interface Library extends Finder, Pick<WordCutter, 'ahead'> {
  /** Brings some documents of an earlier version's index to its present form; resolves with whether there may be more. */
  renewSome(): Promise<boolean>;
  /** In whose name this user's documents are: of a shared library it is one for all. */
  ownerOf(userId: string): string;
  /** Durable when it returns. */
  create(userId: string, document: NewDocument): Document;
  /** Null where there is none that the user may see. */
  get(userId: string, id: string): Document | null;
  /** The document that was imported from this path, also a deleted one. */
  findFile(userId: string, path: string): Document | null;
  /**
   * Reads, changes and writes in one transaction. `edit` returns what is to be stored, or null to leave it;
   * it must not wait. The result is what is stored afterwards, null where there is no such document.
   */
  change(userId: string, id: string, edit: (current: Document) => Document | null): Document | null;
  /** Soft: nobody finds it; the row leaves later, with what is old. False where there was none. */
  remove(userId: string, id: string): boolean;
  /** Newest first. */
  list(userId: string, query: Omit<DocumentQuery, 'owner'>): ListedDocument[];
  /** All writes of `work` in one transaction. Not for work that waits. */
  together<Value>(work: () => Value): Value;
}

export interface LibraryOptions {
  storage: DocumentStorage;
  ids: IdSource;
  clock: Clock;
  /** One library for everybody. Otherwise each user has his own. */
  shared?: boolean;
}

/** A library over the storage. */
export function createLibrary(options: LibraryOptions): Library {
  const { storage, ids, clock, shared = false } = options;
  const ownerOf = (userId: string): string => (shared ? sharedOwner : userId);
  const cutter = createWordCutter();

  const find = (userId: string, id: string): Document | null => {
    const document = storage.find(id);
    const isVisible = document?.owner === ownerOf(userId) && document.deletedAt === null;
    return isVisible ? document : null;
  };

  const store = (current: Document, next: Document): Document => {
    // Later than the last change, also within one millisecond: whoever compares sees that it changed.
    const updatedAt = Math.max(clock.now(), current.updatedAt + 1);
    const document = { ...next, id: current.id, owner: current.owner, updatedAt };
    // Cutting a long text into words takes a second, and most changes are of a marker.
    storage.replace(
      document,
      saysTheSame(current, document) ? undefined : cutter.wordsOf(document),
    );
    return document;
  };

  return {
    ownerOf,
    together: storage.together,
    ahead: cutter.ahead,
    renewSome: () => renewSome(storage, cutter),
    ...createFinder(storage, ownerOf, find),
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
      storage.insert(document, cutter.wordsOf(document));
      return document;
    },

    change(userId, id, edit) {
      return storage.together(() => {
        const current = storage.find(id);
        if (current === null || current.owner !== ownerOf(userId)) return null;
        const next = edit(current);
        return next === null ? current : store(current, next);
      });
    },

    remove(userId, id) {
      return storage.together(() => {
        const current = find(userId, id);
        if (current === null) return false;
        store(current, { ...current, deletedAt: clock.now() });
        return true;
      });
    },

    list: (userId, query) => storage.list({ ...query, owner: ownerOf(userId) }),
  };
}

/** Searching in the documents that `find` shows a user. */
function createFinder(
  storage: DocumentStorage,
  ownerOf: Library['ownerOf'],
  find: (userId: string, id: string) => Document | null,
): Finder {
  const rank = (userId: string, words: QueryWords, limit: number, isStrict: boolean): Ranking => {
    const most = Math.min(Math.max(1, Math.floor(limit)), limitMax);
    return rankDocuments(storage, ownerOf(userId), words, { limit: most, isStrict });
  };
  return {
    search(userId, query, limit = 10) {
      const words = queryWords(query);
      const { found, isExact } = rank(userId, words, limit, false);
      const hits = found.flatMap(({ id, score }) => {
        const document = find(userId, id);
        if (document === null) return [];
        return { ...hitOf(document, words), score: Number(score.toPrecision(6)) };
      });
      return { hits, isExact };
    },

    rank: (userId, query, limit, isStrict = false) =>
      rank(userId, queryWords(query), limit, isStrict),

    hit(userId, id, query) {
      const document = find(userId, id);
      return document === null ? null : hitOf(document, queryWords(query));
    },
  };
}

function hitOf({ id, title, extractedText, mdContent }: Document, words: QueryWords): SearchHit {
  const inText = snippetOf(extractedText, words);
  const snippet = inText === '' ? snippetOf(mdContent ?? '', words) : inText;
  return { id, title, snippet, score: 0 };
}

/** Whether the words are those of before. */
const saysTheSame = (one: Document, other: Document): boolean =>
  one.title === other.title &&
  one.extractedText === other.extractedText &&
  one.mdContent === other.mdContent &&
  one.deletedAt === other.deletedAt;

/** One line: the title that was given, else the first line with anything in it. */
export function titleOf(title: string | undefined, text: string): string {
  const lines = [title ?? '', ...text.slice(0, 4000).split('\n', 40)];
  const first = lines
    .map((line) => line.replace(/^[\s#>*-]+/, '').trim())
    .find((line) => line !== '');
  const line = (first ?? '').normalize('NFC').replace(/[\p{Cc}\s]+/gu, ' ');
  return Array.from(line).slice(0, titleCharsMax).join('') || '제목 없음';
}

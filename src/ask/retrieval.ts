/**
 * Retrieves the documents for a question: by keywords in several steps, each less strict than the one before, and by
 * semantic search if it is configured. Always in the asker's own library. The steps compare ids only; texts are read
 * for the returned documents alone. Yields to the event loop between two searches.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { FoundSource } from '#machines/ask-types';
import type { Passage } from '#shared/text/passage';
import { cleanText } from '#language/normalize-text';
import { questionSentence, extractKeywords } from '#language/query-keywords';

export interface FoundDocument extends FoundSource {
  /** Offset of the passage that semantic search found; if omitted, the passage is found by its words. */
  at?: number | undefined;
}

export interface RetrievalResult {
  /** Best first. */
  hits: FoundDocument[];
  /** False: no document has every word; these are only similar. */
  isExact: boolean;
}

/** Where a passage begins: at a given character, at a semantic match, or at the words. */
export interface PassageStart {
  words: string;
  at?: number | undefined;
  from?: number | undefined;
}

/** The document operations that retrieval needs. */
export interface RetrievalStore {
  /** Full text search, best first. `isStrict`: without documents that are only similar. */
  rank(
    userId: string,
    query: string,
    limit: number,
    isStrict: boolean,
  ): Promise<{ ids: string[]; isExact: boolean }>;
  /** The hit of one document; null if there is no such document. */
  getHit(userId: string, id: string, query: string): Promise<FoundDocument | null>;
  /** Merges semantic search results into one ranking. Returns `found` unchanged if semantic search is off or fails. */
  mergeSemantic(
    userId: string,
    query: string,
    found: RetrievalResult,
    limit: number,
    signal: AbortSignal,
  ): Promise<RetrievalResult>;
  /** Null if there is no such document. */
  getTitle(userId: string, id: string): Promise<string | null>;
  /** At most `charsMax` characters of the document; null if it is gone. */
  getPassage(
    userId: string,
    id: string,
    start: PassageStart,
    charsMax: number,
  ): Promise<Passage | null>;
}

interface RetrievalRequest {
  userId: string;
  query: string;
  limit: number;
  signal: AbortSignal;
}

/** The best documents for a question, or for a model's search words. */
export async function retrieveSources(
  library: RetrievalStore,
  wanted: RetrievalRequest,
): Promise<RetrievalResult> {
  const { userId, query, limit, signal } = wanted;
  const { ids, isExact } = await searchByWords(library, wanted);
  const hits: FoundDocument[] = [];
  for (const id of ids) {
    await yieldToEventLoop();
    const hit = await library.getHit(userId, id, passageQuery(query));
    if (hit !== null) hits.push(hit);
  }
  return library.mergeSemantic(userId, query, { hits, isExact }, limit, signal);
}

/** The words that a passage should contain: first those of the question itself, then those of its context. */
export const passageQuery = (query: string): string =>
  [...new Set([...extractKeywords(questionSentence(query)), ...extractKeywords(query)])].join(
    ' ',
  ) || query;

interface RankedIds {
  ids: string[];
  isExact: boolean;
}

/**
 * Steps: all words as given; then without question words; then only the sentence with the question, without its
 * context; then documents with half of the remaining words. Never by question words alone: they occur in every second
 * document.
 */
async function searchByWords(
  library: RetrievalStore,
  { userId, query, limit }: RetrievalRequest,
): Promise<RankedIds> {
  const whole = await library.rank(userId, query, limit, true);
  if (whole.ids.length > 0) return whole;
  const words = extractKeywords(query);
  if (words.length === 0) return { ids: [], isExact: true };
  const asked = extractKeywords(questionSentence(query));
  // A sentence with one keyword is more often a thank-you than the question.
  const hasContext = asked.length > 1 && asked.length < words.length;
  const similar = new Set<string>();
  for (const some of hasContext ? [words, asked] : [words]) {
    await yieldToEventLoop();
    const bare = await library.rank(userId, some.join(' '), limit, false);
    if (bare.ids.length > 0 && bare.isExact) return bare;
    for (const id of bare.ids) similar.add(id);
  }
  const some = hasContext ? await searchBySingleWords(library, userId, asked) : [];
  const any = await searchBySingleWords(library, userId, words);
  return { ids: [...new Set([...some, ...any, ...similar])].slice(0, limit), isExact: false };
}

/** Documents per word that are scored by how many of the words they have. */
const candidatesPerWord = 50;
/** A long question has more context than question: half of this many words is enough. */
const wordsCounted = 8;

/** Documents with half of the words, those with the most and the rarest words first. */
async function searchBySingleWords(
  library: RetrievalStore,
  userId: string,
  words: readonly string[],
): Promise<string[]> {
  if (words.length < 2) return [];
  const scores = new Map<string, { count: number; worth: number }>();
  for (const word of words) {
    await yieldToEventLoop();
    const { ids } = await library.rank(userId, word, candidatesPerWord, true);
    const rarity = 1 / Math.sqrt(ids.length);
    for (const id of ids) {
      const { count, worth } = scores.get(id) ?? { count: 0, worth: 0 };
      scores.set(id, { count: count + 1, worth: worth + rarity });
    }
  }
  const enough = Math.min(words.length, wordsCounted) / 2;
  return [...scores]
    .filter(([, { count }]) => count >= enough)
    .sort(([, a], [, b]) => b.worth - a.worth)
    .map(([id]) => id);
}

/** A passage as a model sees it: with marks where text is left out; at most two characters longer. */
export const formatPassage = ({ text, from, to, length }: Passage): string =>
  `${from > 0 ? '…' : ''}${cleanText(text)}${to < length ? '…' : ''}`;

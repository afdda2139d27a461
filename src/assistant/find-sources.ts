/**
 * Which documents a question is answered from: by its words, down a ladder, and by its meaning where that is
 * configured. Always the asker's own library. The ladder is of ids: texts are read for what is returned alone,
 * and others have their turn between two searches.
 */
import { othersTurn } from '../lib/others-turn.ts';
import { askedSentence, askWords } from '../routing/ask-words.ts';

export interface FoundDocument {
  id: string;
  title: string;
  /** One line, about 160 characters. */
  snippet: string;
  /** Where in its text the passage is that is near in meaning; where the words stand if left out. */
  at?: number | undefined;
}

export interface Found {
  /** Best first. */
  hits: FoundDocument[];
  /** False: no document has every word; these are merely similar. */
  isExact: boolean;
}

/** Part of a document's text, in UTF-16 code units. */
export interface Passage {
  text: string;
  from: number;
  to: number;
  /** Of the whole text. */
  length: number;
}

/** Where a passage begins: at a character, where it is near in meaning, or where the words stand. */
export interface PassageStart {
  words: string;
  at?: number | undefined;
  from?: number | undefined;
}

/** The documents, as a question needs them. */
export interface AskLibrary {
  /** By words, best first. `isStrict`: none that is merely similar. */
  rank(
    userId: string,
    query: string,
    limit: number,
    isStrict: boolean,
  ): { ids: string[]; isExact: boolean };
  /** What is shown of one; null where there is no such document. */
  hit(userId: string, id: string, query: string): FoundDocument | null;
  /** The same with what is near in meaning, in one ranking. As it was where that is not configured or fails. */
  blend(
    userId: string,
    query: string,
    found: Found,
    limit: number,
    signal: AbortSignal,
  ): Promise<Found>;
  /** Null where there is no such document. */
  title(userId: string, id: string): string | null;
  /** At most `charsMax` characters of the document; null where it is gone. */
  passage(userId: string, id: string, start: PassageStart, charsMax: number): Passage | null;
}

interface Wanted {
  userId: string;
  query: string;
  limit: number;
  signal: AbortSignal;
}

/** The best documents for a question, or for the words that a model looks for. */
export async function findSources(library: AskLibrary, wanted: Wanted): Promise<Found> {
  const { userId, query, limit, signal } = wanted;
  const { ids, isExact } = await byWords(library, wanted);
  const hits: FoundDocument[] = [];
  for (const id of ids) {
    await othersTurn();
    const hit = library.hit(userId, id, passageWords(query));
    if (hit !== null) hits.push(hit);
  }
  return library.blend(userId, query, { hits, isExact }, limit, signal);
}

/** The words that a passage should hold: first those of what is asked, then what is told around it. */
export const passageWords = (query: string): string =>
  [...new Set([...askWords(askedSentence(query)), ...askWords(query)])].join(' ') || query;

interface Ranked {
  ids: string[];
  isExact: boolean;
}

/**
 * By all words as they were said; then without those that only ask; then by the sentence that asks, without what is
 * told around it; then those that have half of what is left. Never by the asking words alone: they are in every
 * second document.
 */
async function byWords(library: AskLibrary, { userId, query, limit }: Wanted): Promise<Ranked> {
  const whole = library.rank(userId, query, limit, true);
  if (whole.ids.length > 0) return whole;
  const words = askWords(query);
  if (words.length === 0) return { ids: [], isExact: true };
  const asked = askWords(askedSentence(query));
  // A sentence of one word is more often thanks than a question.
  const isTold = asked.length > 1 && asked.length < words.length;
  const similar = new Set<string>();
  for (const some of isTold ? [words, asked] : [words]) {
    await othersTurn();
    const bare = library.rank(userId, some.join(' '), limit, false);
    if (bare.ids.length > 0 && bare.isExact) return bare;
    for (const id of bare.ids) similar.add(id);
  }
  const some = isTold ? await bySingleWords(library, userId, asked) : [];
  const any = await bySingleWords(library, userId, words);
  return { ids: [...new Set([...some, ...any, ...similar])].slice(0, limit), isExact: false };
}

/** Documents of a single word that are looked at for how many of the words they have. */
const candidates = 50;
/** A long question is told more than asked: half of so many words is enough. */
const wordsCounted = 8;

/** Documents with half of the words, those with the most and the rarest words first. */
async function bySingleWords(
  library: AskLibrary,
  userId: string,
  words: readonly string[],
): Promise<string[]> {
  if (words.length < 2) return [];
  const had = new Map<string, { count: number; worth: number }>();
  for (const word of words) {
    await othersTurn();
    const { ids } = library.rank(userId, word, candidates, true);
    const rarity = 1 / Math.sqrt(ids.length);
    for (const id of ids) {
      const { count, worth } = had.get(id) ?? { count: 0, worth: 0 };
      had.set(id, { count: count + 1, worth: worth + rarity });
    }
  }
  const enough = Math.min(words.length, wordsCounted) / 2;
  return [...had]
    .filter(([, { count }]) => count >= enough)
    .sort(([, a], [, b]) => b.worth - a.worth)
    .map(([id]) => id);
}

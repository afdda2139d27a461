/**
 * Which documents a question is answered from: by its words, down a ladder, and by its meaning where that is
 * configured. Always the asker's own library.
 */
import { askWords } from '../routing/ask-words.ts';

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

/** The documents, as a question needs them. */
export interface AskLibrary {
  /** By words. */
  search(userId: string, query: string, limit: number): Found;
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
  /** At most `charsMax` characters of the document, from `at`, or where the words stand; null where it is gone. */
  passage(
    userId: string,
    id: string,
    where: { words: string; at?: number | undefined },
    charsMax: number,
  ): string | null;
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
  return library.blend(userId, query, byWords(library, wanted), limit, signal);
}

/** The passage of a hit that is worth reading, its snippet where the document has just gone. */
export function passageOf(
  library: AskLibrary,
  userId: string,
  { id, snippet, at }: FoundDocument,
  query: string,
  charsMax: number,
): string {
  const words = askWords(query).join(' ') || query;
  return library.passage(userId, id, { words, at }, charsMax) ?? snippet;
}

/**
 * By all words as they were said; then without those that only ask; then those that have half of what is left.
 * Never by the asking words alone: they are in every second document.
 */
function byWords(library: AskLibrary, { userId, query, limit }: Wanted): Found {
  const whole = library.search(userId, query, limit);
  if (whole.hits.length > 0 && whole.isExact) return whole;
  const words = askWords(query);
  if (words.length === 0) return { hits: [], isExact: true };
  const bare = library.search(userId, words.join(' '), limit);
  if (bare.hits.length > 0 && bare.isExact) return bare;
  const similar = new Map<string, FoundDocument>();
  for (const hit of [...bySingleWords(library, userId, words), ...bare.hits]) {
    if (!similar.has(hit.id)) similar.set(hit.id, hit);
  }
  return { hits: [...similar.values()].slice(0, limit), isExact: false };
}

/** Documents of a single word that are looked at for how many of the words they have. */
const candidates = 20;

function bySingleWords(
  library: AskLibrary,
  userId: string,
  words: readonly string[],
): FoundDocument[] {
  if (words.length < 2) return [];
  const had = new Map<string, { hit: FoundDocument; count: number }>();
  for (const word of words) {
    const { hits, isExact } = library.search(userId, word, candidates);
    for (const hit of isExact ? hits : []) {
      const known = had.get(hit.id);
      if (known === undefined) had.set(hit.id, { hit, count: 1 });
      else known.count += 1;
    }
  }
  return [...had.values()]
    .filter(({ count }) => count * 2 >= words.length)
    .sort((a, b) => b.count - a.count)
    .map(({ hit }) => hit);
}

/**
 * Search by meaning beside search by words, in one ranking. Full text is always there; what is near in meaning
 * is added where it can be had in time, and its absence is no error.
 *
 * M1 Ranks are merged, never scores: those of words and those of vectors have nothing in common (reciprocal
 *    rank, k = 60).
 * M2 Only documents that the asker may see, and none that is deleted or has changed since: the library has the
 *    last word.
 * M3 What only meaning has found is never called exact.
 */
import type { Embedder, NearDocument, VectorStorage } from './embedding-port.ts';
import type { Library, SearchHit, SearchResult } from './library.ts';
import { textOf } from './meaning-index.ts';
import { queryWords } from './search-words.ts';
import { snippetOf } from './snippet.ts';

export interface MeaningHit extends SearchHit {
  /** Where its text comes near to the question; only of what meaning has found. */
  at?: number | undefined;
}

export interface BlendedResult {
  hits: MeaningHit[];
  isExact: boolean;
}

export interface MeaningOptions {
  library: Pick<Library, 'get' | 'rank' | 'hit'>;
  embedder: Embedder;
  storage: VectorStorage;
  /** In whose name the user's documents are kept. */
  ownerOf(userId: string): string;
  /** Nearer than this, -1 to 1, or it is not found. */
  minSimilarity: number;
  /** Who searches looks at the screen: a server that takes longer to read one sentence is busy or away. */
  queryTimeoutMs: number;
  /** Told of each question that could not be asked; null when one could. */
  onProblem(reason: string | null): void;
}

export interface Meaning {
  /** The words' result with what is near in meaning; as it was where nothing can be had within a second or two. */
  blend(
    userId: string,
    query: string,
    found: SearchResult,
    limit: number,
    signal?: AbortSignal,
  ): Promise<BlendedResult>;
}

/** Where search by meaning is off. */
export const withoutMeaning: Meaning = {
  blend: (_userId, _query, found) => Promise.resolve(found),
};

/** The constant of the method's paper: large enough that the first of one list does not drown the other. */
const rankConstant = 60;
/** Of each list. */
const candidates = 50;
/** An ask searches several times in the same words. */
const vectorsKept = 64;
const queryCharsMax = 500;

export function createMeaning(options: MeaningOptions): Meaning {
  const { library, embedder, storage, onProblem } = options;
  const vectors = new Map<string, Float32Array>();

  async function vectorOf(
    query: string,
    signal: AbortSignal,
    hasLeft: () => boolean,
  ): Promise<Float32Array | null> {
    const known = vectors.get(query);
    if (known !== undefined && known.length === storage.dim) return known;
    const embedded = await embedder.embed([query], 'query', signal);
    const vector = embedded.ok ? embedded.vectors[0] : undefined;
    if (!embedded.ok && !embedded.isInput && !hasLeft()) onProblem(embedded.reason);
    if (vector === undefined) return null;
    onProblem(null);
    // Of another length than what is stored: the index is about to notice, and begins anew.
    if (vector.length !== storage.dim) return null;
    vectors.set(query, vector);
    if (vectors.size > vectorsKept) vectors.delete(vectors.keys().next().value!);
    return vector;
  }

  return {
    async blend(userId, query, found, limit, signal) {
      if (storage.dim === null || query.trim() === '') return found;
      const limits = [AbortSignal.timeout(options.queryTimeoutMs), ...(signal ? [signal] : [])];
      const within = AbortSignal.any(limits);
      const text = query.slice(0, queryCharsMax).toWellFormed();
      const vector = await vectorOf(text, within, () => signal?.aborted === true);
      if (vector === null) return found;
      const near = await storage.nearest(options.ownerOf(userId), vector, candidates, within);
      const close = near.filter(({ similarity }) => similarity >= options.minSimilarity);
      if (close.length === 0) return found;
      const words = queryWords(query);
      const hitOf = (one: NearDocument): MeaningHit | null => {
        const document = library.get(userId, one.id);
        if (document === null) return null;
        const text = textOf(document).slice(one.start, one.start + one.length);
        const { id, title } = document;
        return { id, title, snippet: snippetOf(text, words), score: 0, at: one.start };
      };
      const wider = widened(library, userId, query, found);
      const known = new Map(found.hits.map((hit) => [hit.id, hit]));
      const byWords = new Set(wider);
      const places = new Map(close.map((one) => [one.id, one]));
      const shown = (id: string): MeaningHit | null => {
        if (byWords.has(id)) return known.get(id) ?? library.hit(userId, id, query);
        return hitOf(places.get(id)!);
      };
      const isExact = found.isExact && found.hits.length > 0;
      const hits = merged([wider, close.map(({ id }) => id)], shown, limit);
      return { hits, isExact };
    },
  };
}

/** As many of the words' hits as of the others: a rank below the limit counts too. */
function widened(
  library: Pick<Library, 'rank'>,
  userId: string,
  query: string,
  found: SearchResult,
): string[] {
  const ids = found.hits.map(({ id }) => id);
  if (!found.isExact) return ids;
  const more = library.rank(userId, query, candidates, true).found.map(({ id }) => id);
  return [...new Set([...ids, ...more])];
}

/** One ranking of several lists of ids; only what is returned is looked at. */
function merged(
  lists: readonly (readonly string[])[],
  shown: (id: string) => MeaningHit | null,
  limit: number,
): MeaningHit[] {
  const scores = new Map<string, number>();
  for (const list of lists) {
    list.forEach((id, index) =>
      scores.set(id, (scores.get(id) ?? 0) + 1 / (rankConstant + index + 1)),
    );
  }
  const hits: MeaningHit[] = [];
  for (const [id, score] of [...scores].sort(([, a], [, b]) => b - a)) {
    if (hits.length === limit) break;
    const hit = shown(id);
    if (hit !== null) hits.push({ ...hit, score: Number(score.toPrecision(6)) });
  }
  return hits;
}

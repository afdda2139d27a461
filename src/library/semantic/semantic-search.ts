/**
 * Semantic search beside full-text search, in one ranking. Full-text results are always returned; semantic results are
 * added when they are available in time, and their absence is no error.
 *
 * M1 Rankings are merged, never scores: full-text scores and vector similarities are not comparable (reciprocal rank
 *    fusion, k = 60).
 * M2 Only documents that the user may see, and none that is deleted or has changed since: the library decides.
 * M3 Documents that only semantic search has found are never reported as exact.
 */
import type { Embedder } from '#shared/model/embedder';
import type { NearDocument, VectorStorage } from './embedding-port.ts';
import type { Library, SearchHit, SearchResult } from '../library.ts';
import { embeddableText } from './embedding-indexer.ts';
import { parseQuery } from '../fulltext/fts-terms.ts';
import { snippetOf } from '../fulltext/snippet.ts';

export interface SemanticHit extends SearchHit {
  /** Start of the chunk that is near to the query; only for semantic results. */
  at?: number | undefined;
}

export interface HybridResult {
  hits: SemanticHit[];
  isExact: boolean;
}

export interface SemanticSearchOptions {
  library: Pick<Library, 'get' | 'rank' | 'getHit'>;
  embedder: Embedder;
  storage: VectorStorage;
  /** The owner of the user's documents. */
  ownerOf(userId: string): string;
  /** Least similarity of a result, -1 to 1. */
  minSimilarity: number;
  /** A user waits for the search: a server that takes longer to embed one sentence is busy or unavailable. */
  queryTimeoutMs: number;
  /** Called with the reason when a query could not be embedded; with null after one was. */
  onProblem(reason: string | null): void;
}

export interface SemanticSearch {
  /** The full-text result merged with semantic results; unchanged when there are none within `queryTimeoutMs`. */
  mergeSemantic(
    userId: string,
    query: string,
    found: SearchResult,
    limit: number,
    signal?: AbortSignal,
  ): Promise<HybridResult>;
}

/** For configurations without semantic search. */
export const noSemanticSearch: SemanticSearch = {
  mergeSemantic: (_userId, _query, found) => Promise.resolve(found),
};

/** The constant of the method's paper: large enough that the first of one list does not outweigh the other list. */
const rrfConstant = 60;
/** Candidates of each list. */
const candidates = 50;
/** An ask loop searches several times with the same words. */
const cachedVectorsMax = 64;
const queryCharsMax = 500;

export function createSemanticSearch(options: SemanticSearchOptions): SemanticSearch {
  const { library, embedder, storage, onProblem } = options;
  const vectors = new Map<string, Float32Array>();

  async function embedQuery(
    query: string,
    dim: number,
    signal: AbortSignal,
    hasLeft: () => boolean,
  ): Promise<Float32Array | null> {
    const known = vectors.get(query);
    if (known?.length === dim) return known;
    const embedded = await embedder.embed([query], 'query', signal);
    const vector = embedded.ok ? embedded.vectors[0] : undefined;
    if (!embedded.ok && !embedded.isInput && !hasLeft()) onProblem(embedded.reason);
    if (vector === undefined) return null;
    onProblem(null);
    // Another length than the stored vectors: the indexer will notice that, and start over.
    if (vector.length !== dim) return null;
    vectors.set(query, vector);
    if (vectors.size > cachedVectorsMax) vectors.delete(vectors.keys().next().value!);
    return vector;
  }

  return {
    async mergeSemantic(userId, query, found, limit, signal) {
      const dim = query.trim() === '' ? null : await storage.dim();
      if (dim === null) return found;
      const limits = [AbortSignal.timeout(options.queryTimeoutMs), ...(signal ? [signal] : [])];
      const within = AbortSignal.any(limits);
      const text = query.slice(0, queryCharsMax).toWellFormed();
      const vector = await embedQuery(text, dim, within, () => signal?.aborted === true);
      if (vector === null) return found;
      const near = await storage.nearest(options.ownerOf(userId), vector, candidates, within);
      const close = near.filter(({ similarity }) => similarity >= options.minSimilarity);
      if (close.length === 0) return found;
      const words = parseQuery(query);
      const hitOf = async (one: NearDocument): Promise<SemanticHit | null> => {
        const document = await library.get(userId, one.id);
        if (document === null) return null;
        const text = embeddableText(document).slice(one.start, one.start + one.length);
        const { id, title } = document;
        return { id, title, snippet: snippetOf(text, words), score: 0, at: one.start };
      };
      const wider = await widenLexicalRanking(library, userId, query, found);
      const known = new Map(found.hits.map((hit) => [hit.id, hit]));
      const byWords = new Set(wider);
      const nearById = new Map(close.map((one) => [one.id, one]));
      const shown = async (id: string): Promise<SemanticHit | null> => {
        if (byWords.has(id)) return known.get(id) ?? library.getHit(userId, id, query);
        return hitOf(nearById.get(id)!);
      };
      const isExact = found.isExact && found.hits.length > 0;
      const hits = await fuseRankings([wider, close.map(({ id }) => id)], shown, limit);
      return { hits, isExact };
    },
  };
}

/** Takes as many full-text candidates as semantic ones: a rank below the limit counts too. */
async function widenLexicalRanking(
  library: Pick<Library, 'rank'>,
  userId: string,
  query: string,
  found: SearchResult,
): Promise<string[]> {
  const ids = found.hits.map(({ id }) => id);
  if (!found.isExact) return ids;
  const more = (await library.rank(userId, query, candidates, true)).found.map(({ id }) => id);
  return [...new Set([...ids, ...more])];
}

/** One ranking from several lists of ids; only returned documents are read. */
async function fuseRankings(
  lists: readonly (readonly string[])[],
  shown: (id: string) => Promise<SemanticHit | null>,
  limit: number,
): Promise<SemanticHit[]> {
  const scores = new Map<string, number>();
  for (const list of lists) {
    list.forEach((id, index) =>
      scores.set(id, (scores.get(id) ?? 0) + 1 / (rrfConstant + index + 1)),
    );
  }
  const hits: SemanticHit[] = [];
  for (const [id, score] of [...scores].sort(([, a], [, b]) => b - a)) {
    if (hits.length === limit) break;
    const hit = await shown(id);
    if (hit !== null) hits.push({ ...hit, score: Number(score.toPrecision(6)) });
  }
  return hits;
}

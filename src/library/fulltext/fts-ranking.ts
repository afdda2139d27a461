/**
 * Which documents a search finds, and in what order. In steps: first every word as written; behind those, words without
 * particles and split in two; and only when both find nothing, documents that have most of the query's terms. Reads
 * only the index, never the text of a document, however long it is.
 */
import type { DocumentStorage, RankedDocument } from '../document-port.ts';
import {
  anyTermQuery,
  exactQuery,
  relaxedQuery,
  termQuery,
  searchTermsOf,
  type ParsedQuery,
} from './fts-terms.ts';

/** Candidates for which the share of matching terms is counted. */
const fuzzyCandidates = 50;
/** Terms that are counted; each is one query. */
const fuzzyTermsMax = 24;

/**
 * Share of the query's terms that a similar document must have. Less calls documents similar that share one pair of
 * syllables by chance; more finds nothing that differs in its spelling.
 */
const fuzzyShareMin = 0.5;

export interface Ranking {
  /** Best first. */
  found: RankedDocument[];
  /** `false`: no document has every word; these have most of the query's terms. */
  isExact: boolean;
}

export type RankingStorage = Pick<DocumentStorage, 'search' | 'filterMatching'>;

/** At most `limit` documents of the owner. `isStrict`: only those that have every word. */
export async function rankDocuments(
  storage: RankingStorage,
  owner: string,
  words: ParsedQuery,
  { limit, isStrict }: { limit: number; isStrict: boolean },
): Promise<Ranking> {
  if (words.runs.length === 0) return { found: [], isExact: true };
  const found = await storage.search(owner, exactQuery(words), limit);
  const loose = found.length < limit ? relaxedQuery(words) : null;
  if (loose !== null) {
    const ids = new Set(found.map((one) => one.id));
    const wider = await storage.search(owner, loose, limit);
    const more = wider.filter((one) => !ids.has(one.id));
    const lowest = found.at(-1)?.score ?? Number.POSITIVE_INFINITY;
    for (const one of more.slice(0, limit - found.length)) {
      found.push({ ...one, score: Math.min(one.score, lowest) });
    }
  }
  if (found.length > 0 || isStrict) return { found, isExact: true };
  const matches = await fuzzyMatches(storage, owner, searchTermsOf(words));
  const similar = matches.slice(0, limit);
  return { found: similar, isExact: similar.length === 0 };
}

async function fuzzyMatches(
  storage: RankingStorage,
  owner: string,
  pieces: readonly string[],
): Promise<RankedDocument[]> {
  if (pieces.length < 2) return [];
  const candidates = await storage.search(owner, anyTermQuery(pieces), fuzzyCandidates);
  const ids = candidates.map(({ id }) => id);
  const probedTerms = pieces.slice(0, fuzzyTermsMax);
  const matchCounts = new Map<string, number>();
  for (const piece of ids.length === 0 ? [] : probedTerms) {
    for (const id of await storage.filterMatching(ids, termQuery(piece)))
      matchCounts.set(id, (matchCounts.get(id) ?? 0) + 1);
  }
  return candidates.filter(
    ({ id }) => (matchCounts.get(id) ?? 0) >= probedTerms.length * fuzzyShareMin,
  );
}

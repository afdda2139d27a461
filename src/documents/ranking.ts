/**
 * Which documents a search finds, and in what order. The ladder: every word as written; then without particles
 * and in two parts, behind those; and only where both find nothing, documents that have most of the question's
 * pieces. Reads the index alone: no text of a document is touched, however long it is.
 */
import type { DocumentStorage, RankedDocument } from './document-port.ts';
import {
  anyMatch,
  exactMatch,
  looseMatch,
  pieceMatch,
  piecesOf,
  type QueryWords,
} from './search-words.ts';

/** Candidates that are looked at for the share of the question that they have. */
const similarCandidates = 50;
/** Pieces of the question that they are looked at for; each is one query. */
const similarPieces = 24;

/**
 * Share of the question's pieces that a similar document must have. Less calls documents similar that share
 * one pair of syllables by chance; more finds nothing that differs in its spelling.
 */
const similarShare = 0.5;

export interface Ranking {
  /** Best first. */
  found: RankedDocument[];
  /** `false`: no document has every word; these have most of the question. */
  isExact: boolean;
}

export type RankStorage = Pick<DocumentStorage, 'search' | 'having'>;

/** At most `limit` documents of the owner. `isStrict`: only those that have every word. */
export function rankDocuments(
  storage: RankStorage,
  owner: string,
  words: QueryWords,
  { limit, isStrict }: { limit: number; isStrict: boolean },
): Ranking {
  if (words.runs.length === 0) return { found: [], isExact: true };
  const found = storage.search(owner, exactMatch(words), limit);
  const loose = found.length < limit ? looseMatch(words) : null;
  if (loose !== null) {
    const ids = new Set(found.map((one) => one.id));
    const more = storage.search(owner, loose, limit).filter((one) => !ids.has(one.id));
    const lowest = found.at(-1)?.score ?? Number.POSITIVE_INFINITY;
    for (const one of more.slice(0, limit - found.length)) {
      found.push({ ...one, score: Math.min(one.score, lowest) });
    }
  }
  if (found.length > 0 || isStrict) return { found, isExact: true };
  const similar = similarTo(storage, owner, piecesOf(words)).slice(0, limit);
  return { found: similar, isExact: similar.length === 0 };
}

function similarTo(
  storage: RankStorage,
  owner: string,
  pieces: readonly string[],
): RankedDocument[] {
  if (pieces.length < 2) return [];
  const candidates = storage.search(owner, anyMatch(pieces), similarCandidates);
  const ids = candidates.map(({ id }) => id);
  const looked = pieces.slice(0, similarPieces);
  const had = new Map<string, number>();
  for (const piece of ids.length === 0 ? [] : looked) {
    for (const id of storage.having(ids, pieceMatch(piece))) had.set(id, (had.get(id) ?? 0) + 1);
  }
  return candidates.filter(({ id }) => (had.get(id) ?? 0) >= looked.length * similarShare);
}

/**
 * The document search of all callers: full text, plus semantic search where embeddings are configured. If the server or
 * the extension for it is missing, full text search continues: the log has one line for the failure and one for the
 * recovery, and readiness shows the reason.
 */
import type { Library, SearchHit, SearchResult } from './library.ts';
import { startEmbeddingIndexer, type EmbeddingIndexer } from './semantic/embedding-indexer.ts';
import {
  createSemanticSearch,
  noSemanticSearch,
  type HybridResult,
  type SemanticSearch,
} from './semantic/semantic-search.ts';
import { messageOf } from '#shared/errors';
import type { FairSlices } from '#shared/fair-slices';
import type { Log } from '#shared/log';
import type { Embedder } from '#shared/model/embedder';
import type { OpenedVectors, VectorStorage } from './semantic/embedding-port.ts';

export interface DocumentSearch extends SemanticSearch {
  search(userId: string, query: string, limit: number, signal?: AbortSignal): Promise<HybridResult>;
  /** Why semantic search is configured but unavailable; null if there is no problem. */
  problem(): string | null;
  /** Documents that wait for their embedding; null if semantic search is off or not yet open. */
  backlog(): Promise<number | null>;
  /** Makes the vectors of new documents: one process at a time. Resolves when it has begun, or cannot. */
  startIndexing(): Promise<void>;
  /** Resolves when nothing is indexed any more. It may be started again. */
  stopIndexing(): Promise<void>;
  /** Resolves when all background work has stopped. */
  close(): Promise<void>;
}

export interface SemanticSearchOptions {
  /** Another model replaces all vectors. */
  model: string;
  /** Cosine similarity; less similar documents are not found. */
  minSimilarity: number;
  /** Maximum wait of a search for its vector; then full text alone. */
  queryTimeoutMs: number;
  createEmbedder(): Embedder & { close(): Promise<void> };
}

export interface DocumentSearchParts {
  /** Null: full text only. */
  semantic: SemanticSearchOptions | null;
  /** Opens the storage of vectors, or says why it is not available. */
  openVectors(): Promise<OpenedVectors>;
  library: Library;
  slices: FairSlices;
  log: Log;
}

/** Semantic search starts a moment later, when the extension is loaded. */
export function createDocumentSearch(parts: DocumentSearchParts): DocumentSearch {
  const { library, log, semantic, slices } = parts;
  const problems = createProblemTracker(log);
  const opening = semantic === null ? null : openOrReport({ ...parts, semantic }, problems.report);
  let ready: OpenedSemanticSearch | null = null;
  void opening?.then((one) => {
    ready = one;
  });

  const blend: SemanticSearch['mergeSemantic'] = (...asked) =>
    (ready?.semantic ?? noSemanticSearch).mergeSemantic(...asked);
  return {
    mergeSemantic: blend,
    search: async (userId, query, limit, signal) =>
      blend(
        userId,
        query,
        await searchYielding(library, slices, userId, query, limit),
        limit,
        signal,
      ),
    problem: problems.current,
    backlog: async () => (await ready?.store.backlogCount()) ?? null,
    startIndexing: async () => (await opening)?.startIndexing(),
    stopIndexing: async () => (await opening)?.stopIndexing(),
    async close() {
      await (await opening)?.close();
    },
  };
}

/** Same result as `library.search`, but yields between the texts so that other callers' slices run. */
async function searchYielding(
  library: Pick<Library, 'rank' | 'getHit'>,
  slices: FairSlices,
  userId: string,
  query: string,
  limit: number,
): Promise<SearchResult> {
  const { found, isExact } = await library.rank(userId, query, limit);
  const hits: SearchHit[] = [];
  for (const { id, score } of found) {
    await slices.wait(userId);
    const hit = await library.getHit(userId, id, query);
    if (hit !== null) hits.push({ ...hit, score: Number(score.toPrecision(6)) });
  }
  return { hits, isExact };
}

type SemanticSearchParts = DocumentSearchParts & { semantic: SemanticSearchOptions };

interface OpenedSemanticSearch {
  semantic: SemanticSearch;
  store: VectorStorage;
  startIndexing(): void;
  stopIndexing(): Promise<void>;
  close(): Promise<void>;
}

type ReportProblem = (part: 'extension' | 'index' | 'query', reason: string | null) => void;

/** Null if it cannot start; the reason was reported. */
async function openOrReport(
  parts: SemanticSearchParts,
  report: ReportProblem,
): Promise<OpenedSemanticSearch | null> {
  try {
    return await open(parts, report);
  } catch (error) {
    report('extension', messageOf(error));
    return null;
  }
}

async function open(
  parts: SemanticSearchParts,
  report: ReportProblem,
): Promise<OpenedSemanticSearch | null> {
  const { semantic: settings, openVectors, library, log } = parts;
  const vectors = await openVectors();
  if (!vectors.ok) {
    report('extension', vectors.reason);
    return null;
  }
  const { store } = vectors;
  if (await store.use({ model: settings.model, dim: null })) {
    log.info({ model: settings.model }, 'search by meaning: another model, all documents anew');
  }
  const embedder = settings.createEmbedder();
  let index: EmbeddingIndexer | null = null;
  const stopIndexing = async (): Promise<void> => {
    await index?.close();
    index = null;
    // Another process reports it from now on.
    report('index', null);
  };
  const meaning = createSemanticSearch({
    library,
    embedder,
    storage: store,
    ownerOf: library.ownerOf,
    minSimilarity: settings.minSimilarity,
    queryTimeoutMs: settings.queryTimeoutMs,
    onProblem: (reason) => report('query', reason),
  });
  return {
    semantic: meaning,
    store,
    startIndexing() {
      index ??= startEmbeddingIndexer({
        embedder,
        storage: store,
        log,
        onProblem: (reason) => report('index', reason),
      });
    },
    stopIndexing,
    async close() {
      await index?.close();
      await embedder.close();
    },
  };
}

function createProblemTracker(log: Log): { report: ReportProblem; current(): string | null } {
  const reasons = new Map<string, string>();
  const current = (): string | null => reasons.values().next().value ?? null;
  return {
    current,
    report(part, reason) {
      const before = current();
      if (reason === null) reasons.delete(part);
      else reasons.set(part, reason);
      const now = current();
      if (before === null && now !== null) {
        log.warn({ reason: now }, 'search by meaning: not available, full text only');
      } else if (before !== null && now === null) {
        log.info('search by meaning: available again');
      }
    },
  };
}

/**
 * The search in the documents as everybody uses it: by words, and by meaning where embeddings are configured.
 * What is missing for that (the server, the extension) costs the meaning only: one line in the log when it goes,
 * one when it is back, and a reason in readiness.
 */
import { isSameServer } from '../backends/backend-config.ts';
import { createEmbeddings } from '../backends/embeddings.ts';
import type { Config } from '../config/config.ts';
import type { Library, SearchHit, SearchResult } from '../documents/library.ts';
import { startMeaningIndex } from '../documents/meaning-index.ts';
import {
  createMeaning,
  withoutMeaning,
  type BlendedResult,
  type Meaning,
} from '../documents/meaning.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { fairTurn } from '../lib/fair-turns.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { openVectorStore, type VectorStore } from '../store/vector-store.ts';
import type { BackendPool, PoolMember } from './backend-pool.ts';

export interface DocumentSearch extends Meaning {
  search(
    userId: string,
    query: string,
    limit: number,
    signal?: AbortSignal,
  ): Promise<BlendedResult>;
  /** Why there is full text only, though more is configured; null where all is well. */
  problem(): string | null;
  /** Documents that wait to be embedded; null where nothing is, or not yet. */
  backlog(): number | null;
  /** Resolves when nothing of it runs any more. */
  close(): Promise<void>;
}

export interface DocumentSearchParts {
  config: Config;
  database: Database;
  library: Library;
  pool: Pick<BackendPool, 'members'>;
  clock: Clock;
  log: Log;
}

/** Search by meaning begins a moment later, when the extension is loaded. */
export function createDocumentSearch(parts: DocumentSearchParts): DocumentSearch {
  const { config, library, log } = parts;
  const problems = createProblems(log);
  const opening = config.search.embeddings === null ? null : opened(parts, problems.report);
  let ready: Opened | null = null;
  void opening?.then((one) => {
    ready = one;
  });

  const blend: Meaning['blend'] = (...asked) => (ready?.meaning ?? withoutMeaning).blend(...asked);
  return {
    blend,
    search: async (userId, query, limit, signal) =>
      blend(userId, query, await searchInSlices(library, userId, query, limit), limit, signal),
    problem: problems.current,
    backlog: () => ready?.store.backlogCount() ?? null,
    async close() {
      await (await opening)?.close();
    },
  };
}

/** As `library.search`, one text at a time: others have their turn between them. */
async function searchInSlices(
  library: Pick<Library, 'rank' | 'hit'>,
  userId: string,
  query: string,
  limit: number,
): Promise<SearchResult> {
  const { found, isExact } = library.rank(userId, query, limit);
  const hits: SearchHit[] = [];
  for (const { id, score } of found) {
    await fairTurn(userId);
    const hit = library.hit(userId, id, query);
    if (hit !== null) hits.push({ ...hit, score: Number(score.toPrecision(6)) });
  }
  return { hits, isExact };
}

interface Opened {
  meaning: Meaning;
  store: VectorStore;
  close(): Promise<void>;
}

type Report = (part: 'extension' | 'index' | 'query', reason: string | null) => void;

/** Null where it cannot begin; the reason was reported. */
async function opened(parts: DocumentSearchParts, report: Report): Promise<Opened | null> {
  try {
    return await open(parts, report);
  } catch (error) {
    report('extension', messageOf(error));
    return null;
  }
}

async function open(parts: DocumentSearchParts, report: Report): Promise<Opened | null> {
  const { config, database, library, pool, clock, log } = parts;
  const settings = config.search.embeddings!;
  const vectors = await openVectorStore(database);
  if (!vectors.ok) {
    report('extension', vectors.reason);
    return null;
  }
  const { store } = vectors;
  if (store.use({ model: settings.model, dim: null })) {
    log.info({ model: settings.model }, 'search by meaning: another model, all documents anew');
  }
  const embedder = createEmbeddings({
    config: settings,
    clock,
    // Looked up at each request: a server that is found later can be this one, and has one gate (P6).
    get gate() {
      const isThis = ({ config: { baseUrl } }: PoolMember): boolean =>
        isSameServer(baseUrl, settings.baseUrl);
      return pool.members.find(isThis)?.gate ?? null;
    },
  });
  const index = startMeaningIndex({
    embedder,
    storage: store,
    log,
    onProblem: (reason) => report('index', reason),
  });
  const meaning = createMeaning({
    library,
    embedder,
    storage: store,
    ownerOf: library.ownerOf,
    minSimilarity: settings.minSimilarity,
    queryTimeoutMs: settings.queryTimeoutMs,
    onProblem: (reason) => report('query', reason),
  });
  return {
    meaning,
    store,
    async close() {
      await index.close();
      await embedder.close();
    },
  };
}

function createProblems(log: Log): { report: Report; current(): string | null } {
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

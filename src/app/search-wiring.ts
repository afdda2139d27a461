/** Wires the document search to its embedding server. */
import { isSameServer } from '#models/backend-config';
import type { BackendPool, PoolMember } from '#models/backend-pool';
import {
  createEmbeddings,
  type EmbeddingsClient,
  type EmbeddingsConfig,
} from '#models/embeddings/embeddings';
import type { Clock } from '#shared/clock';
import { createDocumentSearch, type DocumentSearch } from '#library/document-search';
import type { CoreParts } from './core-parts.ts';

export function wireDocumentSearch({
  config,
  stores,
  library,
  pool,
  clock,
  slices,
  log,
}: Omit<CoreParts, 'pool' | 'hub' | 'faults' | 'documents' | 'search'> & {
  pool: Pick<BackendPool, 'members'>;
}): DocumentSearch {
  const settings = config.search.embeddings;
  const semantic = settings && {
    ...settings,
    createEmbedder: () => createEmbedder(settings, pool, clock),
  };
  return createDocumentSearch({ semantic, openVectors: stores.openVectors, library, slices, log });
}

/** A client of the configured embeddings server. Call `close` at the end. */
export const createEmbedder = (
  settings: EmbeddingsConfig,
  pool: Pick<BackendPool, 'members'>,
  clock: Clock,
): EmbeddingsClient =>
  createEmbeddings({
    config: settings,
    clock,
    // Read at each request: a server discovered later may be the embedding server, and each server has one gate (P6).
    get gate() {
      const isThis = ({ config: { baseUrl } }: PoolMember): boolean =>
        isSameServer(baseUrl, settings.baseUrl);
      return pool.members.find(isThis)?.gate ?? null;
    },
  });

/** Wires the document search to its embedding server. */
import { isSameServer } from '#models/backend-config';
import type { BackendPool, PoolMember } from '#models/backend-pool';
import { createEmbeddings } from '#models/embeddings/embeddings';
import type { Config } from './config/config.ts';
import type { Library } from '#library/library';
import type { FairSlices } from '#shared/fair-slices';
import type { Clock } from '#shared/clock';
import type { Log } from '#shared/log';
import type { Database } from '#storage/database';
import { createDocumentSearch, type DocumentSearch } from '#library/document-search';

export function wireDocumentSearch({
  config,
  database,
  library,
  pool,
  clock,
  slices,
  log,
}: {
  config: Config;
  database: Database;
  library: Library;
  pool: Pick<BackendPool, 'members'>;
  clock: Clock;
  slices: FairSlices;
  log: Log;
}): DocumentSearch {
  const settings = config.search.embeddings;
  const semantic = settings && {
    ...settings,
    createEmbedder: () =>
      createEmbeddings({
        config: settings,
        clock,
        // Read at each request: a server discovered later may be the embedding server, and each server has one gate (P6).
        get gate() {
          const isThis = ({ config: { baseUrl } }: PoolMember): boolean =>
            isSameServer(baseUrl, settings.baseUrl);
          return pool.members.find(isThis)?.gate ?? null;
        },
      }),
  };
  return createDocumentSearch({ semantic, database, library, slices, log });
}

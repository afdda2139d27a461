/** Wires the document search to its embedding server. */
import { isSameServer } from '../backends/backend-config.ts';
import type { BackendPool, PoolMember } from '../backends/backend-pool.ts';
import { createEmbeddings } from '../backends/embeddings.ts';
import type { Config } from '../config/config.ts';
import type { Library } from '../documents/library.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { createDocumentSearch, type DocumentSearch } from '../documents/document-search.ts';

export function wireDocumentSearch({
  config,
  database,
  library,
  pool,
  clock,
  log,
}: {
  config: Config;
  database: Database;
  library: Library;
  pool: Pick<BackendPool, 'members'>;
  clock: Clock;
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
  return createDocumentSearch({ semantic, database, library, log });
}

/** Collects the data of the status routes from the parts of the core. */
import type { Readiness, StatusSource } from '#http/routes/status-routes';
import type { Cluster } from './cluster/cluster.ts';
import type { Journal } from '#jobs/runtime/journal';
import type { BackendPool } from '#models/backend-pool';
import type { BackendView } from '#shared/wire/backend-view';
import type { StoreHealth, Stores } from './stores/stores.ts';
import type { Messaging, MessagingBacklog, MessagingStatus } from '#events/messaging-port';
import { messagingProblem } from './messaging-wiring.ts';
import type { DocumentSearch } from '#library/document-search';
import type { Mcp } from '#mcp/mcp-port';
import type { Metrics } from '#observability/metrics/metrics';

export function createStatusSource(parts: {
  journal: Journal;
  pool: BackendPool;
  metrics: Metrics;
  backends: () => BackendView[];
  messaging: Messaging;
  mcp: Pick<Mcp, 'views'>;
  search: Pick<DocumentSearch, 'problem'>;
  stores: Pick<Stores, 'health'>;
  cluster: Pick<Cluster, 'overview'> | null;
}): StatusSource {
  const { journal, pool, metrics, backends, messaging, mcp, search, stores, cluster } = parts;
  return {
    async readiness() {
      const health = await stores.health();
      const status = { ...messaging.status(), ...(await messaging.backlog()) };
      return readinessOf({ isStorageUp: journal.stats.isStorageUp, health }, pool, status, search);
    },
    queueStats() {
      const { queued, running, loaded } = journal.stats;
      return { queued, running, loaded };
    },
    backends,
    mcpServers: () => mcp.views(),
    cluster: async () => (await cluster?.overview()) ?? null,
    metrics: () => metrics.text(),
  };
}

function readinessOf(
  storage: { isStorageUp: boolean; health: StoreHealth },
  pool: BackendPool,
  status: MessagingStatus & MessagingBacklog,
  search: Pick<DocumentSearch, 'problem'>,
): Readiness {
  const reasons: string[] = [];
  const { problem: storageProblem, isProven } = storage.health;
  const isStorageUp = storageProblem === null && (isProven || storage.isStorageUp);
  const searchProblem = search.problem();
  if (storageProblem !== null) reasons.push(`storage: ${storageProblem}`);
  else if (!isStorageUp) reasons.push('storage: the last commit failed; messages are refused');
  const down = pool.members.filter(
    (member) => member.health.store.getSnapshot().context.healthy === false,
  );
  for (const { config } of down) reasons.push(`backend ${config.id}: does not answer`);
  const problem = messagingProblem(status);
  if (problem !== null) reasons.push(problem);
  if (searchProblem !== null) {
    reasons.push(`search: ${searchProblem}; documents are found by their words only`);
  }
  // Without any model every message would end in an apology; with at least one, answers are still possible.
  const ready = isStorageUp && down.length < pool.members.length;
  return {
    ready,
    reasons,
    parts: {
      storage: isStorageUp ? 'up' : 'down',
      backends: pool.origin,
      nats: {
        bus: status.bus,
        url: status.url,
        backlog: status.backlog,
        oldest_ms: status.oldestMs,
      },
    },
  };
}

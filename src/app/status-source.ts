/** Collects the data of the status routes from the parts of the core. */
import type { Readiness, StatusSource } from '#http/routes/status-routes';
import type { Journal } from '#jobs/runtime/journal';
import type { BackendPool } from '#models/backend-pool';
import { backendViews } from '#models/backend-view';
import type { Messaging, MessagingStatus } from '#events/messaging-port';
import { messagingProblem } from './messaging-wiring.ts';
import type { DatabaseWatch } from '#storage/database-watch';
import type { DocumentSearch } from '#library/document-search';
import type { Metrics } from '#observability/metrics/metrics';

export function createStatusSource(parts: {
  journal: Journal;
  pool: BackendPool;
  metrics: Metrics;
  messaging: Messaging;
  search: Pick<DocumentSearch, 'problem'>;
  databaseFile: Pick<DatabaseWatch, 'problem'>;
}): StatusSource {
  const { journal, pool, metrics, messaging, search, databaseFile } = parts;
  return {
    readiness: () =>
      readinessOf(journal, pool, messaging.status(), [databaseFile.problem(), search.problem()]),
    queueStats() {
      const { queued, running, loaded } = journal.stats;
      return { queued, running, loaded };
    },
    backends: () => backendViews(pool),
    metrics: () => metrics.text(),
  };
}

function readinessOf(
  journal: Journal,
  pool: BackendPool,
  status: MessagingStatus,
  [fileProblem, searchProblem]: readonly [string | null, string | null],
): Readiness {
  const reasons: string[] = [];
  const isStorageUp = journal.stats.isStorageUp && fileProblem === null;
  if (fileProblem !== null) reasons.push(`storage: ${fileProblem}`);
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

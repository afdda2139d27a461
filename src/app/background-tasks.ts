/** The background work of a core besides drafts and reminders. */
import type { Config } from './config/config.ts';
import type { Library } from '#library/library';
import type { DocumentSearch } from '#library/document-search';
import { startReindexer } from '#library/fulltext/reindexer';
import type { Clock } from '#shared/clock';
import type { Log } from '#shared/log';
import {
  retentionSchedule,
  startRetentionJob,
  type RetentionSchedule,
} from '#storage/retention-job';
import { backgroundTask, type BackgroundTask } from './background-task.ts';
import type { OpenedMemory } from './memory-wiring.ts';
import type { Stores } from './stores/stores.ts';

const indexUpgrade = ({ reindexBatch }: Library, log: Log): BackgroundTask =>
  backgroundTask('role/reindex', () =>
    startReindexer({
      reindexBatch,
      onError: (reason) => log.warn({ reason }, 'the words of old documents are renewed later'),
    }),
  );

interface TaskOptions {
  config: Config;
  log: Log;
  retentionSchedule?: RetentionSchedule;
}

interface TaskParts {
  stores: Stores;
  clock: Clock;
  library: Library;
  search: DocumentSearch;
  memory: OpenedMemory;
}

/** Each is done by one worker of a cluster at a time. */
export const tasksOf = (options: TaskOptions, parts: TaskParts): BackgroundTask[] => [
  indexUpgrade(parts.library, options.log),
  embeddingTask(parts.search),
  maintenanceTask(options, parts.stores, parts.clock, parts.memory),
];

const embeddingTask = (search: DocumentSearch): BackgroundTask => ({
  name: 'role/embeddings',
  start: () => search.startIndexing(),
  stop: () => search.stopIndexing(),
});

function maintenanceTask(
  {
    config,
    log,
    retentionSchedule: pace = retentionSchedule(config.conversation.retentionDays),
  }: TaskOptions,
  { removals, maintenance }: Stores,
  clock: Clock,
  { eraseAll }: OpenedMemory,
): BackgroundTask {
  const all = { ...removals, facts: eraseAll };
  return backgroundTask('role/retention', () =>
    startRetentionJob({ maintenance, clock, removals: all, log, schedule: pace }),
  );
}

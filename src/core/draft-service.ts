/** Wires memos, the draft worker and the review of drafts to the core's own parts. */
import type { Config } from '../config/config.ts';
import type { DocumentEvents } from '../contract/draft-storage.ts';
import { createDocumentOutbox } from '../documents/document-outbox.ts';
import type { Document } from '../documents/document.ts';
import { createDraftQueue } from '../documents/draft-queue.ts';
import { createDraftQueries, type DraftQueries } from '../documents/draft-queries.ts';
import { createDraftReview, type DraftReview } from '../documents/draft-review.ts';
import { createDraftSchedule } from '../documents/draft-schedule.ts';
import { createDraftWorker, type DraftWorker } from '../documents/draft-worker.ts';
import type { Library } from '../documents/library.ts';
import { createMemos, type Memos } from '../documents/memos.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Clock } from '../lib/clock.ts';
import type { FaultInjector } from '../lib/fault-points.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { createDocumentEventStore } from '../store/document-event-store.ts';
import { createDocumentStore } from '../store/document-store.ts';
import { createDraftStore } from '../store/draft-store.ts';
import type { BackendPool } from '../backends/backend-pool.ts';

export interface DraftService extends DraftQueries {
  memos: Memos;
  review: DraftReview;
  drafter: DraftWorker;
  events: DocumentEvents & { prune(before: number): Promise<number> };
}

export function createDraftService(parts: {
  config: Config;
  database: Database;
  pool: BackendPool;
  library: Library;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  faults: FaultInjector;
}): DraftService {
  const { config, database, pool, library, hub, clock, log, faults } = parts;
  const settings = config.drafts;
  const documents = createDocumentStore<Document>(database);
  const drafts = createDraftStore(database);
  const events = createDocumentEventStore(database);
  const window = createDraftSchedule(settings.window, config.timezone);
  const live = (event: Parameters<LiveHub['document']>[0]): void => hub.document(event);
  const outbox = createDocumentOutbox({ library, events, live });
  const common = { library, documents, drafts, outbox, clock, faults };
  const { intervalMs, batch } = settings;
  const drafter = createDraftWorker({
    intervalMs,
    batch,
    queue: createDraftQueue({ ...common, ...settings }),
    backend: () => pool.role('drafter').backend,
    drafts: {
      getSetting: drafts.getSetting,
      setSetting: (name, value) => library.transaction(() => drafts.setSetting(name, value)),
    },
    window,
    clock,
    log,
    faults,
    progressMs: config.jobs.heartbeatMs,
  });
  return {
    memos: createMemos({ ...common, drafter }),
    review: createDraftReview(common),
    drafter,
    events,
    ...createDraftQueries({
      drafts,
      events,
      outbox,
      drafter,
      window,
      clock,
      rules: settings,
      find: (id) => documents.find(id),
      ownerOf: library.ownerOf,
    }),
  };
}

/** Wires memos, the draft worker and the review of drafts to the core's own parts. */
import type { DocumentEvents } from '#library/drafts/draft-storage-port';
import { createDocumentOutbox } from '#library/document-outbox';
import { createDraftQueue } from '#library/drafts/draft-queue';
import { createDraftQueries, type DraftQueries } from '#library/drafts/draft-queries';
import { createDraftReview, type DraftReview } from '#library/drafts/draft-review';
import { createDraftSchedule } from '#library/drafts/draft-schedule';
import { createDraftWorker, type DraftWorker } from '#library/drafts/draft-worker';
import { createMemos, type Memos } from '#library/memos';
import type { LiveHub } from '#jobs/runtime/live-hub';
import { createDocumentEventStore } from '#library/store/document-event-store';
import { createDocumentStore } from '#library/store/document-store';
import { createDraftStore } from '#library/store/draft-store';
import type { CoreParts } from './core-parts.ts';

export interface DraftService extends DraftQueries {
  memos: Memos;
  review: DraftReview;
  drafter: DraftWorker;
  events: DocumentEvents & { prune(before: number): Promise<number> };
}

export function createDraftService(
  parts: Omit<CoreParts, 'slices' | 'search' | 'tools'>,
): DraftService {
  const { config, database, pool, library, hub, clock, log, faults } = parts;
  const settings = config.drafts;
  const documents = createDocumentStore(database);
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

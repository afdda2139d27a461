/** Memos, the draft actor and what people do with drafts, put together over the core's own parts. */
import type { Config } from '../config/config.ts';
import type { DocumentEvents } from '../contract/draft-storage.ts';
import { createChronicle } from '../documents/chronicle.ts';
import type { Document } from '../documents/document.ts';
import { createDraftClaims } from '../documents/draft-claims.ts';
import { createDraftOverviews, type DraftOverviews } from '../documents/draft-overview.ts';
import { createDraftReview, type DraftReview } from '../documents/draft-review.ts';
import { createDraftWindow } from '../documents/draft-window.ts';
import { createDrafter, type Drafter } from '../documents/drafter.ts';
import type { Library } from '../documents/library.ts';
import { createMemos, type Memos } from '../documents/memos.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import { createDocumentEventStore } from '../store/document-event-store.ts';
import { createDocumentStore } from '../store/document-store.ts';
import { createDraftStore } from '../store/draft-store.ts';
import type { BackendPool } from './backend-pool.ts';

export interface DraftService extends DraftOverviews {
  memos: Memos;
  review: DraftReview;
  drafter: Drafter;
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
  faults: Faults;
}): DraftService {
  const { config, database, pool, library, hub, clock, log, faults } = parts;
  const rules = config.drafts;
  const documents = createDocumentStore<Document>(database);
  const drafts = createDraftStore(database);
  const events = createDocumentEventStore(database);
  const window = createDraftWindow(rules.window, config.timezone);
  const live = (event: Parameters<LiveHub['document']>[0]): void => hub.document(event);
  const chronicle = createChronicle({ library, events, live });
  const common = { library, documents, drafts, chronicle, clock, faults };
  const { intervalMs, batch } = rules;
  const drafter = createDrafter({
    intervalMs,
    batch,
    claims: createDraftClaims({ ...common, ...rules }),
    backend: () => pool.role('drafter').backend,
    drafts: {
      setting: drafts.setting,
      set: (name, value) => library.together(() => drafts.set(name, value)),
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
    ...createDraftOverviews({
      drafts,
      events,
      chronicle,
      drafter,
      window,
      clock,
      rules,
      find: (id) => documents.find(id),
      ownerOf: library.ownerOf,
    }),
  };
}

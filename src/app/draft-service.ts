/** Wires memos, the draft worker and the review of drafts to the core's own parts. */
import type { DocumentStorage } from '#library/document-port';
import { createDraftQueue } from '#library/drafts/draft-queue';
import { createDraftQueries, type DraftQueries } from '#library/drafts/draft-queries';
import { createDraftReview, type DraftReview } from '#library/drafts/draft-review';
import { createDraftSchedule, type DraftSchedule } from '#library/drafts/draft-schedule';
import { createDraftWorker, type DraftWorker } from '#library/drafts/draft-worker';
import type { Drafter } from '#library/drafts/drafter';
import type { LeaseDoors } from '#cluster/lease-doors';
import { createMemos, type Memos } from '#library/memos';
import type { BackgroundTask } from './background-task.ts';
import { createLeasedDrafter, draftsLease } from './cluster/leased-drafter.ts';
import type { CoreParts } from './core-parts.ts';

export interface DraftService extends DraftQueries {
  memos: Memos;
  review: DraftReview;
  drafter: Drafter;
  /** Drafts while it is started. */
  task: BackgroundTask;
  events: DocumentStorage['events'];
}

/** The setting that keeps a pause over a restart: epoch ms, or empty. */
const pausedSetting = 'paused_at';

/** @param doors of a cluster, in which one worker drafts for all; null: this process is alone */
export async function createDraftService(
  parts: Omit<CoreParts, 'hub' | 'slices' | 'search' | 'tools'>,
  doors: LeaseDoors | null = null,
): Promise<DraftService> {
  const { config, stores, library, clock, log, faults } = parts;
  const settings = config.drafts;
  const { documents: storage } = stores;
  const { drafts, events } = storage;
  const window = createDraftSchedule(settings.window, config.timezone);
  const common = { library, drafts, clock, log, faults };
  const createWorker = (): Promise<DraftWorker> => openDraftWorker(parts, window);
  const { drafter, task } =
    doors === null
      ? ownDrafter(await createWorker())
      : createLeasedDrafter({ doors, createWorker });
  const queries = createDraftQueries({
    storage,
    library,
    drafter,
    window,
    clock,
    rules: settings,
  });
  return {
    memos: createMemos({ ...common, drafter }),
    review: createDraftReview(common),
    drafter,
    task,
    events,
    ...queries,
    async draftOverview(userId) {
      await drafter.refresh?.();
      return queries.draftOverview(userId);
    },
    async draftDetail(documentId, userId) {
      await drafter.refresh?.();
      return queries.draftDetail(documentId, userId);
    },
  };
}

const ownDrafter = (drafter: DraftWorker): Pick<DraftService, 'drafter' | 'task'> => ({
  drafter,
  task: { name: draftsLease, start: () => drafter.start(), stop: () => drafter.stop() },
});

async function openDraftWorker(
  parts: Omit<CoreParts, 'hub' | 'slices' | 'search' | 'tools'>,
  window: DraftSchedule,
): Promise<DraftWorker> {
  const { config, stores, pool, library, clock, log, faults } = parts;
  const { drafts } = stores.documents;
  const common = { library, drafts, clock, log, faults };
  const settings = config.drafts;
  const { intervalMs, batch } = settings;
  const paused = (await drafts.getSetting(pausedSetting)) ?? '';
  return createDraftWorker({
    ...common,
    intervalMs,
    batch,
    queue: createDraftQueue({ ...common, ...settings }),
    backend: () => pool.role('drafter').backend,
    pausedAt: paused === '' ? null : Number(paused),
    savePausedAt: (pausedAt) =>
      library.commit(null, async (changes) =>
        changes.saveSetting(pausedSetting, pausedAt === null ? '' : String(pausedAt)),
      ),
    window,
    progressMs: config.jobs.heartbeatMs,
  });
}

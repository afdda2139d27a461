/** Wires memos, the draft worker and the review of drafts to the core's own parts. */
import type { DocumentStorage } from '#library/document-port';
import { createDraftQueue } from '#library/drafts/draft-queue';
import { createDraftQueries, type DraftQueries } from '#library/drafts/draft-queries';
import { createDraftReview, type DraftReview } from '#library/drafts/draft-review';
import { createDraftSchedule } from '#library/drafts/draft-schedule';
import { createDraftWorker, type DraftWorker } from '#library/drafts/draft-worker';
import { createMemos, type Memos } from '#library/memos';
import type { CoreParts } from './core-parts.ts';

export interface DraftService extends DraftQueries {
  memos: Memos;
  review: DraftReview;
  drafter: DraftWorker;
  events: DocumentStorage['events'];
}

/** The setting that keeps a pause over a restart: epoch ms, or empty. */
const pausedSetting = 'paused_at';

export async function createDraftService(
  parts: Omit<CoreParts, 'hub' | 'slices' | 'search' | 'tools'>,
): Promise<DraftService> {
  const { config, stores, pool, library, clock, log, faults } = parts;
  const settings = config.drafts;
  const { documents: storage } = stores;
  const { drafts, events } = storage;
  const window = createDraftSchedule(settings.window, config.timezone);
  const common = { library, drafts, clock, log, faults };
  const { intervalMs, batch } = settings;
  const paused = (await drafts.getSetting(pausedSetting)) ?? '';
  const drafter = createDraftWorker({
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
  return {
    memos: createMemos({ ...common, drafter }),
    review: createDraftReview(common),
    drafter,
    events,
    ...createDraftQueries({ storage, library, drafter, window, clock, rules: settings }),
  };
}

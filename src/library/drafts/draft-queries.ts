/** Views of waiting, running and dead drafts for `GET /drafts`, the CLI and the inspector. */
import { isoTime } from '#shared/calendar/time-units';
import type {
  DraftDetail,
  DraftOverview,
  DraftView,
  RunningView,
} from '#shared/wire/document-views';
import type { ListedDraft } from './draft-storage-port.ts';
import type { Clock } from '#shared/clock';
import { listBytesMax } from '#shared/listing';
import type { DocumentStorage } from '../document-port.ts';
import type { Library } from '../library.ts';
import type { RunningDraft } from './draft-attempt.ts';
import type { DraftSchedule } from './draft-schedule.ts';
import type { Drafter } from './drafter.ts';

export interface DraftQueries {
  /** `userId` null: of all users. */
  draftOverview(userId?: string | null): Promise<DraftOverview>;
  /**
   * The same text as before means that the overview has not changed. Costs nothing, so it may be polled often; it also
   * changes when only other users' drafts have changed.
   */
  draftsVersion(): string;
  /** Null when there is no such document, or it belongs to another user. */
  draftDetail(documentId: string, userId?: string | null): Promise<DraftDetail | null>;
}

export interface DraftQueriesParts {
  storage: Pick<DocumentStorage, 'find' | 'drafts' | 'events'>;
  library: Pick<Library, 'changeCount' | 'ownerOf'>;
  drafter: Pick<Drafter, 'state' | 'running' | 'pausedAt'>;
  window: DraftSchedule;
  clock: Clock;
  rules: { window: string | null; intervalMs: number; maxAttempts: number };
}

const listedMax = 500;
const eventsMax = 500;

export function createDraftQueries(parts: DraftQueriesParts): DraftQueries {
  const { storage, library, drafter, window, clock, rules } = parts;
  const { drafts, events } = storage;
  const ownerOf = (userId: string | null): string | null =>
    userId === null ? null : library.ownerOf(userId);
  const runningFor = (owner: string | null): RunningView | null => {
    const { running } = drafter;
    const isTheirs = running !== null && (owner === null || running.claim.owner === owner);
    return isTheirs ? runningView(running) : null;
  };

  return {
    async draftOverview(userId = null) {
      const owner = ownerOf(userId);
      const now = clock.now();
      const views = async (state: 'waiting' | 'dead'): Promise<DraftView[]> =>
        (await drafts.list(owner, state, listedMax)).map(draftView);
      const [waiting, dead] = [await views('waiting'), await views('dead')];
      const undecided = await drafts.undecided(owner, listedMax);
      const { pausedAt } = drafter;
      const opensInMs = window.opensInMs(now);
      return {
        state: drafter.state,
        paused: pausedAt !== null,
        paused_at: pausedAt === null ? null : isoTime(pausedAt),
        window: {
          hours: rules.window,
          open: opensInMs === 0,
          opens_at: opensInMs === 0 ? null : isoTime(now + opensInMs),
        },
        interval_ms: rules.intervalMs,
        max_attempts: rules.maxAttempts,
        running: runningFor(owner),
        waiting: rowsWithinLimit(waiting),
        dead: rowsWithinLimit(dead),
        drafted: rowsWithinLimit(
          undecided.map((one) => ({
            document_id: one.documentId,
            title: one.title,
            user_id: one.owner,
            at: isoTime(one.at),
          })),
        ),
      };
    },

    draftsVersion() {
      const { state, running, pausedAt } = drafter;
      const { chars, section, sections, preemptions, isWaitingAtGate: waits } = running ?? {};
      const progress = [running?.since, chars, section, sections, preemptions, waits];
      return [library.changeCount, state, pausedAt, window.isOpen(clock.now()), ...progress].join();
    },

    async draftDetail(documentId, userId = null) {
      const owner = ownerOf(userId);
      const document = await storage.find(documentId);
      const isVisible = document !== null && (owner === null || document.owner === owner);
      if (!isVisible || document.deletedAt !== null) return null;
      const listed = await drafts.findListed(documentId);
      const newest = await events.newest(documentId, eventsMax);
      const running = runningFor(owner);
      return {
        document_id: document.id,
        title: document.title,
        user_id: document.owner,
        state: document.mdDraftStatus ?? 'none',
        ...(listed === null ? {} : draftView(listed)),
        running: running?.document_id === documentId ? running : null,
        events: rowsWithinLimit(newest.toReversed()).toReversed(),
      };
    },
  };
}

/** The first rows that fit: three lists of this size together have the usual bound. */
function rowsWithinLimit<Row>(rows: readonly Row[]): Row[] {
  const room = listBytesMax / 3 - 1024;
  let bytes = 0;
  const cutAt = rows.findIndex((row) => {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    return bytes > room;
  });
  return cutAt < 0 ? [...rows] : rows.slice(0, cutAt);
}

function draftView(draft: ListedDraft): DraftView {
  const { lastCode, lastError } = draft;
  return {
    document_id: draft.documentId,
    title: draft.title,
    user_id: draft.owner,
    state: draft.state,
    memo_chars: draft.chars,
    attempts: draft.attempts,
    queued_at: isoTime(draft.queuedAt),
    // A draft that a person retries is due at time 0, before all others; users are shown when it was queued.
    due_at: draft.state === 'waiting' ? isoTime(Math.max(draft.dueAt, draft.queuedAt)) : null,
    last_error: lastCode === null ? null : { code: lastCode, message: lastError ?? '' },
  };
}

function runningView(running: RunningDraft): RunningView {
  const { claim, since, chars, section, sections, preemptions, isWaitingAtGate: waits } = running;
  return {
    document_id: claim.documentId,
    title: claim.title,
    user_id: claim.owner,
    attempt: claim.attempt,
    since: isoTime(since),
    waits_at_gate: waits,
    progress: { chars, memo_chars: claim.text.length, section: section + 1, sections },
    preemptions,
  };
}

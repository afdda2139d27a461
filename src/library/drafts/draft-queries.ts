/** Views of waiting, running and dead drafts for `GET /drafts`, the CLI and the inspector. */
import { isoTime } from '#shared/calendar/time-units';
import type { DocumentEvent } from '#shared/wire/document-event';
import type { DocumentEvents, DraftStorage, ListedDraft } from './draft-storage-port.ts';
import type { Clock } from '#shared/clock';
import { listBytesMax } from '#shared/listing';
import type { DocumentOutbox } from '../document-outbox.ts';
import type { Document } from '../document.ts';
import type { RunningDraft } from './draft-attempt.ts';
import type { DraftSchedule } from './draft-schedule.ts';
import type { DraftWorker } from './draft-worker.ts';

/** A document that waits for a draft, is being drafted, or was given up. Times are ISO 8601. */
export interface DraftView {
  document_id: string;
  title: string;
  user_id: string;
  state: 'waiting' | 'drafting' | 'dead';
  /** Characters of the memo. */
  memo_chars: number;
  attempts: number;
  queued_at: string;
  /** Earliest start; a time in the past means next. Null for a dead letter and for a running draft. */
  due_at: string | null;
  last_error: { code: string; message: string } | null;
}

export interface RunningView {
  document_id: string;
  title: string;
  user_id: string;
  attempt: number;
  since: string;
  /** Waits for the model server: other requests are before it. */
  waits_at_gate: boolean;
  progress: { chars: number; memo_chars: number; section: number; sections: number };
  preemptions: number;
}

export interface DraftOverview {
  /** State of the draft machine: `looking`, `drafting`, `waiting`, `away`, `closed`, `paused` or `stopped`. */
  state: string;
  paused: boolean;
  paused_at: string | null;
  window: { hours: string | null; open: boolean; opens_at: string | null };
  interval_ms: number;
  max_attempts: number;
  running: RunningView | null;
  /** In the order in which they are due; at most 500, and 340 KiB, as in each of these lists. */
  waiting: DraftView[];
  /** At most 500. */
  dead: DraftView[];
  /** Drafts that wait for a person's decision, newest first; at most 500. */
  drafted: { document_id: string; title: string; user_id: string; at: string }[];
}

export interface DraftDetail extends Partial<Omit<DraftView, 'state'>> {
  document_id: string;
  title: string;
  user_id: string;
  /** As in its events: also `draft`, `accepted`, or `none` when it waits for no draft. */
  state: string;
  running: RunningView | null;
  /** The newest 500, in order. */
  events: DocumentEvent[];
}

export interface DraftQueries {
  /** `userId` null: of all users. */
  draftOverview(userId?: string | null): DraftOverview;
  /**
   * The same text as before means that the overview has not changed. Costs nothing, so it may be polled often; it also
   * changes when only other users' drafts have changed.
   */
  draftsVersion(): string;
  /** Null when there is no such document, or it belongs to another user. */
  draftDetail(documentId: string, userId?: string | null): DraftDetail | null;
}

export interface DraftQueriesParts {
  drafts: DraftStorage;
  events: DocumentEvents;
  outbox: Pick<DocumentOutbox, 'changeCount'>;
  drafter: DraftWorker;
  window: DraftSchedule;
  clock: Clock;
  rules: { window: string | null; intervalMs: number; maxAttempts: number };
  find(id: string): Document | null;
  /** The owner of the documents that this user sees. */
  ownerOf(userId: string): string;
}

const listedMax = 500;
const eventsMax = 500;

export function createDraftQueries(parts: DraftQueriesParts): DraftQueries {
  const { drafts, events, outbox, drafter, window, clock, rules } = parts;
  const ownerOf = (userId: string | null): string | null =>
    userId === null ? null : parts.ownerOf(userId);
  const runningFor = (owner: string | null): RunningView | null => {
    const { running } = drafter;
    const isTheirs = running !== null && (owner === null || running.claim.owner === owner);
    return isTheirs ? runningView(running) : null;
  };

  return {
    draftOverview(userId = null) {
      const owner = ownerOf(userId);
      const now = clock.now();
      const views = (state: 'waiting' | 'dead'): DraftView[] =>
        drafts.list(owner, state, listedMax).map(draftView);
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
        waiting: rowsWithinLimit(views('waiting')),
        dead: rowsWithinLimit(views('dead')),
        drafted: rowsWithinLimit(
          drafts.undecided(owner, listedMax).map((one) => ({
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
      return [outbox.changeCount, state, pausedAt, window.isOpen(clock.now()), ...progress].join();
    },

    draftDetail(documentId, userId = null) {
      const owner = ownerOf(userId);
      const document = parts.find(documentId);
      const isVisible = document !== null && (owner === null || document.owner === owner);
      if (!isVisible || document.deletedAt !== null) return null;
      const listed = drafts.findListed(documentId);
      const running = runningFor(owner);
      return {
        document_id: document.id,
        title: document.title,
        user_id: document.owner,
        state: document.mdDraftStatus ?? 'none',
        ...(listed === null ? {} : draftView(listed)),
        running: running?.document_id === documentId ? running : null,
        events: rowsWithinLimit(events.newest(documentId, eventsMax).toReversed()).toReversed(),
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

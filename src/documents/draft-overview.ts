/** What waits, what runs and what was given up, as `GET /drafts`, the command and the inspector show it. */
import type { DocumentEvent } from '../contract/document-event.ts';
import type { DocumentEvents, DraftStorage, ListedDraft } from '../contract/draft-storage.ts';
import type { Clock } from '../lib/clock.ts';
import { listBytesMax } from '../lib/listing.ts';
import type { Chronicle } from './chronicle.ts';
import type { Document } from './document.ts';
import type { RunningDraft } from './draft-run.ts';
import type { DraftWindow } from './draft-window.ts';
import type { Drafter } from './drafter.ts';

/** One document on its way to a draft. Times are ISO 8601. */
export interface DraftView {
  document_id: string;
  title: string;
  user_id: string;
  state: 'waiting' | 'drafting' | 'dead';
  /** Characters of the memo. */
  memo_chars: number;
  attempts: number;
  queued_at: string;
  /** Not before; a time that has passed means: next. Null for a dead letter and for what runs. */
  due_at: string | null;
  last_error: { code: string; message: string } | null;
}

export interface RunningView {
  document_id: string;
  title: string;
  user_id: string;
  attempt: number;
  since: string;
  /** Waits for the model server: others are before it. */
  waits_at_gate: boolean;
  progress: { chars: number; memo_chars: number; section: number; sections: number };
  preemptions: number;
}

export interface DraftOverview {
  /** Of the draft actor: `looking`, `drafting`, `waiting`, `away`, `closed`, `paused` or `stopped`. */
  state: string;
  paused: boolean;
  paused_at: string | null;
  window: { hours: string | null; open: boolean; opens_at: string | null };
  interval_ms: number;
  max_attempts: number;
  running: RunningView | null;
  /** In the order in which they are due; at most 500, and 340 KiB: so each of the lists. */
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
  /** As in its events: also `draft`, `accepted`, `none` where nothing is waited for. */
  state: string;
  running: RunningView | null;
  /** The newest 500, in their order. */
  events: DocumentEvent[];
}

export interface DraftOverviews {
  /** Of one user, or (null) of all. */
  draftOverview(userId?: string | null): DraftOverview;
  /**
   * The same text as before: an overview would say what it said then. Costs nothing, for who asks often; differs
   * also where only other users' drafts have moved.
   */
  draftsVersion(): string;
  /** Null where there is no such document, or it is another user's. */
  draftDetail(documentId: string, userId?: string | null): DraftDetail | null;
}

export interface DraftOverviewParts {
  drafts: DraftStorage;
  events: DocumentEvents;
  chronicle: Pick<Chronicle, 'changes'>;
  drafter: Drafter;
  window: DraftWindow;
  clock: Clock;
  rules: { window: string | null; intervalMs: number; maxAttempts: number };
  find(id: string): Document | null;
  /** Whose documents this user sees. */
  ownerOf(userId: string): string;
}

const listedMax = 500;
const eventsMax = 500;

export function createDraftOverviews(parts: DraftOverviewParts): DraftOverviews {
  const { drafts, events, chronicle, drafter, window, clock, rules } = parts;
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
        waiting: fitting(views('waiting')),
        dead: fitting(views('dead')),
        drafted: fitting(
          drafts.open(owner, listedMax).map((one) => ({
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
      const { chars, section, sections, preemptions, waits } = running ?? {};
      const progress = [running?.since, chars, section, sections, preemptions, waits];
      return [chronicle.changes, state, pausedAt, window.isOpen(clock.now()), ...progress].join();
    },

    draftDetail(documentId, userId = null) {
      const owner = ownerOf(userId);
      const document = parts.find(documentId);
      const isVisible = document !== null && (owner === null || document.owner === owner);
      if (!isVisible || document.deletedAt !== null) return null;
      const listed = drafts.listed(documentId);
      const running = runningFor(owner);
      return {
        document_id: document.id,
        title: document.title,
        user_id: document.owner,
        state: document.mdDraftStatus ?? 'none',
        ...(listed === null ? {} : draftView(listed)),
        running: running?.document_id === documentId ? running : null,
        events: fitting(events.newest(documentId, eventsMax).toReversed()).toReversed(),
      };
    },
  };
}

/** The rows that fit, the first ones first: three lists of this size are one of the usual bound. */
function fitting<Row>(rows: readonly Row[]): Row[] {
  const room = listBytesMax / 3 - 1024;
  let bytes = 0;
  const cutAt = rows.findIndex((row) => {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    return bytes > room;
  });
  return cutAt < 0 ? [...rows] : rows.slice(0, cutAt);
}

const isoTime = (at: number): string => new Date(at).toISOString();

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
    // What a person tries again is due since ever, in front of the others: since it was queued, for people.
    due_at: draft.state === 'waiting' ? isoTime(Math.max(draft.dueAt, draft.queuedAt)) : null,
    last_error: lastCode === null ? null : { code: lastCode, message: lastError ?? '' },
  };
}

function runningView(running: RunningDraft): RunningView {
  const { claim, since, chars, section, sections, preemptions, waits } = running;
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

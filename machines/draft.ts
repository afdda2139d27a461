/**
 * The draft actor: finds memos that need a draft and drafts them one after another, as background work for the model.
 * Pure; the two invoked actors are implemented in src/library. The rules are in docs/drafts.md.
 *
 * looking    Claims the memo that is due first, in the database, before the model call. Leaves to `drafting` with it;
 *            to `waiting` when none is due; to `closed` outside the configured hours.
 * drafting   One model call (several for a long memo) and the write. Then the next memo of the round, at most `batch`
 *            memos, then `waiting`. An unreachable server ends the round: `away`.
 * waiting    Until the interval has passed, or a memo arrives.
 * away       The server cannot be reached: waits with exponential backoff, up to `awayMsMax`. A new memo does not end
 *            the wait; a user's retry does.
 * closed     Outside the configured hours: looks again when they begin.
 * paused     By a user, until a user resumes. The running attempt is aborted and its memo is released.
 * stopped    Final: the process is shutting down.
 *
 * Leaving `drafting` aborts the model call; the invoked actor then releases the memo, so that the attempt is not
 * counted.
 */
import { assign, fromPromise, setup } from 'xstate';

/** A claimed memo. */
export interface DraftTicket {
  documentId: string;
  /** Number of this attempt, from 1. */
  attempt: number;
}

export type DraftLook =
  | { kind: 'claimed'; ticket: DraftTicket }
  | { kind: 'none' }
  /** `lookMs`: delay until the next look, ms. */
  | { kind: 'closed'; lookMs: number };

/** Result of an attempt. `away`: the server could not be reached; the memo is not the cause. */
export type DraftResult = 'settled' | 'away';

export interface DraftRules {
  intervalMs: number;
  /** Maximum number of memos per round. */
  batch: number;
  /** Maximum wait while the server is away. */
  awayMsMax: number;
  paused: boolean;
}

export interface DraftContext extends DraftRules {
  ticket: DraftTicket | null;
  /** Memos left in this round. */
  left: number;
  /** Consecutive rounds that found the server away. */
  misses: number;
  closedMs: number;
}

export type DraftEvent =
  /** Wake-up signal: another memo is due. */
  | { type: 'wake' }
  /** A user requests a retry now. */
  | { type: 'retry' }
  | { type: 'pause' }
  | { type: 'resume' }
  | { type: 'stop' };

const draftSetup = setup({
  types: {
    context: {} as DraftContext,
    events: {} as DraftEvent,
    input: {} as DraftRules,
    meta: {} as { label: string },
    tags: {} as 'at-rest',
  },
  actors: {
    look: fromPromise<DraftLook>(() => Promise.reject(new Error('not provided'))),
    draft: fromPromise<DraftResult, DraftTicket>(() => Promise.reject(new Error('not provided'))),
  },
  guards: {
    isPaused: ({ context }) => context.paused,
    hasMore: ({ context }) => context.left > 0,
  },
  delays: {
    interval: ({ context }) => context.intervalMs,
    hours: ({ context }) => context.closedMs,
    awayBackoff: ({ context }) =>
      Math.max(
        context.intervalMs,
        Math.min(context.intervalMs * 2 ** (context.misses - 1), context.awayMsMax),
      ),
  },
  actions: {
    beginRound: assign({ left: ({ context }) => context.batch }),
    pause: assign({ paused: true }),
    resume: assign({ paused: false }),
    forget: assign({ ticket: null }),
    reached: assign({ misses: 0 }),
    missed: assign({ misses: ({ context }) => context.misses + 1 }),
  },
});

export const draftMachine = draftSetup.createMachine({
  id: 'draft',
  context: ({ input }) => ({ ...input, ticket: null, left: input.batch, misses: 0, closedMs: 0 }),
  initial: 'starting',
  on: {
    pause: { target: '.paused', actions: 'pause' },
    stop: '.stopped',
  },
  states: {
    starting: {
      meta: { label: 'As it was left' },
      always: [{ guard: 'isPaused', target: 'paused' }, { target: 'looking' }],
    },
    looking: {
      meta: { label: 'Takes the memo that is due first' },
      invoke: {
        src: 'look',
        id: 'look',
        onDone: [
          {
            guard: ({ event }) => event.output.kind === 'claimed',
            target: 'drafting',
            actions: assign(({ context, event }) => ({
              ticket: event.output.kind === 'claimed' ? event.output.ticket : null,
              left: context.left - 1,
            })),
          },
          {
            guard: ({ event }) => event.output.kind === 'closed',
            target: 'closed',
            actions: assign(({ event }) => ({
              closedMs: event.output.kind === 'closed' ? event.output.lookMs : 0,
            })),
          },
          { target: 'waiting' },
        ],
        // The database could not be read or written: nothing was claimed.
        onError: 'waiting',
      },
    },
    drafting: {
      meta: { label: 'A model writes' },
      exit: 'forget',
      invoke: {
        src: 'draft',
        id: 'draft',
        input: ({ context }) => context.ticket!,
        onDone: [
          {
            guard: ({ event }) => event.output === 'away',
            target: 'away',
            actions: 'missed',
          },
          { guard: 'hasMore', target: 'looking', actions: 'reached' },
          { target: 'waiting', actions: 'reached' },
        ],
        onError: 'waiting',
      },
    },
    waiting: {
      tags: ['at-rest'],
      meta: { label: 'For the interval, or a memo' },
      entry: 'beginRound',
      after: { interval: 'looking' },
      on: { wake: 'looking', retry: 'looking' },
    },
    away: {
      tags: ['at-rest'],
      meta: { label: 'The server cannot be reached' },
      entry: 'beginRound',
      after: { awayBackoff: 'looking' },
      on: { retry: 'looking' },
    },
    closed: {
      tags: ['at-rest'],
      meta: { label: 'Outside the hours' },
      entry: 'beginRound',
      after: { hours: 'looking' },
    },
    paused: {
      tags: ['at-rest'],
      meta: { label: 'By a person' },
      entry: 'beginRound',
      on: { resume: { target: 'looking', actions: 'resume' } },
    },
    stopped: {
      type: 'final',
      meta: { label: 'Stopped' },
    },
  },
});

/** Type of the statechart, also with the actors that the running system provides. */
export type DraftMachine = typeof draftMachine;

/**
 * The draft actor: looks for memos that want a draft, and has them drafted one after another while nobody else
 * needs the model. Pure; what the two invoked actors do is in src/documents. docs/drafts.md has the rules.
 *
 * looking    Takes the memo that is due first, on disk, before a model is asked. Leaves to `drafting` with it;
 *            to `waiting` when none is due; to `closed` outside the hours.
 * drafting   One model call (or several, for a long memo) and the write. Then the next memo of the round, at
 *            most `batch` of them, then `waiting`. A server out of reach ends the round: `away`.
 * waiting    Until the interval has passed, or a memo came.
 * away       The server cannot be reached: waits longer each time, up to `awayMsMax`. A memo that comes changes
 *            nothing about it; a person's retry does.
 * closed     Outside the hours: looks again when they begin.
 * paused     By a person, until a person resumes. What ran is broken off and given back.
 * stopped    Final: the process ends.
 *
 * Leaving `drafting` aborts the call; who carries it out gives the memo back, so that it counts as no attempt.
 */
import { assign, fromPromise, setup } from 'xstate';

/** A claimed memo. */
export interface DraftTicket {
  documentId: string;
  /** This one, from 1. */
  attempt: number;
}

export type DraftLook =
  | { kind: 'claimed'; ticket: DraftTicket }
  | { kind: 'none' }
  /** `lookMs`: when to look again. */
  | { kind: 'closed'; lookMs: number };

/** What became of an attempt. `away`: the server, not the memo, is at fault. */
export type DraftResult = 'settled' | 'away';

export interface DraftRules {
  intervalMs: number;
  /** Memos of one round. */
  batch: number;
  /** Bound of the waits while the server is away. */
  awayMsMax: number;
  paused: boolean;
}

export interface DraftContext extends DraftRules {
  ticket: DraftTicket | null;
  /** Memos that the round may still take. */
  left: number;
  /** Rounds in a row that found the server away. */
  misses: number;
  closedMs: number;
}

export type DraftEvent =
  /** A memo is due that was not. */
  | { type: 'wake' }
  /** A person wants it now. */
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
        // The database cannot be read or written: nothing was claimed.
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

/** The statechart with what the running system provides for its actors. */
export type DraftMachine = typeof draftMachine;

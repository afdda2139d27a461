/**
 * The schedule actor: one for all schedules, which are rows. It settles what is due, then waits for the next time. Pure;
 * the invoked actor and the rules of an occurrence are in src/schedules.
 *
 * settling   Reads the schedules that are due, and settles their occurrences: each with a job, in a commit of its own.
 *            Leaves to itself while more are due; to `waiting` when none is; to `away` if the database or the job queue
 *            refused an occurrence.
 * waiting    Until the next time, a changed schedule, or the longest wait: a clock that was set, or a machine that slept,
 *            is noticed by then.
 * away       Tries again after a pause. What is due stays due.
 * stopped    Final: the process is shutting down. A running commit ends first.
 */
import { assign, fromPromise, setup } from 'xstate';

/** `more`: further schedules are due. `waitMs`: until the next one is, at most the longest wait. */
export type ScheduleLook = { kind: 'more' } | { kind: 'idle'; waitMs: number };

export interface ScheduleRules {
  retryMs: number;
}

interface ScheduleContext extends ScheduleRules {
  waitMs: number;
}

/** `wake`: a schedule was made or changed. */
export type ScheduleEvent = { type: 'wake' } | { type: 'stop' };

const scheduleSetup = setup({
  types: {
    context: {} as ScheduleContext,
    events: {} as ScheduleEvent,
    input: {} as ScheduleRules,
    meta: {} as { label: string },
    tags: {} as 'at-rest',
  },
  actors: {
    settle: fromPromise<ScheduleLook>(() => Promise.reject(new Error('not provided'))),
  },
  delays: {
    nextTime: ({ context }) => context.waitMs,
    retry: ({ context }) => context.retryMs,
  },
});

export const scheduleMachine = scheduleSetup.createMachine({
  id: 'schedule',
  context: ({ input }) => ({ ...input, waitMs: 0 }),
  initial: 'settling',
  on: { stop: '.stopped' },
  states: {
    settling: {
      meta: { label: 'Settles what is due' },
      // A schedule that changes meanwhile may be due before the time that is being read.
      on: { wake: { target: 'settling', reenter: true } },
      invoke: {
        src: 'settle',
        id: 'settle',
        onDone: [
          {
            guard: ({ event }) => event.output.kind === 'more',
            target: 'settling',
            reenter: true,
          },
          {
            target: 'waiting',
            actions: assign(({ event }) => ({
              waitMs: event.output.kind === 'idle' ? event.output.waitMs : 0,
            })),
          },
        ],
        onError: 'away',
      },
    },
    waiting: {
      tags: ['at-rest'],
      meta: { label: 'For the next time' },
      after: { nextTime: 'settling' },
      on: { wake: 'settling' },
    },
    away: {
      tags: ['at-rest'],
      meta: { label: 'An occurrence was refused' },
      after: { retry: 'settling' },
    },
    stopped: { type: 'final', meta: { label: 'Stopped' } },
  },
});

/** Type of the statechart, also with the actors that the running system provides. */
export type ScheduleMachine = typeof scheduleMachine;

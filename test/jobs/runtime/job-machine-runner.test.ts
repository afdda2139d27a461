/**
 * The journal runs the machine through an actor scope that XState does not document. This test compares it with the
 * documented pure functions over random histories: a new version of XState that differs fails here.
 */
import fc from 'fast-check';
import { initialTransition, transition } from 'xstate';
import { describe, expect, test } from 'vitest';
import { jobMachine } from '#machines/job';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import { jobInput, nextEvents } from '#test/support/jobs';

type Action = { type: string; params: Record<string, unknown> };

const summary = (actions: readonly unknown[]): unknown => ({
  emitted: only(actions, 'xstate.emit').map((params) => params['event']),
  startedEffects: only(actions, 'xstate.spawnChild').map(({ id, src, input }) => ({
    id,
    src,
    input,
  })),
  stoppedEffectIds: only(actions, 'xstate.stopChild').map((params) => params['id']),
  scheduledTimers: only(actions, 'xstate.raise')
    .filter((params) => typeof params['delay'] === 'number')
    .map(({ id, event, delay }) => ({ id, event, delayMs: delay })),
  cancelledTimerIds: only(actions, 'xstate.cancel').map((params) => params['sendId']),
});

const only = (actions: readonly unknown[], type: string): Record<string, unknown>[] =>
  (actions as Action[]).filter((action) => action.type === type).map((action) => action.params);

describe('the job machine runner', () => {
  test('gives the same snapshots and actions as the public transition() of XState', () => {
    const machine = createJobMachineRunner();
    let compared = 0;
    fc.assert(
      fc.property(fc.gen(), (g) => {
        let step = machine.initialTransition(jobInput());
        let [snapshot, actions] = initialTransition(jobMachine, jobInput());
        for (let count = 0; count < 20; count += 1) {
          const { snapshot: own, ...rest } = step;
          expect(own.value).toEqual(snapshot.value);
          expect(own.context).toEqual(snapshot.context);
          expect(own.status).toBe(snapshot.status);
          expect(rest).toEqual(summary(actions));
          compared += 1;
          const legal = nextEvents(own);
          if (legal.length === 0) return;
          const event = legal[g(fc.nat, { max: legal.length - 1 })]!;
          step = machine.transition(own, event);
          [snapshot, actions] = transition(jobMachine, snapshot, event as never);
        }
      }),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});

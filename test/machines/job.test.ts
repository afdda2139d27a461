/**
 * The job machine alone: every path, random histories, and that its snapshots and events are plain JSON.
 */
import fc from 'fast-check';
import { getShortestPaths } from 'xstate/graph';
import { describe, expect, test } from 'vitest';
import { jobMachine } from '#machines/job';
import { jobStates, type JobEmitted } from '#machines/job-types';
import {
  createJobMachineRunner,
  type JobSnapshot,
  type MachineTransition,
} from '#jobs/runtime/job-machine-runner';
import type { JournalEvent } from '#jobs/job-store-port';
import { jobInput, nextEvents } from '#test/support/jobs';

const machine = createJobMachineRunner();

const key = (snapshot: { value: unknown; status: string; context: unknown }): string => {
  const { outcome, cancelledBy, failure } = snapshot.context as Record<string, unknown>;
  return JSON.stringify([snapshot.value, snapshot.status, outcome, cancelledBy, failure !== null]);
};

const paths = getShortestPaths(jobMachine, {
  input: jobInput(),
  events: (snapshot) => nextEvents(snapshot as never) as never,
  serializeState: (snapshot) => key(snapshot as never) as never,
});

const topLevel = (value: unknown): string =>
  typeof value === 'string' ? value : Object.keys(value as object)[0]!;

describe('the job machine', () => {
  test('reaches all its states except `route`, which it leaves within the same step', () => {
    const reached = new Set(paths.map((path) => topLevel(path.state.value)));
    // The machine leaves `route` within the same step, so no path ends there.
    expect([...reached].sort()).toEqual(jobStates.filter((state) => state !== 'route').sort());
  });

  test('has a label at every state, and the tag waits-for-person where it asks for a confirmation', () => {
    const labels = jobStates.map((state) => jobMachine.states[state]?.config.meta?.label);
    expect(labels.every((label) => typeof label === 'string' && label !== '')).toBe(true);
    const asking = jobMachine.states['confirm-draft']?.states['asking'];
    expect(asking?.tags).toEqual(['waits-for-person']);
  });

  test.each(paths.map((path) => [path.steps.map((step) => step.event.type).join(' > '), path]))(
    'reaches the end state of the path %s without an error',
    (_name, path) => {
      const step = run(path.steps.slice(1).map((one) => one.event as unknown as JournalEvent));
      expect(topLevel(step.snapshot.value)).toBe(topLevel(path.state.value));
      expect(step.snapshot.status).not.toBe('error');
    },
  );

  test('ends from every state within 12 events if every effect fails or times out', () => {
    for (const path of paths) {
      let { snapshot } = run(
        path.steps.slice(1).map((one) => one.event as unknown as JournalEvent),
      );
      for (let steps = 0; snapshot.status === 'active'; steps += 1) {
        expect(steps).toBeLessThan(12);
        // The worst case: every effect fails and only timers fire.
        const event = nextEvents(snapshot).find(
          ({ type }) => type.startsWith('xstate.error') || type.startsWith('xstate.after'),
        );
        expect(event, JSON.stringify(snapshot.value)).toBeDefined();
        ({ snapshot } = machine.transition(snapshot, event!));
      }
    }
  });
});

function run(events: JournalEvent[]): MachineTransition {
  let step = machine.initialTransition(jobInput());
  for (const event of events) step = machine.transition(step.snapshot, event);
  return step;
}

interface History {
  events: JournalEvent[];
  steps: MachineTransition[];
}

/** A random history of allowed events, up to the end of the job or 25 events. */
const history = (g: fc.GeneratorValue): History => {
  const steps = [machine.initialTransition(jobInput())];
  const events: JournalEvent[] = [];
  for (let count = 0; count < 25; count += 1) {
    const { snapshot } = steps.at(-1)!;
    const legal = nextEvents(snapshot);
    if (legal.length === 0) break;
    const event = legal[g(fc.nat, { max: legal.length - 1 })]!;
    events.push(event);
    steps.push(machine.transition(snapshot, event));
  }
  return { events, steps };
};

const property = (check: (history: History) => void): void =>
  fc.assert(
    fc.property(fc.gen(), (g) => check(history(g))),
    { numRuns: 500 },
  );

const end = (snapshot: JobSnapshot): boolean => snapshot.status !== 'active';

describe('the job machine in any history', () => {
  test('never throws in a guard or an action', () => {
    property(({ steps }) => {
      for (const { snapshot } of steps) expect(snapshot.status).not.toBe('error');
    });
  });

  test('P1: emits exactly one end, as the last event, with a reply text, if the job has ended', () => {
    property(({ steps }) => {
      const told = steps.flatMap((step) => step.emitted);
      const ends = told.filter((event) => event.type === 'done' || event.type === 'cancelled');
      expect(ends).toHaveLength(end(steps.at(-1)!.snapshot) ? 1 : 0);
      if (ends[0] === undefined) return;
      expect(told.at(-1)).toBe(ends[0]);
      expect(String(ends[0].data['reply']).length).toBeGreaterThan(0);
    });
  });

  test('P8: ends a job at once on a cancel, stops all its effects and never uses the fallback', () => {
    property(({ steps }) => {
      const { snapshot } = steps.at(-1)!;
      if (end(snapshot)) return;
      const after = machine.transition(snapshot, { type: 'cancel', by: 'ann' });
      expect(after.snapshot.value).toBe('cancelled');
      expect(after.startedEffects).toEqual([]);
      const still = running([...steps, after]);
      expect(still).toEqual([]);
    });
  });

  test('P10: starts no write before a confirm, and at most one write', () => {
    property(({ events, steps }) => {
      let confirmed = 0;
      steps.forEach((step, index) => {
        if (events[index - 1]?.type === 'confirm') confirmed += 1;
        for (const effect of step.startedEffects) {
          if (effect.src === 'execute') expect(confirmed).toBeGreaterThan(0);
        }
      });
      const writes = steps
        .flatMap((step) => step.startedEffects)
        .filter((one) => one.src === 'execute');
      expect(writes.length).toBeLessThanOrEqual(1);
    });
  });

  test('emits state events as a chain: each begins at the state where the previous event ended', () => {
    property(({ steps }) => {
      const states = steps.flatMap((step) => step.emitted).filter((one) => one.type === 'state');
      let from: unknown = 'ack';
      for (const state of states) {
        expect(state.data['from']).toBe(from);
        from = state.data['to'];
        expect(state.state).toBe(from);
      }
      expect(steps.at(-1)!.snapshot.context.state).toBe(from);
    });
  });

  test('continues in the same way after its snapshot was stored as JSON between any two events', () => {
    property(({ events, steps }) => {
      steps.forEach(({ snapshot }, index) => {
        const event = events[index];
        if (event === undefined) return;
        const thawed = machine.deserialize(machine.serialize(snapshot));
        const next = machine.transition(thawed, event);
        expect(comparable(next)).toEqual(comparable(steps[index + 1]!));
      });
    });
  });

  test('emits events and starts effects that are plain JSON', () => {
    property(({ steps }) => {
      for (const { emitted, startedEffects: started } of steps) {
        const data: unknown = { emitted, started };
        expect(JSON.parse(JSON.stringify(data))).toEqual(data);
      }
    });
  });
});

function running(steps: MachineTransition[]): string[] {
  let ids: string[] = [];
  for (const step of steps) {
    ids = ids.filter((id) => !step.stoppedEffectIds.includes(id));
    ids.push(...step.startedEffects.map((effect) => effect.id));
  }
  return ids;
}

const comparable = (
  step: MachineTransition,
): { value: unknown; context: unknown; emitted: JobEmitted[] } => ({
  value: step.snapshot.value,
  context: step.snapshot.context,
  emitted: step.emitted,
});

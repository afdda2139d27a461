/**
 * One row of a job's journal as the inspector shows it: the event, the changes, and the arrows of the chart that were
 * taken. Computed by replaying the row with the pure machine; nothing is executed.
 */
import { createActor, getStateNodes, type AnyTransitionDefinition } from 'xstate';
import { jobMachine } from '#machines/job';
import type { JobInput } from '#machines/job-types';
import { stateEventsOf } from '#shared/wire/state-event';
import type { AppliedEvent, JobRuntimeState } from '#jobs/runtime/job-runtime-state';
import {
  createJobMachineRunner,
  type JobSnapshot,
  type JobMachineRunner,
} from '#jobs/runtime/job-machine-runner';
import type { JournalEvent } from '#jobs/job-store-port';
import { edgeKey } from '../charts/chart-model.ts';
import type { ReplayFrame } from '../page-messages.ts';

/** A pure machine that records the arrows of its last step. */
export interface TracingRunner extends JobMachineRunner {
  takenEdges(): string[];
}

/** The arrow from the initial dot. */
const startEdge = `${jobMachine.id}/start`;

export function createTracingRunner(): TracingRunner {
  const machine = createJobMachineRunner();
  const trace = createTrace();
  let edges: string[] = [];
  return {
    ...machine,
    initialTransition(input) {
      edges = [startEdge];
      return machine.initialTransition(input);
    },
    transition(snapshot, event) {
      edges = trace(snapshot, event);
      return machine.transition(snapshot, event);
    },
    takenEdges: () => edges,
  };
}

/**
 * XState reports the transitions of each microstep only to an inspector. So the step runs again in a separate scope
 * whose system has an inspector. As in job-machine-runner.ts, the scope is not documented;
 * test/inspector/server/journal-reader.integration.test.ts fails when it changes.
 */
function createTrace(): (snapshot: JobSnapshot, event: JournalEvent) => string[] {
  let transitionsTaken: AnyTransitionDefinition[] = [];
  const idle = createActor(jobMachine, {
    input: {} as JobInput,
    inspect(inspectionEvent) {
      if (inspectionEvent.type === '@xstate.microstep') {
        const { _transitions: transitions } = inspectionEvent;
        transitionsTaken.push(...transitions);
      }
    },
  });
  const nothing = (): undefined => undefined;
  const scope = {
    self: idle,
    system: idle.system,
    id: 'job',
    sessionId: 'job',
    logger: nothing,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    actionExecutor: nothing,
  } as unknown as Parameters<typeof jobMachine.transition>[2];
  return (snapshot, event) => {
    transitionsTaken = [];
    jobMachine.transition(snapshot, event as never, scope);
    return transitionsTaken.map(edgeKey).filter((key) => key !== null);
  };
}

export function toReplayFrame(
  before: JobRuntimeState | null,
  { state, row }: AppliedEvent,
  edges: string[],
): ReplayFrame {
  const { context } = state.snapshot;
  const earlier = before?.snapshot.context;
  const changed = Object.entries(context)
    .filter(([key, after]) => !isEqual(earlier?.[key as keyof typeof context], after))
    .map(([key, after]) => ({
      key,
      before: earlier?.[key as keyof typeof context] ?? null,
      after: after as unknown,
    }));
  const keys = (of: JobRuntimeState | null): string[] => of?.effects.map(({ key }) => key) ?? [];
  const [had, has] = [keys(before), keys(state)];
  return {
    n: row.n,
    at: row.at,
    event: row.event,
    value: row.value,
    active: activeIds(row.value),
    edges: state.hasInternalError ? [] : edges,
    changed,
    emitted: stateEventsOf(context, row),
    started: state.effects
      .filter(({ key }) => !had.includes(key))
      .map(({ id, src, key, input }) => ({ id, src, key, input })),
    ended: had.filter((key) => !has.includes(key)),
    running: has,
    timers: state.timers.map(({ id, dueAt }) => ({ id, dueAt })),
    tags: [...state.snapshot.tags],
    isEnded: state.hasInternalError || state.snapshot.status !== 'active',
  };
}

const isEqual = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);

const activeIds = (value: unknown): string[] =>
  getStateNodes(jobMachine.root, value as never).map(({ id }) => id);

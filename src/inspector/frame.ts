/**
 * One row of a job's journal as the inspector shows it: the event, what it changed, which arrows of the
 * chart were taken. Made by running the row through the pure machine again; nothing is executed.
 */
import { createActor, getStateNodes, type AnyTransitionDefinition } from 'xstate';
import { jobMachine } from '../../machines/job.ts';
import type { JobInput } from '../../machines/job-types.ts';
import type { StateEvent } from '../contract/state-event.ts';
import { stateEventsOf } from '../contract/state-event.ts';
import type { Advance, JobState } from '../journal/job-state.ts';
import { createPureMachine, type JobSnapshot, type PureMachine } from '../journal/pure-machine.ts';
import type { JournalEvent } from '../store/job-storage.ts';
import { edgeKey } from './chart-model.ts';

export interface Change {
  key: string;
  before: unknown;
  after: unknown;
}

export interface Frame {
  n: number;
  /** Epoch ms. */
  at: number;
  event: JournalEvent;
  value: unknown;
  /** Ids of all states that the job is in, outermost first. */
  active: string[];
  /** Keys of the arrows that were taken, in order; several where `route` was passed on the way. */
  edges: string[];
  /** Fields of the context that differ from the frame before; all of them in the first frame. */
  changed: Change[];
  emitted: StateEvent[];
  started: { id: string; src: string; key: string; input: unknown }[];
  /** Keys of the effects that ended or were left with this event. */
  ended: string[];
  /** Keys of the effects that run after this event. */
  running: string[];
  timers: { id: string; dueAt: number }[];
  tags: string[];
  isEnded: boolean;
}

/** A pure machine that remembers which arrows its last step took. */
export interface TracedMachine extends PureMachine {
  taken(): string[];
}

/** The arrow from the dot before the first state. */
const startEdge = `${jobMachine.id}/start`;

export function createTracedMachine(): TracedMachine {
  const machine = createPureMachine();
  const trace = createTrace();
  let edges: string[] = [];
  return {
    ...machine,
    initial(input) {
      edges = [startEdge];
      return machine.initial(input);
    },
    next(snapshot, event) {
      edges = trace(snapshot, event);
      return machine.next(snapshot, event);
    },
    taken: () => edges,
  };
}

/**
 * XState tells an inspector the transitions of each microstep, and nobody else. So the step is run once
 * more in a scope of its own whose system has such an inspector. As in pure-machine.ts, the scope is not
 * documented; test/inspector/frame.test.ts fails when it changes.
 */
function createTrace(): (snapshot: JobSnapshot, event: JournalEvent) => string[] {
  let taken: AnyTransitionDefinition[] = [];
  const idle = createActor(jobMachine, {
    input: {} as JobInput,
    inspect(told) {
      if (told.type === '@xstate.microstep') {
        const { _transitions: transitions } = told;
        taken.push(...transitions);
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
    taken = [];
    jobMachine.transition(snapshot, event as never, scope);
    return taken.map(edgeKey).filter((key) => key !== null);
  };
}

export function frameOf(before: JobState | null, { state, row }: Advance, edges: string[]): Frame {
  const { context } = state.snapshot;
  const earlier = before?.snapshot.context;
  const changed = Object.entries(context)
    .filter(([key, after]) => !isEqual(earlier?.[key as keyof typeof context], after))
    .map(([key, after]) => ({
      key,
      before: earlier?.[key as keyof typeof context] ?? null,
      after: after as unknown,
    }));
  const keys = (of: JobState | null): string[] => of?.effects.map(({ key }) => key) ?? [];
  const [had, has] = [keys(before), keys(state)];
  return {
    n: row.n,
    at: row.at,
    event: row.event,
    value: row.value,
    active: activeIds(row.value),
    edges: state.broken ? [] : edges,
    changed,
    emitted: stateEventsOf(context, row),
    started: state.effects
      .filter(({ key }) => !had.includes(key))
      .map(({ id, src, key, input }) => ({ id, src, key, input })),
    ended: had.filter((key) => !has.includes(key)),
    running: has,
    timers: state.timers.map(({ id, dueAt }) => ({ id, dueAt })),
    tags: [...state.snapshot.tags],
    isEnded: state.broken || state.snapshot.status !== 'active',
  };
}

const isEqual = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);

const activeIds = (value: unknown): string[] =>
  getStateNodes(jobMachine.root, value as never).map(({ id }) => id);

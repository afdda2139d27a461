/**
 * Runs the job machine as a pure function: an event in, the next snapshot and what is to be done out.
 * Nothing is executed here.
 *
 * XState's public `transition()` builds a throw-away actor at each call (about 60 µs on this machine's
 * states, against 15). `machine.transition(snapshot, event, scope)` with one inert scope does the same work
 * without it. The scope's shape is not documented: the version of xstate is pinned exactly, and
 * test/journal/pure-machine.test.ts holds this module against the public function over random histories.
 */
import { createActor, type AnyActorRef, type SnapshotFrom } from 'xstate';
import { jobMachine } from '../../machines/job.ts';
import type { JobEmitted, JobInput } from '../../machines/job-types.ts';
import type { JournalEvent } from '../store/job-storage.ts';

export type JobSnapshot = SnapshotFrom<typeof jobMachine>;

export interface StartedEffect {
  /** The invoke's id, unique within the job. */
  id: string;
  src: string;
  input: unknown;
}

export interface SetTimer {
  id: string;
  event: JournalEvent;
  delayMs: number;
}

export interface Step {
  snapshot: JobSnapshot;
  emitted: JobEmitted[];
  started: StartedEffect[];
  /** Ids of the effects whose state was left. */
  stopped: string[];
  set: SetTimer[];
  cleared: string[];
}

export interface PureMachine {
  initial(input: JobInput): Step;
  /** Pure. A snapshot with status `error` means that a guard or an action threw: a bug. */
  next(snapshot: JobSnapshot, event: JournalEvent): Step;
  /** JSON of a snapshot without running effects. */
  freeze(snapshot: JobSnapshot): string;
  /** @throws when the JSON names a state that the machine no longer has. */
  thaw(json: string): JobSnapshot;
}

interface Action {
  type: string;
  params: Record<string, unknown>;
}

export function createPureMachine(): PureMachine {
  let actions: Action[] = [];
  // Never started: it only stands for "the actor" in the scope.
  const idle = createActor(jobMachine, { input: {} as JobInput });
  const scope = {
    self: idle,
    system: idle.system,
    id: 'job',
    sessionId: 'job',
    logger: () => undefined,
    defer: () => undefined,
    emit: () => undefined,
    stopChild: () => undefined,
    actionExecutor: (action: Action) => {
      actions.push(action);
    },
  };
  type Scope = Parameters<typeof jobMachine.transition>[2];

  const stepOf = (run: () => JobSnapshot): Step => {
    actions = [];
    const snapshot = run();
    return collect(snapshot, actions);
  };

  return {
    initial: (input) =>
      stepOf(() => jobMachine.getInitialSnapshot(scope as unknown as Scope, input)),
    next: (snapshot, event) =>
      stepOf(() => jobMachine.transition(snapshot, event as never, scope as unknown as Scope)),
    freeze: ({ status, value, context, historyValue }) =>
      JSON.stringify({ status, value, context, historyValue }),
    thaw: (json) => jobMachine.resolveState(JSON.parse(json) as never),
  };
}

function collect(snapshot: JobSnapshot, actions: Action[]): Step {
  const step: Step = { snapshot, emitted: [], started: [], stopped: [], set: [], cleared: [] };
  for (const { type, params } of actions) {
    switch (type) {
      case 'xstate.emit':
        step.emitted.push(params['event'] as JobEmitted);
        break;
      case 'xstate.spawnChild': {
        const { id, src, input } = params as unknown as StartedEffect;
        step.started.push({ id, src, input });
        break;
      }
      case 'xstate.stopChild':
        // Undefined after a thaw, which only parked jobs go through: they have no effect to stop.
        if ((params as unknown) !== undefined)
          step.stopped.push((params as unknown as AnyActorRef).id);
        break;
      case 'xstate.raise':
        if (typeof params['delay'] === 'number') {
          const { id, event, delay } = params as { id: string; event: JournalEvent; delay: number };
          step.set.push({ id, event, delayMs: delay });
        }
        break;
      case 'xstate.cancel':
        step.cleared.push(params['sendId'] as string);
        break;
      default:
        break;
    }
  }
  return step;
}

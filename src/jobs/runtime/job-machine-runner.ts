/**
 * Runs the job machine as a pure function: takes an event, returns the next snapshot and the actions to execute.
 * Executes nothing.
 *
 * XState's public `transition()` builds a throw-away actor at each call (about 60 µs for this machine's states, instead
 * of 15 µs). `machine.transition(snapshot, event, scope)` with one inert scope does the same work without it. The
 * scope's shape is not documented: the version of xstate is pinned exactly, and test/jobs/runtime/job-machine-runner.test.ts
 * compares this module with the public function over random histories.
 */
import { createActor, type AnyActorRef, type SnapshotFrom } from 'xstate';
import { jobMachine } from '#machines/job';
import type { JobEmitted, JobInput } from '#machines/job-types';
import type { JournalEvent } from '../job-store-port.ts';

export type JobSnapshot = SnapshotFrom<typeof jobMachine>;

export interface StartedEffect {
  /** The invoke's id, unique within the job. */
  id: string;
  src: string;
  input: unknown;
}

export interface ScheduledTimer {
  id: string;
  event: JournalEvent;
  /** From the time at which it was set. */
  delayMs: number;
}

export interface MachineTransition {
  snapshot: JobSnapshot;
  emitted: JobEmitted[];
  startedEffects: StartedEffect[];
  /** Ids of the effects whose state was left. */
  stoppedEffectIds: string[];
  scheduledTimers: ScheduledTimer[];
  cancelledTimerIds: string[];
}

export interface JobMachineRunner {
  initialTransition(input: JobInput): MachineTransition;
  /** Pure. A snapshot with status `error` means that a guard or an action threw: a bug. */
  transition(snapshot: JobSnapshot, event: JournalEvent): MachineTransition;
  /** JSON of a snapshot without running effects. */
  serialize(snapshot: JobSnapshot): string;
  /** @throws when the JSON names a state that the machine no longer has. */
  deserialize(json: string): JobSnapshot;
}

interface Action {
  type: string;
  params: Record<string, unknown>;
}

export function createJobMachineRunner(): JobMachineRunner {
  let actions: Action[] = [];
  // Never started: only fills `self` and `system` of the scope.
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

  const runTransition = (run: () => JobSnapshot): MachineTransition => {
    actions = [];
    const snapshot = run();
    return collectActions(snapshot, actions);
  };

  return {
    initialTransition: (input) =>
      runTransition(() => jobMachine.getInitialSnapshot(scope as unknown as Scope, input)),
    transition: (snapshot, event) =>
      runTransition(() =>
        jobMachine.transition(snapshot, event as never, scope as unknown as Scope),
      ),
    serialize: ({ status, value, context, historyValue }) =>
      JSON.stringify({ status, value, context, historyValue }),
    deserialize: (json) => jobMachine.resolveState(JSON.parse(json) as never),
  };
}

function collectActions(snapshot: JobSnapshot, actions: Action[]): MachineTransition {
  const transition: MachineTransition = {
    snapshot,
    emitted: [],
    startedEffects: [],
    stoppedEffectIds: [],
    scheduledTimers: [],
    cancelledTimerIds: [],
  };
  for (const { type, params } of actions) {
    switch (type) {
      case 'xstate.emit':
        transition.emitted.push(params['event'] as JobEmitted);
        break;
      case 'xstate.spawnChild': {
        const { id, src, input } = params as unknown as StartedEffect;
        transition.startedEffects.push({ id, src, input });
        break;
      }
      case 'xstate.stopChild':
        // Undefined after `deserialize`, which only parked jobs go through: they have no effect to stop.
        if ((params as unknown) !== undefined)
          transition.stoppedEffectIds.push((params as unknown as AnyActorRef).id);
        break;
      case 'xstate.raise':
        if (typeof params['delay'] === 'number') {
          const { id, event, delay } = params as { id: string; event: JournalEvent; delay: number };
          transition.scheduledTimers.push({ id, event, delayMs: delay });
        }
        break;
      case 'xstate.cancel':
        transition.cancelledTimerIds.push(params['sendId'] as string);
        break;
      default:
        break;
    }
  }
  return transition;
}

/** The draft worker of a cluster: one worker drafts at a time; the others send requests to the door of its role. */
import { z } from 'zod';
import { doorOperation, type DoorOperations, type LeaseDoors } from '#cluster/lease-doors';
import type { Drafter } from '#library/drafts/drafter';
import type { DraftWorker } from '#library/drafts/draft-worker';
import type { BackgroundTask } from '../background-task.ts';

export const draftsLease = 'role/drafts';
/** Its door is asked for so long: an overview without the running draft is better than a late one. */
const askLimitMs = 1_000;
/** What is shown of another process may be this old. */
const shownForMs = 1_000;

type DrafterState = Pick<Drafter, 'state' | 'running' | 'pausedAt'>;

const nothing = z.object({});
const documentSchema = z.object({ id: z.string() });

export interface LeasedDrafterParts {
  doors: LeaseDoors;
  /** A new worker, that begins with what is stored. */
  createWorker(): Promise<DraftWorker>;
}

export function createLeasedDrafter({ doors, createWorker }: LeasedDrafterParts): {
  drafter: Drafter;
  task: BackgroundTask;
} {
  let worker: DraftWorker | null = null;
  let shown: DrafterState = { state: 'stopped', running: null, pausedAt: null };
  let shownAt = -Infinity;
  let reading: Promise<void> | null = null;

  const ask = (operation: string, input: object = {}, limitMs?: number): Promise<unknown> =>
    doors.call(draftsLease, operation, input, limitMs === undefined ? {} : { limitMs });
  /** A signal that is lost costs time only: the worker looks at the database regularly. */
  const signal = (operation: string, input?: object): void =>
    void ask(operation, input, askLimitMs).catch(() => undefined);
  const read = async (): Promise<void> => {
    try {
      shown = (await ask('state', {}, askLimitMs)) as DrafterState;
    } catch {
      shown = { ...shown, state: 'stopped', running: null };
    }
    shownAt = performance.now();
  };
  const refresh = async (): Promise<void> => {
    if (worker !== null) return;
    reading ??= read().finally(() => (reading = null));
    await reading;
  };
  const current = (): DrafterState => {
    if (worker !== null) return worker;
    if (performance.now() - shownAt > shownForMs) void refresh();
    return shown;
  };

  return {
    drafter: {
      get state() {
        return current().state;
      },
      get running() {
        return current().running;
      },
      get pausedAt() {
        return current().pausedAt;
      },
      refresh,
      wake: () => signal('wake'),
      retry: () => signal('retry'),
      interrupt: (id) => signal('interrupt', { id }),
      pause: async () => void (await ask('pause')),
      resume: async () => void (await ask('resume')),
    },
    task: {
      name: draftsLease,
      async start() {
        worker = await createWorker();
        worker.start();
        doors.open(draftsLease, operationsOf(worker));
      },
      async stop() {
        await doors.close(draftsLease);
        const ending = worker;
        worker = null;
        await ending?.stop();
      },
    },
  };
}

const operationsOf = (worker: DraftWorker): DoorOperations => ({
  state: doorOperation(nothing, async (): Promise<DrafterState> => {
    const { state, running, pausedAt } = worker;
    return { state, running, pausedAt };
  }),
  wake: doorOperation(nothing, async () => worker.wake()),
  retry: doorOperation(nothing, async () => worker.retry()),
  interrupt: doorOperation(documentSchema, async ({ id }) => worker.interrupt(id)),
  pause: doorOperation(nothing, () => worker.pause()),
  resume: doorOperation(nothing, () => worker.resume()),
});

/** Ways to stand in line for a server with one slot, behind one interface: ours, and those it is compared with. */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { createGate } from '#models/gate/gate';
import { systemClock } from '#shared/clock';

export type Priority = 'foreground' | 'background';

/** One request; `signal` takes the slot away from it. It then rejects, and is run again. */
export type Work = (signal: AbortSignal) => Promise<void>;

export interface Line {
  run(priority: Priority, work: Work): Promise<void>;
  close(): void;
}

/** Opens a line in front of a server that is free so long after an abort. */
export type OpenLine = (drainMs: number) => Line;

/** The gate as it is in the product, with or without preemption. */
export function gatehouseLine(preempts: boolean, drainMs: number): Line {
  const gate = createGate({
    id: 'bench',
    concurrency: 1,
    clock: systemClock,
    maxQueue: Number.POSITIVE_INFINITY,
    preemptBackground: preempts,
    probe: async () => true,
  });
  const { signal } = new AbortController();
  return {
    async run(priority, work) {
      let answer = await gate.acquire({
        kind: 'answer',
        priority,
        user: priority,
        preemptible: priority === 'background',
        signal,
        deadlineAt: null,
        onQueued: () => undefined,
      });
      for (;;) {
        if (!answer.ok) throw new Error(answer.errorReason);
        const { permit } = answer;
        const drain = (): void => permit.drain(sleep(drainMs));
        permit.signal.addEventListener('abort', drain, { once: true });
        await work(permit.signal).catch((error: unknown) => {
          if (!permit.signal.aborted) throw error;
        });
        if (!permit.signal.aborted) return permit.release({ result: 'ok' });
        answer = await permit.requeue();
      }
    },
    close: () => gate.stop(),
  };
}

const never = new AbortController().signal;

export function pQueueLine(): Line {
  const queue = new PQueue({ concurrency: 1 });
  return {
    run: (priority, work) =>
      queue.add(() => work(never), { priority: priority === 'foreground' ? 1 : 0 }),
    close: () => queue.clear(),
  };
}

/** LiteLLM's own figure, scheduler.py: every waiting request asks again after so long. */
const pollMs = 3;

/**
 * LiteLLM's rule re-enacted: the smallest (priority, random id) is first, and every request that waits looks
 * every 3 ms whether it is. The one slot is ours: the original lets all of them through to a healthy server.
 */
export function liteLlmLine(): Line {
  const waiting: { priority: number; id: number }[] = [];
  const slot = { isBusy: false };
  return {
    async run(priority, work) {
      const mine = { priority: priority === 'foreground' ? 0 : 1, id: Math.random() };
      const at = waiting.findIndex(
        (other) =>
          other.priority > mine.priority ||
          (other.priority === mine.priority && other.id > mine.id),
      );
      waiting.splice(at < 0 ? waiting.length : at, 0, mine);
      while (slot.isBusy || waiting[0] !== mine) await sleep(pollMs);
      waiting.shift();
      slot.isBusy = true;
      try {
        await work(never);
      } finally {
        slot.isBusy = false;
      }
    },
    close: () => undefined,
  };
}

/** No line at all: the server's own queue, first come first served. */
export const straightLine = (): Line => ({
  run: (_priority, work) => work(never),
  close: () => undefined,
});

/** Queues for a server with one slot, behind one interface: the gate, and the queues it is compared with. */
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { GateActor } from '#models/gate/gate';
import { systemClock } from '#shared/clock';

export type Priority = 'foreground' | 'background';

/** One request; `signal` preempts it. It then rejects, and is run again. */
export type Work = (signal: AbortSignal) => Promise<void>;

export interface Line {
  run(priority: Priority, work: Work): Promise<void>;
  close(): void;
}

/** Opens a queue for a server that is free `drainMs` after an abort. */
export type OpenLine = (drainMs: number) => Line;

/** The gate of the product, with or without preemption. */
export function gatehouseLine(preempts: boolean, drainMs: number): Line {
  const gate = new GateActor({
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

/** The value in LiteLLM's scheduler.py: the polling interval of every waiting request. */
const pollMs = 3;

/**
 * LiteLLM's rule reimplemented: the smallest (priority, random id) is first, and every waiting request polls
 * every 3 ms. The limit of one slot is added here: the original sends all requests to a healthy server.
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

/** No queue in front of the server: only the server's own queue, first come first served. */
export const straightLine = (): Line => ({
  run: (_priority, work) => work(never),
  close: () => undefined,
});

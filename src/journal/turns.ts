/**
 * Whose turn it is: jobs of one conversation run in the order of their arrival, jobs of different
 * conversations side by side, up to `maxConcurrent`. Holds no job, only ids; keeps nothing on disk, because
 * the order of acceptance is there already.
 *
 * T1: a job that was let in holds its place until `leave`. T2: a free place and a waiter that may run never
 * coexist. T3: `leave` of a job that does not hold or wait does nothing.
 */
import type { Clock } from '../lib/clock.ts';

export interface Turns {
  /** Calls `start` when it is the job's turn: at once, before `enter` returns, where it may run now. */
  enter(jobId: string, conversation: string, start: () => void): void;
  /** For a job that was running before a restart: takes a place whether or not one is free. */
  hold(jobId: string, conversation: string): void;
  leave(jobId: string): void;
  /** Whether the job waits or holds a place. */
  knows(jobId: string): boolean;
  /** 1 is next; null when the job does not wait. */
  position(jobId: string): number | null;
  /**
   * Until the waiter at this position may run, in ms: from how long jobs held their place, as if each took
   * the next free one. Null while nothing has been measured.
   */
  etaMs(position: number): number | null;
  /** Who waits, next first. */
  waiters(): Iterable<string>;
  readonly waiting: number;
  readonly running: number;
}

interface Waiter {
  jobId: string;
  conversation: string;
  start: () => void;
}

interface Holder {
  conversation: string;
  /** Epoch ms. */
  since: number;
}

/** Weight of the newest job in the moving average: as in the estimates of the gates. */
const newestWeight = 0.3;

export function createTurns(maxConcurrent: number, clock: Clock): Turns {
  const holders = new Map<string, Holder>();
  let heldMs: number | null = null;
  /** How many jobs of a conversation hold a place (more than one only after a restart). */
  const busy = new Map<string, number>();
  /** In order of arrival. */
  const waiters = new Map<string, Waiter>();

  const hold = (jobId: string, conversation: string): void => {
    holders.set(jobId, { conversation, since: clock.now() });
    busy.set(conversation, (busy.get(conversation) ?? 0) + 1);
  };

  const letIn = (): void => {
    if (holders.size >= maxConcurrent) return;
    for (const waiter of waiters.values()) {
      if (busy.has(waiter.conversation)) continue;
      waiters.delete(waiter.jobId);
      hold(waiter.jobId, waiter.conversation);
      waiter.start();
      if (holders.size >= maxConcurrent) return;
    }
  };

  return {
    enter(jobId, conversation, start) {
      waiters.set(jobId, { jobId, conversation, start });
      letIn();
    },
    hold,
    leave(jobId) {
      waiters.delete(jobId);
      const holder = holders.get(jobId);
      if (holder === undefined) return;
      const { conversation, since } = holder;
      holders.delete(jobId);
      const ms = Math.max(0, clock.now() - since);
      heldMs = heldMs === null ? ms : heldMs + newestWeight * (ms - heldMs);
      const left = (busy.get(conversation) ?? 1) - 1;
      if (left === 0) busy.delete(conversation);
      else busy.set(conversation, left);
      letIn();
    },
    knows: (jobId) => waiters.has(jobId) || holders.has(jobId),
    waiters: () => waiters.keys(),
    position(jobId) {
      if (!waiters.has(jobId)) return null;
      let position = 1;
      for (const id of waiters.keys()) {
        if (id === jobId) return position;
        position += 1;
      }
      return null;
    },
    etaMs(position) {
      if (heldMs === null) return null;
      const now = clock.now();
      const free = [...holders.values()].map(({ since }) => Math.max(0, since + heldMs! - now));
      while (free.length < maxConcurrent) free.push(0);
      let starts = 0;
      for (let place = 1; place <= position; place += 1) {
        starts = Math.min(...free);
        free[free.indexOf(starts)] = starts + heldMs;
      }
      return Math.round(starts);
    },
    get waiting() {
      return waiters.size;
    },
    get running() {
      return holders.size;
    },
  };
}

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
   * Until this waiter may run, in ms, from how long jobs held their place until now. Null for one that does
   * not wait, and while nothing has been measured.
   */
  etaMs(jobId: string): number | null;
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
    etaMs(jobId) {
      if (heldMs === null || !waiters.has(jobId)) return null;
      return estimateStart(jobId, {
        waiters: waiters.values(),
        holders: holders.values(),
        maxConcurrent,
        heldMs,
        now: clock.now(),
      });
    },
    get waiting() {
      return waiters.size;
    },
    get running() {
      return holders.size;
    },
  };
}

/** Lets all run in thought, each as long as jobs usually do, until it is this one's turn. */
function estimateStart(
  jobId: string,
  line: {
    waiters: Iterable<Waiter>;
    holders: Iterable<Holder>;
    maxConcurrent: number;
    heldMs: number;
    now: number;
  },
): number {
  const { heldMs, now } = line;
  /** When each place comes free, and each conversation, in ms from now. */
  const places: number[] = [];
  const conversations = new Map<string, number>();
  for (const { conversation, since } of line.holders) {
    const left = Math.max(0, since + heldMs - now);
    places.push(left);
    conversations.set(conversation, Math.max(left, conversations.get(conversation) ?? 0));
  }
  while (places.length < line.maxConcurrent) places.push(0);
  for (const { jobId: id, conversation } of line.waiters) {
    places.sort((a, b) => a - b);
    const starts = Math.max(places[0] ?? 0, conversations.get(conversation) ?? 0);
    if (id === jobId) return Math.round(starts);
    // Of the places that are free by then, the last one: the earlier ones are for those who come behind.
    places[places.findLastIndex((free) => free <= starts)] = starts + heldMs;
    conversations.set(conversation, starts + heldMs);
  }
  return 0;
}

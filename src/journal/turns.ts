/**
 * Whose turn it is: jobs of one conversation run in the order of their arrival, jobs of different
 * conversations side by side, up to `maxConcurrent`. Holds no job, only ids; keeps nothing on disk, because
 * the order of acceptance is there already.
 *
 * T1: a job that was let in holds its place until `leave`. T2: a free place and a waiter that may run never
 * coexist. T3: `leave` of a job that does not hold or wait does nothing.
 */
import type { Clock } from '../lib/clock.ts';
import { WaitingLine, type Waiter } from './waiting-line.ts';

export interface Turns {
  /** Calls `start` when it is the job's turn: at once, before `enter` returns, where it may run now. */
  enter(waiter: Waiter, start: () => void): void;
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
  waiters(): Iterable<Waiter>;
  readonly waiting: number;
  /** Of them, those of one user. */
  waitingOf(userId: string): number;
  readonly running: number;
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
  const line = new WaitingLine();
  let heldMs: number | null = null;

  const hold = (jobId: string, conversation: string): void => {
    holders.set(jobId, { conversation, since: clock.now() });
    line.hold(conversation, 1);
  };

  const letIn = (): void => {
    while (holders.size < maxConcurrent) {
      const next = line.next();
      if (next === undefined) return;
      line.remove(next.jobId);
      hold(next.jobId, next.conversation);
      next.start();
    }
  };

  return {
    enter(waiter, start) {
      line.add(waiter, start);
      letIn();
    },
    hold,
    leave(jobId) {
      line.remove(jobId);
      const holder = holders.get(jobId);
      if (holder === undefined) return;
      const { conversation, since } = holder;
      holders.delete(jobId);
      const ms = Math.max(0, clock.now() - since);
      heldMs = heldMs === null ? ms : heldMs + newestWeight * (ms - heldMs);
      line.hold(conversation, -1);
      letIn();
    },
    knows: (jobId) => line.has(jobId) || holders.has(jobId),
    waiters: () => line.inOrder(),
    position: (jobId) => line.position(jobId),
    etaMs(jobId) {
      const position = line.position(jobId);
      if (heldMs === null || position === null) return null;
      return estimateStart(position, {
        waiters: line.inOrder(),
        holders: holders.values(),
        maxConcurrent,
        heldMs,
        now: clock.now(),
      });
    },
    get waiting() {
      return line.size;
    },
    waitingOf: (userId) => line.sizeOf(userId),
    get running() {
      return holders.size;
    },
  };
}

/** How far an estimate walks the line; beyond, the average of what it saw goes on. */
const walkMax = 64;

/** Lets all run in thought, each as long as jobs usually do, until it is the turn of the one at `position`. */
function estimateStart(
  position: number,
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
  let walked = 0;
  let starts = 0;
  for (const { conversation } of line.waiters) {
    walked += 1;
    places.sort((a, b) => a - b);
    starts = Math.max(places[0] ?? 0, conversations.get(conversation) ?? 0);
    if (walked === position || walked === walkMax) break;
    // Of the places that are free by then, the last one: the earlier ones are for those who come behind.
    places[places.findLastIndex((free) => free <= starts)] = starts + heldMs;
    conversations.set(conversation, starts + heldMs);
  }
  return Math.round((starts * position) / walked);
}

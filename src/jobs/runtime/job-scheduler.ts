/**
 * Decides which job runs next: jobs of one conversation run in order of arrival, jobs of different conversations
 * concurrently, up to `maxConcurrent`, those of people before those of schedules (scheduler-queue.ts). Holds only ids, and stores nothing: the order of acceptance is on disk already.
 *
 * T1: a job that was started or adopted holds its slot until `release`. T2: a free slot and a waiting job that may run
 *     never coexist. T3: `release` of a job that neither runs nor waits does nothing.
 */
import assert from 'node:assert/strict';
import type { Clock } from '#shared/clock';
import { SchedulerQueue, type Waiter } from './scheduler-queue.ts';

export interface JobScheduler {
  /** Calls `start` when the job may run: synchronously, before `enqueue` returns, if it may run now. */
  enqueue(waiter: Waiter, start: () => void): void;
  /** For a job that was running before a restart: takes a slot even if none is free. */
  adopt(jobId: string, conversation: string): void;
  release(jobId: string): void;
  /** Whether the job waits or runs. */
  has(jobId: string): boolean;
  /** 1 is next; null when the job does not wait. */
  position(jobId: string): number | null;
  /**
   * Estimated time until this job starts, in ms, from the average run time of jobs so far. Null when it does not wait,
   * and until a run has been measured.
   */
  etaMs(jobId: string): number | null;
  /** Waiting jobs in the order of their turns. */
  waiters(): Iterable<Waiter>;
  readonly waiting: number;
  /** Waiting jobs of one user. */
  waitingOf(userId: string): number;
  readonly running: number;
}

interface RunningJob {
  conversation: string;
  /** Epoch ms. */
  since: number;
}

/** Weight of the newest job in the moving average: as in the estimates of the gates. */
const newestWeight = 0.3;

export function createJobScheduler(maxConcurrent: number, clock: Clock): JobScheduler {
  const runningJobs = new Map<string, RunningJob>();
  const queue = new SchedulerQueue();
  let averageRunMs: number | null = null;

  const adopt = (jobId: string, conversation: string): void => {
    assert(!runningJobs.has(jobId), 'T1: a job holds one slot');
    runningJobs.set(jobId, { conversation, since: clock.now() });
    queue.adjustRunning(conversation, 1);
  };

  const startReady = (): void => {
    while (runningJobs.size < maxConcurrent) {
      const next = queue.firstReady();
      if (next === undefined) return;
      queue.remove(next.jobId);
      adopt(next.jobId, next.conversation);
      next.start();
    }
  };

  return {
    enqueue(waiter, start) {
      queue.add(waiter, start, clock.now());
      startReady();
    },
    adopt,
    release(jobId) {
      queue.remove(jobId);
      const runningJob = runningJobs.get(jobId);
      if (runningJob === undefined) return;
      const { conversation, since } = runningJob;
      runningJobs.delete(jobId);
      const ms = Math.max(0, clock.now() - since);
      averageRunMs = averageRunMs === null ? ms : averageRunMs + newestWeight * (ms - averageRunMs);
      queue.adjustRunning(conversation, -1);
      startReady();
    },
    has: (jobId) => queue.has(jobId) || runningJobs.has(jobId),
    waiters: () => queue.inOrder(),
    position: (jobId) => queue.position(jobId),
    etaMs(jobId) {
      const position = queue.position(jobId);
      if (averageRunMs === null || position === null) return null;
      return estimateStart(position, {
        waiters: queue.inOrder(),
        runningJobs: runningJobs.values(),
        maxConcurrent,
        averageRunMs,
        now: clock.now(),
      });
    },
    get waiting() {
      return queue.size;
    },
    waitingOf: (userId) => queue.sizeOf(userId),
    get running() {
      return runningJobs.size;
    },
  };
}

/** Waiting jobs that an estimate simulates, at most; for a position behind them the result is scaled up. */
const estimateDepthMax = 64;

/**
 * Simulates the queue, each job running for the average time, until the job at `position` starts. Returns ms from now.
 */
function estimateStart(
  position: number,
  input: {
    waiters: Iterable<Waiter>;
    runningJobs: Iterable<RunningJob>;
    maxConcurrent: number;
    averageRunMs: number;
    now: number;
  },
): number {
  const { averageRunMs, now } = input;
  /** When each slot and each conversation becomes free, in ms from now. */
  const slotFreeAtMs: number[] = [];
  const conversations = new Map<string, number>();
  for (const { conversation, since } of input.runningJobs) {
    const left = Math.max(0, since + averageRunMs - now);
    slotFreeAtMs.push(left);
    conversations.set(conversation, Math.max(left, conversations.get(conversation) ?? 0));
  }
  while (slotFreeAtMs.length < input.maxConcurrent) slotFreeAtMs.push(0);
  let walked = 0;
  let starts = 0;
  for (const { conversation } of input.waiters) {
    walked += 1;
    slotFreeAtMs.sort((a, b) => a - b);
    starts = Math.max(slotFreeAtMs[0] ?? 0, conversations.get(conversation) ?? 0);
    if (walked === position || walked === estimateDepthMax) break;
    // Of the slots that are free by then, the latest: the earlier ones are left for the jobs behind.
    slotFreeAtMs[slotFreeAtMs.findLastIndex((free) => free <= starts)] = starts + averageRunMs;
    conversations.set(conversation, starts + averageRunMs);
  }
  return Math.round((starts * position) / walked);
}

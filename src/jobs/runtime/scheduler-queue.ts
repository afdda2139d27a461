/**
 * Waiting jobs in the order of their turns, and which of them may start next: the first of a conversation that has no
 * running job. Every call is O(log n) on average: thousands of jobs may wait in one conversation.
 *
 * The sort key is a point in time: the arrival, for background jobs `backgroundDelayMs` later. So a job of a person is
 * overtaken by no background job that arrives after it, and overtakes only those that arrived at most that much earlier.
 * Jobs of one conversation keep their order: a background job that a person's job has to wait for gets its key.
 *
 * W1: a waiting job is in the queue, in the queue of its conversation, and, while it is first there and no job of the
 *     conversation runs, in the set of ready jobs. Must never: know the number of slots.
 */
import assert from 'node:assert/strict';
import {
  treeCountWhere,
  treeFirst,
  treeValues,
  treeInsert,
  treeRemove,
  treeSize,
  type SortedTree,
} from '#machines/persistent-sorted-tree';

export interface Waiter {
  jobId: string;
  conversation: string;
  userId: string;
  /** No person waits for it. Default: false. */
  isBackground?: boolean;
}

/** Aging, as by default at the gates (`gates.agingMs`). */
export const backgroundDelayMs = 5 * 60_000;

interface QueueEntry extends Waiter {
  start: () => void;
  /** Arrival number, ascending. */
  arrival: number;
  /** Sort key, ms; smaller goes first. */
  key: number;
}

interface ConversationLine {
  /** In order of arrival. */
  waiters: SortedTree<QueueEntry>;
  /** The background jobs behind the last job of a person. */
  background: QueueEntry[];
  /** Running jobs of the conversation: more than one only after a restart. */
  runningCount: number;
}

const byArrival = (one: QueueEntry, other: QueueEntry): number => one.arrival - other.arrival;
const byTurn = (one: QueueEntry, other: QueueEntry): number =>
  one.key - other.key || byArrival(one, other);

export class SchedulerQueue {
  #all: SortedTree<QueueEntry> = null;
  #ready: SortedTree<QueueEntry> = null;
  #arrivals = 0;
  #latestAt = 0;
  readonly #byJob = new Map<string, QueueEntry>();
  readonly #conversations = new Map<string, ConversationLine>();
  readonly #countByUser = new Map<string, number>();

  get size(): number {
    return this.#byJob.size;
  }

  has(jobId: string): boolean {
    return this.#byJob.has(jobId);
  }

  /** Waiting jobs of this user. */
  sizeOf(userId: string): number {
    return this.#countByUser.get(userId) ?? 0;
  }

  /** @param now epoch ms; a clock that is set back changes no order */
  add(waiter: Waiter, start: () => void, now: number): void {
    assert(!this.#byJob.has(waiter.jobId), 'W1: a job waits once');
    this.#latestAt = Math.max(this.#latestAt, now);
    const isBackground = waiter.isBackground === true;
    const key = this.#latestAt + (isBackground ? backgroundDelayMs : 0);
    const entry: QueueEntry = { ...waiter, start, arrival: (this.#arrivals += 1), key };
    this.#byJob.set(entry.jobId, entry);
    this.#all = treeInsert(this.#all, entry, byTurn);
    this.#countByUser.set(entry.userId, this.sizeOf(entry.userId) + 1);
    this.#updateConversation(entry.conversation, (lane) => {
      lane.waiters = treeInsert(lane.waiters, entry, byArrival);
      if (isBackground) lane.background.push(entry);
      else for (const before of lane.background.splice(0)) this.#advance(lane, before, key);
    });
  }

  /** Gives a waiting job of the conversation a smaller key. */
  #advance(lane: ConversationLine, entry: QueueEntry, key: number): void {
    if (this.#byJob.get(entry.jobId) !== entry || entry.key <= key) return;
    const advanced = { ...entry, key };
    this.#byJob.set(entry.jobId, advanced);
    this.#all = treeInsert(treeRemove(this.#all, entry, byTurn), advanced, byTurn);
    lane.waiters = treeInsert(treeRemove(lane.waiters, entry, byArrival), advanced, byArrival);
  }

  /** Does nothing for a job that does not wait. */
  remove(jobId: string): void {
    const entry = this.#byJob.get(jobId);
    if (entry === undefined) return;
    this.#byJob.delete(jobId);
    this.#all = treeRemove(this.#all, entry, byTurn);
    const left = this.sizeOf(entry.userId) - 1;
    if (left === 0) this.#countByUser.delete(entry.userId);
    else this.#countByUser.set(entry.userId, left);
    this.#updateConversation(entry.conversation, (lane) => {
      lane.waiters = treeRemove(lane.waiters, entry, byArrival);
    });
  }

  /** A job of the conversation has started (1) or ended (-1). */
  adjustRunning(conversation: string, change: 1 | -1): void {
    this.#updateConversation(conversation, (lane) => {
      lane.runningCount = Math.max(0, lane.runningCount + change);
    });
  }

  /** The job that may start next. */
  firstReady(): (Waiter & { start: () => void }) | undefined {
    return treeFirst(this.#ready);
  }

  /** 1 is the first of all waiting jobs; null for a job that does not wait. */
  position(jobId: string): number | null {
    const entry = this.#byJob.get(jobId);
    return entry === undefined
      ? null
      : treeCountWhere(this.#all, (other) => byTurn(other, entry) <= 0);
  }

  /** All waiting jobs, the next first. Reading only the first few is cheap. */
  inOrder(): Iterable<Waiter> {
    return treeValues(this.#all);
  }

  #updateConversation(conversation: string, change: (lane: ConversationLine) => void): void {
    const lane = this.#conversations.get(conversation) ?? {
      waiters: null,
      background: [],
      runningCount: 0,
    };
    const before = readyEntryOf(lane);
    change(lane);
    const after = readyEntryOf(lane);
    if (before !== after) {
      if (before !== undefined) this.#ready = treeRemove(this.#ready, before, byTurn);
      if (after !== undefined) this.#ready = treeInsert(this.#ready, after, byTurn);
    }
    if (treeSize(lane.waiters) + lane.runningCount === 0) this.#conversations.delete(conversation);
    else this.#conversations.set(conversation, lane);
  }
}

const readyEntryOf = ({ waiters, runningCount }: ConversationLine): QueueEntry | undefined =>
  runningCount === 0 ? treeFirst(waiters) : undefined;

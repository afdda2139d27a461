/**
 * Waiting jobs in order of arrival, and which of them may start next: the first of a conversation that has no running
 * job. Every call is O(log n): thousands of jobs may wait in one conversation.
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
}

interface QueueEntry extends Waiter {
  start: () => void;
  /** Arrival number, ascending. */
  arrival: number;
}

interface ConversationLine {
  waiters: SortedTree<QueueEntry>;
  /** Running jobs of the conversation: more than one only after a restart. */
  runningCount: number;
}

const byArrival = (one: QueueEntry, other: QueueEntry): number => one.arrival - other.arrival;

export class SchedulerQueue {
  #all: SortedTree<QueueEntry> = null;
  #ready: SortedTree<QueueEntry> = null;
  #arrivals = 0;
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

  add(waiter: Waiter, start: () => void): void {
    assert(!this.#byJob.has(waiter.jobId), 'W1: a job waits once');
    const entry: QueueEntry = { ...waiter, start, arrival: (this.#arrivals += 1) };
    this.#byJob.set(entry.jobId, entry);
    this.#all = treeInsert(this.#all, entry, byArrival);
    this.#countByUser.set(entry.userId, this.sizeOf(entry.userId) + 1);
    this.#updateConversation(entry.conversation, (lane) => {
      lane.waiters = treeInsert(lane.waiters, entry, byArrival);
    });
  }

  /** Does nothing for a job that does not wait. */
  remove(jobId: string): void {
    const entry = this.#byJob.get(jobId);
    if (entry === undefined) return;
    this.#byJob.delete(jobId);
    this.#all = treeRemove(this.#all, entry, byArrival);
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
      : treeCountWhere(this.#all, ({ arrival }) => arrival <= entry.arrival);
  }

  /** All waiting jobs. Reading only the first few is cheap. */
  inArrivalOrder(): Iterable<Waiter> {
    return treeValues(this.#all);
  }

  #updateConversation(conversation: string, change: (lane: ConversationLine) => void): void {
    const lane = this.#conversations.get(conversation) ?? { waiters: null, runningCount: 0 };
    const before = readyEntryOf(lane);
    change(lane);
    const after = readyEntryOf(lane);
    if (before !== after) {
      if (before !== undefined) this.#ready = treeRemove(this.#ready, before, byArrival);
      if (after !== undefined) this.#ready = treeInsert(this.#ready, after, byArrival);
    }
    if (treeSize(lane.waiters) + lane.runningCount === 0) this.#conversations.delete(conversation);
    else this.#conversations.set(conversation, lane);
  }
}

const readyEntryOf = ({ waiters, runningCount }: ConversationLine): QueueEntry | undefined =>
  runningCount === 0 ? treeFirst(waiters) : undefined;

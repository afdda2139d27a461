/**
 * Who waits for a turn, in order of arrival, and who of them may go next: the first of a conversation in which
 * nobody holds a place. Every call is O(log n): thousands may wait in one conversation.
 *
 * W1: a waiter is in the line, in its conversation's own line, and, while it is first there and nobody holds a
 * place there, among those who may go. Must never: know how many places there are.
 */
import {
  countWhere,
  first,
  inOrder,
  insert,
  remove,
  sizeOf,
  type Tree,
} from '../../machines/gate-tree.ts';

export interface Waiter {
  jobId: string;
  conversation: string;
  userId: string;
}

interface Entry extends Waiter {
  start: () => void;
  /** Counts arrivals. */
  at: number;
}

interface Lane {
  waiters: Tree<Entry>;
  /** Jobs of the conversation that hold a place: more than one only after a restart. */
  holders: number;
}

const byArrival = (one: Entry, other: Entry): number => one.at - other.at;

export class WaitingLine {
  #all: Tree<Entry> = null;
  #ready: Tree<Entry> = null;
  #arrivals = 0;
  readonly #byJob = new Map<string, Entry>();
  readonly #lanes = new Map<string, Lane>();
  readonly #ofUser = new Map<string, number>();

  get size(): number {
    return this.#byJob.size;
  }

  has(jobId: string): boolean {
    return this.#byJob.has(jobId);
  }

  /** How many jobs of this user wait. */
  sizeOf(userId: string): number {
    return this.#ofUser.get(userId) ?? 0;
  }

  /** A job stands in it once. */
  add(waiter: Waiter, start: () => void): void {
    const entry: Entry = { ...waiter, start, at: (this.#arrivals += 1) };
    this.#byJob.set(entry.jobId, entry);
    this.#all = insert(this.#all, entry, byArrival);
    this.#ofUser.set(entry.userId, this.sizeOf(entry.userId) + 1);
    this.#change(entry.conversation, (lane) => {
      lane.waiters = insert(lane.waiters, entry, byArrival);
    });
  }

  /** Does nothing for a job that does not wait. */
  remove(jobId: string): void {
    const entry = this.#byJob.get(jobId);
    if (entry === undefined) return;
    this.#byJob.delete(jobId);
    this.#all = remove(this.#all, entry, byArrival);
    const left = this.sizeOf(entry.userId) - 1;
    if (left === 0) this.#ofUser.delete(entry.userId);
    else this.#ofUser.set(entry.userId, left);
    this.#change(entry.conversation, (lane) => {
      lane.waiters = remove(lane.waiters, entry, byArrival);
    });
  }

  /** A job of the conversation holds a place from now on (1), or no longer (-1). */
  hold(conversation: string, change: 1 | -1): void {
    this.#change(conversation, (lane) => {
      lane.holders = Math.max(0, lane.holders + change);
    });
  }

  /** Who may go next. */
  next(): (Waiter & { start: () => void }) | undefined {
    return first(this.#ready);
  }

  /** 1 is the first of all who wait; null for a job that does not. */
  position(jobId: string): number | null {
    const entry = this.#byJob.get(jobId);
    return entry === undefined ? null : countWhere(this.#all, ({ at }) => at <= entry.at);
  }

  /** All who wait. The first few cost little. */
  inOrder(): Iterable<Waiter> {
    return inOrder(this.#all);
  }

  #change(conversation: string, change: (lane: Lane) => void): void {
    const lane = this.#lanes.get(conversation) ?? { waiters: null, holders: 0 };
    const before = readyOf(lane);
    change(lane);
    const after = readyOf(lane);
    if (before !== after) {
      if (before !== undefined) this.#ready = remove(this.#ready, before, byArrival);
      if (after !== undefined) this.#ready = insert(this.#ready, after, byArrival);
    }
    if (sizeOf(lane.waiters) + lane.holders === 0) this.#lanes.delete(conversation);
    else this.#lanes.set(conversation, lane);
  }
}

const readyOf = ({ waiters, holders }: Lane): Entry | undefined =>
  holders === 0 ? first(waiters) : undefined;

/**
 * Notifies waiting requests of their queue positions, and subscribers of changes. Coalesces notifications: granting a
 * slot with thousands of waiters must not cost a call for each of them.
 *
 * N1 At most once per turn of the event loop: all new waiters, and the first few of the queue.
 * N2 All other waiters at most once per `sweepIntervalMs`.
 * N3 A waiter is never notified twice of the same position.
 * N4 A wait that no other job causes gives no notification: the source of the positions leaves it out.
 */
import type { QueuePosition } from '#machines/job-types';
import type { MonotonicTimers } from './gate-options.ts';

/** The first waiters of the queue are notified at once: these users watch the screen for the start of their answer. */
const notifiedAtOnceCount = 4;
/** Faster than a user reads; a longer interval looks stuck. */
const sweepIntervalMs = 250;

/** A waiting request, and the position that it was last notified of. */
export interface PositionListener {
  lastPosition: QueuePosition | null;
  onQueued: (position: QueuePosition) => void;
}

interface PositionSource {
  timers: MonotonicTimers;
  /** All waiters in queue order; walked only as far as needed. */
  waitersInOrder: () => Iterable<{ listener: PositionListener; position: QueuePosition }>;
  /** The position of a new waiter; undefined when it no longer waits. */
  currentPosition: (listener: PositionListener) => QueuePosition | undefined;
  waiting: () => number;
}

/** Runs a callback of a caller; an exception does not reach the gate, it surfaces as an uncaught exception. */
export function invokeSafely(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export class PositionNotifier {
  readonly #source: PositionSource;
  readonly #subscribers = new Set<() => void>();
  #newWaiters = new Set<PositionListener>();
  #isScheduled = false;
  #sweepTimer: unknown = null;

  constructor(source: PositionSource) {
    this.#source = source;
  }

  /**
   * Calls `subscriber` after each turn of the event loop in which something changed. Returns the unsubscribe function.
   */
  subscribe(subscriber: () => void): () => void {
    // Wrapped, so that a function subscribed twice counts as two subscribers.
    const entry = (): void => subscriber();
    this.#subscribers.add(entry);
    return () => this.#subscribers.delete(entry);
  }

  /** Something changed; `newWaiter` has just begun to wait. */
  notifyChange(newWaiter?: PositionListener): void {
    if (newWaiter !== undefined) this.#newWaiters.add(newWaiter);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Runs after the promises of this turn: granting comes first, notifications second.
    setImmediate(() => this.#flush());
  }

  /** Clears the timer. Subscribers are still notified of earlier changes. */
  close(): void {
    if (this.#sweepTimer !== null) this.#source.timers.clearTimeout(this.#sweepTimer);
    this.#sweepTimer = null;
  }

  #flush(): void {
    this.#isScheduled = false;
    const newWaiters = this.#newWaiters;
    this.#newWaiters = new Set();
    const waiting = this.#source.waiting();
    if (waiting > 0) this.#notifyInOrder(notifiedAtOnceCount);
    for (const listener of newWaiters) {
      const position =
        listener.lastPosition === null ? this.#source.currentPosition(listener) : undefined;
      if (position !== undefined) this.#notify(listener, position);
    }
    if (waiting > notifiedAtOnceCount && this.#sweepTimer === null) {
      this.#sweepTimer = this.#source.timers.setTimeout(() => {
        this.#sweepTimer = null;
        this.#notifyInOrder(Infinity);
      }, sweepIntervalMs);
    }
    for (const subscriber of this.#subscribers) invokeSafely(subscriber);
  }

  #notifyInOrder(count: number): void {
    let left = count;
    for (const { listener, position } of this.#source.waitersInOrder()) {
      if (left <= 0) return;
      left -= 1;
      this.#notify(listener, position);
    }
  }

  #notify(listener: PositionListener, position: QueuePosition): void {
    const { lastPosition } = listener;
    if (lastPosition?.position === position.position && lastPosition.ahead === position.ahead)
      return;
    listener.lastPosition = position;
    invokeSafely(() => listener.onQueued(position));
  }
}

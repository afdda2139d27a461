import type { MonotonicTimers } from '#models/gate/gate-options';
import type { Clock } from '#shared/clock';

/**
 * A clock that the test advances. Timers fire in the order of their due times, each at its due time. The wall clock can
 * be set; until then it equals the monotonic clock.
 */
export class VirtualTime implements Clock, MonotonicTimers {
  #now: number;
  #wallClockOffsetMs = 0;
  #lastId = 0;
  readonly #timers = new Map<number, { dueAt: number; run: () => void }>();

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now = (): number => this.#now + this.#wallClockOffsetMs;

  monotonicNow = (): number => this.#now;

  setTimeout = (run: () => void, delayMs: number): number => {
    this.#lastId += 1;
    // As in Node: a delay above 2^31 - 1 ms becomes 1 ms.
    const keptMs = delayMs > 2_147_483_647 ? 1 : delayMs;
    this.#timers.set(this.#lastId, { dueAt: this.#now + keptMs, run });
    return this.#lastId;
  };

  clearTimeout = (handle: unknown): void => {
    this.#timers.delete(handle as number);
  };

  /** The number of timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Sets the wall clock forward or back; the monotonic clock does not change. */
  shiftWallClock(ms: number): void {
    this.#wallClockOffsetMs += ms;
  }

  /** Advances the time without firing timers, as if the thread were blocked. */
  advanceWithoutTimers(ms: number): void {
    this.#now += ms;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: { id: number; dueAt: number; run: () => void } | undefined;
      for (const [id, timer] of this.#timers) {
        if (timer.dueAt <= end && (next === undefined || timer.dueAt < next.dueAt)) {
          next = { id, ...timer };
        }
      }
      if (next === undefined) break;
      this.#timers.delete(next.id);
      this.#now = Math.max(this.#now, next.dueAt);
      next.run();
    }
    this.#now = end;
  }
}

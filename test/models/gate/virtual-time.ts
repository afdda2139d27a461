import type { MonotonicTimers } from '#models/gate/gate-options';
import type { Clock } from '#shared/clock';

/**
 * Time in the test's hand. Timers ring in the order of their due times, each at its own moment. The wall clock can be
 * set; until then it shows the time that passes.
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
    // As in Node: a delay that does not fit is one millisecond.
    const keptMs = delayMs > 2_147_483_647 ? 1 : delayMs;
    this.#timers.set(this.#lastId, { dueAt: this.#now + keptMs, run });
    return this.#lastId;
  };

  clearTimeout = (handle: unknown): void => {
    this.#timers.delete(handle as number);
  };

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Sets the wall clock, ahead or back: no time passes. */
  shiftWallClock(ms: number): void {
    this.#wallClockOffsetMs += ms;
  }

  /** Time passes, and no timer rings: a thread that is busy. */
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

/**
 * When those who wait are told where they stand, and those who watch that something changed. Owns the
 * coalescing: a hand-off with thousands waiting must not cost a call for each of them.
 *
 * N1 Once per turn of the event loop at most: everybody who has just begun to wait, and the first few in line.
 * N2 Everybody else at most once per `sweepMs`.
 * N3 Nobody is told twice the same position.
 * N4 A wait that no other job causes gives no notice: the source of the positions leaves it out.
 */
import type { QueuePosition } from '../contract/model.ts';
import type { Timers } from './gate-options.ts';

/** So many in front are told at once: these are the people who look at the screen for their turn. */
const frontCount = 4;
/** Faster than anybody reads; slower than a quarter of a second looks stuck. */
const sweepMs = 250;

/** One who waits, and what it was told last. */
export interface Listener {
  told: QueuePosition | null;
  onQueued: (position: QueuePosition) => void;
}

interface NoticeSource {
  timers: Timers;
  /** All who wait, in the order of their turn; walked only as far as needed. */
  inLine: () => Iterable<{ listener: Listener; position: QueuePosition }>;
  /** The place of one who has just begun to wait; undefined when it waits no more. */
  placeOf: (listener: Listener) => QueuePosition | undefined;
  waiting: () => number;
}

/** Runs a callback of somebody else; what it throws is theirs, and surfaces as an uncaught exception. */
export function callOut(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export class Notices {
  readonly #source: NoticeSource;
  readonly #watchers = new Set<() => void>();
  #fresh = new Set<Listener>();
  #isScheduled = false;
  #sweep: unknown = null;

  constructor(source: NoticeSource) {
    this.#source = source;
  }

  /** Calls `watcher` after each turn in which something changed. Returns how to end that. */
  watch(watcher: () => void): () => void {
    // Wrapped, so that the same function given twice is two watchers.
    const entry = (): void => watcher();
    this.#watchers.add(entry);
    return () => this.#watchers.delete(entry);
  }

  /** Something changed; `fresh` has just begun to wait. */
  changed(fresh?: Listener): void {
    if (fresh !== undefined) this.#fresh.add(fresh);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the promises of this turn: a hand-off comes first, the news of it second.
    setImmediate(() => this.#flush());
  }

  /** Ends the timer. Those who watch are still told what changed before. */
  close(): void {
    if (this.#sweep !== null) this.#source.timers.clearTimeout(this.#sweep);
    this.#sweep = null;
  }

  #flush(): void {
    this.#isScheduled = false;
    const fresh = this.#fresh;
    this.#fresh = new Set();
    const waiting = this.#source.waiting();
    if (waiting > 0) this.#tellInLine(frontCount);
    for (const listener of fresh) {
      const position = listener.told === null ? this.#source.placeOf(listener) : undefined;
      if (position !== undefined) this.#tell(listener, position);
    }
    if (waiting > frontCount && this.#sweep === null) {
      this.#sweep = this.#source.timers.setTimeout(() => {
        this.#sweep = null;
        this.#tellInLine(Infinity);
      }, sweepMs);
    }
    for (const watcher of this.#watchers) callOut(watcher);
  }

  #tellInLine(count: number): void {
    let left = count;
    for (const { listener, position } of this.#source.inLine()) {
      if (left <= 0) return;
      left -= 1;
      this.#tell(listener, position);
    }
  }

  #tell(listener: Listener, position: QueuePosition): void {
    const { told } = listener;
    if (told?.position === position.position && told.ahead === position.ahead) return;
    listener.told = position;
    callOut(() => listener.onQueued(position));
  }
}

/**
 * Injected faults for requests: first those of a queue that tests or users fill, then those of a storm (random faults).
 * A storm is seeded: the same seed and the same order of requests give the same faults.
 */
import { randomOf, type Random } from './random.ts';

export interface FaultScope<M> {
  /** How many requests get it; 1 by default, Infinity until `clear`. */
  times?: number;
  /** Only requests for this method; any by default. */
  method?: M;
}

export interface Storm<F> {
  seed: number;
  /** Fraction of the requests, 0 to 1, that get a fault. */
  rate: number;
  /** Picked with equal chance; all known kinds by default. */
  faults?: readonly F[];
}

export interface QueuedFault<F, M> {
  fault: F;
  timesLeft: number;
  method: M | null;
}

export class FaultQueue<F, M extends string> {
  readonly queue: QueuedFault<F, M>[] = [];
  readonly #stormFaults: readonly F[];
  #storm: Storm<F> | null = null;
  #random: Random = randomOf(0);

  /** @param stormFaults those of a storm that names none */
  constructor(stormFaults: readonly F[]) {
    this.#stormFaults = stormFaults;
  }

  add(fault: F, { times = 1, method }: FaultScope<M> = {}): void {
    if (times > 0) this.queue.push({ fault, timesLeft: times, method: method ?? null });
  }

  clear(): void {
    this.queue.length = 0;
  }

  get storm(): Storm<F> | null {
    return this.#storm;
  }

  set storm(storm: Storm<F> | null) {
    this.#storm = storm;
    this.#random = randomOf(storm?.seed ?? 0);
  }

  /** The fault of the next request for `method`. */
  take(method: string): F | null {
    const index = this.queue.findIndex((one) => one.method === null || one.method === method);
    const queued = this.queue[index];
    if (queued !== undefined) {
      queued.timesLeft -= 1;
      if (queued.timesLeft <= 0) this.queue.splice(index, 1);
      return queued.fault;
    }
    if (this.#storm === null) return null;
    const { rate, faults = this.#stormFaults } = this.#storm;
    // Both numbers are drawn every time, so that a changed rate does not change which request gets which fault.
    const [isHit, pick] = [this.#random() < rate, this.#random()];
    return isHit ? (faults[Math.floor(pick * faults.length)] ?? null) : null;
  }
}

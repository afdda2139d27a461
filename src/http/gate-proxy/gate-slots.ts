/**
 * Which requests the gate proxy lets through: at most `concurrency` at once, by the fences of their permits.
 *
 * S1 A request with an epoch below the highest one of its gate is refused.
 * S2 When all slots are taken, the request with the lowest permit of the same gate is closed, or one without a permit: its
 *    holder does not run any more, or the gate would not have given its slot away. Its slot is free when the connection to
 *    the model server has ended.
 */
import type { RequestPermit } from '#shared/wire/permit-headers';

export interface SlotHolder {
  /** Null: a request without a permit. */
  permit: RequestPermit | null;
  /** Closes the connection to the model server; `leave` is called when it has ended. */
  close(): void;
  /** The caller has gone: it needs no slot any more. */
  isGone(): boolean;
}

export type Admission = 'admitted' | 'stale' | 'full' | 'gone';

export class GateSlots {
  readonly #concurrency: number;
  readonly #epochs = new Map<string, number>();
  readonly #taken = new Set<SlotHolder>();
  readonly #closing = new Set<SlotHolder>();
  readonly #waiting: (() => void)[] = [];

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Resolves at once if a slot is free, else when one is. */
  async enter(holder: SlotHolder): Promise<Admission> {
    for (;;) {
      if (holder.isGone()) return 'gone';
      if (!this.#isCurrent(holder)) return 'stale';
      if (this.#taken.size < this.#concurrency) break;
      if (this.#closing.size === 0) {
        const victim = this.#lowestBelow(holder);
        if (victim === null) return this.#refusalOf(holder);
        this.#closing.add(victim);
        victim.close();
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#taken.add(holder);
    return 'admitted';
  }

  /** It is over for the caller; the model server may still be busy with it. */
  closes(holder: SlotHolder): void {
    if (this.#taken.has(holder)) this.#closing.add(holder);
  }

  leave(holder: SlotHolder): void {
    this.#closing.delete(holder);
    if (!this.#taken.delete(holder)) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #isCurrent({ permit }: SlotHolder): boolean {
    if (permit === null) return true;
    const highest = this.#epochs.get(permit.gate) ?? 0;
    this.#epochs.set(permit.gate, Math.max(highest, permit.epoch));
    return permit.epoch >= highest;
  }

  #lowestBelow({ permit }: SlotHolder): SlotHolder | null {
    if (permit === null) return null;
    const comparable = [...this.#taken].filter(
      ({ permit: other }) =>
        other === null || (other.gate === permit.gate && isBelow(other, permit)),
    );
    comparable.sort(({ permit: a }, { permit: b }) => {
      if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
      return isBelow(a, b) ? -1 : 1;
    });
    return comparable[0] ?? null;
  }

  /** A lower permit than all that run was given away; a request without a permit, or of another gate, comes too early. */
  #refusalOf({ permit }: SlotHolder): Admission {
    const isOvertaken = [...this.#taken].some(
      ({ permit: other }) => permit !== null && other?.gate === permit.gate,
    );
    return isOvertaken ? 'stale' : 'full';
  }
}

/** The same permit twice: the request was sent again, and the earlier one is over for its holder. */
const isBelow = (a: RequestPermit, b: RequestPermit): boolean =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.n <= b.n);

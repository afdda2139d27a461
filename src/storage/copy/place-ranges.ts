/** Puts the rows of an SQLite file, which have one counter, in partitions that count for themselves (docs/storage.md). */
import { partitionOf } from '../postgres/partition.ts';
import type { EventRangeTable } from '../postgres/schema.ts';

/**
 * Every place keeps its number. Places without a row (removed rows, restored backups) go to the partition of the next row,
 * so that there is a range for every place and all positions together are as many as all places.
 */
export class RangeBuilder {
  readonly #positions = new Map<number, number>();
  #last = 0;
  #open: EventRangeTable | null = null;

  /** In order of `place`. Returns the range that is complete now. */
  add(place: number, userId: string): EventRangeTable | null {
    return this.#extend(partitionOf(userId), place);
  }

  /** `last`: the last place that was ever given. Returns the ranges that are left. */
  end(last: number): EventRangeTable[] {
    const part = this.#open?.part ?? 0;
    const complete = last > this.#last ? this.#extend(part, last) : null;
    return [complete, this.#open].filter((range) => range !== null);
  }

  /** The last position of each partition that has one. */
  get positions(): ReadonlyMap<number, number> {
    return this.#positions;
  }

  #extend(part: number, place: number): EventRangeTable | null {
    const count = place - this.#last;
    const before = this.#positions.get(part) ?? 0;
    this.#positions.set(part, before + count);
    const from = this.#last + 1;
    this.#last = place;
    if (this.#open?.part === part) {
      this.#open.count += count;
      return null;
    }
    const complete = this.#open;
    this.#open = { seq_from: from, part, pos_from: before + 1, count };
    return complete;
  }
}

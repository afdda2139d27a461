/** Puts the rows of an SQLite file, which have one counter, in partitions that count for themselves (docs/storage.md). */
import { partitionOf } from '../postgres/partition.ts';
import type { EventRangeTable } from '../postgres/schema.ts';

/**
 * Every place keeps its number. Places without a row (removed rows, restored backups) have no range, as after a removal on
 * PostgreSQL, but use up positions of the next row's partition: all positions together are as many as all places.
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
    // The last place has a range even without a row: the sequencer goes on behind it.
    const complete = last > this.#last ? this.#extend(this.#open?.part ?? 0, last) : null;
    return [complete, this.#open].filter((range) => range !== null);
  }

  /** The last position of each partition that has one. */
  get positions(): ReadonlyMap<number, number> {
    return this.#positions;
  }

  #extend(part: number, place: number): EventRangeTable | null {
    const position = (this.#positions.get(part) ?? 0) + place - this.#last;
    const isNext = place === this.#last + 1;
    this.#positions.set(part, position);
    this.#last = place;
    if (isNext && this.#open?.part === part) {
      this.#open.count += 1;
      return null;
    }
    const complete = this.#open;
    this.#open = { seq_from: place, part, pos_from: position, count: 1 };
    return complete;
  }
}

/** Translates places of the global order to positions of partitions. */
import type { EventRangeTable } from '#storage/postgres/schema';

/** Positions of one partition, inclusive; a position plus `shift` is its place. */
export interface PartitionSlice {
  part: number;
  from: number;
  to: number;
  shift: number;
}

/** The first `limit` places after `place`, from ranges in order; `upTo` is the last of them. */
export function sliceRanges(
  ranges: readonly EventRangeTable[],
  place: number,
  limit: number,
): { slices: PartitionSlice[]; upTo: number } {
  const slices: PartitionSlice[] = [];
  let [upTo, rest] = [place, limit];
  for (const { seq_from: seqFrom, part, pos_from: posFrom, count } of ranges) {
    const first = Math.max(seqFrom, place + 1);
    const last = Math.min(seqFrom + count, first + rest) - 1;
    if (last < first) continue;
    const shift = seqFrom - posFrom;
    slices.push({ part, from: first - shift, to: last - shift, shift });
    upTo = last;
    rest -= last - first + 1;
  }
  return { slices, upTo };
}

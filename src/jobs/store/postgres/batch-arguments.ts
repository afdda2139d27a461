/** A batch of the journal as the arguments of `commit_batch`: one array per column. */
import { storableText } from '#storage/postgres/storable-text';
import { partitionOf } from '#storage/postgres/partition';
import { topLevelState } from '#storage/state-value';
import { inputText } from '../job-rows.ts';
import type { JobChange, JobHead, JournalRow } from '../../job-store-port.ts';

/** Positions that the batch uses, by partition. */
export function countPositions(changes: readonly JobChange[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { userId, rows } of changes) {
    const partition = partitionOf(userId);
    counts.set(partition, (counts.get(partition) ?? 0) + rows.length);
  }
  // A lost answer is recognised by the positions: every batch moves them.
  for (const [partition, count] of counts) if (count === 0) counts.set(partition, 1);
  return counts;
}

/**
 * In the order of the function's parameters, after those of the leases. `before`: the last position of each partition.
 * A new job has no number yet: -1 for the first, -2 for the second.
 */
export function batchArguments(
  changes: readonly JobChange[],
  before: ReadonlyMap<number, number>,
): unknown[] {
  const created = changes.filter((change) => change.created !== null);
  const ordinals = new Map(created.map((change, index) => [change, -1 - index]));
  const numberOf = (change: JobChange): number => ordinals.get(change) ?? change.num!;
  const keys = changes.flatMap(({ keys, jobId, at }) => keys.map((key) => ({ key, jobId, at })));
  return [
    ...columns(created, newJobColumns),
    ...columns(
      changes.flatMap((change) =>
        change.head === null ? [] : [{ change, head: change.head, num: numberOf(change) }],
      ),
      headColumns,
    ),
    ...columns(rowsOf(changes, before, numberOf), rowColumns),
    ...columns(keys, keyColumns),
  ];
}

const columns = <Item>(items: readonly Item[], of: readonly ((item: Item) => unknown)[]) =>
  of.map((column) => items.map(column));

const newJobColumns: readonly ((change: JobChange) => unknown)[] = [
  ({ created }) => created!.id,
  ({ userId }) => partitionOf(userId),
  ({ created }) => storableText(created!.input.userId),
  ({ created }) => storableText(created!.input.channel),
  ({ created }) => storableText(created!.conversation),
  ({ created }) => storableText(created!.input.message),
  ({ created }) => inputText(created!),
  ({ created }) => created!.createdAt,
];

interface NumberedHead {
  change: JobChange;
  head: JobHead;
  num: number;
}

const headColumns: readonly ((item: NumberedHead) => unknown)[] = [
  ({ num }) => num,
  ({ change }) => change.machineVersion,
  ({ head }) => head.state,
  ({ head }) => head.outcome,
  ({ head }) => head.reply && storableText(head.reply),
  ({ head }) => head.n,
  ({ head }) => head.seq,
  ({ head }) => head.snapshot,
  ({ head }) => head.wakeAt,
  ({ head }) => head.updatedAt,
  ({ head }) => head.endedAt,
];

interface PlacedRow {
  num: number;
  partition: number;
  pos: number;
  row: JournalRow;
}

/** In the given order: events are published in this order. */
function rowsOf(
  changes: readonly JobChange[],
  before: ReadonlyMap<number, number>,
  numberOf: (change: JobChange) => number,
): PlacedRow[] {
  const last = new Map(before);
  return changes.flatMap((change) => {
    const [num, partition] = [numberOf(change), partitionOf(change.userId)];
    return change.rows.map((row) => {
      const pos = last.get(partition)! + 1;
      last.set(partition, pos);
      return { num, partition, pos, row };
    });
  });
}

const rowColumns: readonly ((item: PlacedRow) => unknown)[] = [
  ({ num }) => num,
  ({ partition }) => partition,
  ({ pos }) => pos,
  ({ row }) => row.n,
  ({ row }) => row.at,
  ({ row }) => JSON.stringify(row.event),
  ({ row }) => JSON.stringify(row.value),
  ({ row }) => topLevelState(row.value),
  ({ row }) => row.seq,
  ({ row }) => row.emitted.length,
  ({ row }) => JSON.stringify(row.emitted),
];

const keyColumns: readonly ((item: { key: string; jobId: string; at: number }) => unknown)[] = [
  ({ key }) => storableText(key),
  ({ jobId }) => jobId,
  ({ at }) => at,
];

export const batchArgumentCount = [newJobColumns, headColumns, rowColumns, keyColumns].flat()
  .length;

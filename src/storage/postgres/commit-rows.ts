/** Commits rows of one kind with their events, as one of the jobs of their people does, and removes old rows. */
import type { NewEventRow } from '../document-event-row.ts';
import { leaseClaimCount, type PartitionWriter } from './partition-writer.ts';
import { countPositions, placeEvents } from './placed-events.ts';
import { sqlStateOf } from './postgres-errors.ts';
import { storableJson } from './storable-text.ts';

export interface RowCommit {
  /**
   * Name of the function in the database. Its arguments: the claims of leases, each list of `rows` and the events as JSON, and
   * the values of `further`. It raises GH002 when a row is not in the state that the change starts from.
   */
  procedure: string;
  /** Users of the rows. */
  owners: readonly string[];
  rows: readonly (readonly object[])[];
  events: readonly NewEventRow[];
  further?: readonly unknown[];
}

const changedBasis = 'GH002';

/** The leases of the partitions of all owners are held until the end of the commit. */
export async function commitRows(
  writer: PartitionWriter,
  { procedure, owners, rows, events, further = [] }: RowCommit,
): Promise<'done' | 'conflict'> {
  const count = leaseClaimCount + rows.length + 1 + further.length;
  const places = Array.from({ length: count }, (_, at) => `$${at + 1}`).join(', ');
  const lists = rows.map((list) => storableJson(list));
  try {
    await writer.write({
      counts: countPositions(owners, events),
      statement: { name: procedure, text: `select ${procedure}(${places})` },
      values: (claims, before) => [
        ...claims,
        ...lists,
        storableJson(placeEvents(events, before)),
        ...further,
      ],
    });
    return 'done';
  } catch (error) {
    if (sqlStateOf((error as { cause?: unknown }).cause) === changedBasis) return 'conflict';
    throw error;
  }
}

/** Rows per transaction of a purge. */
const pruneBatch = 500;

/**
 * Removes rows in short transactions. Returns how many.
 *
 * @param removeBatch removes at most `limit` rows that are older than `before` (epoch ms) and returns their number
 */
export async function pruneInBatches(
  before: number,
  removeBatch: (before: number, limit: number) => Promise<number>,
): Promise<number> {
  const latest = Math.min(before, Number.MAX_SAFE_INTEGER);
  for (let removed = 0; ;) {
    const count = await removeBatch(latest, pruneBatch);
    removed += count;
    if (count < pruneBatch) return removed;
  }
}

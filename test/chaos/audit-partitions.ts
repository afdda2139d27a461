/** P13 and the order of events on PostgreSQL: a partition has one writer, and a stale one changes nothing. */
import { partitionLease } from '#storage/postgres/partition';
import type { Finding } from './finding.ts';
import type { LeaseStep, PartitionsSeen } from './observations.ts';

export const auditPartitions = (seen: PartitionsSeen): Finding[] => [
  oneWriter(seen),
  ownedRows(seen),
  denseRanges(seen),
];

/** Each lease: positions go on where they ended, epochs only grow, and each epoch has the one worker that took it. */
function oneWriter({ steps }: PartitionsSeen): Finding {
  const violations = [...Map.groupBy(steps, ({ lease }) => lease)].flatMap(([lease, own]) => {
    const takers = new Map<number, string | null>();
    return own.flatMap((step, index) => {
      const last = own[index - 1];
      if (!takers.has(step.epoch)) takers.set(step.epoch, step.worker);
      return faultsOf(step, last, takers.get(step.epoch)!).map((fault) => `${lease}: ${fault}`);
    });
  });
  return {
    promise: 'P13',
    what: 'no two epochs wrote one position, and no stale worker committed',
    checked: steps.length,
    violations,
  };
}

function faultsOf(step: LeaseStep, last: LeaseStep | undefined, taker: string | null): string[] {
  const { worker, epoch, posBefore, posAfter } = step;
  const faults: string[] = [];
  if (last !== undefined && epoch < last.epoch) {
    faults.push(`epoch ${epoch} committed after epoch ${last.epoch}`);
  }
  if (last !== undefined && posBefore !== last.posAfter) {
    faults.push(`epoch ${epoch} wrote after position ${posBefore}, not after ${last.posAfter}`);
  }
  if (posAfter < posBefore) faults.push(`epoch ${epoch} went back to position ${posAfter}`);
  if (posAfter !== posBefore && worker !== taker) {
    faults.push(`${worker} committed in epoch ${epoch} of ${taker}`);
  }
  return faults;
}

/**
 * Each row has a position of its own that a commit has counted, and each commit has as many rows as positions. Only a commit
 * that stores no row takes one position nevertheless: a lost answer is recognised by it.
 */
function ownedRows({ steps, rows, ends }: PartitionsSeen): Finding {
  const stepsOf = Map.groupBy(steps, ({ lease }) => lease);
  const rowsOf = Map.groupBy(rows, ({ part }) => partitionLease(part));
  const violations = ends
    .filter(({ lease }) => lease.startsWith('part/'))
    .flatMap(({ lease, pos }) =>
      rowFaults(stepsOf.get(lease) ?? [], rowsOf.get(lease) ?? [], pos).map(
        (fault) => `${lease}: ${fault}`,
      ),
    );
  return {
    promise: 'P13',
    what: 'each row has its own position, and no row of a commit is missing',
    checked: rows.length,
    violations,
  };
}

function rowFaults(
  steps: readonly LeaseStep[],
  rows: readonly PartitionsSeen['rows'][number][],
  end: number,
): string[] {
  const faults: string[] = [];
  const at = Map.groupBy(rows, ({ pos }) => pos);
  for (const [pos, [row, ...others]] of at) {
    if (others.length > 0) faults.push(`position ${pos} (${row!.table}) stands twice`);
    if (pos > end) faults.push(`position ${pos} (${row!.table}) comes after the last one, ${end}`);
  }
  for (const { posBefore, posAfter, stored } of steps) {
    const count = posAfter - posBefore;
    const where = `positions ${posBefore + 1} to ${posAfter}`;
    if (stored !== count && !(stored === 0 && count === 1)) {
      faults.push(`${where} were committed with ${stored} rows`);
    }
    const there = Array.from({ length: count }, (_, n) => posBefore + 1 + n).filter((pos) =>
      at.has(pos),
    ).length;
    if (there !== stored) faults.push(`${where} had ${stored} rows, and have ${there} now`);
  }
  return faults;
}

/**
 * The global order of events: places and positions only grow, each position of a row has one place, and no place is left
 * out. Retention removes the places of positions without a row.
 */
function denseRanges({ ranges, rows, ends }: PartitionsSeen): Finding {
  const violations: string[] = [];
  let next = 1;
  let skipped = 0;
  const upto = new Map<number, number>();
  const taken = new Set(rows.map(({ part, pos }) => `${part}:${pos}`));
  for (const { seqFrom, part, posFrom, count } of ranges) {
    if (seqFrom < next) violations.push(`a range begins at ${seqFrom}, expected ${next}`);
    skipped += seqFrom - next;
    next = seqFrom + count;
    const expected = (upto.get(part) ?? 0) + 1;
    if (posFrom < expected) {
      violations.push(`part ${part}: a range begins at position ${posFrom}, expected ${expected}`);
    }
    for (let pos = expected; pos < posFrom; pos += 1) {
      skipped -= 1;
      if (taken.has(`${part}:${pos}`))
        violations.push(`part ${part}: position ${pos} has no place`);
    }
    upto.set(part, posFrom + count - 1);
  }
  if (skipped !== 0) violations.push(`${skipped} places belong to no position`);
  const end = new Map(ends.map(({ lease, pos }) => [lease, pos]));
  for (const [part, ordered] of upto) {
    const counted = end.get(partitionLease(part)) ?? 0;
    if (ordered > counted) violations.push(`part ${part}: ${ordered} places, ${counted} positions`);
  }
  // The last positions have no place yet if no event stands there.
  for (const { part, pos } of rows) {
    const ordered = upto.get(part) ?? 0;
    if (ordered < pos) violations.push(`part ${part}: position ${pos} has no place`);
  }
  return {
    promise: 'P5',
    what: 'the global order of events has no hole and no position twice',
    checked: ranges.length,
    violations,
  };
}

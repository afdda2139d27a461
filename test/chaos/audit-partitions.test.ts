/** The audit of partitions, on the record of a small faultless storm and on the same record with one fault added. */
import { describe, expect, test } from 'vitest';
import { auditPartitions } from './audit-partitions.ts';
import type { PartitionsSeen } from './observations.ts';

/** Two owners of one partition, one after the other; three rows, in two ranges of the global order; one commit without a row. */
function kept(): PartitionsSeen {
  const [lease, gate] = ['part/3', 'gate/small'];
  return {
    steps: [
      { lease, worker: 'a', epoch: 1, posBefore: 0, posAfter: 0, stored: 0 },
      { lease: gate, worker: 'a', epoch: 1, posBefore: 0, posAfter: 0, stored: 0 },
      { lease, worker: 'a', epoch: 1, posBefore: 0, posAfter: 2, stored: 2 },
      { lease, worker: null, epoch: 1, posBefore: 2, posAfter: 2, stored: 0 },
      { lease, worker: 'b', epoch: 2, posBefore: 2, posAfter: 2, stored: 0 },
      { lease, worker: 'b', epoch: 2, posBefore: 2, posAfter: 3, stored: 1 },
      { lease, worker: 'b', epoch: 2, posBefore: 3, posAfter: 4, stored: 0 },
    ],
    rows: [
      { part: 3, pos: 1, table: 'journal' },
      { part: 3, pos: 3, table: 'journal' },
      { part: 3, pos: 2, table: 'document_event' },
    ],
    ranges: [
      { seqFrom: 1, part: 3, posFrom: 1, count: 2 },
      { seqFrom: 3, part: 3, posFrom: 3, count: 1 },
    ],
    ends: [
      { lease, pos: 4 },
      { lease: gate, pos: 0 },
    ],
  };
}

const stepOf = ({ steps }: PartitionsSeen, index: number) => steps[index]!;

const violations = (seen: PartitionsSeen): string[] =>
  auditPartitions(seen).flatMap((one) => one.violations.map((line) => `${one.promise}: ${line}`));

type Doctored = [what: string, change: (seen: PartitionsSeen) => void, found: RegExp];

const doctored: Doctored[] = [
  [
    'a commit of an older epoch',
    (seen) => seen.steps.push({ ...stepOf(seen, 2), posBefore: 4, posAfter: 5 }),
    /P13: part\/3: epoch 1 committed after epoch 2/,
  ],
  [
    'a position that two epochs wrote',
    (seen) => Object.assign(stepOf(seen, 5), { posBefore: 1 }),
    /P13: part\/3: epoch 2 wrote after position 1, not after 2/,
  ],
  [
    'a position that is left out',
    (seen) => Object.assign(stepOf(seen, 5), { posBefore: 3 }),
    /epoch 2 wrote after position 3, not after 2/,
  ],
  [
    'a position that is taken back',
    (seen) => Object.assign(stepOf(seen, 5), { posAfter: 1 }),
    /went back to position 1/,
  ],
  [
    'a commit in the epoch of another worker',
    (seen) => Object.assign(stepOf(seen, 5), { worker: 'a' }),
    /a committed in epoch 2 of b/,
  ],
  [
    'a commit after the lease was given up',
    (seen) => Object.assign(stepOf(seen, 2), { worker: null }),
    /null committed in epoch 1 of a/,
  ],
  [
    'a row that is written twice',
    (seen) => seen.rows.push({ part: 3, pos: 2, table: 'journal' }),
    /P13: part\/3: position 2 \(.+\) stands twice/,
  ],
  [
    'a row that is lost',
    (seen) => seen.rows.splice(2, 1),
    /P13: part\/3: positions 1 to 2 had 2 rows, and have 1 now/,
  ],
  [
    'a commit that stores fewer rows than it counts',
    (seen) => {
      stepOf(seen, 2).stored = 1;
      seen.rows.splice(2, 1);
    },
    /P13: part\/3: positions 1 to 2 were committed with 1 rows/,
  ],
  [
    'a row that no commit has stored',
    (seen) => seen.rows.push({ part: 3, pos: 4, table: 'journal' }),
    /P13: part\/3: positions 4 to 4 had 0 rows, and have 1 now/,
  ],
  [
    'a row behind the last position',
    (seen) => seen.rows.push({ part: 3, pos: 5, table: 'journal' }),
    /P13: part\/3: position 5 \(journal\) comes after the last one, 4/,
  ],
  [
    'a hole in the order of events',
    (seen) => Object.assign(seen.ranges[1]!, { seqFrom: 4 }),
    /P5: 1 places belong to no position/,
  ],
  [
    'a place that is given twice',
    (seen) => Object.assign(seen.ranges[1]!, { seqFrom: 2 }),
    /P5: a range begins at 2, expected 3/,
  ],
  [
    'a row whose place was removed',
    (seen) => Object.assign(seen.ranges[1]!, { seqFrom: 4, posFrom: 4 }),
    /P5: part 3: position 3 has no place/,
  ],
  [
    'a position that is twice in the order of events',
    (seen) => Object.assign(seen.ranges[1]!, { posFrom: 2 }),
    /P5: part 3: a range begins at position 2, expected 3/,
  ],
  [
    'a place of a position that was never committed',
    (seen) => seen.ranges.push({ seqFrom: 4, part: 3, posFrom: 4, count: 2 }),
    /P5: part 3: 5 places, 4 positions/,
  ],
  [
    'a position without a place in the order of events',
    (seen) => seen.ranges.pop(),
    /P5: part 3: position 3 has no place/,
  ],
];

describe('the audit of partitions', () => {
  test('reports no violation for a faultless storm', () => {
    expect(violations(kept())).toEqual([]);
  });

  test.each(doctored)('reports this fault: %s', (_what, change, found) => {
    const seen = kept();
    change(seen);
    expect(violations(seen).join('\n')).toMatch(found);
  });

  test('accepts that retention removed the place of a position without a row', () => {
    const seen = kept();
    seen.steps.push({ ...stepOf(seen, 5), posBefore: 4, posAfter: 5 });
    seen.rows.push({ part: 3, pos: 5, table: 'journal' });
    seen.ranges.push({ seqFrom: 5, part: 3, posFrom: 5, count: 1 });
    seen.ends[0]!.pos = 5;
    expect(violations(seen)).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { createLeaseHistory } from '#cluster/lease-history';

const lease = (name: string, worker: string | null) => ({
  name,
  worker,
  epoch: 1,
  machineVersion: 1,
});
const [a, b] = [
  { id: 'a1', name: 'a' },
  { id: 'b1', name: 'b' },
];

/** Looks at these workers, and at these owners of the leases `part/0` and `part/1`. */
function historyOf(
  ...looks: [live: { id: string; name: string }[], owners: (string | null)[]][]
): string[] {
  const history = createLeaseHistory();
  for (const [at, [live, owners]] of looks.entries())
    history.observe(
      at,
      live,
      owners.map((owner, index) => lease(`part/${index}`, owner)),
    );
  return history
    .changes()
    .map(({ at, type, worker, from, leases }) =>
      [at, type, from ?? '-', worker, ...leases].join(' '),
    );
}

describe('the history of leases', () => {
  test('is empty after the first look, which sees a state', () => {
    expect(
      historyOf([
        [a, b],
        ['a1', 'b1'],
      ]),
    ).toEqual([]);
  });

  test('has a takeover from a worker that is gone, newest first', () => {
    expect(
      historyOf(
        [
          [a, b],
          ['a1', 'b1'],
        ],
        [[a], ['a1', 'a1']],
      ),
    ).toEqual(['1 takeover b a part/1', '1 gone - b']);
  });

  test('has a handover from a worker that lives when the lease has its next owner', () => {
    const looks = [
      [[a], ['a1', 'a1']],
      [
        [a, b],
        ['a1', null],
      ],
      [
        [a, b],
        ['a1', 'b1'],
      ],
    ] as [{ id: string; name: string }[], (string | null)[]][];
    expect(historyOf(...looks)).toEqual(['2 handover a b part/1', '1 joined - b']);
  });

  test('knows the name of a worker that is gone until its leases have other owners', () => {
    expect(
      historyOf(
        [
          [a, b],
          ['a1', 'b1'],
        ],
        [[a], ['a1', 'b1']],
        [[a], ['a1', 'a1']],
      ),
    ).toEqual(['2 takeover b a part/1', '1 gone - b']);
  });

  test('keeps the newest only', () => {
    const history = createLeaseHistory(2);
    for (let at = 0; at < 6; at += 1)
      history.observe(at, [a, b], [lease('part/0', at % 2 === 0 ? 'a1' : 'b1')]);
    expect(history.changes().map(({ at }) => at)).toEqual([5, 4]);
  });
});

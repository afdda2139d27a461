/**
 * Short storms over the whole system, audited from outside: each with every fault of its groups at least once. Longer
 * storms: `npm run chaos` (docs/testing.md).
 */
import { describe, expect, test } from 'vitest';
import { natsCommand, folderForTest } from '#test/events/nats-fixture';
import { postgresMissing } from '#test/support/postgres-server';
import { reportOf, violationsOf } from './report.ts';
import { runStorm, type StormOptions } from './storm.ts';
import type { FaultGroup } from './storm-fault.ts';

const of = (...groups: FaultGroup[]): string[] => groups;

interface ShortStorm extends Pick<StormOptions, 'database' | 'workers' | 'only' | 'users'> {
  name: string;
}

const storms: readonly ShortStorm[] = [
  { name: 'one core on SQLite', database: 'sqlite', workers: 0, only: [], users: 8 },
  {
    name: 'one worker on PostgreSQL',
    database: 'postgres',
    workers: 1,
    only: of('workers', 'database', 'failover'),
    users: 6,
  },
  {
    name: 'three workers',
    database: 'postgres',
    workers: 3,
    only: of('workers', 'stalls', 'broker', 'links', 'database', 'failover'),
    users: 6,
  },
];

/** Promises about what few people do: a storm with few faults is over before. */
const rare = new Set<string>(['P8', 'P9', 'P10', 'P11', 'doors']);

const isMissing = ({ database }: ShortStorm): boolean =>
  natsCommand === null || (database === 'postgres' && postgresMissing() !== null);

describe.each(storms)('a storm over $name', (storm) => {
  test.skipIf(isMissing(storm))('breaks no promise', { timeout: 400_000 }, async () => {
    const { database, workers, only, users } = storm;
    const lines: string[] = [];
    const result = await runStorm({
      seed: 20_261_122,
      users,
      forMs: 10_000,
      messagesMax: 400,
      only,
      pauseMs: 900,
      gapMs: 300,
      calmMsMax: 180_000,
      withLlama: workers === 0,
      database,
      workers,
      folder: folderForTest(),
      say: (line) => lines.push(line),
    });
    if (violationsOf(result) > 0) console.log([...lines, reportOf(result)].join('\n'));
    expect(result.findings.flatMap(({ violations }) => violations)).toEqual([]);
    const promises = new Set(result.findings.map(({ promise }) => promise));
    expect(promises.has('P13')).toBe(database === 'postgres');
    // A check without data would prove nothing.
    for (const { checked, what, promise } of result.findings) {
      const isRare = rare.has(promise) || what.startsWith('who wrote too much');
      const mayBeEmpty = only.length > 0 && isRare;
      if (!mayBeEmpty) expect(checked, what).toBeGreaterThan(0);
    }
    expect(Object.keys(result.strikes).toSorted()).toEqual(result.planned.toSorted());
    expect(result.planned.length).toBeGreaterThan(only.length);
  });
});

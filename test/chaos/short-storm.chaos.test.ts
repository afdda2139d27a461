/**
 * A short storm over the whole system with every fault at least once, audited from outside. Longer storms:
 * `npm run chaos` (docs/testing.md).
 */
import { expect, test } from 'vitest';
import { natsCommand, folderForTest } from '#test/events/nats-fixture';
import { reportOf, violationsOf } from './report.ts';
import { runStorm } from './storm.ts';

test.skipIf(natsCommand === null)(
  'a storm over core, bridge, broker, NAS and model servers breaks no promise',
  { timeout: 300_000 },
  async () => {
    const lines: string[] = [];
    const result = await runStorm({
      seed: 20_261_122,
      users: 8,
      forMs: 10_000,
      messagesMax: 400,
      only: [],
      pauseMs: 900,
      gapMs: 300,
      calmMsMax: 180_000,
      withLlama: true,
      folder: folderForTest(),
      say: (line) => lines.push(line),
    });
    if (violationsOf(result) > 0) console.log([...lines, reportOf(result)].join('\n'));
    expect(result.findings.flatMap(({ violations }) => violations)).toEqual([]);
    // A check without data would prove nothing.
    for (const { checked, what } of result.findings) expect(checked, what).toBeGreaterThan(0);
    expect(Object.keys(result.strikes)).toHaveLength(27 - result.impossible.length);
  },
);

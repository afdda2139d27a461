/** A few rounds; `node test/schedules/kill-rounds.ts` runs 200. */
import { expect, test } from 'vitest';
import { natsCommand } from '#test/events/nats-fixture';
import { runKillRounds } from './kill-rounds.ts';

test.skipIf(natsCommand === null)(
  'Reminders that are due while core, bridge or broker are killed are delivered once, or marked as uncertain',
  async () => {
    const result = await runKillRounds({ rounds: 5, seed: 7, settleMsMax: 60_000 });
    expect(result.faults).toEqual([]);
    expect(result.sent + result.uncertain).toBe(result.made);
    // Each program at least once, with this seed.
    expect(Math.min(...Object.values(result.kills))).toBeGreaterThan(0);
  },
  120_000,
);

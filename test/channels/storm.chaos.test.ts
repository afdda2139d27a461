/** A small storm. `node test/channels/storm.ts` runs a large storm. */
import { describe, expect, test } from 'vitest';
import { natsCommand } from './bridge-fixture.ts';
import { runStorm } from './storm.ts';

describe.skipIf(natsCommand === null)(
  'a bridge, a core and a broker that are killed in turn',
  () => {
    test(
      'answer each message once and in order, or report it as uncertain or dead',
      { timeout: 300_000 },
      async () => {
        const { faults, kills, answeredOnce, uncertain, dead } = await runStorm({
          messages: 120,
          users: 8,
          seed: Number(process.env['STORM_SEED'] ?? 1),
          faultRate: 0.15,
          postsPerKill: 36,
          settleMsMax: 200_000,
        });
        expect(faults).toEqual([]);
        expect(answeredOnce + uncertain + dead).toBe(120);
        expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(
          3,
        );
      },
    );
  },
);

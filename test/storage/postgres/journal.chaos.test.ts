/**
 * The journal on PostgreSQL under load, while the network and the server fail: nothing lost, nothing doubled. Statements
 * that were held back arrive late, after their repeat.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Direction } from '#test/chaos/severable-proxy';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { auditLoad } from './journal-load.ts';

let server: PostgresServer;

/** A network that drops packets is noticed sooner than in a core, so that it can fail more often. */
const impatient = {
  timing: { answerTimeoutMs: 150, doubtAfterMs: 400, refuseAfterMs: 200 },
  connection: { connectTimeoutMs: 200, answerTimeoutMs: 300 },
};

describe.skipIf(postgresMissing() !== null)(
  'the journal on PostgreSQL loses and doubles nothing',
  () => {
    beforeAll(async () => {
      server = await startPostgres();
    });
    afterAll(() => server.remove());

    test('when connections are cut 200 times under load', async () => {
      const jobs = await auditLoad({ server }, async ({ proxy, sent }) => {
        for (let count = 0; count < 200; count += 1) {
          const before = sent();
          await until(() => sent() > before);
          // At any moment of the next commits.
          for (let turn = 0; turn < count % 17; turn += 1) await new Promise(setImmediate);
          proxy.sever();
          proxy.restore();
        }
      });
      expect(jobs).toBeGreaterThanOrEqual(200);
    }, 240_000);

    test('when the server crashes under load', async () => {
      await auditLoad({ server }, async ({ sent }) => {
        for (let crash = 0; crash < 2; crash += 1) {
          const before = sent();
          await until(() => sent() > before + 20);
          await server.crash();
          await server.start();
        }
        const before = sent();
        await until(() => sent() > before + 20);
      });
    }, 240_000);

    test.each<[what: string, directions: Direction[]]>([
      ['statements are lost, and arrive late', ['toServer']],
      ['answers are lost, and arrive late', ['toClient']],
      ['everything is lost, and arrives late', ['toServer', 'toClient']],
    ])(
      'when %s',
      async (_what, directions) => {
        await auditLoad({ server, ...impatient }, async ({ proxy, sent, refusals }) => {
          const total = (): number => [...refusals.values()].reduce((sum, one) => sum + one, 0);
          for (let count = 0; count < 8; count += 1) {
            const before = sent();
            await until(() => sent() > before + 3);
            for (let turn = 0; turn < count % 7; turn += 1) await new Promise(setImmediate);
            const refused = total();
            proxy.hold(...directions);
            // Half of the times the network is back before the clients get an answer.
            if (count % 2 === 0) await until(() => total() > refused);
            else await new Promise((resolve) => setTimeout(resolve, 40 * count));
            proxy.restore();
          }
          expect(refusals.get('GH_STORE_UNKNOWN')).toBeGreaterThan(0);
        });
      },
      120_000,
    );
  },
);

/** The journal on PostgreSQL under load, while connections are cut and the server crashes: nothing lost, nothing doubled. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Effects } from '#jobs/runtime/effect-port';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import { replay } from '#jobs/runtime/job-runtime-state';
import { createJournal } from '#jobs/runtime/journal';
import { createLiveHub } from '#jobs/runtime/live-hub';
import { systemClock } from '#shared/clock';
import { noFaultInjection } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { openSeverableProxy } from '#test/chaos/severable-proxy';
import { jobInput } from '#test/support/jobs';
import { until } from '#test/support/journal';
import { classifiedAsDirect } from '#test/support/journal-fixtures';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';

const effects: Effects = {
  admit: {
    isScheduled: true,
    run: () => ({ ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } }),
  },
  classify: { run: () => ({ ok: true, output: classifiedAsDirect('안녕하세요') }) },
};
const clients = 6;
let server: PostgresServer;

describe.skipIf(postgresMissing() !== null)('the journal on PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  /** Clients send messages with keys, and repeat them until they are accepted, while `fault` runs. */
  async function audited(fault: (cut: () => void, sent: () => number) => Promise<void>) {
    const proxy = await openSeverableProxy(server.port);
    const name = await server.createDatabase();
    const url = server.urlOf(name, proxy.port);
    const worker = await openPostgresWorker({ url, connectTimeoutMs: 1_000 });
    await worker.takePartitions();
    const hub = createLiveHub();
    const seqs = new Map<string, number[]>();
    hub.subscribe(null, {
      event: ({ job_id: id, seq }) => void seqs.set(id, [...(seqs.get(id) ?? []), seq]),
      token: () => undefined,
    });
    const journal = createJournal({
      storage: worker.jobs,
      effects,
      hub,
      clock: systemClock,
      log: silentLog(),
      faults: noFaultInjection,
      maxConcurrent: 50,
      maxQueued: 500,
      heartbeatMs: 60_000,
    });
    onTestFinished(async () => {
      await journal.stop(0);
      await worker.close();
      await proxy.close();
    });
    await journal.resume();
    const accepted = new Map<string, string>();
    let [isOver, attempts] = [false, 0];
    const send = async (key: string, userId: string): Promise<void> => {
      for (;;) {
        attempts += 1;
        const input = jobInput({ jobId: `${key}-${attempts}`, userId });
        const submission = { input, conversation: userId, idempotencyKey: key };
        const result = await journal.submit(submission).catch((error: unknown) => {
          expect((error as { code: string }).code).toMatch(/^GH_STORE_UN|^GH_JOB_QUEUE_FULL/);
          return null;
        });
        if (result !== null) return void accepted.set(key, result.jobId);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const client = async (userId: string): Promise<void> => {
      for (let n = 0; !isOver; n += 1) await send(`${userId}.${n}`, userId);
    };
    const load = Array.from({ length: clients }, (_, index) => client(`user-${index}`));
    await fault(
      () => {
        proxy.sever();
        proxy.restore();
      },
      () => accepted.size,
    );
    isOver = true;
    await Promise.all(load);
    await until(() => journal.stats.loaded + journal.stats.queued === 0);

    const { rows: stored } = await server.run('select id from job', name);
    const ids = stored.map(({ id }: { id: string }) => id);
    expect(ids.toSorted()).toEqual([...accepted.values()].toSorted());
    for (const id of ids) {
      const job = (await worker.jobs.find(id))!;
      expect(job.head.outcome).toBe('answered');
      const rows = await worker.jobs.rows(job.num);
      const state = replay(createJobMachineRunner(), job.input, rows);
      expect(state).toMatchObject({ rowNumber: job.head.n, seq: job.head.seq });
      expect(seqs.get(id)).toEqual(Array.from({ length: job.head.seq }, (_, index) => index + 1));
    }
    return ids.length;
  }

  test('loses and doubles nothing when connections are cut 200 times under load', async () => {
    const jobs = await audited(async (cut, sent) => {
      for (let count = 0; count < 200; count += 1) {
        const before = sent();
        await until(() => sent() > before);
        // At any moment of the next commits.
        for (let turn = 0; turn < count % 17; turn += 1) await new Promise(setImmediate);
        cut();
      }
    });
    expect(jobs).toBeGreaterThanOrEqual(200);
  }, 240_000);

  test('loses and doubles nothing when the server crashes under load', async () => {
    await audited(async (_cut, sent) => {
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
});

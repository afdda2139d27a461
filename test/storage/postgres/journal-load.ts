/** A journal on PostgreSQL under load, behind a network that can fail, and the audit of what it stored. */
import { expect, onTestFinished } from 'vitest';
import type { Effects } from '#jobs/runtime/effect-port';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import { replay } from '#jobs/runtime/job-runtime-state';
import { createJournal } from '#jobs/runtime/journal';
import { createLiveHub } from '#jobs/runtime/live-hub';
import { systemClock } from '#shared/clock';
import { noFaultInjection } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import type { WriterOptions } from '#storage/postgres/partition-writer';
import type { PostgresOptions } from '#storage/postgres/postgres-database';
import { openSeverableProxy, type SeverableProxy } from '#test/chaos/severable-proxy';
import { jobInput } from '#test/support/jobs';
import { until } from '#test/support/journal';
import { classifiedAsDirect } from '#test/support/journal-fixtures';
import type { PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';

const effects: Effects = {
  admit: {
    isScheduled: true,
    run: () => ({ ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } }),
  },
  classify: { run: () => ({ ok: true, output: classifiedAsDirect('안녕하세요') }) },
};
const clients = 6;

export interface LoadUnderFault {
  proxy: SeverableProxy;
  /** Messages that were accepted until now. */
  sent(): number;
  /** Codes of the refusals until now, with their numbers. */
  refusals: Map<string, number>;
}

export interface LoadOptions {
  server: PostgresServer;
  timing?: Partial<WriterOptions>;
  connection?: Partial<PostgresOptions>;
}

/**
 * Clients send messages with keys, and repeat them until they are accepted, while `fault` runs. Then each accepted
 * message must be one job, ended and with all its events once and in order. Resolves with the number of jobs.
 */
export async function auditLoad(
  { server, timing, connection }: LoadOptions,
  fault: (load: LoadUnderFault) => Promise<void>,
): Promise<number> {
  const proxy = await openSeverableProxy(server.port);
  const name = await server.createDatabase();
  const url = server.urlOf(name, proxy.port);
  const worker = await openPostgresWorker({ url, connectTimeoutMs: 1_000, ...connection }, timing);
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
  const refusals = new Map<string, number>();
  const accepted = new Map<string, string>();
  let [isOver, attempts] = [false, 0];
  const send = async (key: string, userId: string): Promise<void> => {
    for (;;) {
      attempts += 1;
      const input = jobInput({ jobId: `${key}-${attempts}`, userId });
      const submission = { input, conversation: userId, idempotencyKey: key };
      const result = await journal.submit(submission).catch((error: unknown) => {
        const { code } = error as { code: string };
        expect(code).toMatch(/^GH_STORE_UN|^GH_JOB_QUEUE_FULL/);
        refusals.set(code, (refusals.get(code) ?? 0) + 1);
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
  await fault({ proxy, sent: () => accepted.size, refusals });
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

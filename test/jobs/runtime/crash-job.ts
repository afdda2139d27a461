/** The jobs of the crash matrix: what their effects answer, and a run of one job until its end. */
import { appendFileSync } from 'node:fs';
import type { JobStorage } from '#jobs/job-store-port';
import { createJobStore } from '#jobs/store/job-store';
import type { Effects } from '#jobs/runtime/effect-port';
import { createJournal } from '#jobs/runtime/journal';
import { createLiveHub } from '#jobs/runtime/live-hub';
import { systemClock } from '#shared/clock';
import type { FaultInjector } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { openDatabase } from '#storage/database';
import { effectOutputs, jobInput, limits } from '#test/support/jobs';
import { openPostgresWorker } from '#test/support/postgres-worker';

const toTools = {
  by: 'classifier',
  action: 'tools',
  calls: [{ tool: 'calendar', operation: 'x', params: {} }],
};
const unavailable = { code: 'GH_BACKEND_UNAVAILABLE', message: 'refused' };

/** The output of each effect in each scenario; `null` fails, `'never'` does not end by itself. */
const answers: Record<string, Record<string, unknown>> = {
  reason: {
    classify: { decision: { by: 'classifier', action: 'route' }, backend: 'small' },
    reason: effectOutputs['reason']![0],
  },
  fallback: {
    classify: { decision: { by: 'classifier', action: 'route' }, backend: 'small' },
    reason: null,
    answer: effectOutputs['answer']![0],
  },
  tools: {
    classify: { decision: toTools, backend: 'small' },
    runTools: effectOutputs['runTools']![0],
    word: effectOutputs['word']![0],
  },
  draft: {
    classify: { decision: toTools, backend: 'small' },
    runTools: effectOutputs['runTools']![2],
    execute: effectOutputs['execute']![0],
  },
  timeout: { classify: 'never', answer: effectOutputs['answer']![0] },
  cancel: { classify: 'never' },
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const effectsOf = (scenario: string, effectLog: string): Effects => ({
  admit: {
    isScheduled: true,
    run: () => ({ ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } }),
  },
  ...Object.fromEntries(
    ['classify', 'runTools', 'word', 'execute', 'reason', 'answer'].map((src) => [
      src,
      {
        async run({ key }: { key: string }) {
          appendFileSync(effectLog, `${key}\n`);
          const output = answers[scenario]![src];
          if (output === 'never') await new Promise(() => undefined);
          else await wait(1);
          return output === null
            ? { ok: false as const, failure: unavailable }
            : { ok: true as const, output };
        },
      },
    ]),
  ),
});

export interface CrashRun {
  /** Path of a database of SQLite, or address of one of PostgreSQL. */
  database: string;
  /** Every effect is written to this file when it begins, before it does anything. */
  effectLog: string;
  scenario: string;
  jobId: string;
  faults: FaultInjector;
}

export async function openCrashStorage(
  database: string,
): Promise<{ storage: JobStorage; close: () => Promise<void> }> {
  if (database.startsWith('postgres:')) {
    const worker = await openPostgresWorker({ url: database });
    await worker.takePartitions();
    return { storage: worker.jobs, close: () => worker.close() };
  }
  const sqlite = await openDatabase({ path: database });
  return { storage: createJobStore(sqlite), close: () => sqlite.close() };
}

/** Opens the job unless it is stored, or resumes it. Resolves when it has ended. */
export async function runCrashJob(run: CrashRun): Promise<void> {
  const { database, effectLog, scenario, jobId, faults } = run;
  const { storage, close } = await openCrashStorage(database);
  const journal = createJournal({
    storage,
    effects: effectsOf(scenario, effectLog),
    hub: createLiveHub(),
    clock: systemClock,
    log: silentLog(),
    maxConcurrent: 10,
    maxQueued: 10,
    heartbeatMs: 60_000,
    faults,
  });
  await journal.resume();
  if ((await storage.find(jobId)) === null) {
    const short = { ...limits, ...(scenario === 'timeout' ? { classifyTimeoutMs: 50 } : {}) };
    await journal.submit({
      input: jobInput({ jobId, limits: short }),
      conversation: 'http:ann',
      idempotencyKey: `post-${jobId}`,
    });
  }
  for (;;) {
    const { head } = (await storage.find(jobId))!;
    if (head.endedAt !== null) break;
    if (head.state === 'confirm-draft' && head.snapshot !== null) {
      await journal.send(jobId, { type: 'confirm', by: 'ann' }).catch(() => undefined);
    }
    if (scenario === 'cancel' && head.state === 'classify') {
      await journal.send(jobId, { type: 'cancel', by: 'ann' }).catch(() => undefined);
    }
    await wait(1);
  }
  await journal.stop(0);
  await close();
}

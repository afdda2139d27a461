/** The real journal, store and job machine with effects that take no time: the cost of a job itself. */
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Effects } from '#jobs/runtime/effect-port';
import { createJournal, type Journal } from '#jobs/runtime/journal';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import { systemClock } from '#shared/clock';
import { noFaultInjection } from '#shared/fault-points';
import { createIdSource } from '#shared/ids';
import { silentLog } from '#shared/log';
import { openDatabase, type Database } from '#storage/database';
import { openPostgresStores } from '#app/stores/postgres-stores';
import type { JobStorage } from '#jobs/job-store-port';
import { createJobStore } from '#jobs/store/job-store';
import { limits } from '#test/support/jobs';

/** The 200 bytes that each step of each compared system stores. */
export const stepResult = 'r'.repeat(200);

const ok = (output: unknown) => ({ ok: true as const, output });
const calls = [{ tool: 'calendar', operation: 'today', params: {} }];
const result = {
  ok: true,
  tool: 'calendar',
  operation: 'today',
  data: stepResult,
  summary: 'none',
  error: null,
};

/** Five committed steps: accepted, admitted, classified, tool run, worded. */
const fiveSteps: Effects = {
  admit: { isScheduled: true, run: () => ok({ now: '2026-11-22T00:00:00+09:00', decision: null }) },
  classify: {
    run: async () =>
      ok({ decision: { by: 'classifier', action: 'tools', calls }, backend: 'small' }),
  },
  runTools: { run: async () => ok({ results: [result], draft: null }) },
  word: { run: async () => ok({ text: stepResult, backend: 'small' }) },
};

const draft = { tool: 'calendar', operation: 'create_confirmed', params: {}, summary: stepResult };
/** Ends in `confirm-draft`, waiting for a person. */
const untilDraft: Effects = {
  ...fiveSteps,
  runTools: { run: async () => ok({ results: [result], draft }) },
};
/** Never ends its classification: a job that a crash leaves unfinished. */
const unfinished: Effects = { ...fiveSteps, classify: { run: () => new Promise(() => undefined) } };

export const jobKinds = { fiveSteps, untilDraft, unfinished };

export interface JobBench {
  journal: Journal;
  hub: LiveHub;
  database: Database;
  /** Submits one job and waits for its end, or for its draft. */
  run(n: number): Promise<void>;
  submit(n: number): Promise<void>;
  close(): Promise<void>;
}

export async function openJobBench(
  folder: string,
  kind: keyof typeof jobKinds,
  onState?: (state: string) => void,
): Promise<JobBench> {
  const database = await openDatabase({ path: join(folder, 'gatehouse.db') });
  const storage = createJobStore(database);
  const bench = benchOf({ storage, close: () => database.close() }, kind, onState);
  return { ...bench, database };
}

/** The same on PostgreSQL, with the sequencer of the order of events. */
export async function openPostgresJobBench(url: string): Promise<Omit<JobBench, 'database'>> {
  const stores = await openPostgresStores(
    { url, poolSize: 8 },
    { faults: noFaultInjection, log: silentLog(), onFenced: () => process.exit(1) },
  );
  return benchOf({ storage: stores.jobs, close: () => stores.close() }, 'fiveSteps');
}

function benchOf(
  { storage, close }: { storage: JobStorage; close(): Promise<void> },
  kind: keyof typeof jobKinds,
  onState?: (state: string) => void,
): Omit<JobBench, 'database'> {
  // `gatehouse serve` sets this flag too.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const hub = createLiveHub();
  const journal = createJournal({
    storage,
    effects: jobKinds[kind],
    hub,
    clock: systemClock,
    log: silentLog(),
    faults: noFaultInjection,
    maxConcurrent: 1_000_000,
    maxQueued: 1_000_000,
    heartbeatMs: 4_000,
  });
  const waiting = new Map<string, () => void>();
  hub.subscribe(null, {
    event(event) {
      if (event.type === 'state') onState?.(event.state);
      const isOver =
        event.type === 'done' || (event.type === 'result' && event.state === 'confirm-draft');
      if (!isOver) return;
      waiting.get(event.job_id)?.();
      waiting.delete(event.job_id);
    },
    token: () => undefined,
  });
  const nextId = createIdSource();
  const submitAs = async (jobId: string, n: number): Promise<void> => {
    const input = {
      jobId,
      userId: `u${n}`,
      channel: 'bench',
      message: `안녕 ${n}`,
      locale: 'ko' as const,
      limits,
    };
    await journal.submit({ input, conversation: jobId, idempotencyKey: null });
  };
  return {
    journal,
    hub,
    submit: (n) => submitAs(nextId(), n),
    async run(n) {
      const jobId = nextId();
      const ended = new Promise<void>((resolve) => waiting.set(jobId, resolve));
      await submitAs(jobId, n);
      await ended;
    },
    async close() {
      await journal.stop(0);
      await close();
    },
  };
}

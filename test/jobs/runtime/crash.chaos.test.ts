/**
 * Crash matrix: a real process is killed with SIGKILL before and after every commit and every effect, in every
 * state, and resumed by another one. P1 to P5 are asserted by number.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { replay } from '#jobs/runtime/job-runtime-state';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import type { JobStorage } from '#jobs/job-store-port';
import { noFaultInjection } from '#shared/fault-points';
import { scratchFolder } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openCrashStorage, runCrashJob } from './crash-job.ts';

const effectsOf: Record<string, string[]> = {
  reason: ['classify', 'reason'],
  fallback: ['classify', 'reason', 'answer'],
  tools: ['classify', 'runTools', 'word'],
  draft: ['classify', 'runTools', 'execute'],
  timeout: ['classify', 'answer'],
  cancel: ['classify'],
};
const statesOf: Record<string, string[]> = {
  reason: ['classify', 'reason', 'done'],
  fallback: ['classify', 'reason', 'fallback', 'done'],
  tools: ['classify', 'tools', 'done'],
  draft: ['classify', 'tools', 'confirm-draft', 'done'],
  timeout: ['classify', 'fallback', 'done'],
  cancel: ['classify', 'cancelled'],
};

const matrix = Object.keys(effectsOf).flatMap((scenario) => [
  ...statesOf[scenario]!.flatMap((state) => [
    [scenario, 'journal.beforeCommit', state],
    [scenario, 'journal.afterCommit', state],
  ]),
  ...effectsOf[scenario]!.map((effect) => [scenario, 'journal.effectStarted', effect]),
  ...effectsOf[scenario]!.filter(
    (effect) => !(effect === 'classify' && ['timeout', 'cancel'].includes(scenario)),
  ).map((effect) => [scenario, 'journal.effectEnded', effect]),
]) as [scenario: string, point: string, detail: string][];

/** PostgreSQL has one database for all cases: each has a job of its own. */
let server: PostgresServer | null = null;
let shared = '';
let cases = 0;
beforeAll(async () => {
  if (postgresMissing() !== null) return;
  server = await startPostgres();
  shared = server.urlOf(await server.createDatabase());
});
afterAll(() => server?.remove());

let folder: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  folder = scratchFolder();
  cases += 1;
});
afterEach(() => folder.remove());

const effectLog = (): string => join(folder.path, 'effects.log');

/** Resolves with the signal that has ended it. */
function runChild(database: string, scenario: string, ...rest: string[]): Promise<string | null> {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(process.execPath, [script, database, effectLog(), scenario, ...rest], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGTERM',
  });
  return new Promise((resolve) => {
    child.on('close', (_code, signal) => resolve(signal));
  });
}

const keysRun = (): string[] =>
  existsSync(effectLog()) ? readFileSync(effectLog(), 'utf8').split('\n').filter(Boolean) : [];

/** @param before the effects that had begun before the kill */
async function expectPromisesKept(
  storage: JobStorage,
  jobId: string,
  before: readonly string[],
): Promise<void> {
  const job = (await storage.find(jobId))!;
  const rows = await storage.rows(job.num);
  const told = rows.flatMap((row) => row.emitted);
  // P1: exactly one visible end, with a text.
  const ends = told.filter((event) => ['done', 'cancelled'].includes(event.type));
  expect(ends).toHaveLength(1);
  expect(job.head.reply).toBeTruthy();
  const wanted = new Set<string>();
  // P2: every effect that ran belongs to a committed row.
  const state = replay(createJobMachineRunner(), job.input, rows, {
    onRow({ state: at }) {
      for (const effect of at.effects) wanted.add(effect.key);
    },
  });
  for (const key of keysRun()) expect(wanted).toContain(key);
  // P3: only the effect in flight at the kill ran twice: the last effect that began before the kill.
  const twice = keysRun().filter((key, index, all) => all.indexOf(key) !== index);
  expect(twice.length).toBeLessThanOrEqual(1);
  if (twice[0] !== undefined) expect(before.at(-1)).toBe(twice[0]);
  // P4: a replay of the rows gives the stored state.
  expect(state).toMatchObject({ rowNumber: job.head.n, seq: job.head.seq });
  expect(state.snapshot.context).toMatchObject({ state: job.head.state, reply: job.head.reply });
  // P5: seq has no gap.
  let seq = 0;
  for (const row of rows) {
    expect(row.seq).toBe(seq + 1);
    seq += row.emitted.length;
  }
  expect(seq).toBe(job.head.seq);
}

describe.each(['SQLite', 'PostgreSQL'])(
  'on %s, a job whose process is killed with SIGKILL',
  (kind) => {
    test.skipIf(kind === 'PostgreSQL' && postgresMissing() !== null).each(matrix)(
      'in scenario %s at %s of %s ends exactly once after a restart',
      async (scenario, point, detail) => {
        const database = kind === 'SQLite' ? join(folder.path, 'gatehouse.db') : shared;
        const jobId = `job-${cases}`;
        expect(await runChild(database, scenario, jobId, point, detail)).toBe('SIGKILL');
        const before = keysRun();
        const run = { database, scenario, jobId, effectLog: effectLog(), faults: noFaultInjection };
        await runCrashJob(run);
        const { storage, close } = await openCrashStorage(database);
        onTestFinished(close);
        await expectPromisesKept(storage, jobId, before);
      },
    );
  },
);

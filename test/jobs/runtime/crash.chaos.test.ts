/**
 * Crash matrix: a real process is killed with SIGKILL before and after every commit and every effect, in every
 * state, and started again. P1 to P5 are asserted by number.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { replay } from '#jobs/runtime/job-runtime-state';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import { openDatabase } from '#storage/database';
import { createJobStore } from '#jobs/store/job-store';
import { scratchFolder } from '#test/support/journal';

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

let folder: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  folder = scratchFolder();
});
afterEach(() => folder.remove());

function runChild(...fault: string[]): Promise<{ signal: string | null; output: string }> {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const database = join(folder.path, 'gatehouse.db');
  const log = join(folder.path, 'effects.log');
  const child = spawn(process.execPath, [script, database, log, ...fault], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGTERM',
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve) => {
    child.on('close', (_code, signal) => resolve({ signal, output }));
  });
}

const keysRun = (): string[] => {
  const log = join(folder.path, 'effects.log');
  return existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
};

describe('a job whose process is killed with SIGKILL', () => {
  test.each(matrix)(
    'in scenario %s at %s of %s ends exactly once after a restart',
    async (scenario, point, detail) => {
      const killed = await runChild(scenario, point, detail);
      expect(killed.signal).toBe('SIGKILL');
      const before = keysRun();
      const survived = await runChild(scenario);
      expect(survived.output).toBe('ended\n');

      const database = await openDatabase({ path: join(folder.path, 'gatehouse.db') });
      try {
        const storage = createJobStore(database);
        const job = storage.find('job-1')!;
        const rows = storage.rows(job.num);
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
        expect(state.snapshot.context).toMatchObject({
          state: job.head.state,
          reply: job.head.reply,
        });
        // P5: seq has no gap.
        let seq = 0;
        for (const row of rows) {
          expect(row.seq).toBe(seq + 1);
          seq += row.emitted.length;
        }
        expect(seq).toBe(job.head.seq);
      } finally {
        await database.close();
      }
    },
  );
});

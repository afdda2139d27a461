/** A process that is killed with SIGKILL at each step of due occurrences, and started again. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#storage/database';
import { scratchFolder } from '#test/support/journal';

let folder: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  folder = scratchFolder();
});
afterEach(() => folder.remove());

const first = Date.parse('2026-12-02T10:00Z');
const hour = 3_600_000;

function run(now: number, ...fault: string[]): string | null {
  const script = join(import.meta.dirname, 'crash-child.ts');
  const path = join(folder.path, 'gatehouse.db');
  const args = [script, path, new Date(now).toISOString(), ...fault];
  const child = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  if (child.signal === null) expect(child.stdout, child.stderr).toBe('settled\n');
  return child.signal;
}

interface Message {
  message: string;
  wall: string;
}

/** The occurrences that have a job with the reminder itself. */
async function messages(): Promise<Message[]> {
  const database = await openDatabase({ path: join(folder.path, 'gatehouse.db') });
  const rows = database.connection
    .prepare<[], { message: string; input: string; outcome: string | null }>(
      'select message, input, outcome from job',
    )
    .all();
  await database.close();
  return rows.map(({ message, input, outcome }) => {
    expect(outcome, 'P1: the job of a reminder ends in its own commit').toBe('answered');
    return { message, wall: (JSON.parse(input) as { scheduled: { wall: string } }).scheduled.wall };
  });
}

const keyOf = ({ message, wall }: Message): string => `${message} ${wall}`;

describe('an occurrence whose process is killed with SIGKILL', () => {
  const points = [
    'schedule.beforeJob',
    'journal.beforeCommit',
    'journal.afterCommit',
    'schedule.afterJob',
    'schedule.settled',
  ];

  test.each(points.flatMap((point) => ['0', '4', '9'].map((after) => [point, after])))(
    'at %s, the %s. time, fires once after a restart',
    async (point, after) => {
      run(first + 1);
      // All ten are due.
      const due = first + 9 * 60_000 + 30_000;
      const signal = run(due, point, after);
      // A commit of all ten passes the journal's points once.
      if (after === '0') expect(signal).toBe('SIGKILL');
      run(due + 1_000);
      const all = await messages();
      expect(all.map(keyOf).sort()).toEqual(
        Array.from({ length: 10 }, (_, n) => n)
          .slice(1)
          .map((n) => `reminder ${n} 2026-12-02T10:0${n}:00`),
      );
    },
    60_000,
  );

  test('again and again at any step, fires once for each hour', async () => {
    run(first + 1);
    let random = 20_261_202;
    const next = (below: number): number => {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((random / 2 ** 31) * below);
    };
    const hours = 6;
    for (let n = 1; n <= hours; n += 1) {
      const due = first + n * hour - 30_000;
      for (let kill = 0; kill < 3; kill += 1) {
        run(due + kill * 1_000, points[next(points.length)]!, String(next(10)));
      }
      run(due + 5_000);
    }
    const all = (await messages()).map(keyOf);
    expect(new Set(all).size, 'no occurrence fires twice').toBe(all.length);
    // The first minute of the first hour is not in the future of its creation.
    expect(all).toHaveLength(10 * hours - 1);
  }, 240_000);
});

/**
 * A process that is killed at each step of due occurrences, and started again. What a killed process leaves is what its
 * files have at this step: they are copied at the step, and the next process runs on the copy. One start then gives a kill
 * at every step, not at one of them. A child that really is killed with SIGKILL shows the same for each point.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#storage/database';
import type { FaultInjector } from '#shared/fault-points';
import { scratchFolder } from '#test/support/journal';
import { openSchedules, reminder } from '#test/support/schedules';

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
async function messages(path = join(folder.path, 'gatehouse.db')): Promise<Message[]> {
  const database = await openDatabase({ path });
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

/** Copies the files of a database as they are at this moment. */
function copyDatabase(from: string, to: string): void {
  for (const end of ['', '-wal']) if (existsSync(from + end)) copyFileSync(from + end, to + end);
}

/** Settles what is due at a time; `reach` is called at each step. */
async function settle(path: string, now: number, reach?: FaultInjector['reach']): Promise<void> {
  const faults = reach === undefined ? undefined : { reach };
  const open = await openSchedules(path, new Date(now).toISOString(), faults);
  for (let n = 0; n < 10; n += 1) {
    const text = `reminder ${n}`;
    const one = reminder({ rule: { cron: `${n} * * * *` }, text, zone: 'UTC' });
    await open.schedules.create({ ...one, idempotencyKey: text });
  }
  await open.close();
}

const points = [
  'schedule.beforeJob',
  'journal.beforeCommit',
  'journal.afterCommit',
  'schedule.afterJob',
  'schedule.settled',
];
// All ten are due; the minute of the first one has begun before its schedule was made.
const due = first + 9 * 60_000 + 30_000;
const once = Array.from({ length: 9 }, (_, n) => `reminder ${n + 1} 2026-12-02T10:0${n + 1}:00`);

describe('an occurrence whose process is killed', () => {
  test.each(points)(
    'with SIGKILL at %s fires once after a restart',
    async (point) => {
      const path = join(folder.path, 'gatehouse.db');
      await settle(path, first + 1);
      expect(run(due, point, '0')).toBe('SIGKILL');
      await settle(path, due + 1_000);
      expect((await messages()).map(keyOf).sort()).toEqual(once);
    },
    60_000,
  );

  test('at any step fires once after a restart', async () => {
    const path = join(folder.path, 'gatehouse.db');
    await settle(path, first + 1);
    const killed: string[] = [];
    await settle(path, due, (point) => {
      if (!points.includes(point)) return;
      const copy = join(folder.path, String(killed.length));
      mkdirSync(copy);
      copyDatabase(path, join(copy, 'gatehouse.db'));
      killed.push(point);
    });
    // Every point, and those of one occurrence for each of the nine.
    expect(new Set(killed)).toEqual(new Set(points));
    expect(killed.length).toBeGreaterThan(3 * 9);
    for (const [at, point] of killed.entries()) {
      const copy = join(folder.path, String(at), 'gatehouse.db');
      await settle(copy, due + 1_000);
      expect((await messages(copy)).map(keyOf).sort(), `step ${at}: ${point}`).toEqual(once);
    }
  }, 120_000);

  test('again and again at any step, 200 times, fires once for each hour', async () => {
    await crashRounds(200, 20_261_202);
  }, 240_000);
});

/** Each round is killed at a random step of a random point, and the next one runs on what it left. */
async function crashRounds(rounds: number, seed: number): Promise<void> {
  let random = seed;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((random / 2 ** 31) * below);
  };
  let path = join(folder.path, 'gatehouse.db');
  await settle(path, first + 1);
  const killsPerHour = 3;
  const hours = Math.ceil(rounds / killsPerHour);
  for (let round = 0; round < hours * killsPerHour; round += 1) {
    const [hourOf, kill] = [Math.floor(round / killsPerHour) + 1, round % killsPerHour];
    const now = first + hourOf * hour - 30_000 + kill * 1_000;
    const left = join(folder.path, `round ${round}.db`);
    const [point, after] = [points[next(points.length)]!, next(10)];
    let reached = 0;
    await settle(path, now, (at) => {
      if (at !== point) return;
      if (reached === after) copyDatabase(path, left);
      reached += 1;
    });
    // A step that was not reached: the round ended in order.
    if (existsSync(left)) path = left;
    if (kill === killsPerHour - 1) await settle(path, now + 3_000);
  }
  const all = (await messages(path)).map(keyOf);
  expect(new Set(all).size, 'no occurrence fires twice').toBe(all.length);
  // The first minute of the first hour is not in the future of its creation.
  expect(all).toHaveLength(10 * hours - 1);
}

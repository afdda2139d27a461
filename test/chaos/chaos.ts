/**
 * Runs the whole system under a seeded storm and audits it from outside:
 *
 *   npm run chaos -- --minutes 30 --seed 1
 *   npm run chaos -- --messages 2000 --users 20 --only kills,broker
 *   npm run chaos -- --minutes 30 --seed 1 --workers 4
 *
 * Prints one table. Exits 1 when a promise was broken; then the folder with the logs is kept and printed. The same
 * seed gives the same plan.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { reportOf, tableLine, violationsOf } from './report.ts';
import { runStorm } from './storm.ts';
import { isNamed, stormFaults } from './fault-schedule.ts';
import { faultGroups } from './storm-fault.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    messages: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    users: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    /** `sqlite` or `postgres`. */
    database: { type: 'string' },
    /** 1 to 4 workers of a cluster; left out: one core that is none. */
    workers: { type: 'string', default: '0' },
    /** Milliseconds between two actions of a user. */
    pause: { type: 'string', default: '1500' },
    /** Milliseconds between two faults of a track. */
    gap: { type: 'string', default: '2500' },
    quiet: { type: 'boolean', default: false },
  },
});

const only = values.only.split(',').filter((name) => name !== '');
const unknown = only.filter((name) => !stormFaults.some((fault) => isNamed(fault, name)));
if (unknown.length > 0) {
  console.error(
    `--only: ${unknown.join(', ')}: expected some of ${faultGroups.join(', ')}, or words of a fault`,
  );
  process.exit(2);
}
const workers = Number(values.workers);
if (!Number.isInteger(workers) || workers < 0 || workers > 4) {
  console.error('--workers: expected 1 to 4');
  process.exit(2);
}
const database = values.database ?? (workers > 0 ? 'postgres' : 'sqlite');
if (database !== 'postgres' && (database !== 'sqlite' || workers > 0)) {
  console.error('--database: expected sqlite or postgres, and postgres with --workers');
  process.exit(2);
}
const minutes = values.minutes === undefined ? null : Number(values.minutes);
const messagesMax =
  values.messages === undefined ? Number.POSITIVE_INFINITY : Number(values.messages);
const withoutLimit = minutes === null && values.messages === undefined;
const seed = Number(values.seed);
const folder = mkdtempSync(join(tmpdir(), `gatehouse-chaos-${seed}-`));
console.log(`seed ${seed}, logs in ${folder}`);

// The exit of this process kills its programs.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const result = await runStorm({
  seed,
  users: Number(values.users),
  forMs: minutes === null ? (withoutLimit ? 60_000 : Number.POSITIVE_INFINITY) : minutes * 60_000,
  messagesMax,
  only,
  pauseMs: Number(values.pause),
  gapMs: Number(values.gap),
  calmMsMax: 240_000,
  withLlama: true,
  database,
  workers,
  folder,
  say: (line) => void (values.quiet || console.log(line)),
});
console.log(`\n${reportOf(result)}\n\n${tableLine(result, seed, minutes)}`);
if (violationsOf(result) === 0) rmSync(folder, { recursive: true, force: true });
else {
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Map || value instanceof Set ? [...value] : value;
  writeFileSync(join(folder, 'observations.json'), JSON.stringify(result.observations, plain, 1));
  console.error(`\na promise was broken: --seed ${seed}; logs and observations are in ${folder}`);
  process.exitCode = 1;
}

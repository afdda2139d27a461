/**
 * Durable jobs per second of the whole path with a backend that takes no time: five committed steps each,
 * every step fsynced before the next, 100 in flight; compared with the naive form, BullMQ and pg-boss in the same
 * rounds, and with the disk itself.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { preparePostgres, startPostgres } from '#test/support/postgres-server';
import { openBullmq } from './support/bullmq-jobs.ts';
import { openJobBench, openPostgresJobBench } from './support/gatehouse-jobs.ts';
import {
  inFlight,
  interleave,
  median,
  printTable,
  ratio,
  scratch,
  startCpu,
} from './support/measure.ts';
import { openNaive } from './support/naive-jobs.ts';
import { openBoss } from './support/pgboss-jobs.ts';

interface Figure {
  perSecond: number;
  cpuMicros: number;
  soloMs: number;
}

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const warmUp = 3_000;
const solo = 200;

async function measure(run: (n: number) => Promise<void>, jobs: number): Promise<Figure> {
  const cpu = startCpu();
  const from = performance.now();
  await inFlight(jobs, 100, run);
  const seconds = (performance.now() - from) / 1000;
  const cpuMicros = cpu.stop() / jobs;
  const times: number[] = [];
  for (let n = 0; n < solo; n += 1) {
    const start = performance.now();
    await run(n);
    times.push(performance.now() - start);
  }
  return { perSecond: jobs / seconds, cpuMicros, soloMs: median(times) };
}

const folders = Array.from({ length: 5 }, () => scratch());
const [ours, plain, redisAlways, redisEverySec, server] = folders.map((folder) => folder.path) as [
  string,
  string,
  string,
  string,
  string,
];
const gatehouse = await openJobBench(ours, 'fiveSteps');
const postgresMissing = preparePostgres();
const postgres = postgresMissing === null ? await startPostgres({ folder: server }) : null;
const onPostgres =
  postgres === null
    ? null
    : await openPostgresJobBench(postgres.urlOf(await postgres.createDatabase()));
const boss =
  postgres === null ? null : await openBoss(postgres.urlOf(await postgres.createDatabase()));
const naive = openNaive(plain);
const always = await openBullmq(redisAlways, 'always');
const everySec = await openBullmq(redisEverySec, 'everysec');

await inFlight(warmUp, 100, gatehouse.run);
if (onPostgres !== null) await inFlight(warmUp, 100, onPostgres.run);
if (boss !== null) await inFlight(500, 100, boss.run);
await inFlight(500, 100, naive.run);
if (always !== null) await inFlight(warmUp, 100, always.run);
if (everySec !== null) await inFlight(warmUp, 100, everySec.run);

const figures = await interleave(rounds, {
  gatehouse: () => measure(gatehouse.run, 10_000),
  ...(onPostgres === null
    ? {}
    : { 'gatehouse on PostgreSQL': () => measure(onPostgres.run, 5_000) }),
  ...(boss === null ? {} : { 'pg-boss on PostgreSQL': () => measure(boss.run, 1_000) }),
  naive: () => measure(naive.run, 1_000),
  ...(always === null ? {} : { 'BullMQ, fsync always': () => measure(always.run, 5_000) }),
  ...(everySec === null
    ? {}
    : { 'BullMQ, fsync every second': () => measure(everySec.run, 5_000) }),
});
const fsyncMs = median(fsyncTimes(ours));
await gatehouse.close();
await onPostgres?.close();
await boss?.close();
await postgres?.remove();
naive.close();
await always?.close();
await everySec?.close();
for (const folder of folders) folder.remove();

const of = (name: string, key: keyof Figure): number =>
  median(figures[name]!.map((one) => one[key]));
printTable(
  `5 durable steps per job, 100 in flight, medians of ${rounds} interleaved rounds (one fdatasync here: ${fsyncMs.toFixed(2)} ms)`,
  [
    'system',
    'jobs/s',
    'x naive',
    'CPU of this process, us/job',
    'one in flight, p50 ms',
    'gatehouse to it',
  ],
  Object.keys(figures).map((name) => [
    name,
    Math.round(of(name, 'perSecond')),
    ratio(of(name, 'perSecond'), of('naive', 'perSecond')),
    Math.round(of(name, 'cpuMicros')),
    of(name, 'soloMs').toFixed(2),
    ratio(of('gatehouse', 'perSecond'), of(name, 'perSecond')),
  ]),
);
const against = (name: string, goal: string, own = 'gatehouse'): string[] => [
  own === 'gatehouse' ? `jobs/s against ${name}` : `jobs/s, ${own} against ${name}`,
  ratio(of(own, 'perSecond'), of(name, 'perSecond')),
  goal,
];
printTable(
  'Goals of jobs',
  ['figure', 'measured', 'goal'],
  [
    against('naive', '>= 8 x'),
    ...(always === null
      ? []
      : [
          against('BullMQ, fsync always', '>= 3 x'),
          against('BullMQ, fsync every second', '>= 1.5 x'),
          [
            'one in flight, p50, against BullMQ, fsync always',
            ratio(of('gatehouse', 'soloMs'), of('BullMQ, fsync always', 'soloMs')),
            '<= 0.6 x',
          ],
        ]),
    ...(onPostgres === null
      ? []
      : [
          against('pg-boss on PostgreSQL', '>= 1.5 x', 'gatehouse on PostgreSQL'),
          [
            'one in flight, p50 ms, gatehouse on PostgreSQL',
            of('gatehouse on PostgreSQL', 'soloMs').toFixed(2),
            '<= 12',
          ],
        ]),
    ['CPU per job, ms', (of('gatehouse', 'cpuMicros') / 1000).toFixed(3), '<= 0.12'],
  ],
);
if (postgresMissing !== null) console.log(`PostgreSQL: skipped, ${postgresMissing}`);
if (always === null)
  console.log('BullMQ: skipped, there is no redis-server on PATH (apt-get install redis-server)');

function fsyncTimes(folder: string): number[] {
  const file = openSync(join(folder, 'probe'), 'w');
  const block = Buffer.alloc(4_096);
  const times = Array.from({ length: 200 }, () => {
    const from = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - from;
  });
  closeSync(file);
  return times;
}
process.exit(0);

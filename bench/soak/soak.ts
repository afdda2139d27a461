/**
 * `npm run soak -- [--minutes 60] [--rate 20] [--keep-seconds 120] [--sample-seconds 60]`: a core, a steady load, a
 * broker if nats-server is found, retention of old jobs, a backup in the middle. Prints a line per sample and reports
 * at the end whether memory, handles, database and log stay stable. Exit code 1 if they do not.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { RetentionSchedule } from '#storage/retention-job';
import { backUp } from '#storage/backup';
import { launchNatsServer, prepareNatsServer } from '#test/support/nats-server';
import { scratch } from '../support/measure.ts';
import type { Figures } from './core-child.ts';
import { startLoad, startModels, type Models } from './load.ts';
import { verdictOf, type Course } from './verdict.ts';

const number = (value: string): { type: 'string'; default: string } => ({
  type: 'string',
  default: value,
});
const { values: options } = parseArgs({
  options: {
    minutes: number('60'),
    rate: number('20'),
    'keep-seconds': number('120'),
    'sample-seconds': number('60'),
  },
});
const samples = Math.round((Number(options.minutes) * 60) / Number(options['sample-seconds']));
if (!(samples >= 3)) throw new Error('a soak needs at least three samples');
const sampleMs = Number(options['sample-seconds']) * 1_000;
const megabyte = 1024 * 1024;

interface Sample extends Figures {
  sent: number;
  databaseBytes: number;
  /** The largest size, sampled every second. */
  logBytes: number;
}

const folder = scratch();
const database = join(folder.path, 'gatehouse.db');
const command = prepareNatsServer();
const broker = command === null ? null : await launchNatsServer({ command });
const models = await startModels();
const child = await startChild(models);
const load = startLoad(child.url, Number(options.rate));
const rows: Sample[] = [];
process.once('exit', () => {
  child.process.kill('SIGKILL');
  folder.remove();
});

console.log(
  `${options.minutes} minutes, ${options.rate} messages a second, kept for ${options['keep-seconds']} s, ` +
    `${broker === null ? 'without' : 'with'} a broker`,
);
const head = ['sample', 'sent', 'heap MB', 'rss MB', 'resources', 'descriptors', 'jobs in memory'];
console.log(line([...head, 'database MB', 'log MB', 'longest stall ms']));
console.log(`${'|---'.repeat(10)}|`);
for (let n = 1; n <= samples; n += 1) {
  const sample = await take();
  rows.push(sample);
  console.log(
    line([
      n,
      sample.sent,
      mb(sample.heapBytes),
      mb(sample.rssBytes),
      sample.resources,
      sample.descriptors,
      sample.loadedJobs,
      mb(sample.databaseBytes),
      mb(sample.logBytes),
      sample.stallMs.toFixed(0),
    ]),
  );
  if (n === Math.ceil(samples / 2)) backUp(database, join(folder.path, 'backup.db'));
}
await load.stop();
const ended = await endedJobs();
await stopChild(child.process);
await Promise.all([models.small.close(), models.large.close(), broker?.stop()]);
process.exitCode = conclude() ? 0 : 1;

function conclude(): boolean {
  const courses: Course[] = [
    { name: 'heap MB', values: rows.map((row) => row.heapBytes / megabyte), slack: 3 },
    { name: 'rss MB', values: rows.map((row) => row.rssBytes / megabyte), slack: 20 },
    { name: 'resources', values: rows.map((row) => row.resources), slack: 10 },
    { name: 'descriptors', values: rows.map((row) => row.descriptors), slack: 10 },
    { name: 'database MB', values: rows.map((row) => row.databaseBytes / megabyte), slack: 1 },
    { name: 'log MB', values: rows.map((row) => row.logBytes / megabyte), slack: 4 },
  ];
  const verdicts = courses.map(verdictOf);
  console.log('');
  for (const { name, middle, last, isFlat } of verdicts) {
    console.log(
      `${isFlat ? 'flat' : 'GROWS'}  ${name}: ${middle.toFixed(1)} in the middle third, ${last.toFixed(1)} in the last`,
    );
  }
  for (const [fault, count] of load.faults) console.log(`FAULT  ${count} x ${fault}`);
  const allEnded = ended === load.sent;
  console.log(`${allEnded ? 'all' : 'NOT ALL'} of ${load.sent} messages ended (${ended})`);
  return allEnded && load.faults.size === 0 && verdicts.every(({ isFlat }) => isFlat);
}

async function startChild(to: Models): Promise<{ process: ChildProcess; url: string }> {
  const config = {
    server: { port: 0 },
    database,
    nats: broker === null ? { mode: 'off' } : { mode: 'external', url: broker.url },
    jobs: { maxConcurrent: 20 },
    backends: [
      { id: 'small', baseUrl: to.small.baseUrl, model: 'm', concurrency: 8 },
      { id: 'large', baseUrl: to.large.baseUrl, model: 'm', concurrency: 4 },
    ],
    roles: { classifier: 'small', reasoner: 'large', drafter: 'large' },
    drafts: { intervalMs: 1_000, batch: 20 },
  };
  const keepMs = Number(options['keep-seconds']) * 1_000;
  const pace: RetentionSchedule = { keepMs, everyMs: keepMs / 4, walIdleMs: 60_000 };
  const started = fork(
    join(import.meta.dirname, 'core-child.ts'),
    [JSON.stringify(config), JSON.stringify(pace)],
    { execArgv: ['--expose-gc'] },
  );
  const [{ url }] = (await once(started, 'message')) as [{ url: string }];
  return { process: started, url };
}

async function take(): Promise<Sample> {
  const until = Date.now() + sampleMs;
  let logBytes = 0;
  while (Date.now() < until) {
    logBytes = Math.max(logBytes, sizeOf(`${database}-wal`));
    await sleep(Math.max(1, Math.min(1_000, until - Date.now())));
  }
  child.process.send('figures');
  const [figures] = (await once(child.process, 'message')) as [Figures];
  return { ...figures, sent: load.sent, databaseBytes: sizeOf(database), logBytes };
}

async function endedJobs(): Promise<number> {
  const text = await (await fetch(`${child.url}/metrics`)).text();
  const counts = [...text.matchAll(/^gatehouse_jobs_ended_total\{.*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function stopChild(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit');
  process.disconnect();
  await gone;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function mb(bytes: number): string {
  return (bytes / megabyte).toFixed(1);
}

function line(cells: (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

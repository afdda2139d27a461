/**
 * The cost of a job while it waits for a confirm, and the time until jobs run after a start with 10,000 unfinished
 * jobs in the database.
 */
import { openJobBench } from './support/gatehouse-jobs.ts';
import { inFlight, printTable, scratch, startCpu } from './support/measure.ts';

const jobs = 10_000;
const heap = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};
const rows: string[][] = [];

{
  const folder = scratch();
  const bench = await openJobBench(folder.path, 'untilDraft');
  await inFlight(3_000, 100, bench.run);
  const before = heap();
  await inFlight(jobs, 100, bench.run);
  // A short delay: memory of the last commits is released by then.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const perJob = (heap() - before) / jobs / 1024;
  const cpu = startCpu();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const idle = (cpu.stop() / 3_000_000) * 100;
  rows.push(['heap per job that waits for a person', `${perJob.toFixed(3)} KiB`, '<= 0.1 KiB']);
  rows.push(['idle CPU with 13,000 of them', `${idle.toFixed(2)} %`, '<= 0.3 %']);
  rows.push(['of them in memory', String(bench.journal.stats.loaded), '<= 0']);
  await bench.close();
  folder.remove();
}
{
  const folder = scratch();
  const first = await openJobBench(folder.path, 'unfinished');
  await inFlight(jobs, 200, first.submit);
  await first.close();
  const from = performance.now();
  let movedAt = Number.NaN;
  let moved = 0;
  const second = await openJobBench(folder.path, 'fiveSteps', () => {
    if (moved === 0) movedAt = performance.now() - from;
    moved += 1;
  });
  await second.journal.resume();
  while (second.journal.stats.running > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const allMs = performance.now() - from;
  rows.push([
    'start with 10,000 unfinished jobs: first one moves after',
    `${movedAt.toFixed(0)} ms`,
    '<= 500 ms',
  ]);
  rows.push(['the same: all 10,000 have ended after', `${allMs.toFixed(0)} ms`, '']);
  await second.close();
  folder.remove();
}
printTable('Jobs that wait, and the start', ['figure', 'measured', 'goal'], rows);
process.exit(0);

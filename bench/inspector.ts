/**
 * The cost of the inspector: jobs with its page open in a real Chromium compared with jobs without it, at full
 * speed and at 500 events a second for a minute; and how fast the page itself stays.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import type { Order, Reading } from './support/inspected-core.ts';
import { median, printTable, ratio, scratch } from './support/measure.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const floodSeconds = Number(process.env['BENCH_FLOOD_SECONDS'] ?? 60);
const saturating: Order = { kind: 'saturate', jobs: 5_000 };
const flood = (seconds: number): Order => ({ kind: 'flood', eventsPerSecond: 500, seconds });

const executable = prepareChromium();
if (executable === null) process.exit(0);
const browser = await launchChromium(executable);
const program = join(import.meta.dirname, 'support/inspected-core.ts');
const [folder, bareFolder] = [scratch(), scratch()];
const core = fork(program, [folder.path]);
const [url] = (await once(core, 'message')) as [string];
const bareCore = fork(program, [bareFolder.path, 'bare']);
await once(bareCore, 'message');

const run = (order: Order): Promise<Reading> => tell(core, order);
async function tell(child: ChildProcess, order: Order): Promise<Reading> {
  child.send(order);
  const [reading] = (await once(child, 'message')) as [Reading];
  return reading;
}

/** Opens the list page and waits until it is live; `loadMs`: from navigation to `live`, with an empty cache. */
async function openPage(): Promise<{ page: Page; loadMs: number; close(): Promise<void> }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const from = performance.now();
  await page.goto(`${url}/inspect`);
  await page.getByText('live', { exact: true }).waitFor();
  return { page, loadMs: performance.now() - from, close: () => context.close() };
}

/** Opens a job of the list and waits for its chart: the page is usable. */
async function openJob(page: Page): Promise<number> {
  const from = performance.now();
  await page.locator('.job-rows a').nth(3).click();
  await page.locator('.chart [data-id="job.done"].now').waitFor();
  return performance.now() - from;
}

const heapMiB = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize / 2 ** 20;
};

await run(saturating);
await tell(bareCore, saturating);
const bare: Reading[] = [];
const alone: Reading[] = [];
const watched: Reading[] = [];
const loads: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  bare.push(await tell(bareCore, saturating));
  alone.push(await run(saturating));
  const { loadMs, close } = await openPage();
  loads.push(loadMs);
  watched.push(await run(saturating));
  await close();
}

const quiet = await run(flood(Math.min(20, floodSeconds)));
const { page, close } = await openPage();
await run(flood(5));
const [heapBefore, nodesBefore] = [await heapMiB(page), await page.locator('*').count()];
const flooding = run(flood(floodSeconds));
const clicks: number[] = [];
for (let n = 0; n < 5; n += 1) {
  await page.waitForTimeout((floodSeconds * 1000) / 6);
  clicks.push(await openJob(page));
}
const flooded = await flooding;
const [heapAfter, nodesAfter] = [await heapMiB(page), await page.locator('*').count()];
await close();

const of = (readings: Reading[], key: keyof Reading): number =>
  median(readings.map((one) => one[key]));
printTable(
  `Looking on: medians of ${rounds} rounds in turn, 100 in flight`,
  ['', 'jobs/s', 'CPU of the core, us/job', 'jobs/s', 'CPU'],
  [
    ['no inspector', bare],
    ['nobody looks', alone],
    ['the page is open', watched],
  ].map(([name, readings]) => [
    name as string,
    Math.round(of(readings as Reading[], 'jobsPerSecond')),
    Math.round(of(readings as Reading[], 'cpuMicrosPerJob')),
    ratio(of(readings as Reading[], 'jobsPerSecond'), of(bare, 'jobsPerSecond')),
    ratio(of(readings as Reading[], 'cpuMicrosPerJob'), of(bare, 'cpuMicrosPerJob')),
  ]),
);
printTable(
  `A flood of 500 events/s for ${floodSeconds} s with the page open`,
  ['figure', 'with the page', 'without', 'ratio'],
  [
    ['jobs/s', flooded.jobsPerSecond, quiet.jobsPerSecond],
    ['CPU of the core, us/job', flooded.cpuMicrosPerJob, quiet.cpuMicrosPerJob],
    ['memory of the core, MiB', flooded.rssMiB, quiet.rssMiB],
  ].map(([name, one, other]) => [
    name as string,
    Math.round(Number(one)),
    Math.round(Number(other)),
    ratio(Number(one), Number(other)),
  ]),
);
printTable(
  'The page',
  ['figure', 'value'],
  [
    ['load with an empty cache until live, median ms', Math.round(median(loads))],
    ['open a job during the flood, median ms', Math.round(median(clicks))],
    ['heap before and after the flood, MiB', `${heapBefore.toFixed(1)} ${heapAfter.toFixed(1)}`],
    ['elements before and after the flood', `${nodesBefore} ${nodesAfter}`],
  ],
);
core.disconnect();
bareCore.disconnect();
await browser.close();
folder.remove();
bareFolder.remove();
process.exit(0);

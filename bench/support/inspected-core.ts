/**
 * A child process of the inspector's benchmark: the real journal with effects that take no time, and the inspector
 * over HTTP. Arguments: the folder, and `bare` to run without the inspector. Receives commands as messages and
 * answers each with a reading.
 */
import { createFairSlices } from '#shared/fair-slices';
import { createJobService } from '#jobs/service/job-service';
import { startServer } from '#http/server/server';
import { inspectorRoutes } from '#inspector/server/inspector-routes';
import { systemClock } from '#shared/clock';
import { createIdSource } from '#shared/ids';
import { silentLog } from '#shared/log';
import { createJobQueries } from '#jobs/store/job-queries';
import { createJobStore } from '#jobs/store/job-store';
import { limits } from '#test/support/jobs';
import { openJobBench } from './gatehouse-jobs.ts';
import { inFlight, startCpu } from './measure.ts';

export type Order =
  /** Runs the jobs at full speed, 100 in flight. */
  | { kind: 'saturate'; jobs: number }
  /** Runs at a fixed number of events a second. */
  | { kind: 'flood'; eventsPerSecond: number; seconds: number };

export interface Reading {
  jobsPerSecond: number;
  /** CPU time of the whole process. */
  cpuMicrosPerJob: number;
  rssMiB: number;
}

/** Each job of the benchmark publishes this many events. */
export const eventsPerJob = 11;

const [, , folder = '', kind] = process.argv;
const bench = await openJobBench(folder, 'fiveSteps');
const storage = createJobStore(bench.database);
const clock = systemClock;
const log = silentLog();
const jobService = createJobService({
  slices: createFairSlices(),
  journal: bench.journal,
  storage,
  queries: createJobQueries(bench.database),
  hub: bench.hub,
  clock,
  nextId: createIdSource(),
  messageMaxChars: 8_000,
  limits,
  locale: 'auto',
  parseDraftReply: () => null,
});
const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  apiKeys: [],
  ownerOf: async (jobId) => (await jobService.get(jobId)).user_id,
  log,
  routes:
    kind === 'bare'
      ? []
      : [
          inspectorRoutes({
            jobService,
            storage,
            hub: bench.hub,
            queueOf: () => null,
            gates: () => [],
            drafts: async () => ({}),
            draftsVersion: () => '',
            clock,
            log,
            apiKeys: [],
          }),
        ],
});

async function obey(order: Order): Promise<Reading> {
  const cpu = startCpu();
  const from = performance.now();
  const jobs = order.kind === 'saturate' ? order.jobs : await flood(order);
  if (order.kind === 'saturate') await inFlight(jobs, 100, bench.run);
  const seconds = (performance.now() - from) / 1000;
  return {
    jobsPerSecond: jobs / seconds,
    cpuMicrosPerJob: cpu.stop() / jobs,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}

/** Submits jobs at even distances; each second gets its full share even if timers are late. */
async function flood({
  eventsPerSecond,
  seconds,
}: Extract<Order, { kind: 'flood' }>): Promise<number> {
  const perSecond = eventsPerSecond / eventsPerJob;
  const from = performance.now();
  const running: Promise<void>[] = [];
  while (performance.now() - from < seconds * 1000) {
    const due = Math.floor(((performance.now() - from) / 1000) * perSecond);
    while (running.length < due) running.push(bench.run(running.length));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await Promise.all(running);
  return running.length;
}

process.on('message', (order: Order) => void obey(order).then((reading) => process.send!(reading)));
process.on('disconnect', () => process.exit(0));
process.send!(server.url);

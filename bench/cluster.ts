/**
 * Four workers against one, with model servers that answer after 250 ms and as many messages in flight per worker: jobs per
 * second, and CPU per job of all processes but the clients and the model servers. Then the wait of a foreground request for a
 * model server with one place that background work keeps busy, from each worker.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FollowListener } from '#http/client/core-client';
import { startFakeLlm } from '#test/support/fake-llm';
import { says, saysJson, type FakeReply } from '#test/support/fake-llm-replies';
import { median, printTable, ratio } from './support/measure.ts';
import { openWorkerHost, type WorkerProcess } from './support/worker-processes.ts';

const inFlightPerWorker = 25;
const answerMs = 250;
const workersMax = 4;
const warmUpMs = 4_000;
const phaseMs = 12_000;
const questions = 20;
const places = workersMax * inFlightPerWorker;

const afterMs =
  (ms: number, reply: FakeReply): FakeReply =>
  async (exchange) => {
    await sleep(ms, undefined, { signal: exchange.gone }).catch(() => undefined);
    if (!exchange.gone.aborted) await reply(exchange);
  };

const small = await startFakeLlm({
  reply: afterMs(answerMs, saysJson({ action: 'route', response: '', prompt: '' })),
});
const large = await startFakeLlm({ reply: afterMs(answerMs, says('The moon.')) });
const single = await startFakeLlm({ reply: afterMs(40, says('The moon.')) });
const host = await openWorkerHost({
  timezone: 'Asia/Seoul',
  jobs: { maxConcurrent: inFlightPerWorker * workersMax, maxQueued: 1_000 },
  gates: { maxQueue: 1_000 },
  backends: [
    { id: 'small', baseUrl: small.baseUrl, model: 'm', concurrency: places },
    { id: 'large', baseUrl: large.baseUrl, model: 'm', concurrency: places },
    { id: 'single', baseUrl: single.baseUrl, model: 'm', concurrency: 1 },
  ],
  roles: { classifier: 'small', reasoner: 'large' },
});
const { workers } = host;

interface Phase {
  workers: number;
  jobsPerSecond: number;
  cpuMsPerJob: number;
  parts: Record<string, number>;
}

let person = 0;
const nothing = (): void => undefined;
const silent: FollowListener = { event: nothing, token: nothing, lost: nothing };

/** One client of a worker: the next message when the last one has its answer. */
async function converse({ client }: WorkerProcess, isOver: () => boolean, onJob: () => void) {
  while (!isOver()) {
    person += 1;
    const jobId = await client.submit({
      message: 'explain the tides to me',
      user_id: `person-${person}`,
    });
    await client.follow(jobId, silent, new AbortController().signal);
    onJob();
  }
}

async function measure(): Promise<Phase> {
  await host.untilShared();
  let [jobs, isOver] = [0, false];
  const clients = workers.flatMap((worker) =>
    Array.from({ length: inFlightPerWorker }, () =>
      converse(
        worker,
        () => isOver,
        () => (jobs += 1),
      ),
    ),
  );
  await sleep(warmUpMs);
  const [before, cpuBefore, from] = [jobs, host.cpuMs(), performance.now()];
  await sleep(phaseMs);
  const [after, cpuAfter, to] = [jobs, host.cpuMs(), performance.now()];
  isOver = true;
  await Promise.all(clients);
  const done = after - before;
  const parts = Object.fromEntries(
    (['workers', 'postgres', 'nats'] as const).map((name) => [
      name,
      (cpuAfter[name] - cpuBefore[name]) / done,
    ]),
  );
  return {
    workers: workers.length,
    jobsPerSecond: (done / (to - from)) * 1_000,
    cpuMsPerJob: Object.values(parts).reduce((sum, ms) => sum + ms, 0),
    parts,
  };
}

async function growTo(count: number): Promise<void> {
  while (workers.length < count) await host.start();
  while (workers.length > count) await host.end(workers.at(-1)!, 'SIGTERM');
}

/** Milliseconds until the answer to a foreground request, for each worker, while background requests of all workers wait. */
async function foregroundWaits(): Promise<number[][]> {
  const complete = ({ client }: WorkerProcess, priority: string): Promise<Response> =>
    fetch(`${client.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-gatehouse-priority': priority },
      body: JSON.stringify({ model: 'single', messages: [{ role: 'user', content: 'why?' }] }),
    }).then(async (response) => (await response.text(), response));
  let isOver = false;
  const background = workers.map(async (worker) => {
    while (!isOver) await complete(worker, 'background');
  });
  await sleep(1_000);
  const waits: number[][] = workers.map(() => []);
  for (let n = 0; n < questions; n += 1) {
    for (const [index, worker] of workers.entries()) {
      const from = performance.now();
      const response = await complete(worker, 'foreground');
      if (!response.ok) throw new Error(`a foreground request got ${response.status}`);
      waits[index]!.push(performance.now() - from);
      await sleep(50);
    }
  }
  isOver = true;
  await Promise.all(background);
  return waits;
}

await growTo(1);
const phases: Phase[] = [];
// One, four, one: what the machine does beside it affects both.
for (const count of [1, workersMax, 1]) {
  await growTo(count);
  phases.push(await measure());
}
await growTo(workersMax);
await host.untilShared();
const waits = (await foregroundWaits()).map(median);
await host.close();
await Promise.all([small.close(), large.close(), single.close()]);

const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length;
const ones = phases.filter((phase) => phase.workers === 1);
const four = phases.find((phase) => phase.workers === workersMax)!;
printTable(
  `Jobs bound by model servers (${answerMs} ms for each of two requests, ${inFlightPerWorker} in flight per worker)`,
  ['workers', 'jobs/s', 'CPU ms per job', 'workers', 'PostgreSQL', 'NATS'],
  phases.map((phase) => [
    phase.workers,
    phase.jobsPerSecond.toFixed(1),
    phase.cpuMsPerJob.toFixed(2),
    ...['workers', 'postgres', 'nats'].map((name) => phase.parts[name]!.toFixed(2)),
  ]),
);
const speed = four.jobsPerSecond / mean(ones.map((phase) => phase.jobsPerSecond));
printTable(
  'Four workers against one',
  ['figure', 'measured', 'goal'],
  [
    ['jobs/s, four workers against one', `${speed.toFixed(2)} x`, '>= 3.8'],
    [
      'CPU per job, four workers against one',
      ratio(four.cpuMsPerJob, mean(ones.map((phase) => phase.cpuMsPerJob))),
      '<= 1.10',
    ],
    [
      'wait of a foreground request under background load, slowest worker against fastest',
      `${(Math.max(...waits) / Math.min(...waits)).toFixed(2)} x (${waits.map((ms) => ms.toFixed(0)).join(', ')} ms)`,
      '<= 1.10',
    ],
  ],
);

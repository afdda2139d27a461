/**
 * `kill -9` of one of three workers, again and again, with the default beats: how long until its leases have an owner, until
 * the first of its jobs moves at another worker, and, when it was the arbiter of a gate, until the next model request. Each
 * second victim is the arbiter. An answer that runs at another worker must not end. Then SIGTERM, while messages arrive.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionLease, partitionOf } from '#storage/postgres/partition';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { says, saysJson, type FakeReply } from '#test/support/fake-llm-replies';
import { median, printTable } from './support/measure.ts';
import { openWorkerHost, type WorkerProcess } from './support/worker-processes.ts';

const kills = Number(process.env['BENCH_ROUNDS'] ?? 8);
const handOvers = Math.ceil(kills / 2);
const jobsOfVictim = 4;

interface Figures {
  leases: number[];
  move: number[];
  grant: number[];
  harmed: number;
  handOver: number[];
  submitted: number;
  refused: number;
}

const small = await startFakeLlm({
  reply: saysJson({ action: 'route', response: '', prompt: '' }),
});

/** Requests that arrive while it is set wait for it. */
let hold: PromiseWithResolvers<void> | null = null;
let isHolding = false;
const holds: FakeReply = async (exchange) => {
  if (isHolding) await hold?.promise;
  if (!exchange.gone.aborted) await says('The moon.')(exchange);
};
const large: FakeLlm = await startFakeLlm({ reply: holds });

const host = await openWorkerHost({
  timezone: 'Asia/Seoul',
  // All jobs of a round run at once.
  jobs: { maxConcurrent: 16 },
  backends: [
    { id: 'small', baseUrl: small.baseUrl, model: 'm', concurrency: 16 },
    { id: 'large', baseUrl: large.baseUrl, model: 'm', concurrency: 16 },
  ],
  roles: { classifier: 'small', reasoner: 'large' },
});
const { workers } = host;

async function until(isTrue: () => Promise<boolean> | boolean, everyMs = 10): Promise<void> {
  while (!(await isTrue())) await sleep(everyMs);
}

const userOf = (of: Map<string, string | null>, id: string, n: number): string => {
  for (let k = 0; ; k += 1) {
    const user = `user-${n}-${k}`;
    if (of.get(partitionLease(partitionOf(user))) === id) return user;
  }
};

async function round(n: number, figures: Figures): Promise<void> {
  await host.untilShared();
  // The requests of a stopped round have ended, and the gates have granted again.
  await sleep(500);
  const of = await host.owners();
  const isArbiter = n % 2 === 1;
  const victim = workers.find(({ id }) => (of.get('gate/large') === id) === isArbiter)!;
  const other = workers.find((one) => one !== victim)!;
  hold = Promise.withResolvers<void>();
  isHolding = true;
  const first = large.requests.length;
  const submit = ({ client, id }: WorkerProcess, k: number): Promise<string> =>
    client.submit({ message: 'explain the tides to me', user_id: userOf(of, id, n * 100 + k) });
  const running = await submit(other, 99);
  // Its request is the first: another worker may ask its reasoner in advance.
  await until(() => large.requests.length > first);
  const jobs: string[] = [];
  for (let k = 0; k < jobsOfVictim; k += 1) jobs.push(await submit(victim, k));
  await until(() => large.requests.length === first + jobsOfVictim + 1);
  isHolding = false;
  const kept = large.requests[first]!;
  const began = performance.now();
  const ended = host.end(victim, 'SIGKILL');
  let movedMs: number | null = null;
  const rows = async (): Promise<number> =>
    (
      await host.rowsOf<{ count: number }>(
        `select count(*)::int as count from journal where job in (select num from job where id in (${jobs.map((id) => `'${id}'`).join()}))`,
      )
    )[0]!.count;
  const before = await rows();
  let takenMs: number | null = null;
  await until(async () => {
    const now = performance.now() - began;
    if (takenMs === null && ![...(await host.owners()).values()].includes(victim.id)) takenMs = now;
    if (movedMs === null && (await rows()) > before) movedMs = now;
    return takenMs !== null && movedMs !== null;
  });
  figures.leases.push(takenMs!);
  const nextAt = first + jobsOfVictim + 1;
  await until(() => large.requests.length > nextAt);
  const next = large.requests[nextAt]!;
  if (isArbiter) figures.grant.push(next.arrivedAt - began);
  else figures.move.push(movedMs!);
  hold.resolve();
  await until(async () => (await other.client.job(running)).state === 'done');
  if (kept.closedBy === 'client') figures.harmed += 1;
  for (const job of jobs) await until(async () => (await other.client.job(job)).state === 'done');
  await ended;
}

/** SIGTERM while messages arrive at the other workers: until the worker holds no lease any more. */
async function handOver(figures: Figures): Promise<void> {
  await host.untilShared();
  const victim = workers[0]!;
  const others = workers.slice(1);
  let isOver = false;
  const load = others.map(async ({ client }, k) => {
    for (let n = 0; !isOver; n += 1) {
      // Also for people whose partition moves.
      const message = { message: 'explain the tides to me', user_id: `person-${k}-${n % 64}` };
      await client.submit(message).catch(() => (figures.refused += 1));
      figures.submitted += 1;
      await sleep(10);
    }
  });
  await sleep(200);
  const began = performance.now();
  const ended = host.end(victim, 'SIGTERM');
  await until(async () => ![...(await host.owners()).values()].includes(victim.id), 5);
  figures.handOver.push(performance.now() - began);
  await ended;
  await host.untilShared();
  isOver = true;
  await Promise.all(load);
  await host.start();
}
for (let n = 0; n < 3; n += 1) await host.start();
const figures: Figures = {
  leases: [],
  move: [],
  grant: [],
  harmed: 0,
  handOver: [],
  submitted: 0,
  refused: 0,
};
for (let n = 0; n < kills; n += 1) {
  await round(n, figures);
  await host.start();
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const row = (name: string, of: readonly number[], measured: number, goal: string): string[] => [
  name,
  String(of.length),
  seconds(measured),
  goal,
];
const { leases, move, grant } = figures;
printTable(
  'kill -9 of one of three workers',
  ['until', 'times', 'measured', 'goal'],
  [
    row('all its leases have an owner, p50', leases, median(leases), ''),
    row('the same, max', leases, Math.max(...leases), ''),
    row('its first job moves (it was not the arbiter), p50', move, median(move), '<= 2.5'),
    row('the same, max', move, Math.max(...move), '<= 6'),
    row('the next model request (it was the arbiter), p50', grant, median(grant), ''),
    row('the same, max', grant, Math.max(...grant), '<= 12'),
    ['answers of other workers that ended', String(kills), String(figures.harmed), '<= 0'],
  ],
);

for (let n = 0; n < handOvers; n += 1) await handOver(figures);
const { handOver: handed, submitted, refused } = figures;
printTable(
  'SIGTERM of one of three workers, while messages arrive',
  ['until', 'times', 'measured', 'goal'],
  [
    row('it holds no lease, p50', handed, median(handed), ''),
    row('the same, max', handed, Math.max(...handed), '<= 0.5'),
    ['messages refused meanwhile', String(submitted), String(refused), '<= 0'],
  ],
);

await host.close();
await Promise.all([small.close(), large.close()]);

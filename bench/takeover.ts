/**
 * `kill -9` of one of three workers, again and again, with the default beats: how long until its leases have an owner, until
 * the first of its jobs moves at another worker, and, when it was the arbiter of a gate, until the next model request. Each
 * second victim is the arbiter. An answer that runs at another worker must not end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { CoreClient } from '#http/client/core-client';
import { partitionLease, partitionOf } from '#storage/postgres/partition';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { says, saysJson, type FakeReply } from '#test/support/fake-llm-replies';
import { launchNatsServer, prepareNatsServer } from '#test/support/nats-server';
import { preparePostgres, startPostgres } from '#test/support/postgres-server';
import { projectRoot } from '#test/support/project-root';
import { median, printTable, scratch } from './support/measure.ts';

const kills = 8;
const jobsOfVictim = 4;

interface Worker {
  id: string;
  client: CoreClient;
  child: ChildProcess;
}

interface Figures {
  leases: number[];
  move: number[];
  grant: number[];
  harmed: number;
}

const command = prepareNatsServer();
const missing = preparePostgres();
if (command === null || missing !== null) throw new Error(missing ?? 'nats-server is missing');
const server = await startPostgres();
const nats = await launchNatsServer({ command });
const folder = scratch();
const database = await server.createDatabase();
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

const configOf = (): unknown => ({
  server: { port: 0 },
  database: server.urlOf(database),
  nats: { mode: 'external', url: nats.url },
  cluster: { handOverMax: 64, replicas: 1 },
  timezone: 'Asia/Seoul',
  backends: [
    { id: 'small', baseUrl: small.baseUrl, model: 'm', concurrency: 16 },
    { id: 'large', baseUrl: large.baseUrl, model: 'm', concurrency: 16 },
  ],
  roles: { classifier: 'small', reasoner: 'large' },
});

const rowsOf = async <Row>(sql: string): Promise<Row[]> =>
  (await server.run(sql, database)).rows as Row[];
const owners = async (): Promise<Map<string, string | null>> =>
  new Map(
    (await rowsOf<{ name: string; worker: string | null }>('select name, worker from lease')).map(
      ({ name, worker }) => [name, worker],
    ),
  );
const liveIds = async (): Promise<string[]> =>
  (await rowsOf<{ id: string }>('select id from worker where not gone')).map(({ id }) => id);

async function startWorker(n: number): Promise<Worker> {
  // The first worker makes the tables.
  const before = new Set(n === 0 ? [] : await liveIds());
  const file = join(folder.path, `worker-${n}.yaml`);
  writeFileSync(file, stringify(configOf()));
  const script = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
  const child = spawn(process.execPath, [script, 'serve', '--config', file], {
    // Its log is on standard error.
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(projectRoot, '.cache', 'compile') },
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /"url":"(http:[^"]+)".*gatehouse is ready/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', () => reject(new Error(`worker ${n} did not start`)));
  });
  const id = (await liveIds()).find((one) => !before.has(one))!;
  return { id, client: new CoreClient(url, null), child };
}

async function until(isTrue: () => Promise<boolean> | boolean, everyMs = 10): Promise<void> {
  while (!(await isTrue())) await sleep(everyMs);
}

const isShared = async (workers: readonly Worker[]): Promise<boolean> => {
  const of = [...(await owners()).values()];
  return (
    of.every((owner) => workers.some(({ id }) => id === owner)) &&
    workers.every(({ id }) => of.includes(id))
  );
};

const userOf = (of: Map<string, string | null>, id: string, n: number): string => {
  for (let k = 0; ; k += 1) {
    const user = `user-${n}-${k}`;
    if (of.get(partitionLease(partitionOf(user))) === id) return user;
  }
};

async function round(workers: Worker[], n: number, figures: Figures): Promise<void> {
  await until(() => isShared(workers));
  // The requests of a stopped round have ended, and the gates have granted again.
  await sleep(500);
  const of = await owners();
  const isArbiter = n % 2 === 1;
  const victim = workers.find(({ id }) => (of.get('gate/large') === id) === isArbiter)!;
  const other = workers.find((one) => one !== victim)!;
  hold = Promise.withResolvers<void>();
  isHolding = true;
  const first = large.requests.length;
  const submit = ({ client, id }: Worker, k: number): Promise<string> =>
    client.submit({ message: 'explain the tides to me', user_id: userOf(of, id, n * 100 + k) });
  const running = await submit(other, 99);
  const jobs: string[] = [];
  for (let k = 0; k < jobsOfVictim; k += 1) jobs.push(await submit(victim, k));
  await until(() => large.requests.length === first + jobsOfVictim + 1);
  isHolding = false;
  const kept = large.requests[first]!;
  const began = performance.now();
  victim.child.kill('SIGKILL');
  let movedMs: number | null = null;
  const rows = async (): Promise<number> =>
    (
      await rowsOf<{ count: number }>(
        `select count(*)::int as count from journal where job in (select num from job where id in (${jobs.map((id) => `'${id}'`).join()}))`,
      )
    )[0]!.count;
  const before = await rows();
  let takenMs: number | null = null;
  await until(async () => {
    const now = performance.now() - began;
    if (takenMs === null && ![...(await owners()).values()].includes(victim.id)) takenMs = now;
    if (movedMs === null && (await rows()) > before) movedMs = now;
    return takenMs !== null && movedMs !== null;
  });
  figures.leases.push(takenMs!);
  const next = large.requests[first + jobsOfVictim + 1]!;
  if (isArbiter) figures.grant.push(next.arrivedAt - began);
  else figures.move.push(movedMs!);
  hold.resolve();
  await until(async () => (await other.client.job(running)).state === 'done');
  if (kept.closedBy === 'client') figures.harmed += 1;
  for (const job of jobs) await until(async () => (await other.client.job(job)).state === 'done');
  workers.splice(workers.indexOf(victim), 1);
}

const workers: Worker[] = [];
for (let n = 0; n < 3; n += 1) workers.push(await startWorker(n));
const figures: Figures = { leases: [], move: [], grant: [], harmed: 0 };
for (let n = 0; n < kills; n += 1) {
  await round(workers, n, figures);
  workers.push(await startWorker(n + 3));
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(2);
const row = (name: string, values: readonly number[], goal: string): string[] => [
  name,
  String(values.length),
  seconds(median(values)),
  seconds(Math.max(...values)),
  goal,
];
printTable(
  'kill -9 of one of three workers, seconds',
  ['until', 'kills', 'p50', 'max', 'goal'],
  [
    row('all its leases have an owner', figures.leases, ''),
    row('its first job moves (it was not the arbiter)', figures.move, 'p50 2.5, max 6'),
    row('the next model request (it was the arbiter)', figures.grant, 'max 12'),
  ],
);
console.log(`answers of other workers that ended: ${figures.harmed} of ${kills}`);

for (const { child } of workers) {
  child.kill('SIGKILL');
  await once(child, 'exit').catch(() => undefined);
}
await small.close();
await large.close();
await nats.stop();
await server.remove();
folder.remove();

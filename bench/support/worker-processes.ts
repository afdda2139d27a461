/** Workers of a cluster as processes, with a PostgreSQL and a nats-server of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { CoreClient } from '#http/client/core-client';
import { launchNatsServer, prepareNatsServer } from '#test/support/nats-server';
import { preparePostgres, startPostgres } from '#test/support/postgres-server';
import { projectRoot } from '#test/support/project-root';
import { scratch } from './measure.ts';

export interface WorkerProcess {
  id: string;
  client: CoreClient;
  child: ChildProcess;
}

export interface WorkerHost {
  /** Those that run, oldest first. */
  readonly workers: WorkerProcess[];
  rowsOf<Row>(sql: string): Promise<Row[]>;
  /** By the names of the leases. */
  owners(): Promise<Map<string, string | null>>;
  /** Resolves when it is ready. */
  start(): Promise<WorkerProcess>;
  /** Sends the signal and waits for the exit. */
  end(worker: WorkerProcess, signal: NodeJS.Signals): Promise<void>;
  /** Resolves when the running workers own all leases, each of them some. */
  untilShared(): Promise<void>;
  /** Milliseconds of CPU so far, by kind of process. */
  cpuMs(): { workers: number; postgres: number; nats: number };
  close(): Promise<void>;
}

/** `config`: sections beside server, database, nats and cluster. */
export async function openWorkerHost(config: object): Promise<WorkerHost> {
  // Each worker is killed at the exit of this process.
  process.setMaxListeners(64);
  const command = prepareNatsServer();
  const missing = preparePostgres();
  if (command === null || missing !== null) throw new Error(missing ?? 'nats-server is missing');
  const server = await startPostgres();
  const nats = await launchNatsServer({ command });
  const folder = scratch();
  const database = await server.createDatabase();
  const file = join(folder.path, 'worker.yaml');
  writeFileSync(
    file,
    stringify({
      server: { port: 0 },
      database: server.urlOf(database),
      nats: { mode: 'external', url: nats.url },
      cluster: { handOverMax: 64, replicas: 1 },
      ...config,
    }),
  );
  const workers: WorkerProcess[] = [];
  const rowsOf = async <Row>(sql: string): Promise<Row[]> =>
    (await server.run(sql, database)).rows as Row[];
  const liveIds = async (): Promise<string[]> =>
    (await rowsOf<{ id: string }>('select id from worker where not gone')).map(({ id }) => id);
  const owners: WorkerHost['owners'] = async () => {
    const leases = await rowsOf<{ name: string; worker: string | null }>(
      'select name, worker from lease',
    );
    return new Map(leases.map(({ name, worker }) => [name, worker]));
  };
  const end: WorkerHost['end'] = async (worker, signal) => {
    const exit = once(worker.child, 'exit');
    worker.child.kill(signal);
    await exit;
    workers.splice(workers.indexOf(worker), 1);
  };
  return {
    workers,
    rowsOf,
    owners,
    end,
    async start() {
      // The first worker makes the tables.
      const before = new Set(workers.length === 0 ? [] : await liveIds());
      const child = launchWorker(file);
      process.once('exit', () => child.kill('SIGKILL'));
      const url = await readyUrlOf(child);
      const id = (await liveIds()).find((one) => !before.has(one))!;
      const worker = { id, client: new CoreClient(url, null), child };
      workers.push(worker);
      return worker;
    },
    async untilShared() {
      for (;;) {
        const of = [...(await owners()).values()];
        const isKnown = of.every((owner) => workers.some(({ id }) => id === owner));
        if (isKnown && workers.every(({ id }) => of.includes(id))) return;
        await sleep(10);
      }
    },
    cpuMs: () => ({
      workers: workers.reduce((sum, { child }) => sum + cpuOf(child.pid!).own, 0),
      postgres: treeCpuMs(server.pid),
      nats: cpuOf(nats.pid).own,
    }),
    async close() {
      while (workers.length > 0) await end(workers[0]!, 'SIGKILL');
      await nats.stop();
      await server.remove();
      folder.remove();
    },
  };
}

const launchWorker = (file: string): ChildProcess =>
  spawn(
    process.execPath,
    [join(projectRoot, 'src', 'cli', 'gatehouse.ts'), 'serve', '--config', file],
    {
      // Its log is on standard error.
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(projectRoot, '.cache', 'compile') },
    },
  );

const readyUrlOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      const found = /"url":"(http:[^"]+)".*gatehouse is ready/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', () => reject(new Error('a worker did not start')));
  });

/** A clock tick of `/proc/<pid>/stat`: 100 a second on Linux. */
const tickMs = 10;

/** Of the process, and of its children that have ended. */
function cpuOf(pid: number): { own: number; ended: number; parent: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may contain spaces.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map(
      (at) => fields[at]!,
    );
    return {
      own: (user! + system!) * tickMs,
      ended: (endedUser! + endedSystem!) * tickMs,
      parent: parent!,
    };
  } catch {
    // It has ended meanwhile.
    return { own: 0, ended: 0, parent: 0 };
  }
}

/** Of a server and its processes, one for each connection. */
function treeCpuMs(pid: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = pids.map((one) => cpuOf(Number(one))).filter(({ parent }) => parent === pid);
  const { own, ended } = cpuOf(pid);
  return own + ended + children.reduce((sum, one) => sum + one.own + one.ended, 0);
}

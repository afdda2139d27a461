/** Several real cores on one PostgreSQL and one NATS server, with two fake model servers. */
import { onTestFinished } from 'vitest';
import { configSchema, type Config } from '#app/config/config';
import { startCore, type Core, type CoreOptions } from '#app/core';
import { CoreClient } from '#http/client/core-client';
import { cliApiKey } from '#shared/api-keys';
import { silentLog } from '#shared/log';
import { partitionLease, partitionOf } from '#storage/postgres/partition';
import { broker } from '#test/events/nats-fixture';
import { startFakeLlm, type FakeLlm } from './fake-llm.ts';
import type { NatsServer } from './nats-server.ts';
import { until } from './journal.ts';
import type { PostgresServer } from './postgres-server.ts';

export interface TestWorker {
  core: Core;
  client: CoreClient;
  stop(): Promise<void>;
}

export interface WorkerOptions extends Partial<CoreOptions> {
  /** Ports of proxies in between. */
  databasePort?: number;
  natsPort?: number;
  change?: Record<string, unknown>;
}

export interface TestCluster {
  database: string;
  nats: NatsServer;
  small: FakeLlm;
  large: FakeLlm;
  configOf(options?: WorkerOptions): Config;
  /** Starts one more worker. */
  start(options?: WorkerOptions): Promise<TestWorker>;
  /** Worker of each lease. */
  owners(): Promise<Map<string, string | null>>;
}

/** Short, so that a test takes seconds; the ratios are those of the defaults. */
const timing = { beatMs: 200, goneAfterMs: 1_500, handOverMax: 64, replicas: 1 };

export async function openTestCluster(server: PostgresServer): Promise<TestCluster> {
  const database = await server.createDatabase();
  const nats = await broker();
  const [small, large] = [await startFakeLlm(), await startFakeLlm()];
  onTestFinished(async () => {
    await small.close();
    await large.close();
  });
  const configOf = ({ databasePort, natsPort, change }: WorkerOptions = {}): Config =>
    configSchema.parse({
      server: { port: 0 },
      database: server.urlOf(database, databasePort),
      nats: {
        mode: 'external',
        url: natsPort === undefined ? nats.url : `nats://127.0.0.1:${natsPort}`,
      },
      cluster: timing,
      timezone: 'Asia/Seoul',
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm', concurrency: 4 },
        { id: 'large', baseUrl: large.baseUrl, model: 'm', concurrency: 4 },
      ],
      roles: { classifier: 'small', reasoner: 'large' },
      ...change,
    });
  return {
    database,
    nats,
    small,
    large,
    configOf,
    async start({ databasePort, natsPort, change, ...options } = {}) {
      const config = configOf({
        ...(databasePort === undefined ? {} : { databasePort }),
        ...(natsPort === undefined ? {} : { natsPort }),
        ...(change === undefined ? {} : { change }),
      });
      const core = await startCore({ config, log: silentLog(), ...options });
      const stop = (): Promise<void> => core.stop();
      onTestFinished(stop);
      return { core, client: new CoreClient(core.url, cliApiKey(config.server.apiKeys)), stop };
    },
    async owners() {
      const { rows } = await server.run('select name, worker from lease', database);
      return new Map(
        rows.map(({ name, worker }: { name: string; worker: string }) => [name, worker]),
      );
    },
  };
}

export const workerIdOf = ({ core }: TestWorker): string =>
  core.cluster?.member?.view()?.worker.id ?? '';

/** Whether this worker answers for the partition of the user. */
export const isOwnedBy = ({ core }: TestWorker, userId: string): boolean =>
  core.cluster?.doors.isOpen(partitionLease(partitionOf(userId))) ?? false;

/** Resolves when each lease belongs to one of these workers, and each of them has some. */
export async function untilShared(
  cluster: TestCluster,
  workers: readonly TestWorker[],
): Promise<void> {
  await until(async () => {
    const owners = [...(await cluster.owners()).values()];
    const ids = workers.map(workerIdOf);
    const doors = workers.flatMap(({ core }) =>
      Array.from({ length: 64 }, (_, part) => core.cluster?.doors.isOpen(partitionLease(part))),
    );
    return (
      owners.every((owner) => ids.includes(owner ?? '')) &&
      ids.every((id) => owners.includes(id)) &&
      doors.filter(Boolean).length === 64
    );
  });
}

/** A user whose partition belongs to this worker. */
export function userOf(worker: TestWorker, prefix = 'user'): string {
  for (let n = 0; n < 2_000; n += 1) if (isOwnedBy(worker, `${prefix}${n}`)) return `${prefix}${n}`;
  throw new Error('the worker owns no partition');
}

/** A user whose partition belongs to the worker with this id, as the database has it. */
export async function userOfId(cluster: TestCluster, id: string, prefix = 'user'): Promise<string> {
  const owners = await cluster.owners();
  for (let n = 0; n < 2_000; n += 1) {
    if (owners.get(partitionLease(partitionOf(`${prefix}${n}`))) === id) return `${prefix}${n}`;
  }
  throw new Error('the worker owns no partition');
}

/** Ids of the workers that are not gone. */
export async function liveIds(
  server: PostgresServer,
  { database }: TestCluster,
): Promise<string[]> {
  const { rows } = await server.run('select id from worker where not gone order by id', database);
  return rows.map(({ id }: { id: string }) => id);
}

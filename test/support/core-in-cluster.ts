/**
 * In the vitest project `cluster` (GATEHOUSE_TEST_CLUSTER=2) the core of a test is one of two workers, and owns nothing: an older version, which is never
 * given what a newer one had. So each request of the test goes to the other worker.
 */
import { afterAll } from 'vitest';
import { startCore, type Core, type CoreOptions } from '#app/core';
import type { Config } from '#app/config/config';
import { jobMachineVersion } from '#machines/job';
import { natsCommand } from '#test/events/nats-fixture';
import { launchNatsServer } from './nats-server.ts';
import { startPostgres, type PostgresServer } from './postgres-server.ts';

export const isInCluster = process.env['GATEHOUSE_TEST_CLUSTER'] === '2';

const timing = {
  partitions: 64,
  beatMs: 200,
  goneAfterMs: 2_000,
  handOverMax: 64,
  replicas: 1 as const,
  natsMonitors: [],
};

/** One for all databases of a test file. */
let postgres: Promise<PostgresServer> | null = null;
if (isInCluster) afterAll(async () => (await postgres)?.remove());

export interface ClusterSurroundings {
  config: Config;
  close(): Promise<void>;
}

/** The same configuration on a database and a NATS server of a cluster; null: it cannot be one of several workers. */
export async function openSurroundings(config: Config): Promise<ClusterSurroundings | null> {
  const { backends, nats } = config;
  if (backends.length === 0 || typeof config.database !== 'string') return null;
  if (nats.mode === 'auto' || nats.mode === 'child') return null;
  postgres ??= startPostgres();
  const server = await postgres;
  const database = { url: server.urlOf(await server.createDatabase()), poolSize: 4 };
  const own = nats.mode === 'external' ? null : await launchNatsServer({ command: natsCommand! });
  return {
    config: {
      ...config,
      database,
      cluster: timing,
      nats: own === null ? nats : { ...nats, mode: 'external', url: own.url },
    },
    close: async () => own?.stop(),
  };
}

/** The worker that owns all, and the one that the test talks to. */
export async function startTwoWorkers(options: CoreOptions): Promise<Core> {
  const { config } = options;
  const owner = await startCore({
    ...options,
    config: { ...config, server: { ...config.server, port: 0 } },
  });
  const front = await startCore({ ...options, machineVersion: jobMachineVersion - 1 });
  const both = [front.schedules.worker, owner.schedules.worker];
  return {
    ...front,
    // For tests that set the clock: the schedules of all persons are the owner's.
    schedules: {
      ...front.schedules,
      worker: {
        wake: () => both.forEach((worker) => worker.wake()),
        get state() {
          return owner.schedules.worker.state;
        },
      } as Core['schedules']['worker'],
    },
    async stop() {
      await front.stop();
      await owner.stop();
    },
  };
}

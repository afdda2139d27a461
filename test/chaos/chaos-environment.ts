/**
 * The whole system: the core, or several workers, and the bridge as processes; real NATS servers and databases. The NAS,
 * the model servers and the networks that fail run in this process.
 */
import { join } from 'node:path';
import { startFakeDsm } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { randomOf } from '#simulators/random';
import { freePort } from '#test/support/free-port';
import { prepareLlamaServer, startLlamaServer, type LlamaServer } from '#test/support/llama-server';
import { launchNatsCluster } from '#test/support/nats-cluster';
import { launchNatsServer, prepareNatsServer, type NatsServer } from '#test/support/nats-server';
import { openSeverableProxy, type SeverableProxy } from './severable-proxy.ts';
import { startStormModel, type StormModel } from './models.ts';
import { createManagedProcess, type ManagedProcess } from './managed-process.ts';
import { openSmallDisk, type SmallDisk } from './small-disk.ts';
import {
  stormSecrets,
  synologySection,
  writeBridgeConfig,
  writeCoreConfig,
  type ConfigParts,
} from './storm-config.ts';
import {
  openStormPostgres,
  postgresDatabase,
  sqliteDatabase,
  type StormDatabase,
} from './storm-database.ts';

/** The core, or one of several workers. */
export interface StormCore {
  readonly program: ManagedProcess;
  readonly url: string;
  /** The network between it and each node of the broker, and each server of the database. */
  readonly links: Readonly<Record<LinkEnd, readonly SeverableProxy[]>>;
}

export type LinkEnd = 'NATS' | 'PostgreSQL';

export interface ChaosEnvironment {
  readonly folder: string;
  /** At least one. */
  readonly cores: readonly StormCore[];
  readonly isCluster: boolean;
  readonly bridge: ManagedProcess;
  /** One node, or three. */
  readonly brokers: readonly NatsServer[];
  /** Addresses of all nodes, separated by commas. */
  readonly brokerUrl: string;
  /** The network between the bridge and the broker. */
  readonly bridgeLinks: readonly SeverableProxy[];
  readonly database: StormDatabase;
  readonly dsm: FakeDsm;
  readonly small: StormModel;
  readonly large: StormModel;
  /** Null if no llama.cpp server is available. */
  readonly llama: LlamaServer | null;
  readonly disks: { core: SmallDisk; bridge: SmallDisk };
  readonly bridgeUrl: string;
  /** The operator's key. */
  readonly apiKey: string;
  readonly natsToken: string;
  /** Strings that no log may contain. */
  readonly secrets: readonly string[];
  /** Stops all processes and unmounts the file systems. */
  close(): Promise<void>;
}

export const programsOf = ({ cores, bridge }: ChaosEnvironment): ManagedProcess[] => [
  ...cores.map(({ program }) => program),
  bridge,
];

export interface ChaosEnvironmentOptions {
  /** The folder of logs and databases. */
  folder: string;
  /** The user ids in the chat. */
  userIds: readonly number[];
  seed: number;
  /** Use the real llama.cpp server if it is available. */
  withLlama: boolean;
  database: 'sqlite' | 'postgres';
  /** 0: one core that is no worker of a cluster. */
  workers: number;
}

type Closers = (() => Promise<unknown> | void)[];

export async function openChaosEnvironment(
  options: ChaosEnvironmentOptions,
): Promise<ChaosEnvironment> {
  // Each process is killed at the exit of this one.
  process.setMaxListeners(Math.max(process.getMaxListeners(), 64));
  const closers: Closers = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    return { ...(await open(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  options: ChaosEnvironmentOptions,
  closers: Closers,
): Promise<Omit<ChaosEnvironment, 'close'>> {
  const { folder, userIds, seed, workers } = options;
  const isCluster = workers > 0;
  const disks = {
    core: openSmallDisk(join(folder, 'core')),
    bridge: openSmallDisk(join(folder, 'bridge')),
  };
  closers.push(() => (disks.core.unmount(), disks.bridge.unmount()));
  const brokers = await openBrokers(isCluster, closers);
  const database = await openDatabaseOf(options, disks.core.path, closers);
  const small = await startStormModel({
    name: 'small',
    concurrency: 2,
    random: randomOf(seed + 1),
  });
  const large = await startStormModel({
    name: 'large',
    concurrency: 1,
    random: randomOf(seed + 2),
    withGateProxy: isCluster,
  });
  closers.push(
    () => small.close(),
    () => large.close(),
  );
  const llama = options.withLlama ? await llamaIfAny() : null;
  if (llama !== null) closers.push(() => llama.stop());
  const bridgePort = await freePort();
  const bridgeUrl = `http://127.0.0.1:${bridgePort}`;
  const dsm = await startFakeDsm({ ...dsmOptions(userIds, bridgeUrl), seed });
  closers.push(() => dsm.close());
  const synology = synologySection(folder, {
    port: bridgePort,
    disk: disks.bridge.path,
    dsm,
    userIds,
  });
  const models = { small, large, llama };
  const parts: CoreParts = { folder, ...models, synology, brokers, database, disks, isCluster };
  const cores: StormCore[] = [];
  for (let n = 1; n <= Math.max(1, workers); n += 1) {
    cores.push(await prepareCore(parts, isCluster ? `worker${n}` : 'core', closers));
  }
  const bridgeLinks = await openLinks(
    brokers.map(({ port }) => port),
    closers,
  );
  const natsPorts = bridgeLinks.map(({ port }) => port);
  const bridge = createManagedProcess({
    name: 'bridge',
    args: ['bridge', 'synology', '--config'].concat(
      writeBridgeConfig(folder, { natsPorts, synology }),
    ),
    healthUrl: `${bridgeUrl}/healthz`,
    folder,
  });
  closers.push(() =>
    Promise.all([...cores.map(({ program }) => program), bridge].map((one) => one.stop())),
  );
  // The first one makes the schema.
  await Promise.all([cores[0]!.program.start(), bridge.start()]);
  await database.postgres?.watchLeases();
  await Promise.all(cores.slice(1).map(({ program }) => program.start()));
  const { botToken, apiKey, natsToken } = stormSecrets;
  return {
    folder,
    cores,
    isCluster,
    bridge,
    brokers,
    brokerUrl: brokers.map(({ url }) => url).join(','),
    bridgeLinks,
    database,
    dsm,
    small,
    large,
    llama,
    disks,
    bridgeUrl,
    apiKey,
    natsToken,
    secrets: [botToken, apiKey, natsToken],
  };
}

async function openBrokers(isCluster: boolean, closers: Closers): Promise<readonly NatsServer[]> {
  const command = prepareNatsServer();
  if (command === null) throw new Error('no nats-server can be had here');
  const { natsToken: token } = stormSecrets;
  const config = `authorization { token: "${token}" }`;
  const nodes = isCluster
    ? (await launchNatsCluster({ command, config, token })).nodes
    : [await launchNatsServer({ command, config })];
  closers.push(() => Promise.all(nodes.map((node) => node.stop())));
  return nodes;
}

async function openDatabaseOf(
  { database, workers }: ChaosEnvironmentOptions,
  folder: string,
  closers: Closers,
): Promise<StormDatabase> {
  if (database === 'sqlite') {
    if (workers > 0) throw new Error('several workers need PostgreSQL');
    return sqliteDatabase(sqliteFile(folder));
  }
  const postgres = await openStormPostgres();
  closers.push(() => postgres.close());
  return postgresDatabase(postgres);
}

const sqliteFile = (folder: string): string => join(folder, 'gatehouse.db');

async function openLinks(
  ports: readonly number[],
  closers: Closers,
): Promise<readonly SeverableProxy[]> {
  const links = await Promise.all(ports.map((port) => openSeverableProxy(port)));
  closers.push(() => Promise.all(links.map((link) => link.close())));
  return links;
}

interface CoreParts
  extends ConfigParts, Pick<ChaosEnvironment, 'brokers' | 'database' | 'disks' | 'isCluster'> {}

/** Not started yet. */
async function prepareCore(parts: CoreParts, name: string, closers: Closers): Promise<StormCore> {
  const { brokers, database, disks, folder, isCluster } = parts;
  const { postgres } = database;
  const links = {
    NATS: await openLinks(
      brokers.map((node) => node.port),
      closers,
    ),
    PostgreSQL: await openLinks(postgres?.ports ?? [], closers),
  };
  const port = await freePort();
  const file = writeCoreConfig(parts, {
    name,
    port,
    natsPorts: links.NATS.map((link) => link.port),
    database:
      postgres?.urlOf(links.PostgreSQL.map((link) => link.port)) ?? sqliteFile(disks.core.path),
    isWorker: isCluster,
  });
  const url = `http://127.0.0.1:${port}`;
  const args = ['serve', '--config', file];
  const program = createManagedProcess({ name, args, healthUrl: `${url}/healthz/ready`, folder });
  return { program, url, links };
}

async function llamaIfAny(): Promise<LlamaServer | null> {
  const prepared = await prepareLlamaServer();
  return prepared.ok ? startLlamaServer({ model: 'tiny' }) : null;
}

const dsmOptions = (userIds: readonly number[], bridgeUrl: string) => ({
  token: stormSecrets.botToken,
  tls: true,
  users: userIds.map((userId) => ({
    userId,
    webhookUserId: userId + 1_000,
    username: `user${userId}`,
    nickname: `사람${userId}`,
  })),
  bridgeUrl: `${bridgeUrl}/webhook/synology`,
  rules: {
    postIntervalMsMin: 5,
    // The bridge is often down: the NAS retries a message until it is accepted.
    sulksAfter: 'nothing' as const,
    retries: 1_000_000,
    retryDelayMs: 250,
    outgoingTimeoutMs: 5_000,
  },
});

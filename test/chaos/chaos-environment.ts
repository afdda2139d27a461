/**
 * The whole system: core and bridge as processes, with a real nats-server between them. The NAS, the model servers
 * and the network that fails run in this process.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFakeDsm } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { randomOf } from '#simulators/synology-chat/random';
import { freePort } from '#test/support/free-port';
import { prepareLlamaServer, startLlamaServer, type LlamaServer } from '#test/support/llama-server';
import { launchNatsServer, prepareNatsServer, type NatsServer } from '#test/support/nats-server';
import { openSeverableProxy, type SeverableProxy } from './severable-proxy.ts';
import { startStormModel, type StormModel } from './models.ts';
import { createManagedProcess, type ManagedProcess } from './managed-process.ts';
import { openSmallDisk, type SmallDisk } from './small-disk.ts';

export interface ChaosEnvironment {
  readonly folder: string;
  readonly core: ManagedProcess;
  readonly bridge: ManagedProcess;
  readonly broker: NatsServer;
  /** The network between the bridge and the broker. */
  readonly brokerProxy: SeverableProxy;
  readonly dsm: FakeDsm;
  readonly small: StormModel;
  readonly large: StormModel;
  /** Null if no llama.cpp server is available. */
  readonly llama: LlamaServer | null;
  readonly disks: { core: SmallDisk; bridge: SmallDisk };
  readonly coreUrl: string;
  readonly bridgeUrl: string;
  readonly databaseFile: string;
  /** The operator's key. */
  readonly apiKey: string;
  readonly natsToken: string;
  /** Strings that no log may contain. */
  readonly secrets: readonly string[];
  /** Stops all processes and unmounts the file systems. */
  close(): Promise<void>;
}

export interface ChaosEnvironmentOptions {
  /** The folder of logs and databases. */
  folder: string;
  /** The user ids in the chat. */
  userIds: readonly number[];
  seed: number;
  /** Use the real llama.cpp server if it is available. */
  withLlama: boolean;
}

/** Secrets that are easy to find in a log. */
const [botToken, apiKey, natsToken] = ['B'.repeat(64), 'Key'.repeat(14), 'N'.repeat(40)] as const;

export async function openChaosEnvironment(
  options: ChaosEnvironmentOptions,
): Promise<ChaosEnvironment> {
  const { folder, userIds, seed } = options;
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const disks = {
      core: openSmallDisk(join(folder, 'core')),
      bridge: openSmallDisk(join(folder, 'bridge')),
    };
    closers.push(() => (disks.core.unmount(), disks.bridge.unmount()));
    const command = prepareNatsServer();
    if (command === null) throw new Error('no nats-server can be had here');
    const config = `authorization { token: "${natsToken}" }`;
    const broker = await launchNatsServer({ command, config });
    closers.push(() => broker.stop());
    const brokerProxy = await openSeverableProxy(broker.port);
    closers.push(() => brokerProxy.close());
    const small = await startStormModel('small', 2, randomOf(seed + 1));
    const large = await startStormModel('large', 1, randomOf(seed + 2));
    closers.push(
      () => small.llm.close(),
      () => large.llm.close(),
    );
    const llama = options.withLlama ? await llamaIfAny() : null;
    if (llama !== null) closers.push(() => llama.stop());
    const [corePort, bridgePort] = [await freePort(), await freePort()];
    const coreUrl = `http://127.0.0.1:${corePort}`;
    const bridgeUrl = `http://127.0.0.1:${bridgePort}`;
    const dsm = await startFakeDsm({ ...dsmOptions(userIds, bridgeUrl), seed });
    closers.push(() => dsm.close());
    const ports = { core: corePort, bridge: bridgePort };
    const parts = { folder, disks, broker, brokerProxy, small, large, llama, dsm, ports, userIds };
    const [coreFile, bridgeFile] = writeConfigs(parts);
    const core = createManagedProcess({
      name: 'core',
      args: ['serve', '--config', coreFile],
      healthUrl: `${coreUrl}/healthz`,
      folder,
    });
    const bridge = createManagedProcess({
      name: 'bridge',
      args: ['bridge', 'synology', '--config', bridgeFile],
      healthUrl: `${bridgeUrl}/healthz`,
      folder,
    });
    closers.push(async () => void (await Promise.all([core.stop(), bridge.stop()])));
    await Promise.all([core.start(), bridge.start()]);
    return {
      folder,
      core,
      bridge,
      broker,
      brokerProxy,
      dsm,
      small,
      large,
      llama,
      disks,
      coreUrl,
      bridgeUrl,
      apiKey,
      natsToken,
      close,
      databaseFile: join(disks.core.path, 'gatehouse.db'),
      secrets: [botToken, apiKey, natsToken],
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function llamaIfAny(): Promise<LlamaServer | null> {
  const prepared = await prepareLlamaServer();
  return prepared.ok ? startLlamaServer({ model: 'tiny' }) : null;
}

const dsmOptions = (userIds: readonly number[], bridgeUrl: string) => ({
  token: botToken,
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

interface ConfigParts extends Pick<
  ChaosEnvironment,
  'folder' | 'disks' | 'broker' | 'brokerProxy' | 'small' | 'large' | 'llama' | 'dsm'
> {
  ports: { core: number; bridge: number };
  userIds: readonly number[];
}

function writeConfigs(parts: ConfigParts): [string, string] {
  const { folder, disks, broker, brokerProxy, small, large, llama, dsm, ports, userIds } = parts;
  const nats = (port: number) => ({
    mode: 'external',
    url: `nats://127.0.0.1:${port}`,
    token: natsToken,
  });
  const timeoutsMs = { connect: 1_000, firstToken: 2_500, idle: 1_500, total: 15_000 };
  const backend = ({ name, llm }: StormModel, concurrency: number) => ({
    id: name,
    baseUrl: llm.baseUrl,
    model: 'm',
    concurrency,
    timeoutsMs,
  });
  const certificateFile = join(folder, 'nas.pem');
  writeFileSync(certificateFile, dsm.certificate ?? '');
  const common = {
    database: join(disks.core.path, 'gatehouse.db'),
    logging: { level: 'info', pretty: false },
  };
  const core = {
    ...common,
    nats: nats(broker.port),
    server: { port: ports.core, apiKeys: [apiKey] },
    backends: [
      backend(small, 2),
      backend(large, 1),
      ...(llama === null
        ? []
        : [{ id: 'llama', baseUrl: llama.baseUrl, model: 'm', kind: 'llama.cpp', timeoutsMs }]),
    ],
    roles: { classifier: 'small', reasoner: 'large', drafter: 'large' },
    jobs: {
      maxConcurrent: 10,
      maxQueued: 5_000,
      classifyTimeoutMs: 4_000,
      toolTimeoutMs: 4_000,
      confirmTtlMs: 6_000,
      heartbeatMs: 1_000,
    },
    gates: { maxQueue: 200, agingMs: 5_000 },
    drafts: { intervalMs: 400, batch: 2 },
  };
  const bridge = {
    ...common,
    nats: nats(brokerProxy.port),
    synology: {
      incomingUrl: dsm.apiUrl(),
      token: botToken,
      allowedUserIds: userIds,
      port: ports.bridge,
      minIntervalMs: 5,
      ratePerMinute: 100_000,
      caFile: certificateFile,
      fingerprint256: dsm.fingerprint256,
      database: join(disks.bridge.path, 'synology.db'),
    },
  };
  return [write(folder, 'core.json', core), write(folder, 'bridge.json', bridge)];
}

function write(folder: string, name: string, config: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

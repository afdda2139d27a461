/** The configuration files of the programs of a storm. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import type { LlamaServer } from '#test/support/llama-server';
import type { StormModel } from './models.ts';

/** Secrets that are easy to find in a log. */
export const stormSecrets = {
  botToken: 'B'.repeat(64),
  apiKey: 'Key'.repeat(14),
  natsToken: 'N'.repeat(40),
} as const;

/** Half of the defaults: more takeovers in the same time. */
export const clusterTiming = { beatMs: 500, goneAfterMs: 2_500 } as const;

export interface ConfigParts {
  folder: string;
  small: StormModel;
  large: StormModel;
  llama: LlamaServer | null;
  /** The section of that name. */
  synology: object;
}

export interface CoreSettings {
  name: string;
  port: number;
  /** File or address. */
  database: string;
  /** Ports of the broker's nodes, or of proxies before them. */
  natsPorts: readonly number[];
  /** Is one of several workers. */
  isWorker: boolean;
}

const timeoutsMs = { connect: 1_000, firstToken: 2_500, idle: 1_500, total: 15_000 };
const logging = { level: 'info', pretty: false };

const nats = (ports: readonly number[]) => ({
  mode: 'external',
  url: ports.map((port) => `nats://127.0.0.1:${port}`).join(','),
  token: stormSecrets.natsToken,
});

/** Returns the path of the file. */
export function writeCoreConfig(parts: ConfigParts, settings: CoreSettings): string {
  const { small, large, llama, folder, synology } = parts;
  const { name, port, database, natsPorts, isWorker } = settings;
  return write(folder, name, {
    database,
    ...(isWorker ? { cluster: { ...clusterTiming, handOverMax: 32, replicas: 3 } } : {}),
    logging,
    nats: nats(natsPorts),
    synology,
    server: { port, apiKeys: [stormSecrets.apiKey] },
    backends: [
      ...[small, large].map(({ name: id, baseUrl, concurrency }) => ({
        id,
        baseUrl,
        model: 'm',
        concurrency,
        timeoutsMs,
      })),
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
  });
}

/** The section of the bridge: core and bridge have it in common. */
export interface SynologySettings {
  port: number;
  /** The folder of its database. */
  disk: string;
  dsm: FakeDsm;
  userIds: readonly number[];
}

export function synologySection(folder: string, settings: SynologySettings): object {
  const { port, disk, dsm, userIds } = settings;
  const certificateFile = join(folder, 'nas.pem');
  writeFileSync(certificateFile, dsm.certificate ?? '');
  return {
    incomingUrl: dsm.apiUrl(),
    token: stormSecrets.botToken,
    allowedUserIds: userIds,
    port,
    minIntervalMs: 5,
    ratePerMinute: 100_000,
    caFile: certificateFile,
    fingerprint256: dsm.fingerprint256,
    database: join(disk, 'synology.db'),
  };
}

/** Returns the path of the file. */
export const writeBridgeConfig = (
  folder: string,
  { natsPorts, synology }: { natsPorts: readonly number[]; synology: object },
): string => write(folder, 'bridge', { logging, nats: nats(natsPorts), synology });

function write(folder: string, name: string, config: object): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

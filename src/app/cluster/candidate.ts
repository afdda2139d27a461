/** What this process brings along when it joins a cluster. */
import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import type { Candidate } from '#cluster/admission';
import { assertSharedServers } from '#events/connection/shared-servers';
import { ownVersion } from '#shared/own-version';
import type { ClusterSettings } from '../config/cluster-settings.ts';
import type { Config } from '../config/config.ts';

interface Parts {
  settings: ClusterSettings;
  nats: Config['nats'];
  backends: Config['backends'];
}

export function candidateOf({ settings, nats, backends }: Parts): Candidate {
  const { workerId, partitions, beatMs, goneAfterMs } = settings;
  const host = hostname();
  const same = backends.map(
    ({ id, baseUrl, concurrency }) => [id, { baseUrl, concurrency }] as const,
  );
  return {
    name:
      workerId ??
      `${host}-${randomInt(36 ** 4)
        .toString(36)
        .padStart(4, '0')}`,
    partitions,
    info: {
      version: ownVersion(),
      host,
      pid: process.pid,
      settings: {
        beatMs,
        goneAfterMs,
        prefix: nats.prefix,
        backends: Object.fromEntries(same),
      },
    },
  };
}

/** @throws as `assertSharedServers` */
export async function assertServers({ settings, nats }: Parts): Promise<void> {
  if (nats.url !== null) await assertSharedServers({ ...nats, url: nats.url }, settings.replicas);
}

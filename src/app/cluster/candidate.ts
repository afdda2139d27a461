/** What this process brings along when it joins a cluster. */
import { hash, randomInt } from 'node:crypto';
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
  persons: Config['persons'];
}

export function candidateOf({ settings, nats, backends, persons }: Parts): Candidate {
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
        ...(persons.length === 0 ? {} : { persons: digestOf(persons) }),
        backends: Object.fromEntries(same),
      },
    },
  };
}

/** All workers must give a message the same owner. Keys and names may be changed one worker after the other. */
function digestOf(persons: Config['persons']): string {
  const rows = persons.map(({ id, channels }) => [
    id,
    Object.entries(channels).toSorted(([one], [two]) => (one < two ? -1 : 1)),
  ]);
  const text = JSON.stringify(rows.toSorted(([one], [two]) => (one! < two! ? -1 : 1)));
  return hash('sha256', text, 'hex').slice(0, 12);
}

/** @throws as `assertSharedServers` */
export async function assertServers({ settings, nats }: Parts): Promise<void> {
  if (nats.url !== null) await assertSharedServers({ ...nats, url: nats.url }, settings.replicas);
}

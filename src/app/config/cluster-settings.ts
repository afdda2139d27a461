/** The key `cluster`: several workers on one PostgreSQL database, and what the rest of the file must then say. */
import { z } from 'zod';
import { count, slug, timerMs, urlWithoutCredentials } from '#shared/config-fields';
import type { PostgresSettings } from './database-settings.ts';

/** A worker is gone after so many beats at least: one late beat must not move its work. */
const beatsMin = 3;

export const clusterSchema = z
  .strictObject({
    workerId: slug
      .optional()
      .describe(
        'Name of this worker, no other one may have it; default: the host name with four random characters.',
      ),
    partitions: count(64).describe(
      'Partitions of the database: fixed when it is made; another number is refused.',
    ),
    beatMs: timerMs(1_000, 100).describe('Interval of the beats; the same for all workers.'),
    goneAfterMs: timerMs(5_000, 300).describe(
      'A worker without a beat for this time is gone, and others take its work over; the same for all workers.',
    ),
    handOverMax: count(8).describe(
      'Partitions that a worker hands over to a new one per beat, at most.',
    ),
    replicas: z
      .literal([1, 3, 5])
      .default(3)
      .describe('Copies of each JetStream stream; 1: messages are lost with their NATS server.'),
    natsMonitors: z
      .array(urlWithoutCredentials(z.url({ protocol: /^https?$/ })))
      .default([])
      .describe(
        'Monitoring addresses of the NATS servers, for gatehouse doctor; empty: port 8222 of the hosts in nats.url.',
      ),
  })
  .superRefine(({ beatMs, goneAfterMs }, context) => {
    if (goneAfterMs >= beatsMin * beatMs) return;
    const message = `must be ${beatsMin} times beatMs at least`;
    context.addIssue({ code: 'custom', path: ['goneAfterMs'], message });
  });

export type ClusterSettings = z.infer<typeof clusterSchema>;

/** The keys outside of `cluster` that do not fit it: `expected` is one sentence with what to write. */
export function misfitsOfCluster(config: {
  cluster: ClusterSettings | null;
  database: string | PostgresSettings;
  nats: { mode: string; url: string | null };
  backends: readonly unknown[];
}): { path: string[]; expected: string }[] {
  const { cluster, database, nats, backends } = config;
  if (cluster === null) return [];
  const misfits: { path: string[]; expected: string }[] = [];
  const refuse = (path: string[], expected: string): void => void misfits.push({ path, expected });
  if (typeof database === 'string') {
    const why = 'only one process writes a SQLite file';
    refuse(['database'], `expected postgres://USER@host/database, because of cluster: ${why}`);
  }
  if (nats.mode === 'off' || nats.mode === 'child') {
    const why =
      nats.mode === 'off'
        ? 'workers reach each other over NATS'
        : 'a nats-server of one worker ends with it';
    refuse(['nats', 'mode'], `expected external, with nats.url, because of cluster: ${why}`);
  } else if (nats.url === null) {
    const why = 'all workers use the same NATS servers';
    refuse(['nats', 'url'], `expected nats://host:4222, because of cluster: ${why}`);
  }
  if (backends.length === 0) {
    const why = 'servers that are found, and the practice model, are of one machine';
    refuse(['backends'], `expected the model servers, because of cluster: ${why}`);
  }
  return misfits;
}

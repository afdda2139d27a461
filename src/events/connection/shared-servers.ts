/** Checks at the start of a worker that the NATS servers can be those of several workers. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from 'nats';
import { GatehouseError } from '#shared/errors';
import { createSubjects } from '#shared/wire/subjects';
import { embeddedServerName } from '../embedded-server/embedded-server-files.ts';
import type { MessagingConfig } from '../messaging-port.ts';
import { createStreamSpecs, replicaProblem, streamInfoOf } from '../streams/streams.ts';
import { inboxPrefixOf } from './connection.ts';
import { toNatsProblem } from './nats-problem.ts';
import { connectionOptions, parseServerAddress } from './server-address.ts';

const connectTimeoutMs = 5_000;
const requestTimeoutMs = 2_000;

/** The codes with which a server says that it cannot be used; without an answer nothing is known. */
const refusals = new Set(['GH_BUS_REFUSED', 'GH_BUS_NO_JETSTREAM', 'GH_BUS_STREAM']);

/**
 * A server that does not answer is no reason to refuse the start: it is tried again as long as the worker runs.
 * @param replicas copies of each stream
 * @throws GH_BUS_REFUSED, GH_BUS_NO_JETSTREAM, GH_BUS_STREAM, GH_CLUSTER_SETTINGS, GH_CONFIG_INVALID
 */
export async function assertSharedServers(
  config: MessagingConfig & { url: string },
  replicas: number,
): Promise<void> {
  const { url } = parseServerAddress(config);
  try {
    await withConnection(config, 'gatehouse start', async (nc) => {
      assertNotOwn(nc, url);
      if (replicas > 1) assertClustered(nc, url, replicas);
      await assertStreams(nc, config.prefix, replicas);
    });
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    const { code, message } = toNatsProblem(error);
    if (!refusals.has(code)) return;
    throw new GatehouseError(code, `${url}: ${message}`, { cause: error });
  }
}

function assertNotOwn({ info }: NatsConnection, url: string): void {
  if (info?.server_name !== embeddedServerName) return;
  throw new GatehouseError(
    'GH_CLUSTER_SETTINGS',
    `${url} is the nats-server of one Gatehouse process, and ends with it; start NATS servers of their own (docs/cluster.md)`,
  );
}

function assertClustered({ info }: NatsConnection, url: string, replicas: number): void {
  if (info === undefined || typeof (info as { cluster?: unknown }).cluster === 'string') return;
  throw new GatehouseError(
    'GH_CLUSTER_SETTINGS',
    `${url} is a single NATS server, and cluster.replicas is ${replicas}; start ${replicas} servers as one cluster, or set cluster.replicas: 1`,
  );
}

async function assertStreams(nc: NatsConnection, prefix: string, replicas: number): Promise<void> {
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: requestTimeoutMs });
  await jsm.getAccountInfo();
  for (const spec of Object.values(createStreamSpecs(createSubjects(prefix), replicas))) {
    const found = await streamInfoOf(jsm, spec.name);
    const problem = found && replicaProblem(spec, found.config.num_replicas);
    if (problem !== null) throw new GatehouseError('GH_BUS_STREAM', `stream ${problem}`);
  }
}

export interface StreamCopies {
  name: string;
  /** That the stream should have. */
  copies: number;
  /** Servers that have a current copy, the leader included. */
  current: number;
}

/** The copies of the streams that exist. @throws the error of the client */
export const diagnoseCopies = (
  config: MessagingConfig & { url: string },
): Promise<StreamCopies[]> =>
  withConnection(config, 'gatehouse doctor', async (nc) => {
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: requestTimeoutMs });
    const found: StreamCopies[] = [];
    for (const { name } of Object.values(createStreamSpecs(createSubjects(config.prefix)))) {
      const info = await streamInfoOf(jsm, name);
      if (info === null) continue;
      const { leader, replicas = [] } = info.cluster ?? { leader: name };
      const followers = replicas.filter(({ current, offline }) => current && !offline);
      const current = (leader ? 1 : 0) + followers.length;
      found.push({ name, copies: info.config.num_replicas, current });
    }
    return found;
  });

/** A connection for a few questions. `name`: shown by the server. @throws the error of the client */
async function withConnection<Value>(
  config: MessagingConfig & { url: string },
  name: string,
  work: (nc: NatsConnection) => Promise<Value>,
): Promise<Value> {
  const nc = await connect({
    ...(await connectionOptions(parseServerAddress(config))),
    name,
    inboxPrefix: inboxPrefixOf('core'),
    reconnect: false,
    timeout: connectTimeoutMs,
  });
  try {
    return await work(nc);
  } finally {
    await nc.close();
  }
}

/** Three real nats-servers as one cluster with JetStream, on loopback. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { onTestFinished } from 'vitest';
import { freePort } from './free-port.ts';
import { until } from './journal.ts';
import { launchNatsServer, type NatsServer } from './nats-server.ts';

export interface NatsCluster {
  nodes: readonly NatsServer[];
  /** All addresses, separated by commas. */
  url: string;
  /** Addresses of the monitoring pages. */
  monitors: readonly string[];
}

export interface NatsClusterOptions {
  command: string;
  /** Lines of each node. */
  config?: string;
  /** If `config` asks clients for one. */
  token?: string;
}

/** Ready for streams of three copies. Stopped when the test has finished. `config`: lines of each node. */
export async function startNatsCluster(command: string, config = ''): Promise<NatsCluster> {
  const cluster = await launchNatsCluster({ command, config });
  onTestFinished(async () => {
    await Promise.all(cluster.nodes.map((node) => node.stop()));
  });
  return cluster;
}

/** Ready for streams of three copies. The caller stops the nodes. Clients are not told the addresses of the nodes. */
export async function launchNatsCluster(options: NatsClusterOptions): Promise<NatsCluster> {
  const { command, config = '', token } = options;
  const routes = await Promise.all([freePort(), freePort(), freePort()]);
  const pages = await Promise.all([freePort(), freePort(), freePort()]);
  const addresses = routes.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const nodes = await Promise.all(
    routes.map((port, index) =>
      launchNatsServer({
        command,
        config: [
          `server_name: n${index + 1}`,
          `http: "127.0.0.1:${pages[index]}"`,
          `cluster { name: test, listen: "127.0.0.1:${port}", no_advertise: true, routes: [${addresses}] }`,
          config,
        ].join('\n'),
      }),
    ),
  );
  const urls = nodes.map((node) => node.url);
  await untilReady(urls, token);
  const monitors = pages.map((port) => `http://127.0.0.1:${port}`);
  return { nodes, url: urls.join(','), monitors };
}

/** Until a stream with three copies can be made: all nodes know each other, and one leads. */
async function untilReady(servers: string[], token: string | undefined): Promise<void> {
  const nc = await connect({ servers, ...(token === undefined ? {} : { token }) });
  try {
    await until(async () => {
      try {
        const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 1_000 });
        await jsm.streams.add({ name: 'READY', subjects: ['ready'], num_replicas: 3 });
        return await jsm.streams.delete('READY');
      } catch {
        return false;
      }
    });
  } finally {
    await nc.close();
  }
}

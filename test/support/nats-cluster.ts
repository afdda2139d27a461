/** Three real nats-servers as one cluster with JetStream, on loopback. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { onTestFinished } from 'vitest';
import { freePort } from './free-port.ts';
import { until } from './journal.ts';
import { startNatsServer, type NatsServer } from './nats-server.ts';

export interface NatsCluster {
  nodes: readonly NatsServer[];
  /** All addresses, separated by commas. */
  url: string;
  /** Addresses of the monitoring pages. */
  monitors: readonly string[];
}

/** Ready for streams of three copies. Stopped when the test has finished. `config`: lines of each node. */
export async function startNatsCluster(command: string, config = ''): Promise<NatsCluster> {
  const routes = await Promise.all([freePort(), freePort(), freePort()]);
  const pages = await Promise.all([freePort(), freePort(), freePort()]);
  const addresses = routes.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const nodes = await Promise.all(
    routes.map((port, index) =>
      startNatsServer({
        command,
        config: [
          `server_name: n${index + 1}`,
          `http: "127.0.0.1:${pages[index]}"`,
          `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${addresses}] }`,
          config,
        ].join('\n'),
      }),
    ),
  );
  const url = nodes.map((node) => node.url).join(',');
  await untilReady(nodes.map((node) => node.url));
  return { nodes, url, monitors: pages.map((port) => `http://127.0.0.1:${port}`) };
}

/** Until a stream with three copies can be made: all nodes know each other, and one leads. */
async function untilReady(servers: string[]): Promise<void> {
  const nc = await connect({ servers });
  onTestFinished(() => nc.close());
  await until(async () => {
    try {
      const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 1_000 });
      await jsm.streams.add({ name: 'READY', subjects: ['ready'], num_replicas: 3 });
      return await jsm.streams.delete('READY');
    } catch {
      return false;
    }
  });
  await nc.close();
}

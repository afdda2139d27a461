/** Waits until core, bridge and broker report no open work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream';
import { messageOf } from '#shared/errors';
import type { JobPage } from '#shared/wire/job-service';
import { createCoreApiClient } from './core-api-client.ts';
import { schedulesAhead } from './schedule-client.ts';
import type { BridgeHealth } from './observations.ts';
import { connectTo } from './stream-watcher.ts';
import type { ChaosEnvironment } from './chaos-environment.ts';

const lookEveryMs = 200;
const reportEvery = 50;

/** Returns the open work at the timeout; empty when the system is idle. */
export async function waitUntilIdle(
  world: ChaosEnvironment,
  withinMs: number,
  say: (line: string) => void,
): Promise<string[]> {
  const until = performance.now() + withinMs;
  const nc = await connectTo({ url: world.brokerUrl, token: world.natsToken });
  try {
    const manager = await jetstreamManager(nc, { checkAPI: false });
    const waitingAt = createBrokerWatch(manager, say);
    for (let looks = 0; ; looks += 1) {
      const unrest = [...(await idleBlockers(world)), ...(await waitingAt().catch(brokerFault))];
      if (unrest.length === 0 || performance.now() > until) return unrest;
      if (looks % reportEvery === reportEvery - 1) {
        say(`  waiting: ${unrest.join('; ')}`);
        say(`  broker: ${await queuesOf(manager).catch(messageOf)}`);
        say(
          `  outbox: ${(await world.database.postgres?.readOutbox().catch(messageOf)) ?? 'SQLite'}`,
        );
      }
      await sleep(lookEveryMs);
    }
  } finally {
    await nc.close();
  }
}

const queues = ['GH_CMD', 'GH_RPL', 'GH_DLV'] as const;

/** For the report: what the broker has, and what it believes to have delivered. */
async function queuesOf(manager: JetStreamManager): Promise<string> {
  const lines: string[] = [];
  for (const name of queues) {
    const { state } = await manager.streams.info(name);
    const consumers: string[] = [];
    for await (const one of manager.consumers.list(name)) {
      const { delivered, ack_floor: floor, num_pending, num_ack_pending, num_waiting } = one;
      consumers.push(
        `${one.name} delivered ${delivered.stream_seq}, floor ${floor.stream_seq}, ${num_pending} pending, ${num_ack_pending} in hand, ${num_waiting} pulls`,
      );
    }
    const range = `${state.first_seq} to ${state.last_seq}`;
    lines.push(`${name} has ${state.messages} (${range}) [${consumers.join('; ')}]`);
  }
  return lines.join(' | ');
}

/** Three times the longest delay of a redelivery by the broker. */
const staleAfterMs = 90_000;

/**
 * Reports the messages that are pending or unacknowledged at the broker. Unacknowledged messages of a killed program
 * are redelivered after the ack wait. The messages in the stream are not counted: a killed broker may forget that it
 * has removed acknowledged messages. It may also count removed messages as unacknowledged for ever. Such phantoms are
 * recognized because a real message would be redelivered to a program that requests messages.
 */
function createBrokerWatch(
  manager: JetStreamManager,
  say: (line: string) => void,
): () => Promise<string[]> {
  const seen = new Map<string, { deliveries: number; at: number; isTold: boolean }>();
  const isPhantom = (name: string, { delivered, num_waiting }: ConsumerInfo): boolean => {
    const deliveries = delivered.consumer_seq;
    const last = seen.get(name);
    if (last?.deliveries !== deliveries || num_waiting === 0) {
      seen.set(name, { deliveries, at: performance.now(), isTold: false });
      return false;
    }
    if (performance.now() - last.at < staleAfterMs) return false;
    if (!last.isTold) say(`  the broker counts messages of ${name} that it does not have`);
    last.isTold = true;
    return true;
  };
  return async () => {
    const unrest: string[] = [];
    for (const name of queues) {
      for await (const consumer of manager.consumers.list(name)) {
        const { num_pending: waiting, num_ack_pending: inHand } = consumer;
        const phantom = isPhantom(`${name}/${consumer.name}`, consumer);
        if (waiting > 0 || (inHand > 0 && !phantom)) {
          unrest.push(`broker: ${waiting} and ${inHand} of ${name}`);
        }
      }
    }
    return unrest;
  };
}

/** A cluster of brokers elects leaders after a fault. */
const brokerFault = (error: unknown): string[] => [`broker: ${messageOf(error)}`];

export async function bridgeHealth(world: ChaosEnvironment): Promise<BridgeHealth> {
  const response = await fetch(`${world.bridgeUrl}/healthz`);
  return (await response.json()) as BridgeHealth;
}

async function idleBlockers(world: ChaosEnvironment): Promise<string[]> {
  const urls = world.cores.map(({ url }) => url);
  const api = createCoreApiClient(urls, world.apiKey);
  const unrest: string[] = [];
  const bridge = await bridgeHealth(world).catch(() => null);
  if (bridge === null) unrest.push('the bridge does not answer');
  for (const name of ['inbox', 'outbox', 'unreported'] as const) {
    const count = bridge?.[name] ?? 0;
    if (count > 0) unrest.push(`bridge: ${count} in ${name}`);
  }
  for (const { program, url } of world.cores) {
    const ready = await createCoreApiClient([url], world.apiKey).call('GET', '/readyz');
    if (ready === null) return [...unrest, `${program.name} does not answer`];
    const backlog = Number(ready.body?.parts?.nats?.backlog ?? 0);
    if (backlog > 0) unrest.push(`${program.name}: ${backlog} rows are not published`);
  }
  for (const state of ['ack', 'classify', 'tools', 'confirm-draft', 'reason', 'fallback']) {
    const page = await api.call('GET', `/jobs?limit=5&state=${state}`);
    const jobs = (page?.body as JobPage | undefined)?.jobs ?? [];
    if (jobs.length > 0) {
      unrest.push(`core: jobs in ${state}: ${jobs.map(({ job_id: id }) => id).join(', ')}`);
    }
  }
  return [...unrest, ...(await schedulesAhead(api))];
}

/**
 * Doctor check of the NATS servers of several workers: the copies of the streams, and what the monitoring page of each
 * server says of itself. No result without the section `cluster`.
 */
import { z } from 'zod';
import type { Config } from '#app/config/config';
import { diagnoseCopies, type StreamCopies } from '#events/connection/shared-servers';
import { parseServerAddress } from '#events/connection/server-address';
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { messageOf } from '#shared/errors';
import { getJsonPage } from './json-page.ts';

const { fine, fault } = checkResultsOf('nats');

/** The usual port of the monitoring page. */
const monitorPort = 8222;

/** The fields of `/varz` and `/jsz` that are read. */
const varz = z.object({
  server_name: z.string().default(''),
  version: z.string(),
  cluster: z.object({ name: z.string().optional() }).optional(),
});
const jsz = z.object({
  disabled: z.boolean().optional(),
  config: z
    .object({ sync_interval: z.number().optional(), sync_always: z.boolean().optional() })
    .optional(),
});
export type NatsPages = { varz: z.infer<typeof varz>; jsz: z.infer<typeof jsz> };

export async function checkNatsServers({ nats, cluster }: Config): Promise<CheckResult[]> {
  if (cluster === null || nats.url === null) return [];
  const config = { ...nats, url: nats.url };
  const monitors = cluster.natsMonitors.length > 0 ? cluster.natsMonitors : monitorsOf(config);
  const [copies, ...servers] = await Promise.all([
    copyResults(config, cluster.replicas),
    ...monitors.map(serverResults),
  ]);
  return [...copies, ...servers.flat()];
}

const monitorsOf = (config: Config['nats'] & { url: string }): string[] =>
  parseServerAddress(config).servers.map(
    (address) => `http://${address.replace(/:\d+$/, '')}:${monitorPort}`,
  );

async function copyResults(
  config: Config['nats'] & { url: string },
  replicas: number,
): Promise<CheckResult[]> {
  try {
    const found = await diagnoseCopies(config);
    if (found.length === 0) return [fine('the streams are made at the first start')];
    const faults = found.flatMap((stream) => copyFault(stream, replicas));
    return faults.length > 0 ? faults : [fine(`each stream has ${replicas} copies or more`)];
  } catch (error) {
    const advice = 'JetStream needs more than half of its servers: start them';
    return [fault(`the streams cannot be read (${messageOf(error)})`, advice)];
  }
}

function copyFault({ name, copies, current }: StreamCopies, replicas: number): CheckResult[] {
  if (copies < replicas) {
    const what = `${name} has ${copies} of ${replicas} copies`;
    return [fault(what, `nats stream edit ${name} --replicas ${replicas}`)];
  }
  if (current >= copies) return [];
  const what = `${name}: ${copies - current} of ${copies} copies are missing or behind`;
  return [
    fault(what, 'start the NATS server that is down; one that was started catches up by itself'),
  ];
}

async function serverResults(monitor: string): Promise<CheckResult[]> {
  const page = async (name: string): Promise<unknown> =>
    (await getJsonPage(new URL(name, monitor).href)).json;
  try {
    return judgeNatsPages(monitor, {
      varz: varz.parse(await page('/varz')),
      jsz: jsz.parse(await page('/jsz')),
    });
  } catch (error) {
    const advice =
      'set http: 127.0.0.1:8222 in its configuration, and cluster.natsMonitors if it has another address';
    return [fine(`${monitor} says nothing about sync_interval (${messageOf(error)})`, advice)];
  }
}

/** `monitor`: where the pages are from. */
export function judgeNatsPages(monitor: string, pages: NatsPages): CheckResult[] {
  const { server_name: name, version } = pages.varz;
  const who = `${name === '' ? monitor : name}, nats-server ${version}`;
  if (pages.jsz.disabled === true) return [fault(`${who}: has no JetStream`, 'add jetstream {}')];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 2 || (major === 2 && minor < 10)) {
    const advice = 'use 2.10 or newer, with sync_interval: always in jetstream {}';
    return [
      fine(
        `${who}: cannot write each message to the disk at once; a power failure of all servers at the same time may lose two minutes`,
        advice,
      ),
    ];
  }
  if (pages.jsz.config?.sync_always === true) return [fine(`${who}, sync_interval: always`)];
  const seconds = Math.round((pages.jsz.config?.sync_interval ?? 120e9) / 1e9);
  return [
    fine(
      `${who}: sync_interval is ${seconds} s; a power failure of all servers at the same time may lose that`,
      'set sync_interval: always in jetstream {}',
    ),
  ];
}

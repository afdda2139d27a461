/**
 * A look at the NATS server from outside, for the doctor: can we get in, is there JetStream, may we publish and
 * read where Gatehouse does. Leaves nothing behind: what it publishes is meant for a stream that does not exist,
 * so that the server refuses to store it, and says so.
 */
import { dirname } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, PermissionViolationError, type NatsConnection } from 'nats';
import { createSubjects } from '../contract/subjects.ts';
import { busProblemOf } from './bus-problem.ts';
import { connectionOptions, type Server } from './credentials.ts';
import { serverVersion } from './own-server.ts';
import { locateForClient } from './server-location.ts';
import type { BusProblem, MessagingConfig } from './ports.ts';

export type BusCheck =
  | { state: 'off' }
  /** None is configured and none runs: what the core will do. */
  | { state: 'none'; program: string | null }
  | { state: 'refused'; url: string | null; problem: BusProblem }
  | {
      state: 'connected';
      url: string;
      version: string;
      ms: number;
      /** Null: there is JetStream for us. */
      jetStreamProblem: BusProblem | null;
      /** Subjects, with `publish` or `subscribe` before them, that we may not use. */
      denied: string[];
    };

const connectTimeoutMs = 5_000;
const answerMs = 2_000;
/** Nobody calls a stream so: what expects it is stored nowhere. */
const noStream = 'GH_DOCTOR_NONE';

/** Resolves within about 15 s; never rejects. `database`: the path of the core's database. */
export async function checkBus(
  config: MessagingConfig,
  database: string,
  command = 'nats-server',
): Promise<BusCheck> {
  if (config.mode === 'off') return { state: 'off' };
  let server: Server | null = null;
  try {
    server = await locate(config, database);
    if (server === null) return { state: 'none', program: await serverVersion(command) };
    const beganAt = performance.now();
    const nc = await connect({
      ...(await connectionOptions(server)),
      name: 'gatehouse doctor',
      reconnect: false,
      timeout: connectTimeoutMs,
    });
    try {
      const ms = performance.now() - beganAt;
      const version = nc.info?.version ?? '';
      const denied = await deniedSubjects(nc, config.prefix);
      const jetStreamProblem = await jetStreamProblemOf(nc);
      return { state: 'connected', url: server.url, version, ms, jetStreamProblem, denied };
    } finally {
      await nc.close();
    }
  } catch (error) {
    return { state: 'refused', url: server?.url ?? null, problem: busProblemOf(error) };
  }
}

async function locate(config: MessagingConfig, database: string): Promise<Server | null> {
  try {
    return await locateForClient(config, dirname(database));
  } catch (error) {
    // Nothing is there yet: the core would start one.
    if (busProblemOf(error).code === 'GH_BUS_NO_SERVER') return null;
    throw error;
  }
}

async function jetStreamProblemOf(nc: NatsConnection): Promise<BusProblem | null> {
  try {
    const jsm = await jetstreamManager(nc, { timeout: answerMs });
    await jsm.getAccountInfo();
    return null;
  } catch (error) {
    return busProblemOf(error);
  }
}

async function deniedSubjects(nc: NatsConnection, prefix: string): Promise<string[]> {
  const subjects = createSubjects(prefix);
  const denied = new Set<string>();
  // A refused publish is told of here only: NATS answers it with silence.
  const watching = (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      if (operation === 'publish') denied.add(`publish ${subject}`);
    }
  })();
  const nowhere = headers();
  nowhere.set('Nats-Expected-Stream', noStream);
  for (const subject of [subjects.all.events, subjects.all.replies, subjects.all.dead]) {
    nc.publish(subject.replace(/>$/, 'doctor.doctor.doctor'), '', { headers: nowhere });
  }
  // Without the queue of the service: we hear what is asked beside it, and take nothing away.
  for (const subject of [subjects.service('get'), '$SRV.PING']) {
    nc.subscribe(subject, {
      callback(error) {
        if (error !== null) denied.add(`subscribe ${subject}`);
      },
    });
  }
  // What the server has against any of it comes before the answer to this; the second lets it be heard.
  await nc.flush();
  await nc.flush();
  void watching.catch(() => undefined);
  return [...denied].sort();
}

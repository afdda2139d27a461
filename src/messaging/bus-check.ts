/**
 * A look at the NATS server from outside, for the doctor: can we get in, is there JetStream, may we publish and
 * read where Gatehouse does. Leaves nothing behind: what it publishes is meant for a stream that does not exist,
 * so that the server refuses to store it; requests to the core are empty and ask for no answer.
 *
 * B1: a user who may do nothing of what only the core does is a bridge's, where a bridge is configured. Then its
 *     own rights are looked at, and never those of the core.
 */
import { dirname } from 'node:path';
import { JetStreamApiCodes, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import {
  connect,
  headers,
  PermissionViolationError,
  type ConnectionOptions,
  type NatsConnection,
} from 'nats';
import { createSubjects, type ServiceVerb, type Subjects } from '../contract/subjects.ts';
import { busProblemOf, hasApiCode } from './bus-problem.ts';
import { inboxPrefixOf } from './connection.ts';
import { connectionOptions, type Server } from './credentials.ts';
import { bridgeConsumer } from './durable-consumer.ts';
import { serverVersion } from './own-server.ts';
import { locateForClient } from './server-location.ts';
import type { BusProblem, MessagingConfig } from './ports.ts';
import { createStreamSpecs } from './streams.ts';

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
      /** Whose rights were looked at. */
      role: 'core' | 'bridge';
      /** Null: there is JetStream for us. */
      jetStreamProblem: BusProblem | null;
      /** The core has not made the queue from which the bridge takes its replies. */
      isQueueMissing: boolean;
      /** Subjects, with `publish` or `subscribe` before them, that we may not use. */
      denied: string[];
    };

export interface BusCheckOptions {
  config: MessagingConfig;
  /** The path of the core's database. */
  database: string;
  /** Of the bridge in the same configuration; null where there is none. */
  channel: string | null;
  /** The program that the core starts. */
  command?: string;
}

const connectTimeoutMs = 5_000;
const answerMs = 2_000;
/** Nobody calls a stream so: what expects it is stored nowhere. */
const noStream = 'GH_DOCTOR_NONE';

/** What the bridge asks of the core. */
const bridgeVerbs: ServiceVerb[] = ['submit', 'get', 'confirm', 'reject'];

/** Resolves within about 20 s; never rejects. */
export async function checkBus(options: BusCheckOptions): Promise<BusCheck> {
  const { config, database, channel, command = 'nats-server' } = options;
  if (config.mode === 'off') return { state: 'off' };
  let server: Server | null = null;
  try {
    server = await locate(config, database);
    if (server === null) return { state: 'none', program: await serverVersion(command) };
    const settings = {
      ...(await connectionOptions(server)),
      name: 'gatehouse doctor',
      reconnect: false,
      timeout: connectTimeoutMs,
    };
    const subjects = createSubjects(config.prefix);
    const asCore = await lookAs(settings, coreRole(subjects));
    const isBridge = channel !== null && asCore.isStranger;
    const looked = isBridge ? await lookAs(settings, bridgeRole(subjects, channel)) : asCore;
    return { state: 'connected', url: server.url, role: isBridge ? 'bridge' : 'core', ...looked };
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

/** What a process does on the bus, as far as it can be tried without doing it. */
interface Role {
  inboxPrefix: string;
  publishes: string[];
  subscribes: string[];
  /** Some answer of JetStream that the process needs too. */
  ask(jsm: JetStreamManager): Promise<unknown>;
}

const coreRole = (subjects: Subjects): Role => ({
  inboxPrefix: inboxPrefixOf('core'),
  publishes: [subjects.all.events, subjects.all.replies, subjects.all.dead].map(within),
  // Without the queue of the service: we hear what is asked beside it, and take nothing away.
  subscribes: [subjects.service('get'), '$SRV.PING'],
  ask: (jsm) => jsm.getAccountInfo(),
});

function bridgeRole(subjects: Subjects, channel: string): Role {
  const queue = `${createStreamSpecs(subjects).replies.name}.${bridgeConsumer(channel)}`;
  return {
    inboxPrefix: inboxPrefixOf(channel),
    publishes: [
      subjects.submit(channel),
      subjects.delivery({ channel, userId: 'doctor', jobId: 'doctor' }),
      ...bridgeVerbs.map((verb) => subjects.channelService(verb, channel)),
      // Whoever names no place for the answer is given no reply, and acknowledges none.
      `$JS.API.CONSUMER.MSG.NEXT.${queue}`,
      `$JS.ACK.${queue}.doctor`,
    ],
    subscribes: [],
    ask: (jsm) =>
      jsm.consumers.info(createStreamSpecs(subjects).replies.name, bridgeConsumer(channel)),
  };
}

/** A subject under the wildcard. */
const within = (wildcard: string): string => wildcard.replace(/>$/, 'doctor.doctor.doctor');

type Looked = Pick<
  Extract<BusCheck, { state: 'connected' }>,
  'version' | 'ms' | 'jetStreamProblem' | 'isQueueMissing' | 'denied'
> & {
  /** Nothing of it is allowed. */
  isStranger: boolean;
};

async function lookAs(settings: ConnectionOptions, role: Role): Promise<Looked> {
  const beganAt = performance.now();
  const nc = await connect({ ...settings, inboxPrefix: role.inboxPrefix });
  try {
    const ms = performance.now() - beganAt;
    const version = nc.info?.version ?? '';
    const denied = await deniedOf(nc, role);
    const isStranger = denied.size === role.publishes.length + role.subscribes.length;
    const error = await failureOf(nc, role);
    const isMissing =
      hasApiCode(error, JetStreamApiCodes.ConsumerNotFound) ||
      hasApiCode(error, JetStreamApiCodes.StreamNotFound);
    const violation = violationOf(error);
    if (violation !== null) denied.add(rightOf(violation, role));
    const isProblem = error !== null && violation === null && !isMissing;
    return {
      version,
      ms,
      jetStreamProblem: isProblem ? busProblemOf(error) : null,
      isQueueMissing: isMissing,
      denied: [...denied].sort(),
      isStranger,
    };
  } finally {
    await nc.close();
  }
}

async function failureOf(nc: NatsConnection, role: Role): Promise<unknown> {
  try {
    await role.ask(await jetstreamManager(nc, { checkAPI: false, timeout: answerMs }));
    return null;
  } catch (error) {
    return error ?? new Error('no answer');
  }
}

async function deniedOf(nc: NatsConnection, role: Role): Promise<Set<string>> {
  const denied = new Set<string>();
  // A refused publish is told of here only: NATS answers it with silence.
  const watching = (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error') continue;
      const violation = violationOf(status.error);
      if (violation?.operation === 'publish') denied.add(rightOf(violation, role));
    }
  })();
  const nowhere = headers();
  nowhere.set('Nats-Expected-Stream', noStream);
  for (const subject of role.publishes) nc.publish(subject, '', { headers: nowhere });
  for (const subject of role.subscribes) {
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
  return denied;
}

function violationOf(error: unknown): PermissionViolationError | null {
  if (error instanceof PermissionViolationError) return error;
  return error instanceof Error && error.cause !== undefined ? violationOf(error.cause) : null;
}

/** As it stands in the permissions: the name of one inbox says nothing. */
function rightOf({ operation, subject }: PermissionViolationError, role: Role): string {
  const verb = operation === 'publish' ? 'publish' : 'subscribe';
  const isInbox = subject.startsWith(`${role.inboxPrefix}.`);
  return `${verb} ${isInbox ? `${role.inboxPrefix}.>` : subject}`;
}

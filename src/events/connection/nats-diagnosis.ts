/**
 * Checks the NATS server from outside, for the doctor: connection, JetStream, and the permissions that Gatehouse needs.
 * Has no side effects: its messages expect a stream that does not exist, so that the server refuses to store them;
 * requests to the core are empty and have no reply subject.
 *
 * B1: a user without any right that only the core needs is a bridge's user, if a bridge is configured. Then the
 *     bridge's permissions are checked instead of the core's.
 */
import { JetStreamApiCodes, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import {
  connect,
  headers,
  PermissionViolationError,
  type ConnectionOptions,
  type NatsConnection,
} from 'nats';
import { createSubjects, type ServiceVerb, type Subjects } from '#shared/wire/subjects';
import { toNatsProblem, hasApiCode } from './nats-problem.ts';
import { inboxPrefixOf } from './connection.ts';
import { connectionOptions, type NatsServerAddress } from './server-address.ts';
import { bridgeConsumer } from '../streams/durable-consumer.ts';
import { serverVersion } from '../embedded-server/embedded-server.ts';
import { locateForClient } from './server-location.ts';
import type { NatsProblem, MessagingConfig } from '../messaging-port.ts';
import { createStreamSpecs } from '../streams/streams.ts';

export type NatsDiagnosis =
  | { state: 'off' }
  /** No server is configured or running; `program`: version of the nats-server that the core would start. */
  | { state: 'none'; program: string | null }
  | { state: 'refused'; url: string | null; problem: NatsProblem }
  | {
      state: 'connected';
      url: string;
      version: string;
      ms: number;
      /** The role whose permissions were checked. */
      role: 'core' | 'bridge';
      /** Null: JetStream is available. */
      jetStreamProblem: NatsProblem | null;
      /** The core has not created the consumer from which the bridge receives replies. */
      isQueueMissing: boolean;
      /** Missing permissions: subjects, prefixed with `publish` or `subscribe`. */
      denied: string[];
    };

export interface NatsDiagnosisOptions {
  config: MessagingConfig;
  /** Folder of the core's data: locates the core's own NATS server. */
  dataFolder: string;
  /** Channel of the bridge in the same configuration; null if there is none. */
  channel: string | null;
  /** The nats-server program that the core starts. */
  command?: string;
}

const connectTimeoutMs = 5_000;
const requestTimeoutMs = 2_000;
/** No stream has this name: a message that expects it is not stored. */
const noStream = 'GH_DOCTOR_NONE';

/** Requests of the bridge to the core. */
const bridgeVerbs: ServiceVerb[] = ['submit', 'get', 'confirm', 'reject'];

/** Resolves within about 20 s; never rejects. */
export async function diagnoseNats(options: NatsDiagnosisOptions): Promise<NatsDiagnosis> {
  const { config, dataFolder, channel, command = 'nats-server' } = options;
  if (config.mode === 'off') return { state: 'off' };
  let server: NatsServerAddress | null = null;
  try {
    server = await locate(config, dataFolder);
    if (server === null) return { state: 'none', program: await serverVersion(command) };
    const settings = {
      ...(await connectionOptions(server)),
      name: 'gatehouse doctor',
      reconnect: false,
      timeout: connectTimeoutMs,
    };
    const subjects = createSubjects(config.prefix);
    const asCore = await diagnoseAs(settings, coreRole(subjects));
    const isBridge = channel !== null && asCore.hasNoCoreRights;
    const diagnosis = isBridge ? await diagnoseAs(settings, bridgeRole(subjects, channel)) : asCore;
    return {
      state: 'connected',
      url: server.url,
      role: isBridge ? 'bridge' : 'core',
      ...diagnosis,
    };
  } catch (error) {
    return { state: 'refused', url: server?.url ?? null, problem: toNatsProblem(error) };
  }
}

async function locate(
  config: MessagingConfig,
  dataFolder: string,
): Promise<NatsServerAddress | null> {
  try {
    return await locateForClient(config, dataFolder);
  } catch (error) {
    // No server yet: the core would start one.
    if (toNatsProblem(error).code === 'GH_BUS_NO_SERVER') return null;
    throw error;
  }
}

/** Permissions of a process on NATS, as far as they can be tested without side effects. */
interface DiagnosedRole {
  inboxPrefix: string;
  publishes: string[];
  subscribes: string[];
  /** A JetStream request that the process needs too. */
  probe(jsm: JetStreamManager): Promise<unknown>;
}

const coreRole = (subjects: Subjects): DiagnosedRole => ({
  inboxPrefix: inboxPrefixOf('core'),
  publishes: [subjects.wildcards.events, subjects.wildcards.replies, subjects.wildcards.dead].map(
    probeSubject,
  ),
  // Without the queue group of the service: a copy of each request is received, and no request is taken away.
  subscribes: [subjects.service('get'), '$SRV.PING'],
  probe: (jsm) => jsm.getAccountInfo(),
});

function bridgeRole(subjects: Subjects, channel: string): DiagnosedRole {
  const queue = `${createStreamSpecs(subjects).replies.name}.${bridgeConsumer(channel)}`;
  return {
    inboxPrefix: inboxPrefixOf(channel),
    publishes: [
      subjects.submit(channel),
      subjects.delivery({ channel, userId: 'doctor', jobId: 'doctor' }),
      ...bridgeVerbs.map((verb) => subjects.channelService(verb, channel)),
      // Published without a reply subject: no reply is delivered, and none is acknowledged.
      `$JS.API.CONSUMER.MSG.NEXT.${queue}`,
      `$JS.ACK.${queue}.doctor`,
    ],
    subscribes: [],
    probe: (jsm) =>
      jsm.consumers.info(createStreamSpecs(subjects).replies.name, bridgeConsumer(channel)),
  };
}

/** A concrete subject under the wildcard. */
const probeSubject = (wildcard: string): string => wildcard.replace(/>$/, 'doctor.doctor.doctor');

type RoleDiagnosis = Pick<
  Extract<NatsDiagnosis, { state: 'connected' }>,
  'version' | 'ms' | 'jetStreamProblem' | 'isQueueMissing' | 'denied'
> & {
  /** No publish or subscribe of the role is allowed. */
  hasNoCoreRights: boolean;
};

async function diagnoseAs(
  settings: ConnectionOptions,
  role: DiagnosedRole,
): Promise<RoleDiagnosis> {
  const beganAt = performance.now();
  const nc = await connect({ ...settings, inboxPrefix: role.inboxPrefix });
  try {
    const ms = performance.now() - beganAt;
    const version = nc.info?.version ?? '';
    const denied = await probePermissions(nc, role);
    const isStranger = denied.size === role.publishes.length + role.subscribes.length;
    const error = await probeRequest(nc, role);
    const isMissing =
      hasApiCode(error, JetStreamApiCodes.ConsumerNotFound) ||
      hasApiCode(error, JetStreamApiCodes.StreamNotFound);
    const violation = permissionViolation(error);
    if (violation !== null) denied.add(describeRight(violation, role));
    const isProblem = error !== null && violation === null && !isMissing;
    return {
      version,
      ms,
      jetStreamProblem: isProblem ? toNatsProblem(error) : null,
      isQueueMissing: isMissing,
      denied: [...denied].sort(),
      hasNoCoreRights: isStranger,
    };
  } finally {
    await nc.close();
  }
}

async function probeRequest(nc: NatsConnection, role: DiagnosedRole): Promise<unknown> {
  try {
    await role.probe(await jetstreamManager(nc, { checkAPI: false, timeout: requestTimeoutMs }));
    return null;
  } catch (error) {
    return error ?? new Error('no answer');
  }
}

async function probePermissions(nc: NatsConnection, role: DiagnosedRole): Promise<Set<string>> {
  const denied = new Set<string>();
  // A refused publish is reported only here: the publish itself gets no error.
  const watching = (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error') continue;
      const violation = permissionViolation(status.error);
      if (violation?.operation === 'publish') denied.add(describeRight(violation, role));
    }
  })();
  const missingStreamHeaders = headers();
  missingStreamHeaders.set('Nats-Expected-Stream', noStream);
  for (const subject of role.publishes) nc.publish(subject, '', { headers: missingStreamHeaders });
  for (const subject of role.subscribes) {
    nc.subscribe(subject, {
      callback(error) {
        if (error !== null) denied.add(`subscribe ${subject}`);
      },
    });
  }
  // Errors for the messages above arrive before the answer to this flush; the second lets the listener handle them.
  await nc.flush();
  await nc.flush();
  void watching.catch(() => undefined);
  return denied;
}

function permissionViolation(error: unknown): PermissionViolationError | null {
  if (error instanceof PermissionViolationError) return error;
  return error instanceof Error && error.cause !== undefined
    ? permissionViolation(error.cause)
    : null;
}

/** The subject as written in permissions: a single inbox name is replaced by its prefix. */
function describeRight(
  { operation, subject }: PermissionViolationError,
  role: DiagnosedRole,
): string {
  const verb = operation === 'publish' ? 'publish' : 'subscribe';
  const isInbox = subject.startsWith(`${role.inboxPrefix}.`);
  return `${verb} ${isInbox ? `${role.inboxPrefix}.>` : subject}`;
}

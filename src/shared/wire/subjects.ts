/**
 * Builds and parses every NATS subject of Gatehouse (docs/events.md has the table).
 *
 * S1: a token of a subject is always `[A-Za-z0-9_-]{1,64}`. Outside text never gets into a subject: an id that does
 *     not fit is replaced by its digest.
 * S2: user before job, so that one wildcard, and one line of an ACL, covers all jobs of one user.
 */
import { createHash } from 'node:crypto';
import { GatehouseError } from '../errors.ts';
import { isSafeId } from '../ids.ts';

export const defaultPrefix = 'gatehouse.v1';

/** Bytes of the largest durable submit or request: 8,000 characters, each escaped, with a margin. */
export const commandBytesMax = 64 * 1024;

/** Operations of the request/reply service. */
export const serviceVerbs = [
  'submit',
  'get',
  'list',
  'cancel',
  'confirm',
  'reject',
  'text',
] as const;
export type ServiceVerb = (typeof serviceVerbs)[number];

/**
 * `leases`: there are free ones; `written`: positions were committed; `placed`: events got their places; `document`: the event
 * of a document.
 */
export type WorkerHint = 'leases' | 'written' | 'placed' | 'document';

/** Operations on schedules, in the same service. */
export const scheduleVerbs = [
  'list',
  'create',
  'get',
  'pause',
  'resume',
  'delete',
  'run',
  'snooze',
  'runs',
] as const;
export type ScheduleVerb = (typeof scheduleVerbs)[number];

/** Of the gate of one model server, between its arbiter and the workers (docs/gate.md). */
export interface GateSubjects {
  /** Requests to the arbiter. */
  readonly door: string;
  /** From the arbiter to all workers. */
  readonly all: string;
  readonly view: string;
  /** From the arbiter to one worker. */
  worker(id: string): string;
}

export interface JobAddress {
  userId: string;
  jobId: string;
}

export interface ChannelAddress extends JobAddress {
  channel: string;
}

export interface Subjects {
  readonly prefix: string;
  event(job: JobAddress & { type: string }): string;
  tokens(job: JobAddress): string;
  /** @throws GH_REQUEST_INVALID for a source that does not fit a subject. */
  submit(source: string): string;
  /** For the operator's programs: every channel. */
  service(verb: ServiceVerb): string;
  /** For the operator's programs. */
  scheduleService(verb: ScheduleVerb): string;
  /**
   * For the bridge of one channel: only the jobs of that channel. `*`: every channel, for the service's subscription.
   * @throws GH_REQUEST_INVALID for a channel that does not fit a subject.
   */
  channelService(verb: ServiceVerb, channel: string): string;
  /** The channel of a request to `channelService`; null for any other subject. */
  parseServiceChannel(subject: string): string | null;
  /** Whether Gatehouse itself publishes or subscribes there. */
  isUnderPrefix(subject: string): boolean;
  /** Between the workers of a cluster: requests to the owner of a lease, and to one worker. */
  door(lease: string): string;
  worker(id: string): string;
  /** To all workers: something has changed that they should look at. */
  hint(kind: WorkerHint): string;
  gate(backend: string): GateSubjects;
  reply(to: ChannelAddress): string;
  delivery(from: ChannelAddress): string;
  /** Dead letters: the kind, then the source. */
  deadLetter(kind: 'submit' | 'delivery', source: string): string;
  /** A wildcard for each kind of subject. */
  readonly wildcards: Readonly<
    Record<'events' | 'live' | 'tokens' | 'commands' | 'replies' | 'deliveries' | 'dead', string>
  >;
  repliesWildcard(channel: string): string;
  /** The source of a durable submit; null for any other subject. */
  parseSubmitSource(subject: string): string | null;
  /** The tokens of a delivery report's subject; null for any other subject. */
  parseDeliverySubject(subject: string): { channel: string; user: string; job: string } | null;
}

/**
 * The user id as a subject token: the id itself if it fits, else its digest. Deterministic; two users never share a
 * token.
 */
export const userToken = (userId: string): string =>
  // A user id that looks like a digest is digested too, so that it cannot impersonate another user.
  isSafeId(userId) && !/^u_[A-Za-z0-9_-]{22}$/.test(userId) ? userId : `u_${digest(userId)}`;

/** @throws GH_CONFIG_INVALID when the prefix is not one or more subject tokens. */
export function createSubjects(prefix: string = defaultPrefix): Subjects {
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(prefix) || prefix.length > 100) {
    throw new GatehouseError(
      'GH_CONFIG_INVALID',
      `nats.prefix: expected tokens of letters, digits, _ and - with dots between, found ${JSON.stringify(prefix)}`,
    );
  }
  const under = (kind: string): string => `${prefix}.${kind}.>`;
  const [commandRoot, deliveryRoot] = [`${prefix}.cmd.submit.`, `${prefix}.dlv.`];
  const serviceRoot = `${prefix}.svc.job.`;
  const requireSafeId = (name: string, value: string): string => {
    if (isSafeId(value)) return value;
    throw new GatehouseError('GH_REQUEST_INVALID', `${name}: must match [A-Za-z0-9_-]{1,64}`);
  };
  const ofJob = ({ userId, jobId }: JobAddress): string =>
    `${userToken(userId)}.${safeToken(jobId)}`;
  const ofChannel = (to: ChannelAddress): string => `${safeToken(to.channel)}.${ofJob(to)}`;

  return {
    prefix,
    event: (job) => `${prefix}.evt.${ofJob(job)}.${job.type}`,
    tokens: (job) => `${prefix}.tok.${ofJob(job)}`,
    submit: (source) => commandRoot + requireSafeId('source', source),
    service: (verb) => serviceRoot + verb,
    scheduleService: (verb) => `${prefix}.svc.schedule.${verb}`,
    channelService: (verb, channel) =>
      `${serviceRoot}${verb}.${channel === '*' ? channel : requireSafeId('channel', channel)}`,
    parseServiceChannel(subject) {
      if (!subject.startsWith(serviceRoot)) return null;
      const [verb = '', channel = '', ...rest] = subject.slice(serviceRoot.length).split('.');
      const isVerb = (serviceVerbs as readonly string[]).includes(verb);
      return isVerb && rest.length === 0 && isSafeId(channel) ? channel : null;
    },
    isUnderPrefix: (subject) => subject.startsWith(`${prefix}.`),
    door: (lease) => `${prefix}.door.${lease.split('/').map(safeToken).join('.')}`,
    worker: (id) => `${prefix}.worker.${safeToken(id)}`,
    hint: (kind) => `${prefix}.hint.${kind}`,
    gate(backend) {
      const root = `${prefix}.gate.${safeToken(backend)}`;
      const worker = (id: string): string => `${root}.worker.${safeToken(id)}`;
      return { door: `${root}.door`, all: `${root}.all`, view: `${root}.view`, worker };
    },
    reply: (to) => `${prefix}.rpl.${ofChannel(to)}`,
    delivery: (from) => `${prefix}.dlv.${ofChannel(from)}`,
    deadLetter: (kind, source) => `${prefix}.dead.${kind}.${safeToken(source)}`,
    wildcards: {
      events: under('evt'),
      live: under('live'),
      tokens: under('tok'),
      commands: under('cmd'),
      replies: under('rpl'),
      deliveries: under('dlv'),
      dead: under('dead'),
    },
    repliesWildcard: (channel) => `${prefix}.rpl.${safeToken(channel)}.>`,
    parseSubmitSource(subject) {
      if (!subject.startsWith(commandRoot)) return null;
      const source = subject.slice(commandRoot.length);
      return isSafeId(source) ? source : null;
    },
    parseDeliverySubject(subject) {
      if (!subject.startsWith(deliveryRoot)) return null;
      const [channel = '', user = '', job = '', ...rest] = subject
        .slice(deliveryRoot.length)
        .split('.');
      const fits = rest.length === 0 && [channel, user, job].every(isSafeId);
      return fits ? { channel, user, job } : null;
    },
  };
}

const safeToken = (id: string): string => (isSafeId(id) ? id : `x_${digest(id)}`);

/** 22 characters: 128 bits, so that collisions do not happen by accident. */
const digest = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 22);

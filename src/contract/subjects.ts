/**
 * Every NATS subject of Gatehouse, built and taken apart in one place (docs/events.md has the table).
 *
 * S1: a token of a subject is always `[A-Za-z0-9_-]{1,64}`. Text from outside never gets into a subject:
 *     an id that does not fit is replaced by a digest of it.
 * S2: user before job, so that one wildcard is all of one user's jobs, and one line of an ACL.
 */
import { createHash } from 'node:crypto';
import { GatehouseError } from '../lib/errors.ts';
import { isSafeId } from '../lib/ids.ts';

export const defaultPrefix = 'gatehouse.v1';

/** Bytes of the largest durable submit or request: 8,000 characters, each escaped, and room to spare. */
export const commandBytesMax = 64 * 1024;

/** What may be asked over request and reply. */
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
  /**
   * For the bridge of one channel: its jobs only. `*` is every channel, for the subscription of the service.
   * @throws GH_REQUEST_INVALID for a channel that does not fit a subject.
   */
  channelService(verb: ServiceVerb, channel: string): string;
  /** The channel of a request to `channelService`, or null when the subject is not one. */
  serviceChannelOf(subject: string): string | null;
  /** Whether it is under the prefix: Gatehouse itself publishes or listens there. */
  isOurs(subject: string): boolean;
  reply(to: ChannelAddress): string;
  delivery(from: ChannelAddress): string;
  /** Where messages end that nobody can process: the kind, then where they came from. */
  dead(kind: 'submit' | 'delivery', source: string): string;
  /** Wildcards over everything of one kind. */
  readonly all: Readonly<
    Record<'events' | 'live' | 'tokens' | 'commands' | 'replies' | 'deliveries' | 'dead', string>
  >;
  repliesOf(channel: string): string;
  /** The source of a durable submit, or null when the subject is not one. */
  sourceOf(subject: string): string | null;
  /** The tokens of a delivery report's subject, or null when it is not one. */
  deliveryOf(subject: string): { channel: string; user: string; job: string } | null;
}

/**
 * The id of a user in a subject: the user id itself where it fits, else a digest of it.
 * The same for the same user, always; two users never share one.
 */
export const userToken = (userId: string): string =>
  // A user id that looks like a digest is digested too, so that nobody can take the place of another.
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
  const fitting = (name: string, value: string): string => {
    if (isSafeId(value)) return value;
    throw new GatehouseError('GH_REQUEST_INVALID', `${name}: must match [A-Za-z0-9_-]{1,64}`);
  };
  const ofJob = ({ userId, jobId }: JobAddress): string => `${userToken(userId)}.${token(jobId)}`;
  const ofChannel = (to: ChannelAddress): string => `${token(to.channel)}.${ofJob(to)}`;

  return {
    prefix,
    event: (job) => `${prefix}.evt.${ofJob(job)}.${job.type}`,
    tokens: (job) => `${prefix}.tok.${ofJob(job)}`,
    submit: (source) => commandRoot + fitting('source', source),
    service: (verb) => serviceRoot + verb,
    channelService: (verb, channel) =>
      `${serviceRoot}${verb}.${channel === '*' ? channel : fitting('channel', channel)}`,
    serviceChannelOf(subject) {
      if (!subject.startsWith(serviceRoot)) return null;
      const [verb = '', channel = '', ...rest] = subject.slice(serviceRoot.length).split('.');
      const isVerb = (serviceVerbs as readonly string[]).includes(verb);
      return isVerb && rest.length === 0 && isSafeId(channel) ? channel : null;
    },
    isOurs: (subject) => subject.startsWith(`${prefix}.`),
    reply: (to) => `${prefix}.rpl.${ofChannel(to)}`,
    delivery: (from) => `${prefix}.dlv.${ofChannel(from)}`,
    dead: (kind, source) => `${prefix}.dead.${kind}.${token(source)}`,
    all: {
      events: under('evt'),
      live: under('live'),
      tokens: under('tok'),
      commands: under('cmd'),
      replies: under('rpl'),
      deliveries: under('dlv'),
      dead: under('dead'),
    },
    repliesOf: (channel) => `${prefix}.rpl.${token(channel)}.>`,
    sourceOf(subject) {
      if (!subject.startsWith(commandRoot)) return null;
      const source = subject.slice(commandRoot.length);
      return isSafeId(source) ? source : null;
    },
    deliveryOf(subject) {
      if (!subject.startsWith(deliveryRoot)) return null;
      const [channel = '', user = '', job = '', ...rest] = subject
        .slice(deliveryRoot.length)
        .split('.');
      const fits = rest.length === 0 && [channel, user, job].every(isSafeId);
      return fits ? { channel, user, job } : null;
    },
  };
}

const token = (id: string): string => (isSafeId(id) ? id : `x_${digest(id)}`);

/** 22 characters: 128 bits, which nobody meets by accident. */
const digest = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, 22);

/**
 * The bridge's end of the line: what a process that serves one chat needs of NATS. It submits messages,
 * takes the replies of its channel, reports what became of them, and asks the core.
 *
 * L1: a submit that resolved `stored` is on the broker's disk and becomes a job, once per external id.
 * L2: a reply is acknowledged only after `onReply` says that it is dealt with; until then it comes again.
 *     A reply may come twice (`reply_id` is the same): the bridge remembers what it has posted.
 */
import { jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import { RequestError, type NatsConnection } from 'nats';
import type { DeliveryReport, Reply } from '../contract/reply.ts';
import { createSubjects, type ServiceVerb, type Subjects } from '../contract/subjects.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { busProblemOf } from './bus-problem.ts';
import { createConnection, inboxPrefixOf, type Connection } from './connection.ts';
import { bridgeConsumer, consumeDurable, keepInHand, replyAckWaitMs } from './durable-consumer.ts';
import { parsed } from './micro-service.ts';
import { keepRunning } from './pause.ts';
import { defaultTimings, type BusProblem, type MessagingConfig } from './ports.ts';
import type { BusLink } from './relay-lane.ts';
import { locateForClient } from './server-location.ts';
import { createStreamSpecs } from './streams.ts';

export type LinkOutcome<Value> = { ok: true; value: Value } | { ok: false; problem: BusProblem };

export interface ChannelLinkTimings {
  retryMs: number;
  retryMsMax: number;
  ackWaitMs: number;
  /** This often the queue is asked whether it is still the same one. */
  auditMs: number;
  /** A reply that could not be dealt with comes again after this. */
  laterMs: number;
}

export interface ChannelLinkOptions {
  config: MessagingConfig;
  /** The name of the chat in subjects. */
  channel: string;
  /** Where the core keeps its database: a server of its own is found there. */
  dataFolder: string;
  /** `later`: comes again after a pause. Never rejects but for bugs, which count as `later`. */
  onReply(reply: Reply): Promise<'done' | 'later'>;
  log: Log;
  timings?: Partial<ChannelLinkTimings>;
}

export interface ChannelLink {
  start(): void;
  /** Ends what is in hand (bounded), then lets go. */
  stop(): Promise<void>;
  readonly state: Connection['state'];
  readonly problem: BusProblem | null;
  /** `externalId` is the chat's own id of the message: sent twice, it is one job. The body is that of `POST /chat`. */
  submit(body: Record<string, unknown>, externalId: string): Promise<LinkOutcome<'stored'>>;
  /** Asks the core about the jobs of this channel; its refusals come back with their code, and a core that is away as GH_BUS_UNREACHABLE. */
  request(verb: ServiceVerb, body: Record<string, unknown>): Promise<LinkOutcome<unknown>>;
  /** Resolves when the report is on the broker's disk. Made twice for one reply, the first one stands. */
  report(reply: Reply, report: Omit<DeliveryReport, 'reply_id'>): Promise<LinkOutcome<'stored'>>;
}

/** Requests and acknowledgements: a busy core commits within milliseconds, a slow disk within seconds. */
const answerMs = 5_000;
const linkTimings: ChannelLinkTimings = {
  ...defaultTimings,
  ackWaitMs: replyAckWaitMs,
  laterMs: 5_000,
};

/** @throws GH_CONFIG_INVALID for a prefix or an address that is none. */
export const createChannelLink = (options: ChannelLinkOptions): ChannelLink =>
  new BridgeLink(options);

class BridgeLink implements ChannelLink {
  readonly #channel: string;
  readonly #subjects: Subjects;
  readonly #connection: Connection;
  #nc: NatsConnection | null = null;

  constructor(options: ChannelLinkOptions) {
    const { config, channel, dataFolder, log } = options;
    const timings = { ...linkTimings, ...options.timings };
    this.#channel = channel;
    this.#subjects = createSubjects(config.prefix);
    this.#connection = createConnection({
      name: `gatehouse-${channel}`,
      inboxPrefix: inboxPrefixOf(channel),
      locate: () => locateForClient(config, dataFolder),
      serve: async (nc, signal) => {
        this.#nc = nc;
        const link = { js: jetstream(nc), jsm: await jetstreamManager(nc, { checkAPI: false }) };
        await keepRunning({
          work: () => takeReplies(options, link, this.#subjects, signal),
          onError: (error) => log.warn(busProblemOf(error), 'replies cannot be taken yet'),
          timings,
          signal,
        });
        this.#nc = null;
      },
      timings,
      log,
    });
  }

  start(): void {
    this.#connection.start();
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  get state(): Connection['state'] {
    return this.#connection.state;
  }

  get problem(): BusProblem | null {
    return this.#connection.problem;
  }

  submit(body: Record<string, unknown>, externalId: string): Promise<LinkOutcome<'stored'>> {
    const channel = this.#channel;
    const subject = this.#subjects.submit(channel);
    return this.#store(subject, { channel, ...body }, `${channel}:${externalId}`);
  }

  report(reply: Reply, report: Omit<DeliveryReport, 'reply_id'>): Promise<LinkOutcome<'stored'>> {
    const { reply_id, user_id: userId, job_id: jobId } = reply;
    const subject = this.#subjects.delivery({ channel: this.#channel, userId, jobId });
    return this.#store(subject, { reply_id, ...report }, `${reply_id}:${report.status}`);
  }

  async request(verb: ServiceVerb, body: Record<string, unknown>): Promise<LinkOutcome<unknown>> {
    const subject = this.#subjects.channelService(verb, this.#channel);
    const asked = await this.#ask((nc) =>
      nc.request(subject, JSON.stringify(body), { timeout: answerMs }),
    );
    if (!asked.ok) return asked;
    const answer = parsed(asked.value.data);
    const isError = asked.value.headers?.has('Nats-Service-Error-Code') === true;
    return isError ? { ok: false, problem: answer as BusProblem } : { ok: true, value: answer };
  }

  #store(subject: string, body: unknown, msgID: string): Promise<LinkOutcome<'stored'>> {
    return this.#ask(async (nc) => {
      await jetstream(nc).publish(subject, JSON.stringify(body), { msgID, timeout: answerMs });
      return 'stored' as const;
    });
  }

  async #ask<Value>(work: (nc: NatsConnection) => Promise<Value>): Promise<LinkOutcome<Value>> {
    const nc = this.#nc;
    if (nc === null) return { ok: false, problem: away };
    try {
      return { ok: true, value: await work(nc) };
    } catch (error) {
      if (error instanceof RequestError && error.isNoResponders()) {
        return { ok: false, problem: { ...away, message: 'the core does not answer' } };
      }
      return { ok: false, problem: busProblemOf(error) };
    }
  }
}

const away: BusProblem = { code: 'GH_BUS_UNREACHABLE', message: 'there is no connection to NATS' };

/** The core makes the consumer; until it has, this fails and is tried again. */
function takeReplies(
  { channel, onReply, log, timings }: ChannelLinkOptions,
  link: BusLink,
  subjects: Subjects,
  signal: AbortSignal,
): Promise<void> {
  const { ackWaitMs, laterMs, auditMs } = { ...linkTimings, ...timings };
  const handle = async (message: JsMsg): Promise<void> => {
    let outcome: 'done' | 'later' = 'later';
    try {
      outcome = await keepInHand(message, ackWaitMs, onReply(message.json<Reply>()));
    } catch (error) {
      log.error({ subject: message.subject, error: messageOf(error) }, 'a reply was not posted');
    }
    if (outcome === 'done') message.ack();
    else message.nak(laterMs);
  };
  return consumeDurable({
    link,
    consumer: {
      stream: createStreamSpecs(subjects).replies.name,
      name: bridgeConsumer(channel),
      filter: subjects.repliesOf(channel),
      ackWaitMs,
    },
    isOurs: false,
    open: () => handle,
    onReady: () => undefined,
    auditMs,
    log,
    signal,
  });
}

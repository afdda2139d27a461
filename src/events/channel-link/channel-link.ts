/**
 * The bridge's client of the core over NATS: submits messages, receives the replies of its channel, sends delivery
 * reports, and makes requests to the core.
 *
 * L1: a submit that resolved `stored` is on the broker's disk and becomes a job, once per external id.
 * L2: a reply is acknowledged only after `onReply` returns `done`; until then it is redelivered (at-least-once). The
 *     bridge drops duplicates by `reply_id`.
 */
import { jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import { RequestError, type NatsConnection } from 'nats';
import type { DeliveryReport, Reply } from '#shared/wire/reply';
import { createSubjects, type ServiceVerb, type Subjects } from '#shared/wire/subjects';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { toNatsProblem } from '../connection/nats-problem.ts';
import { createConnection, inboxPrefixOf, type Connection } from '../connection/connection.ts';
import {
  bridgeConsumer,
  consumeDurable,
  extendAckWhile,
  replyAckWaitMs,
} from '../streams/durable-consumer.ts';
import { parseJson } from '../service/micro-service.ts';
import { retryForever } from '../connection/async-timers.ts';
import { defaultTimings, type NatsProblem, type MessagingConfig } from '../messaging-port.ts';
import type { JetStreamContext } from '../outbox/outbox-relay.ts';
import { locateForClient } from '../connection/server-location.ts';
import { createStreamSpecs } from '../streams/streams.ts';

export type LinkOutcome<Value> = { ok: true; value: Value } | { ok: false; problem: NatsProblem };

export interface ChannelLinkTimings {
  retryMs: number;
  retryMsMax: number;
  ackWaitMs: number;
  /** Interval of the check that the consumer is still the same. */
  auditMs: number;
  /** A reply that could not be handled is redelivered after this. */
  nakDelayMs: number;
}

export interface ChannelLinkOptions {
  config: MessagingConfig;
  /** The name of the chat in subjects. */
  channel: string;
  /** Folder of the core's database: locates the core's own NATS server. */
  dataFolder: string;
  /** `later`: redelivered after a pause. Rejects only for bugs, which count as `later`. */
  onReply(reply: Reply): Promise<'done' | 'later'>;
  log: Log;
  timings?: Partial<ChannelLinkTimings>;
}

/** For requests and acknowledgements: a busy core commits within milliseconds, a slow disk within seconds. */
const requestTimeoutMs = 5_000;
const linkTimings: ChannelLinkTimings = {
  ...defaultTimings,
  ackWaitMs: replyAckWaitMs,
  nakDelayMs: 5_000,
};

/** The bridge's connection to the core. Nothing throws; a failure is a problem with a code. */
export class ChannelLink {
  readonly #channel: string;
  readonly #subjects: Subjects;
  readonly #connection: Connection;
  #nc: NatsConnection | null = null;

  /** @throws GH_CONFIG_INVALID for an invalid prefix or address. */
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
        await retryForever({
          work: () => consumeReplies(options, link, this.#subjects, signal),
          onError: (error) => log.warn(toNatsProblem(error), 'replies cannot be taken yet'),
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

  /** Graceful shutdown: finishes messages in hand (bounded), then disconnects. */
  stop(): Promise<void> {
    return this.#connection.stop();
  }

  get state(): Connection['state'] {
    return this.#connection.state;
  }

  get problem(): NatsProblem | null {
    return this.#connection.problem;
  }

  /** `externalId` is the chat's own id: submitted twice, it is one job. The body is that of `POST /chat`. */
  submit(body: Record<string, unknown>, externalId: string): Promise<LinkOutcome<'stored'>> {
    const channel = this.#channel;
    const subject = this.#subjects.submit(channel);
    return this.#store(subject, { channel, ...body }, `${channel}:${externalId}`);
  }

  /** Resolves when the report is on the broker's disk. The first report of a reply is kept. */
  report(reply: Reply, report: Omit<DeliveryReport, 'reply_id'>): Promise<LinkOutcome<'stored'>> {
    const { reply_id, user_id: userId, job_id: jobId } = reply;
    const subject = this.#subjects.delivery({ channel: this.#channel, userId, jobId });
    // A reply to two chats has one id: each reports for itself.
    const msgID = `${this.#channel}:${reply_id}:${report.status}`;
    return this.#store(subject, { reply_id, ...report }, msgID);
  }

  /** Request to the core, for jobs of this channel. Errors keep the core's code; no response: GH_BUS_UNREACHABLE. */
  async request(verb: ServiceVerb, body: Record<string, unknown>): Promise<LinkOutcome<unknown>> {
    const subject = this.#subjects.channelService(verb, this.#channel);
    const asked = await this.#withConnection((nc) =>
      nc.request(subject, JSON.stringify(body), { timeout: requestTimeoutMs }),
    );
    if (!asked.ok) return asked;
    const answer = parseJson(asked.value.data);
    const isError = asked.value.headers?.has('Nats-Service-Error-Code') === true;
    return isError ? { ok: false, problem: answer as NatsProblem } : { ok: true, value: answer };
  }

  #store(subject: string, body: unknown, msgID: string): Promise<LinkOutcome<'stored'>> {
    return this.#withConnection(async (nc) => {
      await jetstream(nc).publish(subject, JSON.stringify(body), {
        msgID,
        timeout: requestTimeoutMs,
      });
      return 'stored' as const;
    });
  }

  async #withConnection<Value>(
    work: (nc: NatsConnection) => Promise<Value>,
  ): Promise<LinkOutcome<Value>> {
    const nc = this.#nc;
    if (nc === null) return { ok: false, problem: disconnectedProblem };
    try {
      return { ok: true, value: await work(nc) };
    } catch (error) {
      if (error instanceof RequestError && error.isNoResponders()) {
        return {
          ok: false,
          problem: { ...disconnectedProblem, message: 'the core does not answer' },
        };
      }
      return { ok: false, problem: toNatsProblem(error) };
    }
  }
}

const disconnectedProblem: NatsProblem = {
  code: 'GH_BUS_UNREACHABLE',
  message: 'there is no connection to NATS',
};

/** The core creates the consumer; until then this fails and is retried. */
function consumeReplies(
  { channel, onReply, log, timings }: ChannelLinkOptions,
  link: JetStreamContext,
  subjects: Subjects,
  signal: AbortSignal,
): Promise<void> {
  const { ackWaitMs, nakDelayMs: laterMs, auditMs } = { ...linkTimings, ...timings };
  const handle = async (message: JsMsg): Promise<void> => {
    let outcome: 'done' | 'later' = 'later';
    try {
      outcome = await extendAckWhile(message, ackWaitMs, onReply(message.json<Reply>()));
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
      filter: subjects.repliesWildcard(channel),
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

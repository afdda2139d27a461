/**
 * Takes messages off a work queue, a bounded number at a time, until it is told to stop or the consumer
 * breaks. What a message means, and its acknowledgement, is its handler's affair.
 */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  ReplayPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { millis, nanos } from 'nats';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { hasApiCode } from './bus-problem.ts';
import { pause, within } from './pause.ts';
import type { BusLink } from './relay-lane.ts';

export interface DurableConsumer {
  stream: string;
  name: string;
  /** Of all subjects of the stream, those that this consumer takes. */
  filter: string;
  ackWaitMs: number;
  /** Taken and not yet acknowledged, at most. Default: one group commit's worth. */
  inHandMax?: number;
}

/** What the broker has handed out before, to whoever is gone, and will hand out again. */
export interface Unacknowledged {
  count: number;
  /** Their sequences in the stream are not above this; those of messages that are new, are. */
  upTo: number;
}

export interface ConsumeSession {
  unacknowledged: Unacknowledged;
  /** What is not acknowledged for so long is delivered again. */
  ackWaitMs: number;
  /** Aborts when nothing can be, or is to be, taken any more. */
  signal: AbortSignal;
}

export interface ConsumeOptions {
  link: BusLink;
  consumer: DurableConsumer;
  /** False: another process makes the consumer, and we have no right to. */
  isOurs?: boolean;
  /**
   * Makes the handler of one session. It is called in the order in which messages come, without waiting for the one before.
   */
  open(session: ConsumeSession): (message: JsMsg) => Promise<void>;
  /** Messages may come from now on. */
  onReady(): void;
  /** This often it is asked whether the consumer is still the same one. */
  auditMs: number;
  log: Log;
  signal: AbortSignal;
}

/** The name of the consumer from which the bridge of a channel takes its replies. */
export const bridgeConsumer = (channel: string): string => `bridge-${channel}`;

/**
 * A bridge that died is handed its replies again after this. It stores a reply within milliseconds: longer only
 * makes people wait after a crash, shorter than a slow disk's commit makes replies come twice.
 */
export const replyAckWaitMs = 5_000;

const inHandDefault = 64;
/** Pull requests are renewed this often, and a silent broker is noticed after two heartbeats. */
const pullMs = 10_000;
const heartbeatMs = 2_000;
/** What has been taken is ended before we let go; what is not done by then comes again. */
const finishMs = 5_000;

/** Resolves after the signal, with nothing in hand. @throws when the consumer breaks: call again later. */
export async function consumeDurable(options: ConsumeOptions): Promise<void> {
  const { link, consumer, log, signal } = options;
  if (options.isOurs ?? true) await ensureConsumer(link.jsm, consumer);
  const handling = new Set<Promise<void>>();
  const taken = await link.js.consumers.get(consumer.stream, consumer.name);
  const over = new AbortController();
  const handle = options.open({ ...(await sessionOf(taken)), signal: over.signal });
  const consuming = taken.consume({
    max_messages: consumer.inHandMax ?? inHandDefault,
    expires: pullMs,
    idle_heartbeat: heartbeatMs,
    abort_on_missing_resource: true,
    callback(message) {
      const done = handle(message).catch((error: unknown) => {
        // With the connection gone nothing can be acknowledged: the broker delivers it again.
        const level = signal.aborted ? 'debug' : 'error';
        log[level](
          { subject: message.subject, error: messageOf(error) },
          'a message was not handled',
        );
      });
      handling.add(done);
      void done.finally(() => handling.delete(done));
    },
  });
  consuming.catch(() => over.abort());
  const messages = await consuming;
  options.onReady();
  const stop = (): void => {
    over.abort();
    void messages.close();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const audited = audit(taken, options.auditMs, over.signal).finally(stop);
  const error = await messages.closed();
  signal.removeEventListener('abort', stop);
  stop();
  await audited;
  await within(finishMs, Promise.all(handling));
  if (error instanceof Error) throw error;
  if (!signal.aborted) throw new Error(`the consumer ${consumer.name} has ended`);
}

/** As the consumer was when it was asked for. */
async function sessionOf(consumer: Consumer): Promise<Omit<ConsumeSession, 'signal'>> {
  const { num_ack_pending: count, delivered, config } = await consumer.info(true);
  return {
    unacknowledged: { count, upTo: delivered.stream_seq },
    ackWaitMs: millis(config.ack_wait ?? 0),
  };
}

/**
 * Resolves when the consumer is gone or is another one of the same name. The client alone can miss that: a
 * consumer that was deleted and made again at the wrong moment leaves it waiting for messages that never come.
 */
async function audit(consumer: Consumer, auditMs: number, signal: AbortSignal): Promise<void> {
  const { created } = await consumer.info(true);
  for (;;) {
    await pause(auditMs, signal);
    if (signal.aborted) return;
    const now = await consumer.info().catch(() => null);
    if (now?.created !== created) return;
  }
}

/**
 * Makes the consumer where it is missing, and brings one of an older version up to date.
 * @throws GH_BUS_STREAM when there is one of this name that takes other messages or loses them.
 */
export async function ensureConsumer(
  jsm: JetStreamManager,
  consumer: DurableConsumer,
): Promise<void> {
  const { stream, name } = consumer;
  const found = await infoOf(jsm, consumer);
  if (found === null) {
    await jsm.consumers.add(stream, settingsOf(consumer));
    return;
  }
  const { ack_policy, filter_subject, deliver_subject, max_deliver } = found.config;
  const { ack_wait, max_ack_pending } = settingsOf(consumer);
  const fits =
    ack_policy === AckPolicy.Explicit &&
    filter_subject === consumer.filter &&
    deliver_subject === undefined &&
    (max_deliver ?? -1) === -1;
  if (fits) {
    const isSame =
      found.config.ack_wait === ack_wait && found.config.max_ack_pending === max_ack_pending;
    if (!isSame) await jsm.consumers.update(stream, name, { ack_wait, max_ack_pending });
    return;
  }
  throw new GatehouseError(
    'GH_BUS_STREAM',
    `consumer ${name} of stream ${stream} is not used: it is not the one that Gatehouse makes. Remove it`,
  );
}

const settingsOf = ({ name, filter, ackWaitMs, inHandMax }: DurableConsumer) =>
  ({
    durable_name: name,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: nanos(ackWaitMs),
    max_ack_pending: inHandMax ?? inHandDefault,
    // With a limit the broker would leave the message in the queue without a word; the handlers end it visibly.
    max_deliver: -1,
  }) satisfies ConsumerConfig;

async function infoOf(
  jsm: JetStreamManager,
  { stream, name }: DurableConsumer,
): Promise<ConsumerInfo | null> {
  try {
    return await jsm.consumers.info(stream, name);
  } catch (error) {
    if (hasApiCode(error, JetStreamApiCodes.ConsumerNotFound)) return null;
    throw error;
  }
}

/** Tells the broker, while `work` runs, that the message is still in hand. */
export async function keepInHand<Result>(
  message: JsMsg,
  ackWaitMs: number,
  work: Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  void (async () => {
    for (;;) {
      await pause(ackWaitMs / 3, over.signal);
      if (over.signal.aborted) return;
      message.working();
    }
  })();
  try {
    return await work;
  } finally {
    over.abort();
  }
}

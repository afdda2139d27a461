/**
 * Consumes a work queue with a bounded number of messages in hand, until stopped or the consumer breaks. The handler
 * processes and acknowledges the messages.
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
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { hasApiCode } from '../connection/nats-problem.ts';
import { abortableSleep } from '#shared/abortable-sleep';
import { settledWithin } from '../connection/async-timers.ts';
import type { JetStreamContext } from '../outbox/outbox-relay.ts';

export interface DurableConsumer {
  stream: string;
  name: string;
  /** Subject filter of this consumer. */
  filter: string;
  ackWaitMs: number;
  /** Upper bound of unacknowledged messages. Default: as many as one group commit takes. */
  inHandMax?: number;
}

/** Messages that were delivered to an earlier session and not acknowledged: the broker redelivers them. */
export interface Unacknowledged {
  count: number;
  /** Their stream sequences are at most this; new messages have higher ones. */
  upTo: number;
}

export interface ConsumeSession {
  unacknowledged: Unacknowledged;
  /** An unacknowledged message is redelivered after this. */
  ackWaitMs: number;
  /** Aborts when the session ends: no messages can be acknowledged any more. */
  signal: AbortSignal;
}

export interface ConsumeOptions {
  link: JetStreamContext;
  consumer: DurableConsumer;
  /** False: another process creates the consumer; this user has no right to. */
  isOurs?: boolean;
  /**
   * Creates the handler of one session. It is called in delivery order, without waiting for the previous call.
   */
  open(session: ConsumeSession): (message: JsMsg) => Promise<void>;
  /** Messages may arrive from now on. */
  onReady(): void;
  /** Interval of the check that the consumer is still the same. */
  auditMs: number;
  /** Receives the messages in hand. */
  handling?: Set<Promise<void>>;
  log: Log;
  signal: AbortSignal;
}

/** Name of the consumer that delivers replies to a channel's bridge. */
export const bridgeConsumer = (channel: string): string => `bridge-${channel}`;

/**
 * Redelivery wait of replies, for example after a bridge has died. A bridge stores a reply within milliseconds: a
 * longer wait delays users after a crash, one shorter than a slow disk's commit causes duplicates.
 */
export const replyAckWaitMs = 5_000;

const inHandDefault = 64;
/** Pull requests are renewed at this interval; a silent broker is noticed after two heartbeats. */
const pullMs = 10_000;
const heartbeatMs = 2_000;
/** Time to finish the messages in hand at a stop; unfinished messages are redelivered. */
const drainTimeoutMs = 5_000;

/** Resolves after the signal, with no message in hand. @throws when the consumer breaks: call again later. */
export async function consumeDurable(options: ConsumeOptions): Promise<void> {
  const { link, consumer, log, signal } = options;
  if (options.isOurs ?? true) await ensureConsumer(link.jsm, consumer);
  const { handling = new Set<Promise<void>>() } = options;
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
        // Without a connection the message cannot be acknowledged: the broker redelivers it.
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
  const audited = watchForRecreation(taken, options.auditMs, over.signal).finally(stop);
  const error = await messages.closed();
  signal.removeEventListener('abort', stop);
  stop();
  await audited;
  await settledWithin(drainTimeoutMs, Promise.all(handling));
  if (error instanceof Error) throw error;
  if (!signal.aborted) throw new Error(`the consumer ${consumer.name} has ended`);
}

/** State of the consumer at the start of the session. */
async function sessionOf(consumer: Consumer): Promise<Omit<ConsumeSession, 'signal'>> {
  const { num_ack_pending: count, delivered, config } = await consumer.info(true);
  return {
    unacknowledged: { count, upTo: delivered.stream_seq },
    ackWaitMs: millis(config.ack_wait ?? 0),
  };
}

/**
 * Resolves when the consumer is deleted, or recreated under the same name. The client can miss that: after a
 * recreation at the wrong moment it waits for messages that never arrive.
 */
async function watchForRecreation(
  consumer: Consumer,
  auditMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { created } = await consumer.info(true);
  for (;;) {
    await abortableSleep(auditMs, signal);
    if (signal.aborted) return;
    const now = await consumer.info().catch(() => null);
    if (now?.created !== created) return;
  }
}

/**
 * Creates the consumer if it is missing, and updates one of an older version.
 * @throws GH_BUS_STREAM when one of this name takes other messages or loses them.
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
    // With a limit the broker would silently keep the message in the queue; the handlers end it visibly.
    max_deliver: -1,
  }) satisfies ConsumerConfig;

/** Null if there is none. */
export async function infoOf(
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

/** Extends the ack deadline of the message at the broker while `work` runs. */
export async function extendAckWhile<Result>(
  message: JsMsg,
  ackWaitMs: number,
  work: Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  void (async () => {
    for (;;) {
      await abortableSleep(ackWaitMs / 3, over.signal);
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

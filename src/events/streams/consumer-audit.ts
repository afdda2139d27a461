/**
 * Heals consumers of work queues whose counts are wrong. After a kill a nats-server can count messages as in hand that are not
 * in the stream any more (its files of the consumer and of the stream are of different moments), or can forget to deliver a
 * message again. At `max_ack_pending` such messages the consumer would stop for ever. A consumer can also be ahead of its
 * stream: it then delivers none of the messages that are stored below its position.
 *
 * A1 A consumer is recreated only when the fault is seen at several audits in a row. The stream of a work queue holds exactly
 *    what was not acknowledged: the new consumer begins there, so nothing is lost. What is in hand at that moment is delivered
 *    once more, which all handlers allow for.
 */
import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { abortableSleep } from '#shared/abortable-sleep';
import type { Log } from '#shared/log';
import { ensureConsumer, infoOf, type DurableConsumer } from './durable-consumer.ts';

export interface AuditedConsumer extends DurableConsumer {
  /** Messages that this process has in hand; 0 for a consumer of another process. */
  inHand(): number;
}

/** So many audits in a row must find a message that is counted but not in the stream, or is in the stream but not counted. */
const faultyAudits = 3;
/** Without any delivery for so many times `ackWaitMs`, messages that no process has in hand are forgotten. */
const silentAckWaits = 4;
/** Messages that come and go between the two questions to the broker can look like the fault. */
const looksMax = 5;
const lookAgainMs = 20;

export interface ConsumerAuditParts {
  jsm: JetStreamManager;
  consumers: readonly AuditedConsumer[];
  auditMs: number;
  onHealed(): void;
  log: Log;
  signal: AbortSignal;
  /** Monotonic, in ms. */
  now?: () => number;
}

/** Audits until the signal aborts. @throws the error of the broker: call again later. */
export async function auditConsumers(parts: ConsumerAuditParts): Promise<void> {
  const { consumers, auditMs, signal } = parts;
  const audits = consumers.map((consumer) => new ConsumerAudit(consumer, parts));
  while (!signal.aborted) {
    await abortableSleep(auditMs, signal);
    for (const audit of audits) if (!signal.aborted) await audit.run();
  }
}

class ConsumerAudit {
  readonly #consumer: AuditedConsumer;
  readonly #parts: ConsumerAuditParts;
  readonly #now: () => number;
  #ghostly = 0;
  #skipping = 0;
  #delivered = -1;
  #silentSince = 0;

  constructor(consumer: AuditedConsumer, parts: ConsumerAuditParts) {
    this.#consumer = consumer;
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  async run(): Promise<void> {
    const info = await infoOf(this.#parts.jsm, this.#consumer);
    if (info === null) return;
    const isIdle = info.delivered.consumer_seq === this.#delivered;
    const isForgotten = this.#isForgotten(info);
    const { ghosts, skipped } = await this.#compare(info);
    this.#ghostly = ghosts > 0 ? this.#ghostly + 1 : 0;
    this.#skipping = skipped > 0 && isIdle ? this.#skipping + 1 : 0;
    const isFaulty = Math.max(this.#ghostly, this.#skipping) >= faultyAudits;
    if (isFaulty || isForgotten) await this.#recreate(info, { ghosts, skipped });
  }

  /** Nothing was delivered for a long time, and no process has what the broker counts. */
  #isForgotten({ num_ack_pending: count, delivered }: ConsumerInfo): boolean {
    const { ackWaitMs, inHand } = this.#consumer;
    const isQuiet = delivered.consumer_seq === this.#delivered && count > inHand();
    if (!isQuiet) this.#silentSince = this.#now();
    this.#delivered = delivered.consumer_seq;
    return isQuiet && this.#now() - this.#silentSince >= silentAckWaits * ackWaitMs;
  }

  /** Messages that are counted but not in the stream, and those that are in the stream but not counted. */
  async #compare(first: ConsumerInfo): Promise<{ ghosts: number; skipped: number }> {
    const { jsm, signal } = this.#parts;
    const { stream, filter } = this.#consumer;
    let info = first;
    let [ghosts, skipped] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let look = 0; look < looksMax && Math.max(ghosts, skipped) > 0; look += 1) {
      if (look > 0) await abortableSleep(lookAgainMs, signal);
      const { state } = await jsm.streams.info(stream, { subjects_filter: filter });
      const stored = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
      const later = await infoOf(jsm, this.#consumer);
      if (later === null) return { ghosts: 0, skipped: 0 };
      const differences = [info, later].map((one) => countedBy(one) - stored);
      ghosts = Math.min(ghosts, ...differences.map((one) => Math.max(0, one)));
      skipped = Math.min(skipped, ...differences.map((one) => Math.max(0, -one)));
      info = later;
    }
    return { ghosts, skipped };
  }

  async #recreate(
    info: ConsumerInfo,
    { ghosts, skipped }: { ghosts: number; skipped: number },
  ): Promise<void> {
    const { jsm, onHealed, log } = this.#parts;
    const { stream, name } = this.#consumer;
    const counted = info.num_ack_pending;
    log.warn(
      { stream, consumer: name, counted, missing: ghosts, skipped, floor: info.ack_floor },
      skipped > 0
        ? 'NATS does not deliver messages that it has: the consumer is made again'
        : 'NATS counts messages in hand that no process has: the consumer is made again',
    );
    await jsm.consumers.delete(stream, name);
    await ensureConsumer(jsm, this.#consumer);
    this.#ghostly = 0;
    this.#skipping = 0;
    this.#delivered = -1;
    onHealed();
  }
}

/** Each message of the stream is either in hand or not delivered yet. */
const countedBy = ({ num_ack_pending: inHand, num_pending: waiting }: ConsumerInfo): number =>
  inHand + waiting;

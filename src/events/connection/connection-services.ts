/**
 * The services on one connection: the outbox relays, the token feed, the micro service and the work queues. They are
 * independent: an unusable stream stops only its own part, which is reported and retried.
 */
import { JetStreamApiError, jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { commandBytesMax } from '#shared/wire/subjects';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { auditConsumers } from '../streams/consumer-audit.ts';
import {
  consumeDurable,
  type ConsumeSession,
  type DurableConsumer,
} from '../streams/durable-consumer.ts';
import { startMicroService, type Endpoint, type MicroService } from '../service/micro-service.ts';
import type { ServiceDescription } from '../service/service-discovery.ts';
import { retryForever } from './async-timers.ts';
import type { MessagingCounts, MessagingSwitches, MessagingTimings } from '../messaging-port.ts';
import type { NatsTransport } from './nats-transport.ts';
import type { ComponentHealth } from '../component-health.ts';
import type { JetStreamContext, OutboxRelay } from '../outbox/outbox-relay.ts';
import { ensureStream, type StreamSpec, type StreamSpecs } from '../streams/streams.ts';
import type { TokenFeed } from '../streams/token-feed.ts';

export interface ConsumerSpec {
  name: string;
  /** The stream to read; its first subject is the filter. */
  stream: StreamSpec;
  /** Streams that the handler writes to. */
  writes: StreamSpec[];
  /** Upper bound of unacknowledged messages. */
  inHandMax?: number;
  /** Creates the handler of one session. */
  open(link: JetStreamContext, session: ConsumeSession): (message: JsMsg) => Promise<void>;
}

export interface ConnectionServicesParts {
  relays: Record<string, OutboxRelay>;
  tokens: TokenFeed;
  service: ServiceDescription<Endpoint>;
  /** The service of the agent protocol; null: off. */
  agent: ((nc: NatsConnection) => MicroService) | null;
  queues: ConsumerSpec[];
  /** Consumers of other processes, which this one makes and heals. */
  bridges: DurableConsumer[];
  /** Whether this process publishes the outbox, and takes messages from the work queues. */
  switches: MessagingSwitches;
  /** The messages between the workers of a cluster. */
  transport: Pick<NatsTransport, 'attach' | 'detach'> | null;
  specs: StreamSpecs;
  health: ComponentHealth;
  counts: MessagingCounts;
  timings: MessagingTimings;
  onPayloadMax(bytes: number): void;
  log: Log;
}

/** Concurrent requests. A group commit takes many; more would only cost memory. */
const serviceConcurrency = 512;

export const createConnectionServices = (parts: ConnectionServicesParts): ConnectionServices =>
  new ConnectionServices(parts);

export class ConnectionServices {
  readonly #parts: ConnectionServicesParts;
  readonly #stopping = new AbortController();
  readonly #inHand = new Map<ConsumerSpec, Set<Promise<void>>>();
  #intake: Promise<void> = Promise.resolve();
  /** Null while there is no connection. */
  #jsm: JetStreamContext['jsm'] | null = null;

  constructor(parts: ConnectionServicesParts) {
    this.#parts = parts;
  }

  /** Runs all services until the signal aborts. Never rejects. */
  async serve(nc: NatsConnection, signal: AbortSignal): Promise<void> {
    const { relays: lanes, tokens, switches, transport, log } = this.#parts;
    this.#parts.onPayloadMax(nc.info?.max_payload ?? 1024 ** 2);
    const link = { js: jetstream(nc), jsm: await jetstreamManager(nc, { checkAPI: false }) };
    this.#jsm = link.jsm;
    const intake = new AbortController();
    const end = (): void => intake.abort();
    for (const one of [signal, this.#stopping.signal]) one.addEventListener('abort', end);
    if (signal.aborted || this.#stopping.signal.aborted) end();
    tokens.attach(nc);
    transport?.attach(nc);
    this.#intake = this.#runIntake(nc, link, intake.signal).catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'the intake failed');
    });
    const relays = Object.entries(lanes).map(([name, lane]) =>
      switches.relay.run(
        (on) => this.#runForever(`relay of ${name}`, () => lane.run(link, on), on),
        signal,
      ),
    );
    await Promise.all([this.#intake, ...relays]);
    this.#stopping.signal.removeEventListener('abort', end);
    this.#jsm = null;
    tokens.detach();
    transport?.detach();
  }

  /** Whether a consumer is being read; null: it cannot be known now. */
  async isRead(stream: string, consumer: string): Promise<boolean | null> {
    if (this.#jsm === null) return null;
    try {
      return (await this.#jsm.consumers.info(stream, consumer)).num_waiting > 0;
    } catch (error) {
      return error instanceof JetStreamApiError ? false : null;
    }
  }

  /** Accepts no more requests and messages; resolves when those in hand are finished. */
  async stopIntake(): Promise<void> {
    this.#stopping.abort();
    await this.#intake;
  }

  async #runIntake(nc: NatsConnection, link: JetStreamContext, signal: AbortSignal): Promise<void> {
    const { service, agent, queues, switches, counts, log } = this.#parts;
    if (signal.aborted) return;
    const running = startMicroService({
      nc,
      description: service,
      bodyBytesMax: commandBytesMax,
      concurrency: serviceConcurrency,
      onResponse(isError) {
        counts.requests += 1;
        if (isError) counts.requestErrors += 1;
      },
      log,
    });
    const runningAgent = agent?.(nc) ?? null;
    const consumers = queues.map((queue) =>
      switches.intake.run(
        (on) => this.#runForever(queue.name, () => this.#consume(queue, link, on), on),
        signal,
      ),
    );
    const audit = switches.intake.run(
      (on) => this.#runForever('audit of the consumers', () => this.#audit(link, on), on),
      signal,
    );
    await Promise.all([...consumers, audit]);
    await Promise.all([running.stop(), runningAgent?.stop()]);
  }

  async #consume(queue: ConsumerSpec, link: JetStreamContext, signal: AbortSignal): Promise<void> {
    const { health, timings, log } = this.#parts;
    for (const spec of [queue.stream, ...queue.writes]) {
      const { notes } = await ensureStream(link.jsm, spec);
      health.note(spec.name, notes);
    }
    const handling = new Set<Promise<void>>();
    this.#inHand.set(queue, handling);
    await consumeDurable({
      link,
      consumer: this.#consumerOf(queue),
      handling,
      open: (session) => queue.open(link, session),
      onReady: () => health.clear(queue.name),
      auditMs: timings.auditMs,
      log,
      signal,
    });
  }

  #audit(link: JetStreamContext, signal: AbortSignal): Promise<void> {
    const { queues, bridges, counts, timings, log } = this.#parts;
    const own = queues.map((queue) => ({
      ...this.#consumerOf(queue),
      inHand: () => this.#inHand.get(queue)?.size ?? 0,
    }));
    return auditConsumers({
      jsm: link.jsm,
      consumers: [...own, ...bridges.map((bridge) => ({ ...bridge, inHand: () => 0 }))],
      auditMs: timings.auditMs,
      onHealed: () => (counts.healedConsumers += 1),
      log,
      signal,
    });
  }

  #consumerOf({ stream, inHandMax }: ConsumerSpec): DurableConsumer {
    return {
      stream: stream.name,
      name: 'core',
      filter: stream.subjects[0] ?? '>',
      ackWaitMs: this.#parts.timings.ackWaitMs,
      ...(inHandMax === undefined ? {} : { inHandMax }),
    };
  }

  #runForever(part: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { health, timings } = this.#parts;
    return retryForever({ work, onError: (error) => health.report(part, error), timings, signal });
  }
}

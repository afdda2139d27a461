/**
 * What runs on one connection: the relay's lanes, the token feed, the micro service and the work queues.
 * Each is on its own: a stream that cannot be used stops its own part, is reported, and is looked at again.
 */
import { jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { commandBytesMax } from '../contract/subjects.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { consumeDurable, type ConsumeSession } from './durable-consumer.ts';
import { startMicroService, type Endpoint } from './micro-service.ts';
import type { ServiceDescription } from './service-discovery.ts';
import { keepRunning } from './pause.ts';
import type { MessagingCounts, MessagingTimings } from './ports.ts';
import type { ProblemBoard } from './problem-board.ts';
import type { BusLink, RelayLane } from './relay-lane.ts';
import { ensureStream, type StreamSpec, type StreamSpecs } from './streams.ts';
import type { TokenFeed } from './token-feed.ts';

export interface Sessions {
  /** Runs everything until the signal aborts. Never rejects. */
  serve(nc: NatsConnection, signal: AbortSignal): Promise<void>;
  /** Takes no more requests and messages; resolves when those in hand are ended. */
  stopIntake(): Promise<void>;
}

export interface Queue {
  name: string;
  /** The stream that is read, and its subjects. */
  stream: StreamSpec;
  /** Streams that the handler writes to. */
  writes: StreamSpec[];
  /** Taken and not yet acknowledged, at most. */
  inHandMax?: number;
  /** Makes the handler of one session. */
  open(link: BusLink, session: ConsumeSession): (message: JsMsg) => Promise<void>;
}

export interface SessionParts {
  lanes: Record<string, RelayLane>;
  tokens: TokenFeed;
  service: ServiceDescription<Endpoint>;
  queues: Queue[];
  specs: StreamSpecs;
  board: ProblemBoard;
  counts: MessagingCounts;
  timings: MessagingTimings;
  onPayloadMax(bytes: number): void;
  log: Log;
}

/** Requests being answered at once. A commit takes many; more would only be memory. */
const serviceConcurrency = 512;

export const createSessions = (parts: SessionParts): Sessions => new BusSessions(parts);

class BusSessions implements Sessions {
  readonly #parts: SessionParts;
  readonly #stopping = new AbortController();
  #intake: Promise<void> = Promise.resolve();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  async serve(nc: NatsConnection, signal: AbortSignal): Promise<void> {
    const { lanes, tokens, log } = this.#parts;
    this.#parts.onPayloadMax(nc.info?.max_payload ?? 1024 ** 2);
    const link = { js: jetstream(nc), jsm: await jetstreamManager(nc, { checkAPI: false }) };
    const intake = new AbortController();
    const end = (): void => intake.abort();
    for (const one of [signal, this.#stopping.signal]) one.addEventListener('abort', end);
    if (signal.aborted || this.#stopping.signal.aborted) end();
    tokens.attach(nc);
    this.#intake = this.#takeIn(nc, link, intake.signal).catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'the intake failed');
    });
    const relays = Object.entries(lanes).map(([name, lane]) =>
      this.#keep(`relay of ${name}`, () => lane.run(link, signal), signal),
    );
    await Promise.all([this.#intake, ...relays]);
    this.#stopping.signal.removeEventListener('abort', end);
    tokens.detach();
  }

  async stopIntake(): Promise<void> {
    this.#stopping.abort();
    await this.#intake;
  }

  async #takeIn(nc: NatsConnection, link: BusLink, signal: AbortSignal): Promise<void> {
    const { service, queues, counts, log } = this.#parts;
    if (signal.aborted) return;
    const running = startMicroService({
      nc,
      description: service,
      bodyBytesMax: commandBytesMax,
      concurrency: serviceConcurrency,
      onAnswered(isError) {
        counts.requests += 1;
        if (isError) counts.requestErrors += 1;
      },
      log,
    });
    const consumers = queues.map((queue) =>
      this.#keep(queue.name, () => this.#consume(queue, link, signal), signal),
    );
    await Promise.all(consumers);
    await running.stop();
  }

  async #consume(queue: Queue, link: BusLink, signal: AbortSignal): Promise<void> {
    const { board, timings, log } = this.#parts;
    for (const spec of [queue.stream, ...queue.writes]) {
      const { notes } = await ensureStream(link.jsm, spec);
      board.note(spec.name, notes);
    }
    await consumeDurable({
      link,
      consumer: {
        stream: queue.stream.name,
        name: 'core',
        filter: queue.stream.subjects[0] ?? '>',
        ackWaitMs: timings.ackWaitMs,
        ...(queue.inHandMax === undefined ? {} : { inHandMax: queue.inHandMax }),
      },
      open: (session) => queue.open(link, session),
      onReady: () => board.clear(queue.name),
      auditMs: timings.auditMs,
      log,
      signal,
    });
  }

  #keep(part: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { board, timings } = this.#parts;
    return keepRunning({ work, onError: (error) => board.report(part, error), timings, signal });
  }
}

/**
 * Composition of messaging over NATS: the connection (to an external or the embedded server), and on it the outbox
 * relays, the token feed, the micro service and the work queues.
 *
 * Must never: keep anything else from running. Without a server the journal keeps the events to publish.
 */
import { nuid } from 'nats';
import { createSubjects, type Subjects } from '#shared/wire/subjects';
import { messageOf } from '#shared/errors';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import { createConnection, inboxPrefixOf, type Connection } from './connection/connection.ts';
import { createDeadLetters } from './outbox/dead-letters.ts';
import { createDeliveryInbox } from './channel-link/delivery-inbox.ts';
import { createAgentService, defaultAgentTimings } from './agent/agent-service.ts';
import { jobEndpoints } from './service/job-endpoints.ts';
import { scheduleEndpoints } from './service/schedule-endpoints.ts';
import {
  bridgeConsumers,
  eventStreamSource,
  replyStreamSource,
} from './streams/stream-projection.ts';
import { bridgeConsumer } from './streams/durable-consumer.ts';
import { createTaskSwitch } from './connection/task-switch.ts';
import { settledWithin } from './connection/async-timers.ts';
import {
  defaultTimings,
  type ChannelDeliveries,
  type Messaging,
  type MessagingBacklog,
  type MessagingCounts,
  type MessagingOptions,
  type MessagingStatus,
  type MessagingSwitches,
  type MessagingTimings,
} from './messaging-port.ts';
import type { RoutedReply } from './channel-link/reply-routes.ts';
import { replyRule, type Endpoint } from './service/micro-service.ts';
import type { ServiceDescription } from './service/service-discovery.ts';
import { createComponentHealth, type ComponentHealth } from './component-health.ts';
import { createOutboxRelay, type StreamSource } from './outbox/outbox-relay.ts';
import { createServerLocation, type ServerLocation } from './connection/server-location.ts';
import {
  createConnectionServices,
  type ConsumerSpec,
  type ConnectionServices,
} from './connection/connection-services.ts';
import { createStreamSpecs, type StreamSpecs } from './streams/streams.ts';
import { createSubmitQueue } from './channel-link/submit-queue.ts';
import { createTokenFeed, type TokenFeed } from './streams/token-feed.ts';

/** Bounds the flush at shutdown: a stopping process must not hang on a broker that does not accept messages. */
const flushMs = 5_000;
/**
 * Submits in hand: those being retried, and those behind them. Large enough that the messages of a few users with a
 * full share of the queue do not block the others; each is 64 KiB at most.
 */
const submitsInHandMax = 256;

/** @throws GH_CONFIG_INVALID for an invalid prefix or address. */
export const createMessaging = (options: MessagingOptions): Messaging => new NatsMessaging(options);

class NatsMessaging implements Messaging {
  readonly #options: MessagingOptions;
  readonly #shared: Shared;
  readonly #location: ServerLocation;
  readonly #tokens: TokenFeed;
  readonly #relays: ReturnType<typeof createRelays>;
  readonly #services: ConnectionServices;
  readonly #connection: Connection;
  #unsubscribe: (() => void) | null = null;

  constructor(options: MessagingOptions) {
    const { outbox, live, log } = options;
    const shared = sharedParts(options);
    this.#options = options;
    this.#shared = shared;
    this.#location = createServerLocation(options);
    this.#tokens = createTokenFeed({
      subjects: shared.subjects,
      userOf: (jobId) => outbox.userOf(jobId),
      textSoFar: (jobId) => live.textSoFar(jobId),
      onChunk: () => (shared.counts.tokenFrames += 1),
    });
    this.#relays = createRelays(options, shared);
    this.#services = createConnectionServices({
      ...shared,
      relays: this.#relays,
      tokens: this.#tokens,
      service: serviceOf(options, shared.subjects),
      agent: agentOf(options, shared),
      queues: createConsumerSpecs(options, shared),
      bridges: bridgeConsumers(shared.channels, { ...shared, spec: shared.specs.replies }),
      switches: shared.switches,
      transport: options.transport ?? null,
      onPayloadMax: (bytes) => (shared.payload.bytesMax = bytes),
      log,
    });
    this.#connection = createConnection({
      name: 'gatehouse',
      inboxPrefix: inboxPrefixOf('core'),
      locate: async (signal) => {
        const server = await this.#location.locate(signal);
        // Messaging is off: the events of the live source are not needed.
        if (server === null) this.#unsubscribe?.();
        return server;
      },
      serve: (nc, signal) => this.#services.serve(nc, signal),
      timings: shared.timings,
      log,
    });
  }

  start(): void {
    if (this.#options.config.mode === 'off' || this.#unsubscribe !== null) return;
    const { live, onAppended = null } = this.#options;
    const wake = (): void => {
      this.#relays.events.wake();
      this.#relays.replies.wake();
    };
    const wakeEvents = (): void => {
      if (onAppended === null) this.#relays.events.wake();
    };
    const stopWaking = onAppended?.(wake);
    const stopListening = live.subscribe(null, {
      event: (event) => {
        this.#tokens.event(event);
        if (onAppended === null) wake();
      },
      token: (chunk) => this.#tokens.token(chunk),
      document: wakeEvents,
      schedule: wakeEvents,
      memory: wakeEvents,
    });
    this.#unsubscribe = () => {
      stopWaking?.();
      stopListening();
    };
    this.#connection.start();
  }

  async stop(): Promise<void> {
    await this.#services.stopIntake();
    await this.flush();
    this.#unsubscribe?.();
    await this.#connection.stop();
    await this.#location.stop();
  }

  async flush(): Promise<boolean> {
    const { health, switches } = this.#shared;
    // Another process publishes.
    if (!switches.relay.isOn) return true;
    if (this.#connection.state !== 'connected') return false;
    // A relay with an unusable stream cannot catch up, however long the wait.
    const flushes = Object.entries(this.#relays).map(([name, lane]) =>
      health.has(relayPart(name)) ? Promise.resolve(false) : lane.flush(),
    );
    const out = Promise.all(flushes);
    return (await settledWithin(flushMs, out)) && (await out).every(Boolean);
  }

  async hasBridge(channel: string): Promise<boolean | null> {
    if (this.#connection.state === 'off') return false;
    return this.#services.isRead(this.#shared.specs.replies.name, bridgeConsumer(channel));
  }

  backlog(): MaybePromise<MessagingBacklog> {
    const { outbox, log } = this.#options;
    return settle(
      () =>
        settle(
          () => this.#publishedPos(),
          (pos) => outbox.backlog(pos),
        ),
      ({ rows, oldestAt }) => ({
        backlog: rows,
        oldestMs: oldestAt === null ? null : Math.max(0, Date.now() - oldestAt),
      }),
      (error) => {
        log.error({ error: messageOf(error) }, 'the backlog cannot be read');
        return { backlog: 0, oldestMs: null };
      },
    );
  }

  #publishedPos(): MaybePromise<number> {
    // The process that publishes saves its position.
    if (!this.#shared.switches.relay.isOn) return this.#options.outbox.watermark('events');
    return settle(
      () => this.#relays.events.cursor(),
      ({ pos }) => pos,
    );
  }

  channelDeliveries(): ReadonlyMap<string, ChannelDeliveries> {
    return this.#shared.channelDeliveries;
  }

  status(): MessagingStatus {
    const { server, state, problem } = this.#connection;
    const { health, counts } = this.#shared;
    const { pid, url } = this.#location;
    const kind = pid === null ? 'external' : 'own';
    return {
      bus: state,
      url: server?.address.url ?? url,
      lastError: problem ?? (state === 'connected' ? health.first() : null),
      server: server === null ? null : { kind, version: server.version, pid },
      notes: health.notes(),
      counts: { ...counts },
    };
  }
}

/** Name of a relay in the health reports. */
const relayPart = (lane: string): string => `relay of ${lane}`;

function agentOf(options: MessagingOptions, { subjects, counts }: Shared) {
  const { config, jobService, live, liveOfAll, version = versionDefault, log } = options;
  if (!config.agent) return null;
  return createAgentService({
    config: config.agent,
    jobService,
    live: liveOfAll ?? live,
    version,
    mayReplyTo: replyRule(subjects),
    timings: { ...defaultAgentTimings, ...options.agentTimings },
    onResponse(isError) {
      counts.requests += 1;
      if (isError) counts.requestErrors += 1;
    },
    log,
  });
}

const versionDefault = '0.1.0';

const serviceOf = (
  options: MessagingOptions,
  subjects: Subjects,
): ServiceDescription<Endpoint> => ({
  name: 'gatehouse',
  version: options.version ?? versionDefault,
  description: 'Messages to assistants on your own machines',
  id: nuid.next(),
  queue: 'core',
  endpoints: [
    ...jobEndpoints(options.jobService, subjects, options.persons),
    ...scheduleEndpoints(options.schedules, subjects),
  ],
  mayReplyTo: replyRule(subjects),
});

interface Shared {
  subjects: Subjects;
  specs: StreamSpecs;
  health: ComponentHealth;
  counts: MessagingCounts;
  channelDeliveries: Map<string, ChannelDeliveries>;
  timings: MessagingTimings;
  channels: readonly string[];
  switches: MessagingSwitches;
  /** The broker's message limit, as of the last handshake. */
  payload: { bytesMax: number };
}

function sharedParts(options: MessagingOptions): Shared {
  const subjects = createSubjects(options.config.prefix);
  return {
    subjects,
    specs: createStreamSpecs(subjects, options.replicas),
    health: createComponentHealth(options.log),
    counts: {
      events: 0,
      replies: 0,
      tokenFrames: 0,
      requests: 0,
      requestErrors: 0,
      submits: 0,
      deliveries: 0,
      deadLetters: 0,
      healedConsumers: 0,
    },
    channelDeliveries: new Map(),
    timings: { ...defaultTimings, ...options.timings },
    channels: options.channels,
    switches: options.switches ?? { relay: createTaskSwitch(true), intake: createTaskSwitch(true) },
    payload: { bytesMax: 1024 ** 2 },
  };
}

function createRelays(options: MessagingOptions, parts: Shared) {
  const { outbox, faults } = options;
  const { health, counts, timings, specs } = parts;
  const createRelay = (content: StreamSource, count: 'events' | 'replies') =>
    createOutboxRelay({
      source: content,
      outbox,
      faults,
      timings,
      onPublished: (published) => (counts[count] += published),
      onReady: () => health.clear(relayPart(count)),
      onProblem: (error) => health.report(relayPart(count), error),
    });
  const common = {
    ...parts,
    outbox,
    payloadBytesMax: () => parts.payload.bytesMax,
    onNotes: (name: string, notes: string[]) => health.note(name, notes),
    now: () => Date.now(),
  };
  const { deliveries } = options;
  return {
    events: createRelay(eventStreamSource({ ...common, spec: specs.events }), 'events'),
    replies: createRelay(
      replyStreamSource({
        ...common,
        spec: specs.replies,
        deliveries,
        persons: options.persons,
        onUnaddressed: unaddressed(options),
      }),
      'replies',
    ),
  };
}

/** A reply whose person has no id in the chat is dead before it is sent. */
const unaddressed =
  ({ deliveries, onReport }: MessagingOptions) =>
  async ({ key, reply: { job_id, user_id, channel } }: RoutedReply): Promise<void> => {
    const error = `${user_id} has no id in ${channel}: see persons in the configuration`;
    const at = Date.now();
    const report = { reply_id: key, job_id, channel, status: 'dead' as const, parts: 0, error, at };
    await deliveries.record(report);
    await onReport?.(report);
  };

function createConsumerSpecs(options: MessagingOptions, parts: Shared): ConsumerSpec[] {
  const { subjects, specs, counts, channelDeliveries, channels, timings } = parts;
  const { log } = options;
  const deadLetters = createDeadLetters({
    subjects,
    streamName: specs.dead.name,
    log,
    onDeadLetter: () => (counts.deadLetters += 1),
  });
  const submits = createSubmitQueue({
    jobService: options.jobService,
    persons: options.persons,
    subjects,
    deadLetters,
    channels,
    repliesStream: specs.replies.name,
    timings,
    onAccepted: () => (counts.submits += 1),
    log,
  });
  const deliveryInbox = createDeliveryInbox({
    persons: options.persons,
    deliveries: options.deliveries,
    outbox: options.outbox,
    subjects,
    deadLetters,
    onStored({ channel, status }) {
      counts.deliveries += 1;
      const before = channelDeliveries.get(channel) ?? { sent: 0, uncertain: 0, dead: 0 };
      channelDeliveries.set(channel, { ...before, [status]: before[status] + 1 });
    },
    ...(options.onReport === undefined ? {} : { onReport: options.onReport }),
    log,
  });
  return [
    {
      name: 'submit queue',
      stream: specs.commands,
      writes: [specs.dead, specs.replies],
      inHandMax: submitsInHandMax,
      open: (link, session) => submits.open(link, session),
    },
    {
      name: 'delivery reports',
      stream: specs.deliveries,
      writes: [specs.dead],
      open: (link) => (message) => deliveryInbox.handle(link, message),
    },
  ];
}

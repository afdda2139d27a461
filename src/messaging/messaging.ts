/**
 * Messaging over NATS, put together: the connection (to somebody's server or to one of our own), and on it
 * the relay's lanes, the token feed, the micro service and the work queues.
 *
 * Must never: keep anything else from running. With no server the journal keeps what must be told.
 */
import { nuid } from 'nats';
import { createSubjects, type Subjects } from '../contract/subjects.ts';
import { messageOf } from '../lib/errors.ts';
import { createConnection, inboxPrefixOf, type Connection } from './connection.ts';
import { createDeadLetters } from './dead-letters.ts';
import { createDeliveryInbox } from './delivery-inbox.ts';
import { jobEndpoints } from './job-endpoints.ts';
import { eventLane, replyLane } from './lane-content.ts';
import { within } from './pause.ts';
import {
  defaultTimings,
  type Messaging,
  type MessagingCounts,
  type MessagingOptions,
  type MessagingStatus,
  type MessagingTimings,
} from './ports.ts';
import { replyRule, type Endpoint } from './micro-service.ts';
import type { ServiceDescription } from './service-discovery.ts';
import { createProblemBoard, type ProblemBoard } from './problem-board.ts';
import { createRelayLane, type LaneContent } from './relay-lane.ts';
import { createServerLocation, type ServerLocation } from './server-location.ts';
import { createSessions, type Queue, type Sessions } from './session.ts';
import { createStreamSpecs, type StreamSpecs } from './streams.ts';
import { createSubmitQueue } from './submit-queue.ts';
import { createTokenFeed, type TokenFeed } from './token-feed.ts';

/** A stopping process tells what it can, but does not hang on a broker that does not take it. */
const flushMs = 5_000;
/**
 * Submits in hand: those that are put off, and those behind them. More than one person writes while their share
 * of the queue is full, so that the others get past; each is 64 KiB at most.
 */
const submitsInHandMax = 256;

/** @throws GH_CONFIG_INVALID for a prefix or an address that is none. */
export const createMessaging = (options: MessagingOptions): Messaging => new NatsMessaging(options);

class NatsMessaging implements Messaging {
  readonly #options: MessagingOptions;
  readonly #shared: Shared;
  readonly #location: ServerLocation;
  readonly #tokens: TokenFeed;
  readonly #lanes: ReturnType<typeof createLanes>;
  readonly #sessions: Sessions;
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
      onFrame: () => (shared.counts.tokenFrames += 1),
    });
    this.#lanes = createLanes(options, shared);
    this.#sessions = createSessions({
      ...shared,
      lanes: this.#lanes,
      tokens: this.#tokens,
      service: serviceOf(options, shared.subjects),
      queues: createQueues(options, shared),
      onPayloadMax: (bytes) => (shared.payload.bytesMax = bytes),
      log,
    });
    this.#connection = createConnection({
      name: 'gatehouse',
      inboxPrefix: inboxPrefixOf('core'),
      locate: async (signal) => {
        const server = await this.#location.locate(signal);
        // There will be none: what is heard would go nowhere.
        if (server === null) this.#unsubscribe?.();
        return server;
      },
      serve: (nc, signal) => this.#sessions.serve(nc, signal),
      timings: shared.timings,
      log,
    });
  }

  start(): void {
    if (this.#options.config.mode === 'off' || this.#unsubscribe !== null) return;
    this.#unsubscribe = this.#options.live.subscribe(null, {
      event: (event) => {
        this.#tokens.event(event);
        this.#lanes.events.wake();
        this.#lanes.replies.wake();
      },
      token: (chunk) => this.#tokens.token(chunk),
      document: () => this.#lanes.events.wake(),
    });
    this.#connection.start();
  }

  async stop(): Promise<void> {
    await this.#sessions.stopIntake();
    await this.flush();
    this.#unsubscribe?.();
    await this.#connection.stop();
    await this.#location.stop();
  }

  async flush(): Promise<boolean> {
    if (this.#connection.state !== 'connected') return false;
    const { board } = this.#shared;
    // A lane whose stream cannot be used does not get there, however long one waits.
    const flushes = Object.entries(this.#lanes).map(([name, lane]) =>
      board.has(relayOf(name)) ? Promise.resolve(false) : lane.flush(),
    );
    const out = Promise.all(flushes);
    return (await within(flushMs, out)) && (await out).every(Boolean);
  }

  status(): MessagingStatus {
    const { server, state, problem } = this.#connection;
    const { board, counts } = this.#shared;
    const { pid, url } = this.#location;
    const kind = pid === null ? 'external' : 'own';
    return {
      bus: state,
      url: server?.address.url ?? url,
      ...backlogOf(this.#options, this.#lanes.events.place.pos),
      lastError: problem ?? (state === 'connected' ? board.first() : null),
      server: server === null ? null : { kind, version: server.version, pid },
      notes: board.notes(),
      counts: { ...counts },
    };
  }
}

/** The lane's name among the problems. */
const relayOf = (lane: string): string => `relay of ${lane}`;

const serviceOf = (
  options: MessagingOptions,
  subjects: Subjects,
): ServiceDescription<Endpoint> => ({
  name: 'gatehouse',
  version: options.version ?? '0.1.0',
  description: 'Messages to assistants on your own machines',
  id: nuid.next(),
  queue: 'core',
  endpoints: jobEndpoints(options.door, subjects),
  mayReplyTo: replyRule(subjects),
});

interface Shared {
  subjects: Subjects;
  specs: StreamSpecs;
  board: ProblemBoard;
  counts: MessagingCounts;
  timings: MessagingTimings;
  channels: readonly string[];
  /** What the broker takes in one message, as of the last handshake. */
  payload: { bytesMax: number };
}

function sharedParts(options: MessagingOptions): Shared {
  const subjects = createSubjects(options.config.prefix);
  return {
    subjects,
    specs: createStreamSpecs(subjects),
    board: createProblemBoard(options.log),
    counts: {
      events: 0,
      replies: 0,
      tokenFrames: 0,
      requests: 0,
      requestErrors: 0,
      submits: 0,
      deliveries: 0,
      deadLetters: 0,
    },
    timings: { ...defaultTimings, ...options.timings },
    channels: options.channels ?? ['synology'],
    payload: { bytesMax: 1024 ** 2 },
  };
}

function createLanes(options: MessagingOptions, parts: Shared) {
  const { outbox, faults } = options;
  const { board, counts, timings, specs } = parts;
  const lane = (content: LaneContent, count: 'events' | 'replies') =>
    createRelayLane({
      content,
      outbox,
      faults,
      timings,
      onPublished: (published) => (counts[count] += published),
      onReady: () => board.clear(relayOf(count)),
      onTrouble: (error) => board.report(relayOf(count), error),
    });
  const common = {
    ...parts,
    outbox,
    payloadBytesMax: () => parts.payload.bytesMax,
    onNotes: (name: string, notes: string[]) => board.note(name, notes),
    now: () => Date.now(),
  };
  const { deliveries } = options;
  return {
    events: lane(eventLane({ ...common, spec: specs.events }), 'events'),
    replies: lane(replyLane({ ...common, spec: specs.replies, deliveries }), 'replies'),
  };
}

function createQueues(options: MessagingOptions, parts: Shared): Queue[] {
  const { subjects, specs, counts, channels, timings } = parts;
  const { log } = options;
  const deadLetters = createDeadLetters({
    subjects,
    streamName: specs.dead.name,
    log,
    onBuried: () => (counts.deadLetters += 1),
  });
  const submits = createSubmitQueue({
    door: options.door,
    subjects,
    deadLetters,
    channels,
    repliesStream: specs.replies.name,
    timings,
    onAccepted: () => (counts.submits += 1),
    log,
  });
  const inbox = createDeliveryInbox({
    deliveries: options.deliveries,
    outbox: options.outbox,
    subjects,
    deadLetters,
    onStored: () => (counts.deliveries += 1),
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
      open: (link) => (message) => inbox.handle(link, message),
    },
  ];
}

function backlogOf(
  { outbox, log }: MessagingOptions,
  pos: number,
): { backlog: number; oldestMs: number | null } {
  try {
    const { rows, oldestAt } = outbox.backlog(pos);
    return {
      backlog: rows,
      oldestMs: oldestAt === null ? null : Math.max(0, Date.now() - oldestAt),
    };
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the backlog cannot be read');
    return { backlog: 0, oldestMs: null };
  }
}

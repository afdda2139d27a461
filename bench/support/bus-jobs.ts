/**
 * The jobs of gatehouse-jobs.ts beside a nats-server of their own, with the bus of the product switched on
 * and off, and the plain client that the bus is compared with, on a stream of the same settings.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from 'nats';
import { launchNatsServer } from '#test/support/nats-server';
import { configSchema } from '#app/config/config';
import type { JobService } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import { createSubjects } from '#shared/wire/subjects';
import { wireMessaging } from '#app/messaging-wiring';
import { noFaultInjection } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { eventMessage, type OutgoingMessage } from '#events/outbox/outgoing-messages';
import type { Messaging } from '#events/messaging-port';
import { createStreamSpecs } from '#events/streams/streams';
import { isDocumentEvent } from '#shared/wire/document-event';
import { createEventLogStore } from '#events/store/event-log-store';
import { openJobBench, type JobBench, type jobKinds } from './gatehouse-jobs.ts';

export interface BusBench {
  jobs: JobBench;
  url: string;
  client: PlainClient;
  /** Starts the bus; the caller stops it. */
  startBus(): Messaging;
  /** Starts it, waits until it has told what is committed, and stops it when the work has ended. */
  withBus<Result>(work: (bus: Messaging) => Promise<Result>): Promise<Result>;
  /** Messages in the event stream. */
  stored(): Promise<number>;
  /** The events after a journal position, as the plain client publishes them. */
  messagesAfter(pos: number): OutgoingMessage[];
  /** The last journal position. */
  lastPos(): number;
  close(): Promise<void>;
}

/** What a program does that has no outbox: it publishes when something happens. */
export interface PlainClient {
  /** Its stream, whose settings are those of GH_EVT. */
  readonly stream: string;
  /** What that stream republishes. */
  readonly liveSubjects: string;
  /** What nobody stores. */
  readonly coreSubjects: string;
  core(message: OutgoingMessage): void;
  /** Resolves when the broker has stored it. */
  stored(message: OutgoingMessage): Promise<void>;
  messageOf(event: StateEvent): OutgoingMessage;
}

/** As long as `gatehouse.v1`, so that the bytes are as many. */
const plainPrefix = 'bench-client';
const payloadBytesMax = 1024 ** 2;
/** Nothing here asks over the bus. */
const noDoor = {} as JobService;

export async function openBusBench(
  command: string,
  folder: string,
  kind: keyof typeof jobKinds,
): Promise<BusBench> {
  const server = await launchNatsServer({ command });
  const jobs = await openJobBench(folder, kind);
  const outbox = createEventLogStore(jobs.database);
  const nc = await connect({ servers: server.url, noAsyncTraces: true });
  const jsm = await jetstreamManager(nc);
  const client = await plainClient(nc);
  const config = configSchema.parse({
    nats: { mode: 'external', url: server.url },
    database: join(folder, 'gatehouse.db'),
  });
  const startBus = (): Messaging => {
    const bus = wireMessaging({
      config,
      database: jobs.database,
      outbox,
      jobService: noDoor,
      hub: jobs.hub,
      log: silentLog(),
      faults: noFaultInjection,
    });
    bus.start();
    return bus;
  };
  return {
    jobs,
    url: server.url,
    client,
    startBus,
    async withBus(work) {
      const bus = startBus();
      await allOut(bus);
      const result = await work(bus);
      await bus.stop();
      return result;
    },
    stored: async () => (await jsm.streams.info('GH_EVT')).state.messages,
    messagesAfter: (pos) =>
      outbox
        .after(pos, Number.MAX_SAFE_INTEGER)
        .rows.flatMap(({ events }) => events.filter((event) => !isDocumentEvent(event)))
        .map((event) => client.messageOf(event)),
    lastPos: () => outbox.backlog(0).upTo,
    async close() {
      await jobs.close();
      await nc.close();
      await server.stop();
    },
  };
}

async function plainClient(nc: Awaited<ReturnType<typeof connect>>): Promise<PlainClient> {
  const subjects = createSubjects(plainPrefix);
  const stream = 'BENCH_CLIENT';
  await (
    await jetstreamManager(nc)
  ).streams.add({
    ...createStreamSpecs(subjects).events,
    name: stream,
  });
  const js = jetstream(nc);
  const headersOf = (message: OutgoingMessage) => {
    const made = headers();
    for (const [name, value] of Object.entries(message.headers)) made.set(name, value);
    return made;
  };
  return {
    stream,
    liveSubjects: subjects.wildcards.live,
    coreSubjects: `${plainPrefix}.core.>`,
    core(message) {
      const made = headersOf(message);
      made.set('Nats-Msg-Id', message.id);
      nc.publish(message.subject.replace('.evt.', '.core.'), message.payload, { headers: made });
    },
    async stored(message) {
      await js.publish(message.subject, message.payload, {
        msgID: message.id,
        headers: headersOf(message),
      });
    },
    messageOf: (event) => eventMessage(event, subjects, payloadBytesMax),
  };
}

/** Until everything that is committed is on the broker. The bus may still be connecting. */
export async function allOut(bus: Messaging): Promise<void> {
  while (!(await bus.flush())) await sleep(1);
}

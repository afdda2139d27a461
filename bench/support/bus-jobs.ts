/**
 * The jobs of gatehouse-jobs.ts with their own nats-server, with the messaging of the product on and off, and the
 * plain client for comparison, on a stream with the same settings.
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
import { noPersons } from '#shared/persons';
import { eventMessage, type OutgoingMessage } from '#events/outbox/outgoing-messages';
import type { Messaging } from '#events/messaging-port';
import { createStreamSpecs } from '#events/streams/streams';
import { isStateEvent } from '#shared/wire/document-event';
import { createDeliveryStore, createEventLogStore } from '#events/store/event-log-store';
import { openJobBench, type JobBench, type jobKinds } from './gatehouse-jobs.ts';

export interface BusBench {
  jobs: JobBench;
  url: string;
  client: PlainClient;
  /** Starts messaging; the caller stops it. */
  startBus(): Messaging;
  /** Starts messaging, waits until all committed events are published, runs the work, and stops messaging. */
  withBus<Result>(work: (bus: Messaging) => Promise<Result>): Promise<Result>;
  /** The number of messages in the event stream. */
  stored(): Promise<number>;
  /** The messages of the plain client for the events after a journal position. */
  messagesAfter(pos: number): OutgoingMessage[];
  /** The last journal position. */
  lastPos(): number;
  close(): Promise<void>;
}

/** A client without an outbox: it publishes an event when it happens. */
export interface PlainClient {
  /** Its stream, with the settings of GH_EVT. */
  readonly stream: string;
  /** The subjects that this stream republishes. */
  readonly liveSubjects: string;
  /** The subjects that no stream stores. */
  readonly coreSubjects: string;
  core(message: OutgoingMessage): void;
  /** Resolves when the broker has stored the message. */
  stored(message: OutgoingMessage): Promise<void>;
  messageOf(event: StateEvent): OutgoingMessage;
}

/** As long as `gatehouse.v1`, so that messages have the same size. */
const plainPrefix = 'bench-client';
const payloadBytesMax = 1024 ** 2;
/** No request comes over NATS in this benchmark. */
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
      stores: { events: outbox, deliveries: createDeliveryStore(jobs.database), onAppended: null },
      jobService: noDoor,
      persons: noPersons,
      schedules: {} as Parameters<typeof wireMessaging>[0]['schedules'],
      hub: jobs.hub,
      live: jobs.hub,
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
        .rows.flatMap(({ events }) => events.filter(isStateEvent))
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

/** Waits until all committed events are on the broker. The relay may still be connecting. */
export async function allOut(bus: Messaging): Promise<void> {
  while (!(await bus.flush())) await sleep(1);
}

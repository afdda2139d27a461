/** The fixture of the messaging tests: a broker, Gatehouse, and readers of streams, all closed after each test. */
import { join } from 'node:path';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type ConnectionOptions, type NatsConnection } from 'nats';
import { onTestFinished } from 'vitest';
import type { StateEvent } from '#shared/wire/state-event';
import { openDatabase } from '#storage/database';
import { createEventLogStore } from '#events/store/event-log-store';
import { scratchFolder } from '#test/support/journal';
import {
  prepareNatsServer,
  startNatsServer,
  type NatsServer,
  type NatsServerOptions,
} from '#test/support/nats-server';
import {
  openMessagingFixture,
  type MessagingFixture,
  type MessagingFixtureOptions,
} from './messaging-fixture.ts';

/** Null: no nats-server is available, and the tests are skipped. */
export const natsCommand = prepareNatsServer();

export const broker = (options: Partial<NatsServerOptions> = {}): Promise<NatsServer> =>
  startNatsServer({ command: natsCommand!, ...options });

export interface OpenMessagingFixture extends MessagingFixture {
  folder: string;
}

export async function openGatehouse(
  config: MessagingFixtureOptions['config'],
  options: Partial<MessagingFixtureOptions> & { folder?: string; markedAt?: number } = {},
): Promise<OpenMessagingFixture> {
  const folder = options.folder ?? folderForTest();
  if (options.markedAt !== undefined) await setMark(folder, options.markedAt);
  const rig = await openMessagingFixture({
    path: join(folder, 'gatehouse.db'),
    config,
    ...options,
  });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await rig.close();
    isOpen = false;
  };
  onTestFinished(close);
  return { ...rig, folder, close };
}

/** Sets the watermarks back, as after a kill before they were stored. */
async function setMark(folder: string, pos: number): Promise<void> {
  const database = await openDatabase({ path: join(folder, 'gatehouse.db') });
  const outbox = createEventLogStore(database);
  for (const lane of ['events', 'replies']) outbox.saveWatermark(lane, pos);
  await database.close();
}

export function folderForTest(): string {
  const scratch = scratchFolder();
  onTestFinished(() => scratch.remove());
  return scratch.path;
}

export async function connectClient(
  server: { url: string },
  options: ConnectionOptions = {},
): Promise<NatsConnection> {
  const nc = await connect({ servers: server.url, ...options });
  onTestFinished(() => nc.close());
  return nc;
}

export const managerOf = (nc: NatsConnection): Promise<JetStreamManager> =>
  jetstreamManager(nc, { checkAPI: false });

export interface StoredMessage {
  seq: number;
  id: string;
  subject: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** All messages of a stream, from its start, without consuming them. */
export async function storedMessages(nc: NatsConnection, stream: string): Promise<StoredMessage[]> {
  const jsm = await managerOf(nc);
  const { state } = await jsm.streams.info(stream);
  const messages: StoredMessage[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
    const message = await jsm.streams.getMessage(stream, { seq });
    if (message === null) continue;
    const headers = Object.fromEntries(
      [...message.header].map(([name, values]) => [name, values[0] ?? '']),
    );
    const body = message.json<Record<string, unknown>>();
    messages.push({
      seq,
      id: headers['Nats-Msg-Id'] ?? '',
      subject: message.subject,
      headers,
      body,
    });
  }
  return messages;
}

/** Reads the events from the start with an ordered consumer, as a subscriber, until `count` events arrived. */
export async function readEvents(
  nc: NatsConnection,
  count: number,
): Promise<{ events: StateEvent[]; repeated: number }> {
  const consumer = await jetstream(nc).consumers.get('GH_EVT', {});
  const messages = await consumer.consume({ expires: 4_000, idle_heartbeat: 1_000 });
  const seen = new Map<string, StateEvent>();
  let repeated = 0;
  for await (const message of messages) {
    const { data } = message.json<{ data: StateEvent }>();
    if (seen.has(data.id)) repeated += 1;
    else seen.set(data.id, data);
    if (seen.size >= count && message.info.pending === 0) break;
  }
  return { events: [...seen.values()], repeated };
}

/** The events of each job, in order of arrival. */
export function byJob(events: readonly StateEvent[]): Map<string, StateEvent[]> {
  const jobs = new Map<string, StateEvent[]>();
  for (const event of events) jobs.set(event.job_id, [...(jobs.get(event.job_id) ?? []), event]);
  return jobs;
}

/** Jobs whose events are not numbered 1, 2, 3 … up to a final event. Empty if P5 holds. */
export function brokenJobs(events: readonly StateEvent[]): string[] {
  return [...byJob(events)].flatMap(([jobId, ofJob]) => {
    const inOrder = ofJob.every((event, index) => event.seq === index + 1);
    const isWhole = ['done', 'cancelled'].includes(ofJob.at(-1)?.type ?? '');
    return inOrder && isWhole ? [] : [jobId];
  });
}

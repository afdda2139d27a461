/**
 * The relay with a real broker: order, outages, deleted and damaged streams. The tests check what a subscriber
 * receives, not the relay's own counters.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { describe, expect, test } from 'vitest';
import { userToken } from '#shared/wire/subjects';
import type { StateEvent } from '#shared/wire/state-event';
import { until } from '#test/support/journal';
import type { NatsServer } from '#test/support/nats-server';
import {
  broker,
  brokenJobs,
  byJob,
  connectClient,
  openGatehouse,
  managerOf,
  natsCommand,
  readEvents,
  storedMessages,
  type OpenMessagingFixture,
} from '../nats-fixture.ts';

/** Submits jobs and waits until each has ended. */
async function run(rig: OpenMessagingFixture, count: number, message = 'hello'): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const { job_id } = await rig.jobService.submit({
        message: `${message} ${n}`,
        user_id: `u${n % 7}`,
      });
      return job_id;
    }),
  );
  const isEnded = async (id: string): Promise<boolean> =>
    ['done', 'cancelled'].includes((await rig.jobService.get(id)).state);
  for (const id of ids) await until(() => isEnded(id));
  return ids;
}

const connected = (rig: OpenMessagingFixture): Promise<void> =>
  until(() => rig.messaging.status().bus === 'connected');

/** Waits until a flush confirms that all committed events are at the broker. */
async function flushed(rig: OpenMessagingFixture): Promise<void> {
  await until(() => rig.messaging.flush());
}

const countOf = async (rig: OpenMessagingFixture, ids: string[]): Promise<number> =>
  (await Promise.all(ids.map((id) => rig.jobService.events(id)))).flat().length;

/** Checks P5 for all of these jobs, as a subscriber. */
async function expectWhole(
  server: NatsServer,
  rig: OpenMessagingFixture,
  ids: string[],
): Promise<StateEvent[]> {
  const { events, repeated } = await readEvents(
    await connectClient(server),
    await countOf(rig, ids),
  );
  expect(repeated).toBe(0);
  expect(brokenJobs(events)).toEqual([]);
  expect([...byJob(events).keys()].sort()).toEqual([...ids].sort());
  return events;
}

describe.skipIf(natsCommand === null)('the relay', () => {
  test('publishes every state event of a job, in order, as CloudEvents with id and trace', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const [id = ''] = await run(rig, 1);
    await flushed(rig);

    const messages = await storedMessages(await connectClient(server), 'GH_EVT');
    const events = await rig.jobService.events(id);
    expect(messages.map(({ body }) => body['data'])).toEqual(events);
    const [first] = messages;
    expect(first).toMatchObject({
      id: `${id}:1`,
      subject: `gatehouse.v1.evt.u0.${id}.ack`,
      body: {
        specversion: '1.0',
        id: `${id}:1`,
        type: 'gatehouse.job.ack.v1',
        subject: id,
        time: events[0]?.at,
        datacontenttype: 'application/json',
      },
    });
    expect(first?.headers['Content-Type']).toBe('application/cloudevents+json');
    const traces = messages.map(({ headers }) => headers['traceparent']?.split('-')[1]);
    expect(first?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(new Set(traces).size).toBe(1);
  });

  test('publishes events to core NATS subscribers of a user in order', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    await connected(rig);
    await flushed(rig);
    const nc = await connectClient(server);
    const seen: string[] = [];
    nc.subscribe('gatehouse.v1.live.u3.>', {
      callback: (_error, message) => void seen.push(message.json<{ id: string }>().id),
    });
    await nc.flush();
    const ids = await run(rig, 20);
    const mine = ids.filter((_, n) => n % 7 === 3);
    const expected = (await Promise.all(mine.map((id) => rig.jobService.events(id)))).flat();
    await until(() => seen.length >= expected.length);
    for (const id of mine) {
      const ofJob = seen.filter((one) => one.startsWith(id));
      expect(ofJob).toEqual(expected.filter(({ job_id }) => job_id === id).map((one) => one.id));
    }
    expect(seen).toHaveLength(expected.length);
  });

  test('uses a digest in the subject for a user id that is not valid in a subject', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const userId = 'u 2\r\nPUB x 0\r\n> *.';
    await rig.jobService.submit({ message: 'hello', user_id: userId });
    await flushed(rig);
    const [first] = await storedMessages(await connectClient(server), 'GH_EVT');
    expect(first?.subject.split('.')[3]).toBe(userToken(userId));
    expect(first?.body['data']).toMatchObject({ user_id: userId });
  });

  test('truncates an event that exceeds the size limit of the broker, and continues', async () => {
    const server = await broker({ config: 'max_payload: 16384' });
    const rig = await openGatehouse({ url: server.url });
    const { job_id } = await rig.jobService.submit({ message: `think ${'가'.repeat(7_000)}` });
    await until(() => rig.pieces.has(job_id));
    rig.pieces.get(job_id)!('나'.repeat(50_000));
    rig.pieces.get(job_id)!(null);
    await until(async () => (await rig.jobService.get(job_id)).state === 'done');
    await flushed(rig);
    const messages = await storedMessages(await connectClient(server), 'GH_EVT');
    expect(messages.map(({ id }) => id)).toEqual(
      (await rig.jobService.events(job_id)).map(({ id }) => id),
    );
    const last = messages.at(-1)?.body['data'] as StateEvent;
    expect(last).toMatchObject({ type: 'done', data: { outcome: 'answered', truncated: true } });
    expect(String(last.data['reply']).startsWith('나나나')).toBe(true);
  });
});

describe.skipIf(natsCommand === null)('an outage', () => {
  test('during 1,000 whole jobs loses no event: all arrive after the restart of the broker', async () => {
    const server = await broker();
    await server.kill();
    const rig = await openGatehouse({ url: server.url });
    const ids = await run(rig, 1_000);
    const { bus, lastError } = rig.messaging.status();
    const { backlog, oldestMs } = await rig.messaging.backlog();
    expect(bus).toBe('connecting');
    expect(backlog).toBeGreaterThanOrEqual(3_000);
    expect(oldestMs).toBeGreaterThanOrEqual(0);
    expect(lastError).toEqual({
      code: 'GH_BUS_UNREACHABLE',
      message: 'no server listens at this address (connection refused)',
    });
    expect(await rig.messaging.flush()).toBe(false);

    await server.restart();
    await connected(rig);
    await flushed(rig);
    expect(rig.messaging.status()).toMatchObject({ lastError: null });
    expect(await rig.messaging.backlog()).toEqual({ backlog: 0, oldestMs: null });
    await expectWhole(server, rig, ids);
  });

  test('by repeated kills of the broker under a flow of jobs loses and repeats no event', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const ids: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      await connected(rig);
      const { events } = rig.messaging.status().counts;
      const flow = run(rig, 100);
      await until(() => rig.messaging.status().counts.events > events);
      await server.kill();
      ids.push(...(await flow));
      await server.restart();
    }
    await connected(rig);
    await flushed(rig);
    await expectWhole(server, rig, ids);
  });

  test('by a frozen broker loses and repeats no event', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    await connected(rig);
    const before = await run(rig, 10);
    server.freeze();
    const during = await run(rig, 50);
    server.thaw();
    await flushed(rig);
    await expectWhole(server, rig, [...before, ...during]);
  });
});

describe.skipIf(natsCommand === null)('a deleted or changed event stream', () => {
  test('is filled again after it was deleted while no event was published', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const ids = await run(rig, 20);
    await flushed(rig);
    const jsm = await managerOf(await connectClient(server));
    await jsm.streams.delete('GH_EVT');
    const isBack = async (): Promise<boolean> => {
      try {
        return (await jsm.streams.info('GH_EVT')).state.messages === (await countOf(rig, ids));
      } catch {
        return false;
      }
    };
    await until(isBack);
    await expectWhole(server, rig, ids);
  });

  test('is filled again after the broker has lost all data and the core was restarted', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const ids = await run(rig, 20);
    await flushed(rig);
    await rig.close();
    await server.kill();
    server.wipe();
    await server.restart();
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder });
    await connected(again);
    await until(() => again.messaging.status().counts.events > 0);
    await flushed(again);
    await expectWhole(server, again, ids);
  });

  test('receives the lost events of its end again, in order', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const early = await run(rig, 10);
    await flushed(rig);
    await server.kill();
    const copy = join(rig.folder, 'copy');
    cpSync(server.store, copy, { recursive: true });
    await server.restart();
    await connected(rig);
    const late = await run(rig, 10);
    await flushed(rig);
    await server.kill();
    rmSync(server.store, { recursive: true });
    cpSync(copy, server.store, { recursive: true });
    await server.restart();
    await connected(rig);
    await flushed(rig);
    await until(async () => {
      const jsm = await managerOf(await connectClient(server));
      const { state } = await jsm.streams.info('GH_EVT');
      return state.messages >= (await countOf(rig, [...early, ...late]));
    });
    await expectWhole(server, rig, [...early, ...late]);
  });

  test('is asked for its last event: after a crash before the watermark no event is sent again', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const ids = await run(rig, 10);
    await flushed(rig);
    await rig.close();
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder, markedAt: 0 });
    await connected(again);
    await flushed(again);
    expect(again.messaging.status()).toMatchObject({ counts: { events: 0 } });
    expect(await again.messaging.backlog()).toMatchObject({ backlog: 0 });
    await expectWhole(server, again, ids);
  });

  test('with settings that break a guarantee is reported and not used, and is replaced after its deletion', async () => {
    const server = await broker();
    const jsm = await managerOf(await connectClient(server));
    await jsm.streams.add({
      name: 'GH_EVT',
      subjects: ['gatehouse.v1.evt.>'],
      retention: RetentionPolicy.Interest,
      storage: StorageType.Memory,
    });
    const rig = await openGatehouse({ url: server.url });
    const ids = await run(rig, 3);
    await until(() => rig.messaging.status().lastError !== null);
    const { bus, lastError } = rig.messaging.status();
    const { backlog } = await rig.messaging.backlog();
    expect(bus).toBe('connected');
    expect(lastError?.code).toBe('GH_BUS_STREAM');
    expect(lastError?.message).toMatch(/GH_EVT .*retention is "interest", expected "limits"/);
    expect(backlog).toBeGreaterThan(0);
    expect((await jsm.streams.info('GH_EVT')).state.last_seq).toBe(0);

    await jsm.streams.delete('GH_EVT');
    await until(() => rig.messaging.status().lastError === null);
    await flushed(rig);
    await expectWhole(server, rig, ids);
  });

  test('with harmless changes by an operator is used, and the status has a note', async () => {
    const server = await broker();
    const first = await openGatehouse({ url: server.url });
    await run(first, 1);
    await connected(first);
    await flushed(first);
    const jsm = await managerOf(await connectClient(server));
    await jsm.streams.update('GH_EVT', { max_age: 86_400e9 });
    await first.close();
    const rig = await openGatehouse({ url: server.url }, { folder: first.folder });
    await run(rig, 2);
    await connected(rig);
    await flushed(rig);
    expect(await rig.messaging.backlog()).toMatchObject({ backlog: 0 });
    expect(rig.messaging.status()).toMatchObject({
      lastError: null,
      notes: [expect.stringContaining('GH_EVT: max_age is 86400000000000')],
    });
  });
});

/**
 * Consumers whose count of messages in hand is wrong after a kill of a real nats-server. The fault needs files of two moments:
 * the server writes those of the stream and of the consumer at different times. The tests put an older file of the consumer
 * beside the newer stream, as a kill between the two writes leaves them.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, type JsMsg } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from 'nats';
import { describe, expect, test } from 'vitest';
import { auditConsumers } from '#events/streams/consumer-audit';
import { ensureConsumer } from '#events/streams/durable-consumer';
import { GatehouseError } from '#shared/errors';
import { silentLog } from '#shared/log';
import { until } from '#test/support/journal';
import type { NatsServer } from '#test/support/nats-server';
import {
  broker,
  connectClient,
  folderForTest,
  managerOf,
  natsCommand,
  openGatehouse,
} from '../nats-fixture.ts';

const submitSubject = 'gatehouse.v1.cmd.submit.synology';
const timings = { ackWaitMs: 300, auditMs: 100, submitRetryMs: 50, submitRetryMsMax: 100 };

const send = (nc: NatsConnection, message: string, user_id = 'ann') =>
  jetstream(nc).publish(submitSubject, JSON.stringify({ message, user_id }), {
    msgID: message,
  });

async function takeAll(nc: NatsConnection, stream: string, name: string, count: number) {
  const consumer = await jetstream(nc).consumers.get(stream, name);
  const taken: JsMsg[] = [];
  for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 }))
    taken.push(message);
  expect(taken).toHaveLength(count);
  return taken;
}

/** How many messages come within a second. */
async function takeAllOf(nc: NatsConnection, stream: string, name: string): Promise<number> {
  const consumer = await jetstream(nc).consumers.get(stream, name);
  let count = 0;
  for await (const _ of await consumer.fetch({ max_messages: 1, expires: 1_000 })) count += 1;
  return count;
}

const stateFileOf = ({ store }: NatsServer, stream: string, consumer: string): string =>
  join(store, 'jetstream', '$G', 'streams', stream, 'obs', consumer, 'o.dat');

/**
 * Stops the server in order, and starts it with the consumer's file of an earlier moment: what was acknowledged since is not in
 * the stream, but is counted as in hand.
 */
async function forgetAcks(
  server: NatsServer,
  file: string,
  since: { taken(): Promise<JsMsg[]>; acked(taken: JsMsg[]): Promise<void> },
): Promise<void> {
  const taken = await since.taken();
  // The server writes the file some time after a delivery, also between two of them.
  await until(() => existsSync(file) && pendingIn(file) === taken.length);
  const kept = join(folderForTest(), 'o.dat');
  copyFileSync(file, kept);
  await since.acked(taken);
  process.kill(server.pid, 'SIGTERM');
  // `restart` waits for the end; the copy must be in place before it.
  await until(() => !isAlive(server.pid));
  copyFileSync(kept, file);
  await server.restart();
}

/**
 * How many messages the state of a consumer, as nats-server 2.9 stores it, counts as in hand: magic number, version, then
 * varints: the floor of acks (consumer, stream), the last delivery (consumer, stream), and this number.
 */
function pendingIn(file: string): number {
  const bytes = readFileSync(file);
  const numbers: number[] = [];
  for (let at = 2, value = 0, shift = 0; at < bytes.length && numbers.length < 5; at += 1) {
    value += (bytes[at]! & 0x7f) * 2 ** shift;
    shift += 7;
    if (bytes[at]! >= 0x80) continue;
    numbers.push(value);
    [value, shift] = [0, 0];
  }
  return numbers[4] ?? 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(natsCommand === null)(
  'a consumer that counts messages in hand that no process has',
  () => {
    test('of the work queue is made again at its floor: nothing is lost or doubled', async () => {
      const server = await broker();
      const folder = folderForTest();
      const first = await openGatehouse({ url: server.url }, { folder, timings });
      await until(() => first.messaging.status().bus === 'connected');
      let nc = await connectClient(server);
      await until(
        async () =>
          (await (await managerOf(nc)).streams.names('gatehouse.v1.cmd.>').next()).length > 0,
      );
      await until(async () =>
        (await managerOf(nc)).consumers.info('GH_CMD', 'core').then(
          () => true,
          () => false,
        ),
      );
      await first.close();

      const texts = ['blocked', 'b', 'c', 'd', 'e', 'f'];
      for (const text of texts) await send(nc, text);
      await forgetAcks(server, stateFileOf(server, 'GH_CMD', 'core'), {
        taken: () => takeAll(nc, 'GH_CMD', 'core', texts.length),
        async acked([, ...others]) {
          for (const message of others) message.ack();
          await nc.flush();
          const jsm = await managerOf(nc);
          await until(async () => (await jsm.streams.info('GH_CMD')).state.messages === 1);
        },
      });
      nc = await connectClient(server);
      const jsm = await managerOf(nc);
      const info = () => jsm.consumers.info('GH_CMD', 'core');
      expect((await info()).num_ack_pending).toBe(6);

      // The first message is in hand for long: the server keeps what it counts above it.
      let isBlocked = true;
      const rig = await openGatehouse(
        { url: server.url },
        {
          folder,
          timings,
          jobService: (service) => ({
            ...service,
            submit: (body, options) =>
              isBlocked && (body as { message: string }).message === 'blocked'
                ? Promise.reject(new GatehouseError('GH_JOB_QUEUE_FULL'))
                : service.submit(body, options),
          }),
        },
      );
      await until(() => rig.messaging.status().counts.healedConsumers > 0);
      await until(async () => (await info()).num_ack_pending <= 1);
      const later = ['g', 'h', 'i'];
      for (const text of later) await send(nc, text, 'bob');
      await until(() => rig.messaging.status().counts.submits >= later.length);
      isBlocked = false;
      await until(async () => (await jsm.streams.info('GH_CMD')).state.messages === 0);
      const { jobs } = await rig.jobService.list({ limit: 100 });
      expect(jobs.map(({ message }) => message).sort()).toEqual(['blocked', ...later]);
      expect(rig.messaging.status().counts.healedConsumers).toBe(1);
    });

    test('of a bridge is made again by the core, and the bridge gets what it has not acknowledged', async () => {
      const server = await broker();
      const rig = await openGatehouse({ url: server.url }, { timings });
      let nc = await connectClient(server);
      for (const text of ['one', 'two', 'three'])
        await rig.jobService.submit({ message: text, user_id: 'ann', channel: 'synology' });
      await until(() => rig.messaging.status().counts.replies >= 3);
      await until(async () => (await rig.messaging.backlog()).backlog === 0);
      const { state } = await (await managerOf(nc)).streams.info('GH_RPL');
      const name = 'bridge-synology';
      await forgetAcks(server, stateFileOf(server, 'GH_RPL', name), {
        taken: () => takeAll(nc, 'GH_RPL', name, state.messages),
        async acked([, ...others]) {
          for (const message of others) message.ack();
          await nc.flush();
          const jsm = await managerOf(nc);
          await until(async () => (await jsm.streams.info('GH_RPL')).state.messages === 1);
        },
      });
      nc = await connectClient(server);
      const jsm = await managerOf(nc);
      await until(() => rig.messaging.status().counts.healedConsumers > 0);
      await until(async () => (await jsm.consumers.info('GH_RPL', name)).num_ack_pending === 0);
      const [again] = await takeAll(nc, 'GH_RPL', name, 1);
      again!.ack();
      await until(async () => (await jsm.streams.info('GH_RPL')).state.messages === 0);
    });

    test('that delivers nothing any more to anybody is made again, and its messages are delivered', async () => {
      const server = await broker();
      const first = await openGatehouse({ url: server.url }, { timings });
      const nc = await connectClient(server);
      const jsm = await managerOf(nc);
      await until(() =>
        jsm.consumers.info('GH_CMD', 'core').then(
          () => true,
          () => false,
        ),
      );
      await first.close();
      // Its holder has died, and the server would wait an hour before it delivers again.
      await jsm.consumers.update('GH_CMD', 'core', { ack_wait: nanos(3_600_000) });
      const texts = ['a', 'b', 'c'];
      for (const text of texts) await send(nc, text);
      const dead = await connectClient(server);
      await takeAll(dead, 'GH_CMD', 'core', texts.length);
      await dead.close();
      const consumer = { stream: 'GH_CMD', name: 'core', filter: 'gatehouse.v1.cmd.>' };
      let inHand = texts.length;
      let healed = 0;
      const stop = new AbortController();
      const audit = auditConsumers({
        jsm,
        consumers: [{ ...consumer, ackWaitMs: 100, inHand: () => inHand }],
        auditMs: 20,
        onHealed: () => (healed += 1),
        log: silentLog(),
        signal: stop.signal,
      });
      // What this process has in hand is not missed.
      const handed = await takeAllOf(nc, 'GH_CMD', 'core');
      expect([handed, healed]).toEqual([0, 0]);
      inHand = 0;
      await until(() => healed === 1);
      stop.abort();
      await audit;
      expect(await takeAll(nc, 'GH_CMD', 'core', texts.length)).toHaveLength(texts.length);
    });

    test('that is ahead of its stream is made again, and the messages that it skipped are delivered', async () => {
      const server = await broker();
      const nc = await connectClient(server);
      const jsm = await managerOf(nc);
      await jsm.streams.add({ name: 'QUEUE', subjects: ['queue.>'] });
      const texts = ['a', 'b', 'c'];
      for (const text of texts) await jetstream(nc).publish('queue.one', text);
      const queue = { stream: 'QUEUE', name: 'reader', filter: 'queue.>', ackWaitMs: 1_000 };
      await ensureConsumer(jsm, queue);
      const { config } = await jsm.consumers.info('QUEUE', 'reader');
      // As after the loss of the last messages of the stream: its numbers are given again.
      await jsm.consumers.delete('QUEUE', 'reader');
      await jsm.consumers.add('QUEUE', { ...config, deliver_policy: 'new' });
      expect(await takeAllOf(nc, 'QUEUE', 'reader')).toBe(0);
      let healed = 0;
      const stop = new AbortController();
      const audit = auditConsumers({
        jsm,
        consumers: [{ ...queue, inHand: () => 0 }],
        auditMs: 20,
        onHealed: () => (healed += 1),
        log: silentLog(),
        signal: stop.signal,
      });
      await until(() => healed === 1);
      stop.abort();
      await audit;
      const taken = await takeAll(nc, 'QUEUE', 'reader', texts.length);
      expect(taken.map((message) => message.string())).toEqual(texts);
    });

    test('a consumer whose messages are in hand for long, or come and go fast, is left as it is', async () => {
      const server = await broker();
      let isBlocked = true;
      const rig = await openGatehouse(
        { url: server.url },
        {
          timings,
          jobService: (service) => ({
            ...service,
            submit: (body, options) =>
              isBlocked && (body as { message: string }).message.startsWith('blocked')
                ? Promise.reject(new GatehouseError('GH_JOB_QUEUE_FULL'))
                : service.submit(body, options),
          }),
        },
      );
      const nc = await connectClient(server);
      const jsm = await managerOf(nc);
      await until(() =>
        jsm.consumers.info('GH_CMD', 'core').then(
          () => true,
          () => false,
        ),
      );
      const { created } = await jsm.consumers.info('GH_CMD', 'core');
      await send(nc, 'blocked 1');
      let sent = 0;
      const began = performance.now();
      // Longer than any of the limits of the audit.
      while (performance.now() - began < 4_000) {
        await Promise.all(Array.from({ length: 8 }, () => send(nc, `m${(sent += 1)}`, 'bob')));
        await until(() => rig.messaging.status().counts.submits >= sent - 64);
      }
      await until(() => rig.messaging.status().counts.submits >= sent);
      isBlocked = false;
      await until(async () => (await jsm.streams.info('GH_CMD')).state.messages === 0);
      expect(rig.messaging.status().counts.healedConsumers).toBe(0);
      expect((await jsm.consumers.info('GH_CMD', 'core')).created).toBe(created);
    });
  },
);

/** The durable submit: nothing is lost or accepted twice, and a refused message becomes a dead letter. */
import { jetstream, JetStreamApiError } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from 'nats';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { GatehouseError } from '#shared/errors';
import { until } from '#test/support/journal';
import {
  broker,
  connectClient,
  openGatehouse,
  managerOf,
  natsCommand,
  storedMessages,
  type OpenMessagingFixture,
} from '../nats-fixture.ts';

const subject = 'gatehouse.v1.cmd.submit.synology';

/** Publishes a durable submit, as a bridge does. */
function send(nc: NatsConnection, body: unknown, id?: string, to = subject) {
  const payload = body instanceof Uint8Array ? body : JSON.stringify(body);
  return jetstream(nc).publish(to, payload, {
    ...(id === undefined ? {} : { msgID: id }),
    timeout: 5_000,
  });
}

async function queue(options: Parameters<typeof openGatehouse>[1] = {}) {
  const server = await broker();
  const rig = await openGatehouse({ url: server.url }, options);
  const nc = await connectClient(server);
  const jsm = await managerOf(nc);
  const isReady = async (): Promise<boolean> => {
    try {
      await jsm.consumers.info('GH_CMD', 'core');
      return true;
    } catch {
      return false;
    }
  };
  await until(isReady);
  const isEmpty = async (): Promise<boolean> =>
    (await jsm.streams.info('GH_CMD')).state.messages === 0;
  return { server, rig, nc, jsm, isEmpty };
}

const messages = async (rig: OpenMessagingFixture): Promise<string[]> =>
  (await rig.jobService.list({ limit: 500 })).jobs.map(({ message }) => message).sort();

describe.skipIf(natsCommand === null)('a durable submit', () => {
  test('becomes a job of its channel, and is removed from the queue', async () => {
    const { rig, nc, isEmpty } = await queue();
    await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
    await until(isEmpty);
    const [job] = (await rig.jobService.list({})).jobs;
    expect(job).toMatchObject({ message: 'hello', user_id: 'ann', channel: 'synology' });
    expect(rig.messaging.status().counts.submits).toBe(1);
  });

  test('is one job even if it is sent again after the broker has forgotten its id', async () => {
    const { rig, nc, jsm, isEmpty } = await queue();
    for (let n = 0; n < 3; n += 1) {
      // A new stream has no ids: only the core's idempotency key is left.
      if (n > 0) await jsm.streams.delete('GH_CMD');
      await until(async () => {
        try {
          await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
          return true;
        } catch {
          return false;
        }
      });
      await until(isEmpty);
    }
    expect(await messages(rig)).toEqual(['hello']);
  });

  test('waits at the broker while the core is down, and the order is kept', async () => {
    const { server, rig, nc, isEmpty } = await queue();
    await rig.close();
    for (let n = 0; n < 100; n += 1) {
      await send(nc, { message: `m${n}`, user_id: 'ann' }, `synology:${n}`);
    }
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder });
    await until(isEmpty);
    expect((await messages(again)).length).toBe(100);
    const order = (await again.jobService.list({ limit: 100 })).jobs.map(({ message }) => message);
    expect(order.toReversed()).toEqual(Array.from({ length: 100 }, (_, n) => `m${n}`));
  });

  test('is not acknowledged before its job is stored, and is redelivered if the core stops before', async () => {
    const stopping = new AbortController();
    const { server, rig, nc, jsm, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit: () =>
          new Promise((_resolve, reject) => {
            stopping.signal.addEventListener('abort', () =>
              reject(new GatehouseError('GH_SERVER_STOPPING')),
            );
          }),
      }),
      timings: { ackWaitMs: 300 },
    });
    await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
    const inHand = async (): Promise<number> =>
      (await jsm.consumers.info('GH_CMD', 'core')).num_ack_pending;
    await until(async () => (await inHand()) === 1);
    expect(await isEmpty()).toBe(false);
    expect(await messages(rig)).toEqual([]);
    await server.kill();
    stopping.abort();
    await rig.close();
    await server.restart();
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder });
    await until(async () => (await messages(again)).length === 1);
    expect(await messages(again)).toEqual(['hello']);
  });

  test('is retried while the queue of jobs is full, and accepted later', async () => {
    let isFull = true;
    const { rig, nc, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit: (body, defaults) =>
          isFull
            ? Promise.reject(new GatehouseError('GH_JOB_QUEUE_FULL'))
            : jobService.submit(body, defaults),
      }),
    });
    await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
    expect(await isEmpty()).toBe(false);
    isFull = false;
    await until(isEmpty);
    expect(await messages(rig)).toEqual(['hello']);
  });

  test('of one channel cannot occupy the idempotency keys of another channel', async () => {
    const { rig, nc, jsm, isEmpty } = await queue();
    const elsewhere = 'gatehouse.v1.cmd.submit.mail';
    const body = { user_id: 'ann' };
    await send(nc, { ...body, message: 'mine' }, 'mail:1', elsewhere);
    await send(nc, { ...body, message: 'theirs' }, 'synology:1', elsewhere);
    await until(isEmpty);
    // The broker compares ids per stream, not per channel: a bridge's ids begin with its name.
    await jsm.streams.delete('GH_CMD');
    await until(async () => {
      try {
        await send(nc, { ...body, message: 'ours' }, 'synology:1');
        return true;
      } catch {
        return false;
      }
    });
    await until(isEmpty);
    expect(await messages(rig)).toEqual(['mine', 'ours', 'theirs']);
  });
});

/** The messages in the order in which they were accepted. */
const accepted = async (rig: OpenMessagingFixture): Promise<string[]> =>
  (await rig.jobService.list({ limit: 500 })).jobs.map(({ message }) => message).toReversed();

describe.skipIf(natsCommand === null)('messages of one conversation', () => {
  const user = { user_id: 'ann' };
  const full = () => Promise.reject(new GatehouseError('GH_JOB_QUEUE_FULL'));

  test('keep their order while the first is retried, and do not delay other conversations', async () => {
    let tries = 0;
    const { rig, nc, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit: (body, defaults) => {
          if ((body as { message: string }).message === 'first' && (tries += 1) <= 3) return full();
          return jobService.submit(body, defaults);
        },
      }),
      timings: { submitRetryMs: 20, submitRetryMsMax: 40 },
    });
    for (const message of ['first', 'second', 'third']) {
      await send(nc, { ...user, message }, `synology:${message}`);
    }
    await send(nc, { ...user, thread: 'kitchen', message: 'elsewhere' }, 'synology:k');
    await send(nc, { user_id: 'bob', message: 'of another' }, 'synology:b');
    await until(isEmpty);
    const order = await accepted(rig);
    expect(order.filter((one) => !['elsewhere', 'of another'].includes(one))).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(order.indexOf('first')).toBeGreaterThan(order.indexOf('elsewhere'));
    expect(order.indexOf('first')).toBeGreaterThan(order.indexOf('of another'));
  });

  test('keep their order if a killed process had received the first and not acknowledged it', async () => {
    const { server, rig, nc, isEmpty } = await queue({ timings: { ackWaitMs: 400 } });
    await rig.close();
    await send(nc, { ...user, message: 'first' }, 'synology:1');
    // A process receives it and is killed.
    const consumer = await jetstream(nc).consumers.get('GH_CMD', 'core');
    await consumer.next();
    await send(nc, { ...user, message: 'second' }, 'synology:2');
    const again = await openGatehouse(
      { url: server.url },
      { folder: rig.folder, timings: { ackWaitMs: 400 } },
    );
    await until(isEmpty);
    expect(await accepted(again)).toEqual(['first', 'second']);
  });

  test('wait at most one redelivery time for a message that a dead process had received', async () => {
    const { server, rig, nc, jsm, isEmpty } = await queue({ timings: { ackWaitMs: 400 } });
    await rig.close();
    const { seq } = await send(nc, { ...user, message: 'first' }, 'synology:1');
    await (await jetstream(nc).consumers.get('GH_CMD', 'core')).next();
    await send(nc, { ...user, message: 'second' }, 'synology:2');
    // The message is never redelivered.
    await jsm.streams.deleteMessage('GH_CMD', seq);
    const again = await openGatehouse(
      { url: server.url },
      { folder: rig.folder, timings: { ackWaitMs: 400 } },
    );
    await until(isEmpty);
    expect(await accepted(again)).toEqual(['second']);
  });

  test('that are waiting for a retry when the core stops are the first of the next process', async () => {
    const timings = { ackWaitMs: 400, submitRetryMs: 60_000, submitRetryMsMax: 60_000 };
    let tries = 0;
    const { server, rig, nc, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit: () => {
          tries += 1;
          return full();
        },
      }),
      timings,
    });
    await send(nc, { ...user, message: 'first' }, 'synology:1');
    await send(nc, { ...user, message: 'second' }, 'synology:2');
    await until(() => tries === 1);
    await rig.close();
    await send(nc, { ...user, message: 'third' }, 'synology:3');
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder, timings });
    await until(isEmpty);
    expect(await accepted(again)).toEqual(['first', 'second', 'third']);
  });

  test('in a queue of an older version are served with the current settings of the consumer', async () => {
    const { server, rig, jsm } = await queue();
    await rig.close();
    await jsm.consumers.update('GH_CMD', 'core', { ack_wait: nanos(30_000), max_ack_pending: 64 });
    await openGatehouse({ url: server.url }, { folder: rig.folder });
    await until(async () => {
      const { config } = await jsm.consumers.info('GH_CMD', 'core');
      return config.ack_wait === nanos(5_000) && config.max_ack_pending === 256;
    });
  });
});

describe.skipIf(natsCommand === null)('a submit that cannot be accepted', () => {
  const user = { user_id: 'ann' };
  test.each([
    ['not JSON', new TextEncoder().encode('{"message":'), 'GH_REQUEST_NOT_JSON'],
    ['not UTF-8', new Uint8Array([0xff, 0xfe]), 'GH_REQUEST_NOT_JSON'],
    ['no object', ['a'], 'GH_REQUEST_INVALID'],
    ['without text', { ...user, message: ' ' }, 'GH_REQUEST_EMPTY'],
    ['too long', { ...user, message: 'x'.repeat(8_001) }, 'GH_REQUEST_TOO_LONG'],
    ['of a wrong channel', { ...user, message: 'x', channel: 'a.b' }, 'GH_REQUEST_INVALID'],
  ])(
    '(%s) becomes a dead letter with its reason, and the queue continues',
    async (_what, body, code) => {
      const { rig, nc, isEmpty } = await queue();
      await send(nc, body, 'synology:bad');
      await send(nc, { ...user, message: 'good' }, 'synology:good');
      await until(isEmpty);
      expect(await messages(rig)).toEqual(['good']);
      await until(() => rig.messaging.status().counts.deadLetters === 1);
      const jsm = await managerOf(nc);
      const dead = await jsm.streams.getMessage('GH_DEAD', { last_by_subj: '>' });
      expect(dead?.subject).toBe('gatehouse.v1.dead.submit.synology');
      expect(dead?.header.get('Gatehouse-Error-Code')).toBe(code);
      expect(dead?.header.get('Gatehouse-Msg-Id')).toBe('synology:bad');
      expect(dead?.data).toEqual(
        body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body)),
      );
    },
  );

  test('is answered in its channel with a refusal in the language of the message', async () => {
    const { nc, isEmpty } = await queue();
    await send(nc, { user_id: 'kim', message: '가'.repeat(8_001) }, 'synology:1');
    await until(isEmpty);
    const [reply] = await storedMessages(nc, 'GH_RPL');
    expect(reply?.subject).toMatch(/^gatehouse\.v1\.rpl\.synology\.kim\.refused-/);
    expect(reply?.body).toMatchObject({
      user_id: 'kim',
      channel: 'synology',
      kind: 'error',
      text: expect.stringMatching(/^응답을 받지 못했습니다.*GH_REQUEST_TOO_LONG/),
    });
  });

  test('because of an internal error is tried five times, then becomes a dead letter', async () => {
    let tries = 0;
    const { rig, nc, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit: () => {
          tries += 1;
          return Promise.reject(new Error('a bug'));
        },
      }),
      timings: { submitRetryMs: 5, submitRetryMsMax: 20 },
    });
    await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
    await until(isEmpty);
    expect(tries).toBe(5);
    await until(() => rig.messaging.status().counts.deadLetters === 1);
  });

  test('because the queue of jobs stays full becomes a dead letter, and its user is notified', async () => {
    const { rig, nc, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit: () => Promise.reject(new GatehouseError('GH_JOB_QUEUE_FULL')),
      }),
      timings: { submitRetryForMs: 0, submitRetryMs: 5, submitRetryMsMax: 20 },
    });
    await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
    await until(isEmpty);
    const [reply] = await storedMessages(nc, 'GH_RPL');
    expect(reply?.body['text']).toContain('GH_JOB_QUEUE_FULL');
    await until(() => rig.messaging.status().counts.deadLetters === 1);
  });

  test('that the queue of jobs does not take is tried again while the clock is a day ahead', async () => {
    let tries = 0;
    const { rig, nc, isEmpty } = await queue({
      jobService: (jobService) => ({
        ...jobService,
        submit(...parts) {
          tries += 1;
          if (tries > 8) return jobService.submit(...parts);
          return Promise.reject(new GatehouseError('GH_JOB_QUEUE_FULL'));
        },
      }),
      timings: { submitRetryMs: 5, submitRetryMsMax: 20 },
    });
    const { now } = Date;
    const ahead = vi.spyOn(Date, 'now').mockImplementation(() => now() + 86_400_000);
    onTestFinished(() => ahead.mockRestore());
    await send(nc, { message: 'hello', user_id: 'ann' }, 'synology:1');
    await until(isEmpty);
    expect(tries).toBe(9);
    expect(rig.messaging.status().counts.deadLetters).toBe(0);
  });

  test('that exceeds the size limit of the queue is refused by the broker', async () => {
    const { nc } = await queue();
    const body = { message: 'x', user_id: 'ann', junk: 'x'.repeat(70_000) };
    const refused = await send(nc, body).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JetStreamApiError);
    expect((refused as Error).message).toContain('message size exceeds maximum');
  });
});

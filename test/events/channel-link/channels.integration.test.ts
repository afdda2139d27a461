/** The permissions of a channel over NATS: the subject names the channel, and the core enforces it. */
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { describe, expect, test } from 'vitest';
import { serviceVerbs } from '#shared/wire/subjects';
import { until } from '#test/support/journal';
import {
  broker,
  connectClient,
  openGatehouse,
  managerOf,
  natsCommand,
  storedMessages,
} from '../nats-fixture.ts';

async function served() {
  const server = await broker();
  const rig = await openGatehouse(
    { url: server.url },
    { messaging: { channels: ['synology', 'mail'] } },
  );
  const nc = await connectClient(server);
  await until(() => rig.messaging.status().bus === 'connected');
  await until(async () => (await ask(nc, 'list', {}).catch(() => null)) !== null);
  const jsm = await managerOf(nc);
  await until(() =>
    jsm.consumers.info('GH_CMD', 'core').then(
      () => true,
      () => false,
    ),
  );
  return { rig, nc, jsm };
}

async function ask(
  nc: NatsConnection,
  verb: string,
  body: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const answer = await nc.request(`gatehouse.v1.svc.job.${verb}`, JSON.stringify(body), {
    timeout: 5_000,
  });
  return answer.json();
}

describe.skipIf(natsCommand === null)('a durable submit', () => {
  test('whose body names another channel than its subject is refused, and only the subject’s channel is notified', async () => {
    const { rig, nc, jsm } = await served();
    const { job_id } = await rig.jobService.submit({
      message: 'draft x',
      user_id: 'kim',
      channel: 'synology',
    });
    await until(async () => (await rig.jobService.get(job_id)).state === 'confirm-draft');
    const send = (channel: unknown, message: string) =>
      jetstream(nc).publish(
        'gatehouse.v1.cmd.submit.mail',
        JSON.stringify({ message, user_id: 'kim', channel }),
        { timeout: 5_000 },
      );
    const wrong = ['synology', 'http', 'nats', 'Mail', 'mail ', '', null, 5, ['mail'], {}];
    for (const channel of wrong) await send(channel, 'yes');
    await send('mail', 'of my own');
    await until(async () => (await jsm.streams.info('GH_CMD')).state.messages === 0);
    expect((await rig.jobService.get(job_id)).state).toBe('confirm-draft');
    const { jobs } = await rig.jobService.list({ channel: 'mail' });
    expect(jobs.map(({ message }) => message)).toEqual(['of my own']);
    const dead = await storedMessages(nc, 'GH_DEAD');
    expect(dead.map(({ subject }) => subject)).toEqual(
      wrong.map(() => 'gatehouse.v1.dead.submit.mail'),
    );
    for (const { headers } of dead) {
      expect(headers['Gatehouse-Error-Code']).toBe('GH_REQUEST_INVALID');
      expect(headers['Gatehouse-Error']).toContain('channel: the subject is that of mail');
    }
    // The refusal goes to the channel of the subject, and to no other channel.
    await until(() => rig.messaging.flush());
    const refusals = (await storedMessages(nc, 'GH_RPL')).filter(
      ({ body }) => body['kind'] === 'error',
    );
    expect(refusals.map(({ body }) => body['channel'])).toEqual(wrong.map(() => 'mail'));
  });
});

describe.skipIf(natsCommand === null)('a request with a channel in its subject', () => {
  test('reads and changes the jobs of that channel', async () => {
    const { rig, nc } = await served();
    const body = { message: 'draft x', user_id: 'kim' };
    const { job_id } = await ask(nc, 'submit.mail', body);
    const of = { job_id, by: 'kim' };
    await until(async () => (await rig.jobService.get(String(job_id))).state === 'confirm-draft');
    expect(await ask(nc, 'get.mail', of)).toMatchObject({ job_id, channel: 'mail' });
    expect(await ask(nc, 'text.mail', of)).toMatchObject({ job_id, final: false });
    expect(await ask(nc, 'confirm.mail', of)).toEqual({ job_id });
    await until(async () => (await rig.jobService.get(String(job_id))).outcome !== null);
    for (const verb of ['reject', 'cancel']) {
      const { job_id: next } = await ask(nc, 'submit.mail', { ...body, channel: 'mail' });
      await until(async () => (await rig.jobService.get(String(next))).state === 'confirm-draft');
      expect(await ask(nc, `${verb}.mail`, { job_id: next })).toEqual({ job_id: next });
      await until(async () => (await rig.jobService.get(String(next))).state !== 'confirm-draft');
    }
  });

  test('receives the same answer for a job of another channel as for an unknown job', async () => {
    const { rig, nc } = await served();
    const { job_id } = await rig.jobService.submit({
      message: 'draft x',
      user_id: 'kim',
      channel: 'synology',
    });
    await until(async () => (await rig.jobService.get(job_id)).state === 'confirm-draft');
    const before = await rig.jobService.events(job_id);
    for (const verb of serviceVerbs.filter((one) => !['submit', 'list'].includes(one))) {
      for (const channel of ['mail', 'http', 'SYNOLOGY', 'x']) {
        const found = await ask(nc, `${verb}.${channel}`, { job_id, by: 'kim' });
        const none = await ask(nc, `${verb}.${channel}`, { job_id: 'none', by: 'kim' });
        expect(found, verb).toEqual(none);
        expect(found).toMatchObject({ code: 'GH_JOB_NOT_FOUND' });
      }
    }
    expect(await rig.jobService.events(job_id)).toEqual(before);
    // The same request in the right channel succeeds.
    expect(await ask(nc, 'get.synology', { job_id })).toMatchObject({ job_id });
  });

  test('lists and submits in that channel only', async () => {
    const { rig, nc } = await served();
    for (const channel of ['synology', 'mail', 'synology', 'http', 'mail']) {
      await rig.jobService.submit({ message: `of ${channel}`, user_id: 'kim', channel });
    }
    const listed = (await ask(nc, 'list.mail', { limit: 1 })) as {
      jobs: { channel: string }[];
      next_cursor: string;
    };
    expect(listed.jobs.map(({ channel }) => channel)).toEqual(['mail']);
    const rest = await ask(nc, 'list.mail', { cursor: listed.next_cursor });
    expect(rest).toMatchObject({ jobs: [{ channel: 'mail' }], next_cursor: null });
    for (const verb of ['list.mail', 'submit.mail']) {
      const body = { channel: 'synology', message: 'yes', user_id: 'kim' };
      expect(await ask(nc, verb, body)).toMatchObject({
        code: 'GH_REQUEST_INVALID',
        message: expect.stringContaining('subject is that of mail'),
      });
    }
    expect(await ask(nc, 'get.a%20b', { job_id: 'x' })).toMatchObject({
      code: 'GH_REQUEST_INVALID',
    });
  });

  test('names the same job as the durable submit with the same key', async () => {
    const { rig, nc } = await served();
    const body = { message: 'hello', user_id: 'kim', channel: 'mail' };
    await jetstream(nc).publish('gatehouse.v1.cmd.submit.mail', JSON.stringify(body), {
      msgID: 'mail:7',
    });
    const first = await ask(nc, 'submit.mail', { ...body, idempotency_key: 'mail:7' });
    const again = await ask(nc, 'submit.mail', { ...body, idempotency_key: '7' });
    expect(again['job_id']).toBe(first['job_id']);
    await until(async () => rig.messaging.status().counts.submits === 1);
    expect((await rig.jobService.list({})).jobs).toHaveLength(1);
  });
});

describe.skipIf(natsCommand === null)(
  'a request with a reply subject of Gatehouse or the broker',
  () => {
    test('is ignored, changes nothing, and is counted as an error', async () => {
      const { rig, nc, jsm } = await served();
      const { job_id } = await rig.jobService.submit({ message: 'draft x', user_id: 'kim' });
      await until(async () => (await rig.jobService.get(job_id)).state === 'confirm-draft');
      const errorsBefore = rig.messaging.status().counts.requestErrors;
      const places = [
        'gatehouse.v1.cmd.submit.mail',
        'gatehouse.v1.svc.job.cancel',
        `gatehouse.v1.dlv.mail.kim.${job_id}`,
        `gatehouse.v1.evt.kim.${job_id}.done`,
        `gatehouse.v1.live.kim.${job_id}.done`,
        '$JS.API.STREAM.PURGE.GH_EVT',
        '$SYS.REQ.SERVER.PING',
      ];
      for (const reply of places) {
        const body = JSON.stringify({ job_id, message: 'x', user_id: 'kim' });
        for (const verb of serviceVerbs) {
          nc.publish(`gatehouse.v1.svc.job.${verb}`, body, { reply });
          nc.publish(`gatehouse.v1.svc.job.${verb}.http`, body, { reply });
        }
        nc.publish('$SRV.INFO.gatehouse', '', { reply });
      }
      const ignored = places.length * serviceVerbs.length * 2;
      await until(() => rig.messaging.status().counts.requestErrors === errorsBefore + ignored);
      expect((await rig.jobService.get(job_id)).state).toBe('confirm-draft');
      expect((await rig.jobService.list({})).jobs).toHaveLength(1);
      expect((await jsm.streams.info('GH_CMD')).state.last_seq).toBe(0);
      expect((await jsm.streams.info('GH_DLV')).state.last_seq).toBe(0);
      // A request with an inbox of any name is answered.
      const own = await connectClient({ url: nc.getServer() }, { inboxPrefix: 'my.own' });
      expect(await ask(own, 'get', { job_id })).toMatchObject({ job_id });
    });

    test('is also ignored when the broker delivers an event with that subject', async () => {
      const { rig, nc, jsm } = await served();
      await rig.jobService.submit({ message: 'hello', user_id: 'kim' });
      await until(() => rig.messaging.flush());
      await jsm.consumers.add('GH_EVT', { durable_name: 'pull', ack_policy: 'explicit' });
      const errorsBefore = rig.messaging.status().counts.requestErrors;
      const deliver = (reply: string): void =>
        nc.publish('$JS.API.CONSUMER.MSG.NEXT.GH_EVT.pull', '1', { reply });
      deliver('gatehouse.v1.svc.job.list');
      await until(() => rig.messaging.status().counts.requestErrors === errorsBefore + 1);
      // The broker refuses to store an event in another stream.
      deliver('gatehouse.v1.cmd.submit.mail');
      deliver('gatehouse.v1.dlv.mail.kim.x');
      const left = async () => (await jsm.consumers.info('GH_EVT', 'pull')).delivered.consumer_seq;
      await until(async () => (await left()) === 3);
      expect((await jsm.streams.info('GH_CMD')).state.last_seq).toBe(0);
      expect((await jsm.streams.info('GH_DLV')).state.last_seq).toBe(0);
    });
  },
);

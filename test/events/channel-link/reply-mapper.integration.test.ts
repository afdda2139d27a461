/** The replies to a channel, and the delivery reports about them. */
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { describe, expect, test } from 'vitest';
import type { JobEmitted } from '#machines/job-types';
import type { Reply } from '#shared/wire/reply';
import { stateEventsOf } from '#shared/wire/state-event';
import { toReplies } from '#events/channel-link/reply-mapper';
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

const row = (triggerType: string, ...emitted: JobEmitted[]) => ({
  pos: 1,
  triggerType,
  events: stateEventsOf(
    { jobId: 'job-1', userId: 'kim', channel: 'synology' },
    { at: 0, seq: 5, emitted },
  ),
});
const enter = (state: JobEmitted['state']): JobEmitted => ({
  type: 'state',
  state,
  data: { from: 'route', to: state },
});
const end = (outcome: string, reply: unknown): JobEmitted => ({
  type: 'done',
  state: 'done',
  data: { outcome, reply },
});
const brief = (replies: Reply[]) => replies.map(({ n, kind, text }) => [n, kind, text]);

describe('a reply made from state events', () => {
  test('is made once for the end of a job, even if an apology precedes the end', () => {
    const failure: JobEmitted = {
      type: 'error',
      state: 'fallback',
      data: { code: 'GH_X', message: '실패' },
    };
    const result: JobEmitted = {
      type: 'result',
      state: 'done',
      data: { content: '실패', final: true },
    };
    const replies = toReplies(row('x', failure, enter('done'), result, end('failed', '실패')));
    expect(replies).toEqual([
      {
        reply_id: 'job-1:8',
        job_id: 'job-1',
        user_id: 'kim',
        channel: 'synology',
        n: 8,
        kind: 'error',
        text: '실패',
      },
    ]);
    expect(brief(toReplies(row('x', end('answered', '답'))))).toEqual([[5, 'final', '답']]);
  });

  test('to a cancelled job is the confirmation of the cancel', () => {
    const cancelled: JobEmitted = {
      type: 'cancelled',
      state: 'cancelled',
      data: { by: 'kim', reply: '취소' },
    };
    expect(brief(toReplies(row('cancel', enter('cancelled'), cancelled)))).toEqual([
      [6, 'final', '취소'],
    ]);
  });

  test('with a draft has buttons in the language of the draft', () => {
    const draft = (content: string): JobEmitted => ({
      type: 'result',
      state: 'confirm-draft',
      data: { content, final: false },
    });
    const buttons = (content: string) =>
      toReplies(row('x', enter('confirm-draft'), draft(content)))[0];
    expect(buttons('치과')).toMatchObject({
      kind: 'draft',
      buttons: [
        { action: 'confirm', text: '확인' },
        { action: 'reject', text: '취소' },
      ],
    });
    expect(buttons('Dentist')?.buttons?.map(({ text }) => text)).toEqual(['Yes', 'No']);
  });

  test('is made for the start of reasoning and for a wait at the gate, but not for heartbeats', () => {
    const processing = (message: string, queue?: object): JobEmitted => ({
      type: 'processing',
      state: 'reason',
      data: { message, ...(queue === undefined ? {} : { queue }) },
    });
    const queue = { position: 1, ahead: 2, etaMs: null };
    expect(brief(toReplies(row('x', enter('reason'), processing('깊이'))))).toEqual([
      [6, 'notice', '깊이'],
    ]);
    expect(brief(toReplies(row('gate.queued', processing('앞에 2건', queue))))).toEqual([
      [5, 'notice', '앞에 2건'],
    ]);
    expect(toReplies(row('progress', processing('앞에 1건', queue)))).toEqual([]);
    expect(toReplies(row('progress', processing('생각')))).toEqual([]);
  });

  test('is never an empty text', () => {
    for (const nothing of ['', '  ', null, undefined, 5]) {
      expect(toReplies(row('x', end('answered', nothing)))[0]?.text).toMatch(/\S/);
    }
  });
});

async function chat(options: Parameters<typeof openGatehouse>[1] = {}) {
  const server = await broker();
  const rig = await openGatehouse({ url: server.url }, options);
  return { server, rig, nc: await connectClient(server) };
}

const flushed = (rig: OpenMessagingFixture): Promise<void> => until(() => rig.messaging.flush());

const say = async (
  rig: OpenMessagingFixture,
  message: string,
  channel = 'synology',
): Promise<string> => (await rig.jobService.submit({ message, user_id: 'kim', channel })).job_id;

const ended = (rig: OpenMessagingFixture, jobId: string): Promise<void> =>
  until(async () => (await rig.jobService.get(jobId)).outcome !== null);

/** Acts as a bridge: receives the replies of its channel, reports and acknowledges them. */
async function bridge(nc: NatsConnection, status: string, count: number): Promise<Reply[]> {
  const js = jetstream(nc);
  const consumer = await js.consumers.get('GH_RPL', 'bridge-synology');
  const messages = await consumer.consume({ max_messages: 10 });
  const replies: Reply[] = [];
  for await (const message of messages) {
    const reply = message.json<Reply>();
    replies.push(reply);
    const subject = message.subject.replace('.rpl.', '.dlv.');
    await js.publish(subject, JSON.stringify({ reply_id: reply.reply_id, status, parts: 1 }));
    await message.ackAck();
    if (replies.length === count) break;
  }
  return replies;
}

describe.skipIf(natsCommand === null)('replies over NATS', () => {
  test('wait for the bridge of their channel until it acknowledges them', async () => {
    const { rig, nc } = await chat();
    const jobId = await say(rig, 'hello');
    await ended(rig, await say(rig, 'hello', 'http'));
    await ended(rig, jobId);
    await flushed(rig);
    const [message, ...others] = await storedMessages(nc, 'GH_RPL');
    expect(others).toEqual([]);
    const [last] = (await rig.jobService.events(jobId)).slice(-1);
    expect(message).toMatchObject({
      id: last?.id,
      subject: `gatehouse.v1.rpl.synology.kim.${jobId}`,
      body: { reply_id: last?.id, kind: 'final', text: 'answer to hello', user_id: 'kim' },
    });
    const [reply] = await bridge(nc, 'sent', 1);
    expect(reply?.text).toBe('answer to hello');
    await until(async () => (await storedMessages(nc, 'GH_RPL')).length === 0);
    await until(() => rig.deliveries.has(reply!.reply_id));
    expect(rig.deliveries.ofJob(jobId)).toEqual([
      {
        reply_id: reply!.reply_id,
        job_id: jobId,
        channel: 'synology',
        status: 'sent',
        parts: 1,
        error: null,
        at: expect.any(Number),
      },
    ]);
  });

  test('contain the draft with its buttons, then the end', async () => {
    const { rig, nc } = await chat();
    const jobId = await say(rig, 'draft x');
    await until(async () => (await rig.jobService.get(jobId)).state === 'confirm-draft');
    await rig.jobService.confirm(jobId, 'kim');
    await ended(rig, jobId);
    await flushed(rig);
    const replies = (await storedMessages(nc, 'GH_RPL')).map(
      ({ body }) => body as unknown as Reply,
    );
    expect(replies.map(({ kind }) => kind)).toEqual(['draft', 'final']);
    expect(replies[0]?.buttons?.map(({ action }) => action)).toEqual(['confirm', 'reject']);
    expect(replies[1]!.n).toBeGreaterThan(replies[0]!.n);
  });

  test('that were reported as delivered are not sent again after a lost watermark and a lost stream', async () => {
    const { server, rig, nc } = await chat();
    const jobId = await say(rig, 'hello');
    await ended(rig, jobId);
    await flushed(rig);
    const [reply] = await bridge(nc, 'uncertain', 1);
    await until(() => rig.deliveries.has(reply!.reply_id));
    const late = await say(rig, 'late');
    await ended(rig, late);
    await flushed(rig);
    await rig.close();
    const jsm = await managerOf(nc);
    await jsm.streams.delete('GH_RPL');
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder, markedAt: 0 });
    const isBack = async (): Promise<boolean> => {
      try {
        return (await jsm.streams.info('GH_RPL')).state.messages > 0;
      } catch {
        return false;
      }
    };
    await until(isBack);
    await flushed(again);
    const waiting = (await storedMessages(nc, 'GH_RPL')).map(({ body }) => body['job_id']);
    expect(waiting).toEqual([late]);
  });

  test('that were acknowledged are not sent again after a crash before the watermark was stored', async () => {
    const { server, rig, nc } = await chat();
    await ended(rig, await say(rig, 'hello'));
    await flushed(rig);
    const js = jetstream(nc);
    const consumer = await js.consumers.get('GH_RPL', 'bridge-synology');
    const message = await consumer.next();
    await message!.ackAck();
    await rig.close();
    const again = await openGatehouse({ url: server.url }, { folder: rig.folder, markedAt: 0 });
    await until(() => again.messaging.status().bus === 'connected');
    await flushed(again);
    expect(await consumer.next({ expires: 1_000 })).toBe(null);
  });
});

describe.skipIf(natsCommand === null)('a delivery report', () => {
  const report = (nc: NatsConnection, job: string, body: unknown) =>
    jetstream(nc).publish(`gatehouse.v1.dlv.synology.kim.${job}`, JSON.stringify(body), {
      timeout: 5_000,
    });

  const ready = async (nc: NatsConnection): Promise<void> => {
    const jsm = await managerOf(nc);
    await until(async () => {
      try {
        return (await jsm.consumers.info('GH_DLV', 'core')) !== null;
      } catch {
        return false;
      }
    });
  };

  /** Runs a job with a draft, and returns its id and the ids of the two replies. */
  async function told(
    rig: OpenMessagingFixture,
    channel = 'synology',
  ): Promise<[string, string, string]> {
    const jobId = await say(rig, 'draft x', channel);
    await until(async () => (await rig.jobService.get(jobId)).state === 'confirm-draft');
    await rig.jobService.confirm(jobId, 'kim');
    await ended(rig, jobId);
    const events = await rig.jobService.events(jobId);
    const draft = events.find(({ type, state }) => type === 'result' && state === 'confirm-draft');
    return [jobId, draft!.id, events.at(-1)!.id];
  }

  test('is stored once per reply; the first report is kept', async () => {
    const { rig, nc } = await chat();
    await ready(nc);
    const [job, draft, end] = await told(rig);
    await report(nc, job, { reply_id: draft, status: 'dead', parts: 2, error: 'gone' });
    await report(nc, job, { reply_id: draft, status: 'sent', parts: 3 });
    await report(nc, job, { reply_id: end, status: 'sent', parts: 1 });
    await until(() => rig.deliveries.has(end));
    const stored = rig.deliveries.ofJob(job).find(({ reply_id }) => reply_id === draft);
    expect(stored).toMatchObject({ status: 'dead', parts: 2, error: 'gone' });
    expect(rig.messaging.status().counts.deliveries).toBe(2);
  });

  test.each([
    ['about another job', { reply_id: 'j2:1', status: 'sent', parts: 1 }],
    ['of no known status', { reply_id: 'j1:1', status: 'maybe', parts: 1 }],
    ['without its reply', { status: 'sent', parts: 1 }],
    ['that is no object', 'sent'],
    ['about a job that is not there', { reply_id: 'j1:1', status: 'sent', parts: 1 }],
  ])('%s becomes a dead letter, and the next report is stored', async (_what, body) => {
    const { rig, nc } = await chat();
    await ready(nc);
    const [job, , end] = await told(rig);
    await report(nc, 'j1', body);
    await report(nc, job, { reply_id: end, status: 'sent', parts: 1 });
    await until(() => rig.deliveries.has(end));
    await until(() => rig.messaging.status().counts.deadLetters === 1);
    const [dead] = await storedMessages(nc, 'GH_DEAD');
    expect(dead).toMatchObject({ subject: 'gatehouse.v1.dead.delivery.synology' });
    const jsm = await managerOf(nc);
    await until(async () => (await jsm.streams.info('GH_DLV')).state.messages === 0);
  });

  test('is accepted only with the channel and the user of its job and for an event that is a reply', async () => {
    const { rig, nc } = await chat();
    await ready(nc);
    const [job, draft, end] = await told(rig);
    const [other, , otherEnd] = await told(rig, 'http');
    const [acknowledged] = await rig.jobService.events(job);
    const send = (subject: string, reply_id: string) =>
      jetstream(nc).publish(
        `gatehouse.v1.dlv.${subject}`,
        JSON.stringify({ reply_id, status: 'dead', parts: 0 }),
        { timeout: 5_000 },
      );
    const forged: [string, string][] = [
      // Wrong channel, wrong user, events that are not replies, and events that do not exist yet.
      [`telegram.kim.${job}`, end],
      [`synology.lee.${job}`, end],
      [`synology.kim.${other}`, otherEnd],
      [`http.lee.${other}`, otherEnd],
      [`synology.kim.${job}`, acknowledged!.id],
      [`synology.kim.${job}`, `${job}:999`],
      [`synology.kim.${job}`, `${job}:0`],
    ];
    for (const [subject, replyId] of forged) await send(subject, replyId);
    await send(`synology.kim.${job}`, draft);
    await until(() => rig.deliveries.has(draft));
    await until(() => rig.messaging.status().counts.deadLetters === forged.length);
    expect(rig.deliveries.ofJob(job).map(({ reply_id }) => reply_id)).toEqual([draft]);
    expect(rig.deliveries.ofJob(other)).toEqual([]);
    expect(rig.messaging.status().counts.deliveries).toBe(1);
  });
});

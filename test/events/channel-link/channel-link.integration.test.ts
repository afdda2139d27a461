/** The bridge's side: submits, replies and delivery reports, over a real broker and core. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Reply } from '#shared/wire/reply';
import { silentLog } from '#shared/log';
import { ChannelLink } from '#events/channel-link/channel-link';
import type { MessagingConfig } from '#events/messaging-port';
import { until } from '#test/support/journal';
import { natsConfig } from '../messaging-fixture.ts';
import {
  broker,
  connectClient,
  folderForTest,
  openGatehouse,
  managerOf,
  natsCommand,
} from '../nats-fixture.ts';

interface Chat {
  link: ChannelLink;
  posted: Reply[];
}

/** A bridge that appends replies to a list. */
function bridge(
  config: Partial<MessagingConfig>,
  options: { dataFolder?: string; decide?: (reply: Reply) => 'done' | 'later' } = {},
): Chat {
  const posted: Reply[] = [];
  const link = new ChannelLink({
    config: natsConfig(config),
    channel: 'synology',
    dataFolder: options.dataFolder ?? folderForTest(),
    async onReply(reply) {
      posted.push(reply);
      const outcome = options.decide?.(reply) ?? 'done';
      if (outcome === 'done') await link.report(reply, { status: 'sent', parts: 1 });
      return outcome;
    },
    log: silentLog(),
    timings: { retryMs: 10, retryMsMax: 100, nakDelayMs: 20 },
  });
  link.start();
  onTestFinished(() => link.stop());
  return { link, posted };
}

const connected = (link: ChannelLink): Promise<void> => until(() => link.state === 'connected');

describe.skipIf(natsCommand === null)('the channel link of a bridge', () => {
  test('submits a message and receives its answer, and the core stores the delivery report', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const { link, posted } = bridge({ url: server.url });
    const message = { message: 'hello', user_id: 'kim' };
    await until(async () => (await link.submit(message, 'post-1')).ok);
    await until(() => posted.length === 1);
    expect(posted[0]).toMatchObject({ kind: 'final', text: 'answer to hello', user_id: 'kim' });
    await until(() => rig.deliveries.has(posted[0]!.reply_id));
    const again = await link.submit(message, 'post-1');
    expect(again).toEqual({ ok: true, value: 'stored' });
    expect((await rig.jobService.list({})).jobs).toHaveLength(1);
    const jsm = await managerOf(await connectClient(server));
    await until(async () => (await jsm.streams.info('GH_RPL')).state.messages === 0);
  });

  test('confirms a draft, and receives the error code of a refused or failed request', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const { link, posted } = bridge({ url: server.url });
    await until(async () => (await link.submit({ message: 'draft x', user_id: 'kim' }, '1')).ok);
    await until(() => posted.some(({ kind }) => kind === 'draft'));
    const { job_id } = posted[0]!;
    expect(await link.request('confirm', { job_id, by: 'kim' })).toEqual({
      ok: true,
      value: { job_id },
    });
    await until(() => posted.some(({ kind }) => kind === 'final'));
    expect(await link.request('confirm', { job_id })).toMatchObject({
      ok: false,
      problem: { code: 'GH_JOB_CONFLICT' },
    });
    await rig.close();
    expect(await link.request('get', { job_id })).toMatchObject({
      ok: false,
      problem: { code: 'GH_BUS_UNREACHABLE', message: 'the core does not answer' },
    });
  });

  test('receives a reply again that it could not post', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    let tries = 0;
    const { posted } = bridge(
      { url: server.url },
      {
        decide: () => {
          tries += 1;
          if (tries === 1) throw new Error('a bug');
          return tries < 4 ? 'later' : 'done';
        },
      },
    );
    await rig.jobService.submit({ message: 'hello', user_id: 'kim', channel: 'synology' });
    await until(() => tries === 4);
    expect(new Set(posted.map(({ reply_id }) => reply_id)).size).toBe(1);
  });

  test('continues after an outage of the broker', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    const { link, posted } = bridge({ url: server.url });
    await connected(link);
    await server.kill();
    await until(() => link.state === 'connecting');
    expect(await link.submit({ message: 'lost', user_id: 'kim' }, '1')).toMatchObject({
      ok: false,
      problem: { code: 'GH_BUS_UNREACHABLE' },
    });
    await rig.jobService.submit({ message: 'meanwhile', user_id: 'kim', channel: 'synology' });
    await server.restart();
    await until(() => posted.length === 1);
    expect(posted[0]?.text).toBe('answer to meanwhile');
  });

  test('connects to the embedded server of the core, even if the bridge starts first', async () => {
    const folder = folderForTest();
    const { link, posted } = bridge({ mode: 'auto' }, { dataFolder: folder });
    await until(() => link.problem !== null);
    expect(link.problem?.code).toBe('GH_BUS_NO_SERVER');
    expect(link.problem?.message).toMatch(/install nats-server.*or set nats\.url/);
    const ownServer = { command: natsCommand!, port: 0 };
    await openGatehouse({ mode: 'auto' }, { folder, messaging: { embeddedServer: ownServer } });
    await connected(link);
    await until(async () => (await link.submit({ message: 'hello', user_id: 'kim' }, '1')).ok);
    await until(() => posted.length === 1);
  });
});

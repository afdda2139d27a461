/** docs/events.md and examples/ agree with Gatehouse: permissions, event types, subjects, commands. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, type ConsumerConfig } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stateEventTypes } from '#machines/job-types';
import type { Reply } from '#shared/wire/reply';
import { createSubjects, serviceVerbs } from '#shared/wire/subjects';
import { silentLog } from '#shared/log';
import { ChannelLink } from '#events/channel-link/channel-link';
import { createStreamSpecs } from '#events/streams/streams';
import { until } from '#test/support/journal';
import { natsConfig } from './messaging-fixture.ts';
import {
  broker,
  connectClient,
  folderForTest,
  openGatehouse,
  managerOf,
  natsCommand,
} from './nats-fixture.ts';
import { projectRoot } from '#test/support/project-root';

const page = readFileSync(join(projectRoot, 'docs', 'events.md'), 'utf8');
const blocks = [...page.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, kind, text]) => ({
  kind,
  text: text!,
}));
const subjects = createSubjects();

describe('docs/events.md', () => {
  test('names every event type, with an example of its data', () => {
    const examples = blocks
      .filter(({ kind }) => kind === 'json')
      .map(({ text }) => JSON.parse(text) as Record<string, unknown>)
      .find((example) => 'ack' in example);
    expect(Object.keys(examples ?? {})).toEqual([...stateEventTypes]);
    for (const type of stateEventTypes) expect(page).toContain(`| \`${type}\` |`);
  });

  test('names every stream and every verb', () => {
    for (const { name } of Object.values(createStreamSpecs(subjects))) {
      expect(page).toContain(`| \`${name}\` |`);
    }
    expect(page).toContain(`\`${serviceVerbs.join(' ')}\``);
  });
});

/** A server with the permissions of docs/events.md. */
async function guarded() {
  const acl = blocks.find(({ text }) => text.startsWith('accounts {'))!.text;
  const server = await broker({ config: acl.replaceAll(/\$[A-Z]+_PASSWORD/g, 'pw') });
  const rig = await openGatehouse({ url: server.url, user: 'core', password: 'pw' });
  await until(() => rig.messaging.status().bus === 'connected');
  return { server, rig };
}

/** The errors that a client receives from the server. */
function refusals(nc: NatsConnection): string[] {
  const heard: string[] = [];
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === 'error') heard.push(status.error.message);
    }
  })();
  return heard;
}

describe.skipIf(natsCommand === null)('the permissions of docs/events.md', () => {
  test('let a reader read all events, and forbid all other reads and all changes', async () => {
    const { server, rig } = await guarded();
    const { job_id } = await rig.jobService.submit({ message: 'hello', user_id: 'ann' });
    await until(async () => (await rig.jobService.get(job_id)).outcome !== null);
    const reader = await connectClient(server, {
      user: 'reader',
      pass: 'pw',
      inboxPrefix: '_INBOX_reader',
    });
    const heard = refusals(reader);
    const live: string[] = [];
    reader.subscribe('gatehouse.v1.live.>', {
      callback: (_error, message) => void live.push(message.subject),
    });
    await reader.flush();
    await until(() => rig.messaging.flush());
    const expected = (await rig.jobService.events(job_id)).length;
    const operator = await connectClient(server, { user: 'core', pass: 'pw' });
    const ready = readFileSync(join(projectRoot, 'deploy', 'nats', 'reader.json'), 'utf8');
    await (
      await managerOf(operator)
    ).consumers.add('GH_EVT', JSON.parse(ready) as Partial<ConsumerConfig>);
    const js = jetstream(reader, { apiPrefix: 'GH.API' });
    const consumer = await js.consumers.get('GH_EVT', 'reader');
    for (let seq = 1; seq <= expected; seq += 1) {
      const message = await consumer.next({ expires: 5_000 });
      expect(message?.json()).toMatchObject({ data: { id: `${job_id}:${seq}` } });
      expect(await message?.ackAck()).toBe(true);
    }
    await rig.jobService.submit({ message: 'later', user_id: 'ann' });
    await until(() => live.length > 0);
    expect(heard).toEqual([]);

    for (const subject of [
      'gatehouse.v1.svc.job.cancel',
      'gatehouse.v1.cmd.submit.x',
      'gatehouse.v1.evt.ann.x.done',
      '$JS.API.STREAM.DELETE.GH_EVT',
      '$JS.API.STREAM.MSG.GET.GH_CMD',
      '$JS.API.CONSUMER.CREATE.GH_RPL.x',
      '$JS.API.CONSUMER.CREATE.GH_EVT.x',
      '$JS.API.CONSUMER.MSG.NEXT.GH_EVT.reader',
      'GH.API.CONSUMER.MSG.NEXT.GH_EVT.other',
    ]) {
      const before = heard.length;
      reader.publish(subject, '{}');
      await until(() => heard.length > before);
    }
    for (const subject of ['_INBOX_core.>', '>', 'gatehouse.v1.rpl.>']) {
      const before = heard.length;
      reader.subscribe(subject, { callback: () => undefined });
      await until(() => heard.length > before);
    }
  });

  test('let the bridge use its own channel, and forbid all other subjects', async () => {
    const { server, rig } = await guarded();
    const posted: Reply[] = [];
    const link = new ChannelLink({
      config: natsConfig({ url: server.url, user: 'bridge', password: 'pw' }),
      channel: 'synology',
      dataFolder: folderForTest(),
      async onReply(reply) {
        posted.push(reply);
        const { ok } = await link.report(reply, { status: 'sent', parts: 1 });
        return ok ? 'done' : 'later';
      },
      log: silentLog(),
      timings: { retryMs: 10, retryMsMax: 100 },
    });
    link.start();
    onTestFinished(() => link.stop());
    await until(async () => (await link.submit({ message: 'draft x', user_id: 'kim' }, '1')).ok);
    await until(() => posted.length === 1);
    const { job_id } = posted[0]!;
    expect((await link.request('confirm', { job_id, by: 'kim' })).ok).toBe(true);
    await until(() => rig.deliveries.ofJob(job_id).length === 2);

    const nc = await connectClient(server, {
      user: 'bridge',
      pass: 'pw',
      inboxPrefix: '_INBOX_synology',
    });
    const heard = refusals(nc);
    for (const subject of [
      'gatehouse.v1.cmd.submit.mail',
      'gatehouse.v1.dlv.mail.a.b',
      'gatehouse.v1.rpl.synology.a.b',
      '$JS.ACK.GH_CMD.core.1.1.1.1.1',
      '$JS.API.CONSUMER.CREATE.GH_EVT.x',
    ]) {
      const before = heard.length;
      nc.publish(subject, '{}');
      await until(() => heard.length > before);
    }
    await expect(jetstream(nc).consumers.get('GH_CMD', 'core')).rejects.toThrow();
  });
});

describe('examples/subscribe.sh', () => {
  const script = readFileSync(join(projectRoot, 'examples', 'subscribe.sh'), 'utf8');

  test('names only subjects that exist', () => {
    const named = [...script.matchAll(/gatehouse\.v1\.[^'"\s]+/g)].map(([subject]) => subject);
    const known = [
      subjects.wildcards.live,
      subjects.wildcards.events,
      subjects.wildcards.tokens,
      subjects.service('submit'),
      subjects.event({ userId: 'x', jobId: 'x', type: 'done' }).replace('.evt.x.x.', '.live.*.*.'),
      subjects.wildcards.events.replace('>', '${2:?user}.>'),
    ];
    expect(named.length).toBe(6);
    for (const subject of named) expect(known).toContain(subject);
  });

  test('prints its usage and exits with 2 for an unknown argument', async () => {
    const child = spawn('sh', [join(projectRoot, 'examples', 'subscribe.sh'), 'help']);
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(2);
    expect(said).toContain('sh examples/subscribe.sh live');
  });
});

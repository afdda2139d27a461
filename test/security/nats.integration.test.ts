/**
 * Access over NATS: a user of the broker can use what the permissions of docs/events.md allow, and random bytes do no
 * harm.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import fc from 'fast-check';
import { headers, type NatsConnection } from 'nats';
import { describe, expect, test } from 'vitest';
import { serviceVerbs, userToken } from '#shared/wire/subjects';
import {
  broker,
  connectClient,
  openGatehouse,
  managerOf,
  natsCommand,
} from '#test/events/nats-fixture';
import { until } from '#test/support/journal';
import { runs, wildBody, wildText } from './fuzz.ts';
import { projectRoot } from '#test/support/project-root';

const page = readFileSync(join(projectRoot, 'docs', 'events.md'), 'utf8');
const blocks = [...page.matchAll(/```\w*\n([\s\S]*?)```/g)].map(([, text]) => text!);
const ownUsers = blocks.find((text) => text.startsWith('accounts {'))!;
const ofAnn = blocks.find((text) => text.includes('user: ann,'))!;

/** The users of the page, and one reader for each of two users. */
async function guarded() {
  const ofBob = ofAnn
    .replaceAll(/\bann\b/g, 'bob')
    .replaceAll('_ann.', '_bob.')
    .replaceAll('ANN', 'BOB');
  const all = ownUsers.replace('accounts {', () => `accounts {\n${ofAnn}\n${ofBob}\n`);
  const server = await broker({ config: all.replaceAll(/\$[A-Z]+_PASSWORD/g, 'pw') });
  const rig = await openGatehouse({ url: server.url, user: 'core', password: 'pw' });
  await until(() => rig.messaging.status().bus === 'connected');
  const as = (user: string): Promise<NatsConnection> =>
    connectClient(server, { user, pass: 'pw', inboxPrefix: `_INBOX_${user}` });
  return { server, rig, as };
}

const refused = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => false,
    () => true,
  );

describe.skipIf(natsCommand === null)('a reader for one user', () => {
  test('reads the events of that user, and of no other user by any API', async () => {
    const { rig, as } = await guarded();
    for (const user_id of ['ann', 'bob']) {
      const { job_id } = await rig.jobService.submit({ message: `비밀 of ${user_id}`, user_id });
      await until(async () => (await rig.jobService.get(job_id)).outcome !== null);
    }
    await until(() => rig.messaging.flush());
    const operator = await managerOf(await as('core'));
    for (const name of ['ann', 'bob']) {
      await operator.consumers.add('GH_EVT', {
        durable_name: name,
        filter_subject: `gatehouse.v1.evt.${name}.>`,
        ack_policy: 'explicit',
      });
    }
    const ann = await as('ann');
    const own = await jetstream(ann, { apiPrefix: 'GH.API' }).consumers.get('GH_EVT', 'ann');
    const message = await own.next({ expires: 5_000 });
    expect(message?.subject).toMatch(/^gatehouse\.v1\.evt\.ann\./);
    expect(await message?.ackAck()).toBe(true);
    for (const apiPrefix of ['GH.API', '$JS.API']) {
      const others = jetstream(ann, { apiPrefix, timeout: 1_000 }).consumers;
      expect(await refused(others.get('GH_EVT', 'bob')), apiPrefix).toBe(true);
    }
    const manager = await managerOf(ann);
    for (const config of [
      { name: 'a', filter_subject: 'gatehouse.v1.evt.bob.>' },
      { name: 'b', filter_subject: 'gatehouse.v1.evt.ann.>' },
      { name: 'c', deliver_subject: 'gatehouse.v1.cmd.submit.http' },
    ]) {
      expect(await refused(manager.consumers.add('GH_EVT', config)), config.name).toBe(true);
    }
    expect(await refused(manager.streams.info('GH_EVT', { subjects_filter: '>' }))).toBe(true);
    expect(await refused(manager.streams.getMessage('GH_EVT', { seq: 1 }))).toBe(true);
    expect(await refused(manager.consumers.list('GH_EVT').next())).toBe(true);
  });

  test('cannot make the broker publish to a subject of Gatehouse by the reply subject of a request', async () => {
    const { rig, as } = await guarded();
    await rig.jobService.submit({ message: 'hello', user_id: 'ann' });
    await until(() => rig.messaging.flush());
    const operator = await managerOf(await as('core'));
    await operator.consumers.add('GH_EVT', { durable_name: 'ann', ack_policy: 'explicit' });
    const ann = await as('ann');
    const { requests } = rig.messaging.status().counts;
    for (const reply of [
      'gatehouse.v1.cmd.submit.http',
      'gatehouse.v1.dlv.synology.ann.x',
      'gatehouse.v1.svc.job.list',
      'gatehouse.v1.svc.job.cancel.synology',
      'gatehouse.v1.live.bob.x.done',
    ]) {
      ann.publish('GH.API.CONSUMER.MSG.NEXT.GH_EVT.ann', '1', { reply });
      ann.publish('GH.API.CONSUMER.INFO.GH_EVT.ann', '', { reply });
    }
    await ann.flush();
    // All those requests came before this one, and its own consumer still works.
    const own = await jetstream(ann, { apiPrefix: 'GH.API' }).consumers.get('GH_EVT', 'ann');
    expect(await own.next({ expires: 5_000 })).not.toBe(null);
    expect((await operator.streams.info('GH_CMD')).state.last_seq).toBe(0);
    expect((await operator.streams.info('GH_DLV')).state.last_seq).toBe(0);
    expect(rig.messaging.status().counts.requests).toBe(requests);
  });

  test('is refused the subjects of others: live events, tokens, inboxes, services, commands and replies', async () => {
    const { as } = await guarded();
    const ann = await as('ann');
    const heard: string[] = [];
    void (async () => {
      for await (const status of ann.status()) {
        if (status.type === 'error') heard.push(status.error.message);
      }
    })();
    for (const subject of [
      '>',
      'gatehouse.v1.live.>',
      'gatehouse.v1.live.*.*.done',
      'gatehouse.v1.live.bob.>',
      'gatehouse.v1.tok.bob.x',
      'gatehouse.v1.rpl.>',
      '_INBOX_bob.>',
      '_INBOX_*.>',
      '_INBOX_core.>',
    ]) {
      const before = heard.length;
      ann.subscribe(subject, { callback: () => undefined });
      await until(() => heard.length > before);
    }
    for (const subject of [
      ...serviceVerbs.map((verb) => `gatehouse.v1.svc.job.${verb}`),
      'gatehouse.v1.cmd.submit.synology',
      'gatehouse.v1.evt.ann.x.done',
      'gatehouse.v1.live.ann.x.done',
      'gatehouse.v1.rpl.synology.ann.x',
      '$JS.API.STREAM.PURGE.GH_EVT',
      '$JS.API.STREAM.NAMES',
      '$JS.API.STREAM.UPDATE.GH_EVT',
      '$SYS.REQ.SERVER.PING',
    ]) {
      const before = heard.length;
      ann.publish(subject, '{}');
      await until(() => heard.length > before);
    }
  });
});

describe('the subject token of a user', () => {
  test('is a single token without wildcards, and differs from that of any other user', () => {
    const id = fc.oneof(
      wildText,
      fc.constantFrom('*', '>', 'a.b', 'ann', 'Ann', 'ann ', 'ann.>', 'u_', `u_${'a'.repeat(22)}`),
      fc.string({ maxLength: 40 }),
    );
    fc.assert(
      fc.property(id, id, (one, other) => {
        const [a, b] = [userToken(one), userToken(other)];
        expect(a).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
        if (one.toWellFormed() !== other.toWellFormed()) expect(a).not.toBe(b);
        // The token of a user is not the token of a user with that name.
        if (a !== one) expect(userToken(a)).not.toBe(a);
      }),
      runs(1_000),
    );
  });
});

describe.skipIf(natsCommand === null)('random bytes over NATS', () => {
  const fields = {
    message: fc.constantFrom('hello', 'draft x'),
    user_id: fc.constantFrom('ann', 'bob'),
    channel: fc.constantFrom('synology', 'a b'),
    thread: fc.constant('t'),
    idempotency_key: fc.constantFrom('k', 'l'),
    attachment: fc.record({ name: wildText, text: wildText }),
    job_id: fc.constantFrom('01JZZZZZZZZZZZZZZZZZZZZZZZ', 'x'),
    by: fc.constant('ann'),
    limit: fc.integer(),
    cursor: fc.constantFrom('1', 'x'),
  };
  const header = fc.dictionary(
    fc.constantFrom('Nats-Msg-Id', 'traceparent', 'Nats-Expected-Stream', 'X-Y'),
    fc.string({ unit: fc.constantFrom(...Array.from('abc:-0123é가 ')), maxLength: 40 }),
    { maxKeys: 3 },
  );

  const made = (given: Record<string, string>) => {
    const all = headers();
    for (const [name, value] of Object.entries(given)) all.set(name, value);
    return all;
  };

  test('get one answer as a request, and never an internal error', async () => {
    const server = await broker();
    await openGatehouse({ url: server.url }, { maxQueued: 10_000 });
    const nc = await connectClient(server);
    await until(() =>
      nc.request('$SRV.PING.gatehouse', '', { timeout: 500 }).then(
        () => true,
        () => false,
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...serviceVerbs),
        wildBody(fields),
        header,
        async (verb, body, given) => {
          const answer = await nc.request(`gatehouse.v1.svc.job.${verb}`, body, {
            timeout: 10_000,
            headers: made(given),
          });
          const { code, status } = answer.json<{ code?: string; status?: number }>();
          expect(code).not.toBe('GH_JOB_BUG');
          if (code !== undefined) expect(status).toBeLessThan(500);
        },
      ),
      runs(300),
    );
    const last = await nc.request('gatehouse.v1.svc.job.submit', '{"message":"hello"}');
    expect(last.json()).toHaveProperty('job_id');
  });

  test('end as a job or a dead letter as a durable submit, and a later submit is answered', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url }, { maxQueued: 10_000 });
    await until(() => rig.messaging.status().bus === 'connected');
    const nc = await connectClient(server);
    const js = jetstream(nc);
    await until(async () => !(await refused((await managerOf(nc)).streams.info('GH_CMD'))));
    let sent = 0;
    const source = fc.constantFrom('synology', 'x', 'a.b', `s${'y'.repeat(80)}`, 'é');
    await fc.assert(
      fc.asyncProperty(source, wildBody(fields), header, async (from, body, given) => {
        // Each has an id of its own: the broker drops a repeated id.
        sent += 1;
        const all = made({ ...given, 'Nats-Msg-Id': `${from}:${sent}` });
        all.delete('Nats-Expected-Stream');
        await js.publish(`gatehouse.v1.cmd.submit.${from}`, body, { headers: all });
      }),
      runs(200),
    );
    await js.publish('gatehouse.v1.cmd.submit.x', '{"message":"hello"}', { msgID: 'x:last' });
    await until(() => {
      const { submits, deadLetters } = rig.messaging.status().counts;
      return submits + deadLetters === sent + 1;
    });
    await until(async () => {
      const { jobs } = await rig.jobService.list({ limit: 500 });
      return jobs.every(({ outcome, state }) => outcome !== null || state === 'confirm-draft');
    });
  });
});

/** Outages of the core, the broker or the bridge, or the loss of one reply: nothing is lost, doubled or silent. */
import { describe, expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { after } from '#test/support/fake-llm-replies';
import { connectClient, managerOf } from '#test/events/nats-fixture';
import { natsCommand, waitMs, openBridgeWithCore } from './bridge-fixture.ts';

const polled = { timeout: waitMs, interval: 20 };

describe.skipIf(natsCommand === null)('an inbound message', () => {
  test('waits while the core is down, is acknowledged by a notice, and is answered after the restart', async () => {
    const {
      fixture,
      type,
      waitForTexts: heard,
      textsShownTo: said,
    } = await openBridgeWithCore({ timings: { waitingNoticeMs: 100 } });
    await fixture.core.stop();
    fixture.small.script(direct('하나'), direct('둘'));
    await type(4, '첫째');
    await type(4, '둘째');
    expect(await heard(4, 1)).toEqual([
      '요청을 받았습니다. 지금은 처리할 수 없어, 가능해지는 대로 답하겠습니다.',
    ]);
    await fixture.restart();
    await expect.poll(() => said(4), polled).toContain('둘');
    expect(said(4).filter((text) => ['하나', '둘'].includes(text))).toEqual(['하나', '둘']);
    expect((await fixture.client.jobs({ user_id: '4' })).jobs).toHaveLength(2);
  });

  test('waits while the broker is down and is answered after its restart', async () => {
    const { fixture, server, type, waitForTexts: heard, bridge } = await openBridgeWithCore();
    await expect.poll(() => bridge.health()['nats'], polled).toBe('connected');
    await server.kill();
    await expect.poll(() => bridge.health()['nats'], polled).toBe('connecting');
    fixture.small.script(direct('답'));
    await type(4, '안녕');
    await server.restart();
    expect(await heard(4, 1)).toEqual(['답']);
  });

  test('that was stored before the bridge stopped is answered after its restart', async () => {
    const here = await openBridgeWithCore();
    const { fixture, server, type, waitForTexts: heard, restart, storage } = here;
    await server.kill();
    await type(4, '안녕');
    expect(storage.counts().inbox).toBe(1);
    const restarting = restart();
    await server.restart();
    fixture.small.script(direct('답'));
    await restarting;
    expect(await heard(4, 1)).toEqual(['답']);
  });
});

describe.skipIf(natsCommand === null)('replies', () => {
  test('wait while the bridge is down, and are posted in order after its restart', async () => {
    const { fixture, type, waitForTexts: heard, stop, restart, dsm } = await openBridgeWithCore();
    fixture.small.script(direct('0'));
    await type(4, '먼저');
    await heard(4, 1);
    await stop();
    const answers = Array.from({ length: 20 }, (_, index) => String(index + 1));
    for (const answer of answers) {
      fixture.small.script(direct(answer));
      const body = { message: `질문 ${answer}`, user_id: '4', channel: 'synology' };
      const id = await fixture.client.submit(body);
      await until(async () => (await fixture.client.job(id)).outcome !== null);
    }
    expect(dsm.posts().filter(({ author }) => author.kind === 'integration')).toHaveLength(1);
    await restart();
    expect((await heard(4, 21)).slice(1)).toEqual(answers);
  });

  test('that the broker has lost are requested from the core, and posted once', async () => {
    const here = await openBridgeWithCore();
    const { fixture, server, type, waitForTexts: heard, textsShownTo: said, stop, restart } = here;
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.small.script(after(promise, direct('답')));
    await type(4, '안녕');
    await until(() => here.storage.unanswered(Date.now() + 1).some(({ jobId }) => jobId !== null));
    await stop();
    resolve();
    const [job] = (await fixture.client.jobs({ user_id: '4' })).jobs;
    await until(async () => (await fixture.client.job(job!.job_id)).outcome !== null);
    await until(() => fixture.core.messaging.flush());
    const jsm = await managerOf(await connectClient(server));
    expect((await jsm.streams.purge('GH_RPL')).purged).toBe(1);
    await restart();
    expect(await heard(4, 1)).toEqual(['답']);
    await expect
      .poll(async () => (await fixture.client.job(job!.job_id)).deliveries, polled)
      .toMatchObject([{ status: 'sent' }]);
    expect(said(4)).toHaveLength(1);
  });

  test('to a job that the core does not know are replaced by an apology', async () => {
    const here = await openBridgeWithCore();
    const { fixture, storage, type, waitForTexts: heard } = here;
    const { promise, resolve } = Promise.withResolvers<void>();
    fixture.small.script(async (exchange) => {
      await promise;
      await direct('zu spät')(exchange);
    });
    await type(4, '안녕');
    await until(() => storage.unanswered(Date.now() + 1).some(({ jobId }) => jobId !== null));
    const [row] = storage.unanswered(Date.now() + 1);
    storage.setInboxState(row!.id, 'accepted', { jobId: 'gone', afterSeq: 0 });
    expect(await heard(4, 1)).toEqual(['응답을 받지 못했습니다. 다시 시도해주세요.']);
    resolve();
  });
});

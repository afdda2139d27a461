/** A person in two chats, Synology Chat and a toy one: real bridges, a real broker, one core. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBridge as openChannelBridge } from '#app/bridge';
import { configSchema } from '#app/config/config';
import { silentLog } from '#shared/log';
import { broker, natsCommand } from '#test/events/nats-fixture';
import { direct, openCore } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { fakeNas, openBridge, textsShownTo, waitMs } from './bridge-fixture.ts';
import { ToyChat, toyChannel } from './toy-channel.ts';

const polled = { timeout: waitMs, interval: 20 };

/** `kim` is 4 on the NAS and k in the toy chat; l of the toy chat and 5 on the NAS are nobody's. */
async function openChats(persons: object[] = [{ id: 'kim', channels: { synology: 4, toy: 'k' } }]) {
  const server = await broker();
  const nats = { mode: 'external', url: server.url };
  const fixture = await openCore({ nats, persons }, { channels: ['synology', 'toy'] });
  onTestFinished(() => fixture.close());
  const dsm = await fakeNas();
  const bridge = await openBridge({ dsm, natsUrl: server.url });
  dsm.saveUrl('Gatehouse', bridge.url);
  const toy = new ToyChat();
  await toy.listen();
  onTestFinished(() => toy.close());
  const settings = {
    url: toy.url,
    users: ['k', 'l', 'kim'],
    keyed: false,
    host: '127.0.0.1',
    port: 0,
    noticeDelayMs: 20,
    ratePerMinute: 1_000,
    database: join(fixture.folder, 'toy.db'),
  };
  const config = configSchema.parse({ nats, database: join(fixture.folder, 'gatehouse.db') });
  const toyBridge = await openChannelBridge(toyChannel(settings), config, silentLog());
  onTestFinished(() => toyBridge.stop());
  return {
    ...fixture,
    dsm,
    toy,
    bridge,
    onNas: (user = 4) => textsShownTo(dsm, user),
    /** The last job of a user, and what became of its replies. */
    async lastJob(user: string) {
      const [job] = (await fixture.client.jobs({ user_id: user })).jobs;
      return job === undefined ? null : fixture.client.job(job.job_id);
    },
  };
}

describe.skipIf(natsCommand === null)('a person in two chats', () => {
  test('gets each answer in the chat of its question, from one history', async () => {
    const { small, toy, dsm, onNas, client } = await openChats();
    small.script(direct('토끼를 좋아하시는군요'), direct('토끼요'));
    dsm.say({ userId: 4, text: '나는 토끼가 좋아' });
    await expect.poll(() => onNas(), polled).toEqual(['토끼를 좋아하시는군요']);
    toy.say('k', '내가 뭘 좋아해?');
    await expect.poll(() => toy.textsTo('k'), polled).toEqual(['토끼요']);
    expect(JSON.stringify(small.requests.at(-1)!.body.messages)).toContain('나는 토끼가 좋아');
    expect(onNas()).toHaveLength(1);
    const { jobs } = await client.jobs({ user_id: 'kim' });
    expect(jobs.map(({ channel }) => channel)).toEqual(['toy', 'synology']);
  });

  test('confirms in one chat a draft that was shown in the other: written once, told in both', async () => {
    const { small, toy, dsm, onNas, lastJob } = await openChats();
    small.script(wantsDentist);
    dsm.say({ userId: 4, text: dentistMessage });
    await expect.poll(() => onNas().join(''), polled).toContain('치과');
    const shown = onNas().length;
    toy.say('k', '네');
    await expect.poll(() => toy.textsTo('k').length, polled).toBe(1);
    await expect.poll(() => onNas().length, polled).toBe(shown + 1);
    expect(toy.textsTo('k')[0]).toBe(onNas().at(-1));
    await expect
      .poll(async () => (await lastJob('kim'))!.deliveries.map(({ status }) => status), polled)
      .toEqual(['sent', 'sent', 'sent']);
    expect(await lastJob('kim')).toMatchObject({ outcome: 'answered', channel: 'synology' });
  });

  test('changes a draft in the other chat and sees it there, and its button in the first one still decides', async () => {
    const { small, toy, dsm, onNas, lastJob } = await openChats();
    small.script(wantsDentist);
    toy.say('k', dentistMessage);
    await expect.poll(() => toy.textsTo('k').join(''), polled).toContain('치과');
    dsm.say({ userId: 4, text: '4시로 바꿔' });
    await expect.poll(() => onNas().join(''), polled).toContain('16:00');
    expect(toy.textsTo('k').join('')).toContain('16:00');
    const post = dsm.posts().find(({ attachments }) => attachments.length > 0)!;
    const value = post.attachments[0]!.actions[0]!.value;
    await dsm.press({ userId: 4, postId: post.postId, value }).settled;
    await expect.poll(async () => (await lastJob('kim'))!.outcome, polled).toBe('answered');
    await expect.poll(() => onNas().length, polled).toBe(2);
  });

  test('a stranger with the name of a person, or with nobody’s id, sees and decides nothing of theirs', async () => {
    const { small, toy, dsm, onNas, lastJob, client } = await openChats();
    small.script(wantsDentist, direct('무엇을요?'));
    dsm.say({ userId: 4, text: dentistMessage });
    await expect.poll(() => onNas().join(''), polled).toContain('치과');
    toy.say('l', '네');
    await expect.poll(() => toy.textsTo('l'), polled).toEqual(['무엇을요?']);
    toy.say('kim', '내 일정 알려줘');
    // The bridge’s own notice is longer than one post of this chat, the error reply of the core is not: either may come.
    await expect.poll(() => toy.textsTo('kim').join(''), polled).toContain('GH_REQUEST_FORBIDDEN');
    expect(await lastJob('kim')).toMatchObject({ state: 'confirm-draft' });
    expect((await client.jobs({ channel: 'toy' })).jobs).toHaveLength(1);
  });
});

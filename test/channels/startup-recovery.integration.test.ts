/** Stored replies and messages after bots were renamed or removed, or users removed. */
import { describe, expect, test } from 'vitest';
import type { NewInboxRow } from '#channels/bridge-storage-port';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import {
  openBridgeWithoutCore,
  fakeNas,
  finalReply,
  token,
  waitMs,
  type BridgeWithoutCoreInput,
} from './bridge-fixture.ts';

const polled = { timeout: waitMs, interval: 20 };
const second = 'W'.repeat(64);

const nas = (): Promise<FakeDsm> =>
  fakeNas({
    integrations: [
      { kind: 'bot', name: 'Gatehouse', token, url: null },
      { kind: 'bot', name: 'Work', token: second, url: null },
    ],
  });

const workBot = (dsm: FakeDsm, name: string) => ({
  bots: [{ name, incomingUrl: dsm.apiUrl('Work'), token: second, allowedUserIds: [4, 5] }],
});

const message = (key: string, change: Partial<NewInboxRow> = {}): NewInboxRow => ({
  key,
  kind: 'message',
  target: 'work',
  lane: 'work/4',
  chatUser: '4',
  userId: '4',
  text: '안녕',
  click: null,
  file: null,
  attachment: null,
  ...change,
});

/** A core that records the messages of the bridge. */
function coreOf(): { link: BridgeWithoutCoreInput['link']; submitted: Record<string, unknown>[] } {
  const submitted: Record<string, unknown>[] = [];
  return {
    submitted,
    link: {
      submit(body) {
        submitted.push(body);
        return Promise.resolve({ ok: true, value: 'stored' });
      },
      request: (_, body) =>
        Promise.resolve({ ok: true, value: { job_id: `job-of-${String(body['message'])}` } }),
    },
  };
}

describe('a stored reply', () => {
  test('for a renamed bot is posted by the first bot', async () => {
    const dsm = await nas();
    await dsm.refuseConnections();
    const before = await openBridgeWithoutCore(dsm, workBot(dsm, 'work'));
    await before.reply(finalReply('j1', '답', { thread: 'bot-work' }));
    await before.stop();
    await dsm.acceptConnections();
    const {
      reports,
      textsShownTo: said,
      storage,
    } = await openBridgeWithoutCore(dsm, workBot(dsm, 'job'), before);
    await dsm.until(() => said(4).length === 1, waitMs);
    expect(said(4)).toEqual(['답']);
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'sent', parts: 1 }]);
    expect(storage.counts()).toMatchObject({ outbox: 0, unreported: 0 });
  });

  test.each([
    ['of the bot', null],
    ['of a bot that is gone', 'bot-work'],
  ])(
    'for a user %s who is no longer allowed is given up, and reported as dead',
    async (_, thread) => {
      const dsm = await nas();
      await dsm.refuseConnections();
      const before = await openBridgeWithoutCore(dsm, workBot(dsm, 'work'));
      const change = { user_id: '5', ...(thread === null ? {} : { thread }) };
      await before.reply(finalReply('j1', '비밀 답', change));
      await before.stop();
      await dsm.acceptConnections();
      const {
        reports,
        textsShownTo: said,
        storage,
      } = await openBridgeWithoutCore(dsm, { allowedUserIds: [4] }, before);
      await expect.poll(() => reports, polled).toMatchObject([{ status: 'dead', parts: 0 }]);
      expect(reports[0]?.error).toContain('is not configured');
      expect(storage.counts()).toMatchObject({ outbox: 0, unreported: 0 });
      expect(said(5)).toEqual([]);
    },
  );
});

describe('a stored message', () => {
  test('to a removed bot is submitted in its own conversation, and answered by the first bot', async () => {
    const dsm = await nas();
    const before = await openBridgeWithoutCore(dsm, workBot(dsm, 'work'));
    before.storage.insertInbox([message('post-1')], Date.now());
    await before.stop();
    const { link, submitted } = coreOf();
    const {
      reply,
      textsShownTo: said,
      storage,
    } = await openBridgeWithoutCore(dsm, {}, { folder: before.folder, link: link! });
    await expect.poll(() => submitted, polled).toMatchObject([{ thread: 'bot-work' }]);
    await expect.poll(() => storage.findUnansweredByKey('post-1')?.state, polled).toBe('accepted');
    await reply(finalReply('job-of-안녕', '답', { thread: 'bot-work' }));
    await dsm.until(() => said(4).length === 1, waitMs);
    expect(storage.counts().inbox).toBe(0);
  });

  test('with a file to a removed bot ends in a text that the file could not be fetched', async () => {
    const dsm = await nas();
    const before = await openBridgeWithoutCore(dsm, workBot(dsm, 'work'));
    const file = { name: '보고서.pdf', postId: '7' };
    before.storage.insertInbox([message('post-7', { text: '', file })], Date.now());
    await before.stop();
    const { link, submitted } = coreOf();
    const { textsShownTo: said, storage } = await openBridgeWithoutCore(
      dsm,
      {},
      { folder: before.folder, link: link! },
    );
    await dsm.until(() => said(4).length === 1, waitMs);
    expect(said(4)[0]).toContain('"보고서.pdf" 파일을 가져오지 못했습니다');
    expect(submitted).toEqual([]);
    await expect.poll(() => storage.counts().inbox, polled).toBe(0);
  });

  test('or a click of a user who is no longer allowed is not submitted', async () => {
    const dsm = await nas();
    const before = await openBridgeWithoutCore(dsm, workBot(dsm, 'work'));
    const person = { target: 'main', lane: 'main/5', chatUser: '5', userId: '5' };
    const click = { jobId: 'j1', action: 'confirm' } as const;
    before.storage.insertInbox(
      [
        message('post-1', person),
        message('click-1', { ...person, kind: 'click', text: '', click }),
        message('post-2', { target: 'main', lane: 'main/4', text: '저는' }),
      ],
      Date.now(),
    );
    await before.stop();
    const { link, submitted } = coreOf();
    const { storage } = await openBridgeWithoutCore(
      dsm,
      { allowedUserIds: [4] },
      { folder: before.folder, link: link! },
    );
    await expect.poll(() => storage.findUnansweredByKey('post-2')?.state, polled).toBe('accepted');
    expect(submitted).toMatchObject([{ message: '저는' }]);
    expect(storage.counts()).toMatchObject({ inbox: 1, outbox: 0 });
  });
});

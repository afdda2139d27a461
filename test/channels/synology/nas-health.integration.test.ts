/** How a failed response of the NAS affects the next posts. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { pauseMsMax } from '#machines/delivery';
import { createSystemNotice } from '#channels/system-notices';
import type { Reply } from '#shared/wire/reply';
import type { Fault } from '#simulators/synology-chat/api-faults';
import {
  openBridgeWithoutCore,
  clockAhead,
  fakeNas,
  finalReply,
  waitMs,
  type BridgeWithoutCore,
} from '../bridge-fixture.ts';

const polled = { timeout: waitMs, interval: 20 };
const apology = '답변을 채팅에 표시하지 못했습니다. 다시 요청해주세요.';
const dayMs = 24 * 3_600_000;

const final = (n: number, text: string, change: Partial<Reply> = {}): Reply =>
  finalReply(`job-${n}`, text, change);

/** Ends every pause of a delivery. An empty reply, which is never posted, wakes the bridge. */
function pausesOf(chat: BridgeWithoutCore): () => Promise<void> {
  const ahead = clockAhead();
  let blanks = 100;
  return async () => {
    ahead.ms += pauseMsMax;
    blanks += 1;
    await chat.reply(final(blanks, '', { user_id: '6' }));
  };
}

const forEver = { times: Number.POSITIVE_INFINITY };

describe('a NAS', () => {
  test.each<[string, Fault]>([
    ['pages of HTTP 404', { kind: 'page', status: 404 }],
    ['pages of HTTP 403', { kind: 'page', status: 403 }],
    ['pages of HTTP 302', { kind: 'page', status: 302 }],
    [
      'the login page of DSM',
      { kind: 'says', status: 200, body: '<script src="webman/login.js"></script>' },
    ],
    ['HTTP 429 in JSON', { kind: 'says', status: 429, body: '{"message":"too many requests"}' }],
  ])(
    'that answers with %s counts as unavailable: it is probed, and all replies are posted later',
    async (_, fault) => {
      const dsm = await fakeNas();
      const chat = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
      const { reply, textsShownTo: said, storage } = chat;
      const pass = pausesOf(chat);
      const methods = (): string[] => dsm.requests().map(({ method }) => method);
      dsm.fail(fault, forEver);
      await reply(final(1, '답'));
      await expect
        .poll(() => storage.nextPerLane()[0]?.delivery, polled)
        .toMatchObject({ state: 'pausing', context: { strikes: 0, pauseMs: 5_000 } });
      await reply(final(2, '저도', { user_id: '5' }));
      await dsm.until(() => methods().length === 2, waitMs);
      // Other waiting replies are not posted: the NAS is probed with user_list.
      expect(methods()).toEqual(['chatbot', 'user_list']);
      dsm.clearFaults();
      await pass();
      await dsm.until(() => said(4).length === 1 && said(5).length === 1, waitMs);
    },
  );

  test('with a stopped Chat package is probed until it runs, and then receives all replies at once', async () => {
    const dsm = await fakeNas();
    const {
      reply,
      textsShownTo: said,
      storage,
    } = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
    // The clock stands still: no pause ends by itself.
    const at = Date.now();
    const spy = vi.spyOn(Date, 'now').mockImplementation(() => at);
    onTestFinished(() => spy.mockRestore());
    dsm.setPackage(false);
    await reply(final(1, '답'));
    await expect.poll(() => storage.nextPerLane()[0]?.delivery.state, polled).toBe('pausing');
    await reply(final(2, '저도', { user_id: '5' }));
    await dsm.until(() => dsm.requests().length >= 3, waitMs);
    const methods = dsm.requests().map(({ method }) => method);
    expect(methods.filter((method) => method === 'chatbot')).toHaveLength(1);
    dsm.setPackage(true);
    await dsm.until(() => said(4).length === 1 && said(5).length === 1, waitMs);
  });

  test('that answers every request with code 100 keeps all replies waiting, after any number of tries', async () => {
    const dsm = await fakeNas();
    const chat = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
    const { reply, reports, textsShownTo: said, storage } = chat;
    const pass = pausesOf(chat);
    dsm.fail({ kind: 'error', code: 100 }, forEver);
    await reply(final(1, '하나'));
    await reply(final(2, '둘'));
    for (let tries = 1; tries <= 6; tries += 1) {
      await expect.poll(() => storage.nextPerLane()[0]?.delivery.context.tries, polled).toBe(tries);
      await pass();
    }
    dsm.clearFaults();
    await pass();
    await dsm.until(() => said(4).length === 2, waitMs);
    expect(said(4)).toEqual(['하나', '둘']);
    expect(reports.every(({ status }) => status === 'sent')).toBe(true);
  });

  test('that answers only one reply with code 100 receives the other replies meanwhile', async () => {
    const dsm = await fakeNas();
    const { reply, textsShownTo: said, storage } = await openBridgeWithoutCore(dsm);
    dsm.fail({ kind: 'error', code: 100 }, { method: 'chatbot' });
    await reply(final(1, '답'));
    await expect.poll(() => storage.nextPerLane()[0]?.delivery.state, polled).toBe('pausing');
    await reply(final(2, '저도', { user_id: '5' }));
    await dsm.until(() => said(5).length === 1, waitMs);
    expect(storage.nextPerLane()[0]?.delivery.state).toBe('pausing');
  });

  test.each<[string, Fault]>([
    ['code 100', { kind: 'error', code: 100 }],
    ['a code that is not known', { kind: 'error', code: 999 }],
    ['a refusal without a code', { kind: 'says', status: 200, body: '{"success":false}' }],
    ['pages of HTTP 403', { kind: 'page', status: 403 }],
  ])(
    'that refuses only one answer, with %s, receives an apology for it and the next answer',
    async (_, fault) => {
      const dsm = await fakeNas();
      const chat = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
      const { reply, reports, textsShownTo: said, storage } = chat;
      const pass = pausesOf(chat);
      const tries = () =>
        storage.nextPerLane().find(({ chatUser }) => chatUser === '4')?.delivery.context.tries;
      dsm.fail(fault, { times: 5, method: 'chatbot' });
      await reply(final(1, '받지 않는 글'));
      await reply(final(2, '다음 답'));
      for (let n = 1; n < 5; n += 1) {
        await expect.poll(tries, polled).toBe(n);
        await pass();
      }
      await expect.poll(tries, polled).toBe(5);
      await pass();
      await dsm.until(() => said(4).length === 1, waitMs);
      dsm.fail(fault, { method: 'chatbot' });

      await dsm.until(() => said(4).length === 3, waitMs);
      expect(said(4)[0]).toBe('답변이 준비되었지만 채팅이 받지 않아 다시 보내고 있습니다.');
      expect(said(4).slice(1).toSorted()).toEqual([apology, '다음 답'].toSorted());
      expect(reports.filter(({ status }) => status === 'dead')).toMatchObject([{ parts: 0 }]);
    },
  );

  test('that refuses all posts for a while receives the waiting answer once when it accepts again', async () => {
    const dsm = await fakeNas();
    const chat = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
    const { reply, textsShownTo: said, storage } = chat;
    const pass = pausesOf(chat);
    dsm.fail({ kind: 'error', code: 100 }, { times: 7, method: 'chatbot' });
    await reply(final(1, '답'));
    for (let n = 1; n <= 7; n += 1) {
      await expect.poll(() => storage.nextPerLane()[0]?.delivery.context.tries, polled).toBe(n);
      await pass();
    }
    await dsm.until(() => said(4).length === 1, waitMs);
    expect(said(4)).toEqual(['답']);
  });

  test.each<[string, Fault]>([
    ...[109, 110, 111, 117, 118].map((code): [string, Fault] => [
      `busy code ${code}`,
      { kind: 'error', code },
    ]),
    ['a code that is not known', { kind: 'error', code: 999 }],
    [
      'a busy code written as a text',
      { kind: 'says', status: 200, body: '{"success":"false","error":{"code":"109"}}' },
    ],
  ])(
    'that answers a post once with %s receives it again, and the chat shows the answer once',
    async (_, fault) => {
      const dsm = await fakeNas();
      const chat = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
      const { reply, reports, textsShownTo: said, storage } = chat;
      const pass = pausesOf(chat);
      dsm.fail(fault, { method: 'chatbot' });
      await reply(final(1, '답'));
      await expect.poll(() => storage.nextPerLane()[0]?.delivery.state, polled).toBe('pausing');
      await pass();
      await expect
        .poll(() => reports.filter(({ parts }) => parts === 1), polled)
        .toMatchObject([{ status: 'sent' }]);
      expect(said(4)).toEqual(['답']);
    },
  );

  test('that stays busy loses the reply, but receives an apology for it', async () => {
    const dsm = await fakeNas();
    const chat = await openBridgeWithoutCore(dsm, { allowedUserIds: [4, 5, 6] });
    const pass = pausesOf(chat);
    const { reply, reports, textsShownTo: said, storage } = chat;
    dsm.fail({ kind: 'error', code: 117 }, { ...forEver, method: 'chatbot' });
    const posts = (): number => dsm.requests().filter(({ method }) => method === 'chatbot').length;
    await reply(final(1, '답'));
    const isPausing = (): boolean =>
      storage
        .nextPerLane()
        .some(({ chatUser, delivery }) => chatUser === '4' && delivery.state === 'pausing');
    for (let seen = 0; seen < 9; seen = posts()) {
      await expect.poll(() => posts() > seen && isPausing(), polled).toBe(true);
      await pass();
    }
    expect(reports.map(({ status }) => status)).toContain('dead');
    dsm.clearFaults();
    await pass();
    await dsm.until(() => said(4).length === 1, waitMs);
    expect(said(4)).toEqual([apology]);
  });

  test('that may have received a post before a restart is probed before the next post', async () => {
    const dsm = await fakeNas();
    const before = await openBridgeWithoutCore(dsm);
    await dsm.refuseConnections();
    await before.reply(final(1, '하나'));
    await before.reply(final(2, '둘', { user_id: '5' }));
    const first = () => before.storage.nextPerLane().find(({ replyId }) => replyId === 'job-1:5')!;
    await expect.poll(() => first().delivery.state, polled).toBe('pausing');
    // The state that a kill leaves in the middle of a post.
    before.storage.saveDelivery(first().id, { ...first().delivery, state: 'sending' }, {});
    await before.stop();
    dsm.fail({ kind: 'cut', at: 'unstored' }, forEver);
    await dsm.acceptConnections();
    const { reports } = await openBridgeWithoutCore(dsm, {}, { folder: before.folder });
    await dsm.until(() => dsm.requests().length === 1, waitMs);
    expect(dsm.requests()[0]).toMatchObject({ method: 'user_list' });
    dsm.clearFaults();
    await expect
      .poll(() => reports.map(({ status }) => status), polled)
      .toEqual(['uncertain', 'sent']);
  });

  test('that is probed while an answer overtakes its notice receives the answer only', async () => {
    const dsm = await fakeNas();
    const {
      reply,
      reports,
      textsShownTo: said,
    } = await openBridgeWithoutCore(dsm, { noticeDelayMs: 0 });
    dsm.fail({ kind: 'cut', at: 'unstored' });
    dsm.fail({ kind: 'slow', headersMs: 300, bodyMs: 0 }, { method: 'user_list' });
    await reply(final(1, '처음 답'));
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'uncertain' }]);
    await reply(final(2, '잠시만요', { reply_id: 'job-2:2', n: 2, kind: 'notice' }));
    await dsm.until(() => dsm.state().faults.length === 0, waitMs);
    await reply(final(2, '답'));
    await expect
      .poll(() => reports.slice(1), polled)
      .toMatchObject([
        { status: 'sent', parts: 0 },
        { status: 'sent', parts: 1 },
      ]);
    expect(said(4)).toEqual(['답']);
  });

  test('that reports success without a recipient receives an apology, and the reply is dead', async () => {
    const dsm = await fakeNas();
    const { reply, reports, textsShownTo: said } = await openBridgeWithoutCore(dsm);
    dsm.fail({ kind: 'nobody' });
    await reply(final(1, '답'));
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'dead', parts: 0 }]);
    await dsm.until(() => said(4).length === 1, waitMs);
    expect(said(4)).toEqual([apology]);
  });

  test.each([503, 200])(
    'that answers with pages of HTTP %i makes one reply uncertain, not all waiting replies',
    async (status) => {
      const dsm = await fakeNas();
      const { reply, reports, textsShownTo: said } = await openBridgeWithoutCore(dsm);
      dsm.fail({ kind: 'page', status }, { times: Number.POSITIVE_INFINITY });
      for (let n = 1; n <= 5; n += 1) await reply(final(n, `답 ${n}`));
      await dsm.until(() => dsm.requests().some(({ method }) => method === 'user_list'), waitMs);
      dsm.clearFaults();
      await expect
        .poll(() => reports.map((report) => report.status), polled)
        .toEqual(['uncertain', 'sent', 'sent', 'sent', 'sent']);
      expect(said(4)).toEqual(['답 2', '답 3', '답 4', '답 5']);
    },
  );

  test('that wrongly refuses a reply as too long does not lower the limit for the next reply', async () => {
    const dsm = await fakeNas();
    const { reply, reports, textsShownTo: said } = await openBridgeWithoutCore(dsm);
    dsm.fail({ kind: 'error', code: 410 }, { times: 6 });
    await reply(final(1, '가'.repeat(1_000)));
    await expect.poll(() => reports.length, polled).toBe(1);
    expect(reports[0]).toMatchObject({ status: 'dead' });
    await dsm.until(() => said(4).includes(apology), waitMs);
    await reply(final(2, '나'.repeat(1_000)));
    await expect.poll(() => reports.length, polled).toBe(2);
    expect(said(4)).toContain('나'.repeat(1_000));
  });

  test('that refuses a short reply as too long does not change the learnt limit', async () => {
    const dsm = await fakeNas({ rules: { textLengthMax: 500 } });
    const { reply, reports } = await openBridgeWithoutCore(dsm);
    await reply(final(1, 'x'.repeat(900)));
    await expect.poll(() => reports.length, polled).toBe(1);
    dsm.fail({ kind: 'error', code: 410 });
    await reply(final(2, '짧은 글'));
    await expect.poll(() => reports.length, polled).toBe(2);
    const refused = dsm.audit().outcomes['error 410'];
    await reply(final(3, 'z'.repeat(900)));
    await expect
      .poll(() => reports.map((report) => report.status), polled)
      .toEqual(['sent', 'dead', 'sent']);
    expect(dsm.audit().outcomes['error 410']).toBe(refused);
  });
});

describe('a waiting reply', () => {
  test('is not given up because of a jump of the clock', async () => {
    const ahead = clockAhead();
    const dsm = await fakeNas();
    const { reply, reports, textsShownTo: said, storage } = await openBridgeWithoutCore(dsm);
    await dsm.refuseConnections();
    await reply(final(1, '답'));
    await expect.poll(() => storage.nextPerLane()[0]?.delivery.state, polled).toBe('pausing');
    ahead.ms = 8 * dayMs;
    await dsm.acceptConnections();
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'sent' }]);
    expect(said(4)).toEqual(['답']);
  });

  test('that is too old is reported as dead, and its user receives one apology for all such replies', async () => {
    const dsm = await fakeNas();
    const { reply, reports, textsShownTo: said, storage } = await openBridgeWithoutCore(dsm);
    const person = { target: 'main', lane: 'main/4', chatUser: '4', userId: '4' };
    const old = [1, 2, 3].map((n) => ({
      ...createSystemNotice(person, '', 'final', `옛 답 ${n}`, 0),
      replyId: `old-${n}:5`,
      jobId: `old-${n}`,
    }));
    storage.insertOutbox(old, Date.now() - 8 * dayMs);
    await reply(final(1, '새 답'));
    await expect
      .poll(() => reports.map((report) => report.status).toSorted(), polled)
      .toEqual(['dead', 'dead', 'dead', 'sent']);
    await dsm.until(() => said(4).length === 2, waitMs);
    expect(said(4).toSorted()).toEqual([apology, '새 답'].toSorted());
  });
});

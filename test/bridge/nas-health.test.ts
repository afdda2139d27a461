/** What one bad answer of the NAS may say of the next posts, and what it may not. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ownWords } from '../../src/bridge/own-words.ts';
import type { Reply } from '../../src/contract/reply.ts';
import { chatOf, fakeNas, waitMs } from './setting.ts';

const polled = { timeout: waitMs, interval: 20 };
const apology = '답변을 채팅에 표시하지 못했습니다. 다시 요청해주세요.';
const dayMs = 24 * 3_600_000;

const final = (n: number, text: string): Reply => ({
  reply_id: `job-${n}:5`,
  job_id: `job-${n}`,
  user_id: '4',
  channel: 'synology',
  n: 5,
  kind: 'final',
  text,
});

describe('a NAS', () => {
  test.each([503, 200])(
    'that answers with pages of HTTP %i makes one reply uncertain, not all that wait',
    async (status) => {
      const dsm = await fakeNas();
      const { reply, reports, said } = await chatOf(dsm);
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

  test('that calls a reply too long for another reason teaches nothing', async () => {
    const dsm = await fakeNas();
    const { reply, reports, said } = await chatOf(dsm);
    dsm.fail({ kind: 'error', code: 410 }, { times: 6 });
    await reply(final(1, '가'.repeat(1_000)));
    await expect.poll(() => reports.length, polled).toBe(1);
    expect(reports[0]).toMatchObject({ status: 'dead' });
    await dsm.until(() => said(4).includes(apology), waitMs);
    await reply(final(2, '나'.repeat(1_000)));
    await expect.poll(() => reports.length, polled).toBe(2);
    expect(said(4)).toContain('나'.repeat(1_000));
  });

  test('that refuses a tiny reply as too long keeps the limit that was learnt', async () => {
    const dsm = await fakeNas({ rules: { textLengthMax: 500 } });
    const { reply, reports } = await chatOf(dsm);
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

describe('a reply that waits', () => {
  test('is not given up because the clock jumps', async () => {
    let offMs = 0;
    const real = Date.now.bind(Date);
    const spy = vi.spyOn(Date, 'now').mockImplementation(() => real() + offMs);
    onTestFinished(() => spy.mockRestore());
    const dsm = await fakeNas();
    const { reply, reports, said, storage } = await chatOf(dsm);
    await dsm.refuseConnections();
    await reply(final(1, '답'));
    await expect.poll(() => storage.heads()[0]?.delivery.state, polled).toBe('pausing');
    offMs = 8 * dayMs;
    await dsm.acceptConnections();
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'sent' }]);
    expect(said(4)).toEqual(['답']);
  });

  test('and is too old is reported, and its person told once for all of them', async () => {
    const dsm = await fakeNas();
    const { reply, reports, said, storage } = await chatOf(dsm);
    const person = { target: 'main', lane: 'main/4', chatUser: '4', userId: '4' };
    const old = [1, 2, 3].map((n) => ({
      ...ownWords(person, '', 'final', `옛 답 ${n}`, 0),
      replyId: `old-${n}:5`,
      jobId: `old-${n}`,
    }));
    storage.put(old, Date.now() - 8 * dayMs);
    await reply(final(1, '새 답'));
    await expect
      .poll(() => reports.map((report) => report.status).toSorted(), polled)
      .toEqual(['dead', 'dead', 'dead', 'sent']);
    await dsm.until(() => said(4).length === 2, waitMs);
    expect(said(4).toSorted()).toEqual([apology, '새 답'].toSorted());
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailAccount } from '#tools/email/mail-port';
import { dovecotMissing, startDovecot, type Dovecot } from '#test/support/dovecot';
import { freePort } from '#test/support/free-port';
import { dayAfter, momentsOfClock, timeIn, type Moment } from '#test/support/test-moments';
import { silentServer } from '../calendar/caldav-setting.ts';
import { account, askedAt, daysBefore, imapProxy, search, spokenDay } from './mail-setting.ts';
import { modernMail, oldMail } from './mails.ts';

const missing = dovecotMissing();
if (missing !== null) console.warn(`IMAP tests skipped: ${missing}`);

const fixed: Moment = {
  name: 'a fixed day',
  now: Date.parse('2026-11-18T09:00:00+09:00'),
  timeZone: 'Asia/Seoul',
  today: '2026-11-18',
};

describe.skipIf(missing !== null).each([fixed, ...momentsOfClock().slice(0, 1)])(
  'mail on an IMAP server: $name',
  (moment) => {
    let dovecot: Dovecot;
    let personal: MailAccount;
    const { today, timeZone, now } = moment;
    const newest = timeIn(timeZone, now);
    const day = (days: number): string => dayAfter(today, -days);
    const ask = (
      accounts: MailAccount[],
      params: Record<string, unknown>,
      context: Parameters<typeof search>[2] = {},
    ) => search(accounts, params, { ...askedAt(moment), ...context });

    beforeAll(async () => {
      dovecot = await startDovecot(['INBOX', '청구서', 'Sent']);
      personal = account({ port: dovecot.port });
      const at = (days: number, time: string): Date => daysBefore(moment, days, time);
      const put = async (
        folder: string,
        when: readonly [days: number, time: string],
        mail: Parameters<typeof modernMail>[0],
      ) => dovecot.deliver(folder, await modernMail(mail), at(...when));
      await put('INBOX', [0, newest], {
        from: '김철수 과장 <kim@example.org>',
        subject: '견적서 요청드립니다',
        text: '배관 공사 견적을 부탁드립니다.\n감사합니다.',
      });
      await put('INBOX', [2, '10:00'], {
        from: 'Jane <jane@example.org>',
        subject: 'Invoice 2026-11',
        html: '<p>Please find the <b>invoice</b> for 휴가 비용</p>',
      });
      await put('INBOX', [17, '10:00'], {
        from: 'a@example.org',
        subject: '오래된 메일',
        text: 'x',
      });
      await put('INBOX', [4, '00:10'], {
        from: 'b@example.org',
        subject: '자정 뒤',
        text: 'x',
      });
      await put('INBOX', [5, '23:50'], {
        from: 'b@example.org',
        subject: '자정 전',
        text: 'x',
      });
      await put('청구서', [1, '12:00'], {
        from: '한전 <bill@example.org>',
        subject: '11월 전기요금',
        text: '청구 금액은 50,000원입니다.',
        attachment: Buffer.alloc(300_000, 7),
      });
      dovecot.deliver(
        'INBOX',
        oldMail({
          charset: 'euc-kr',
          from: '박영희',
          subject: '세금 안내',
          text: '똠방각하 세금계산서 발행',
        }),
        at(3, '10:00'),
      );
      dovecot.deliver(
        'INBOX',
        oldMail({
          charset: 'ks_c_5601-1987',
          from: '이순신',
          subject: '펲시 배송',
          text: '햏햏 도착했습니다',
        }),
        at(3, '11:00'),
      );
    });
    afterAll(() => dovecot?.stop());

    test('the last seven days are listed, newest first, and no message is marked as seen', async () => {
      const { summary, subjects, data } = await ask([personal], {});
      expect(subjects).toEqual([
        '견적서 요청드립니다',
        'Invoice 2026-11',
        '펲시 배송',
        '세금 안내',
        '자정 뒤',
        '자정 전',
      ]);
      expect(summary.split('\n').slice(0, 3)).toEqual([
        '최근 7일 메일 6통이 있습니다.',
        `- ${spokenDay(today, today)} ${newest} 김철수 과장 · 견적서 요청드립니다 [읽지 않음]`,
        '  배관 공사 견적을 부탁드립니다. 감사합니다.',
      ]);
      expect(data.messages.map((message) => message.preview)).toContain('똠방각하 세금계산서 발행');
      expect(data.messages.map((message) => message.preview)).toContain('햏햏 도착했습니다');
      expect(data.messages.map((message) => message.from)).toContain('박영희');
      expect(dovecot.flags('INBOX').filter((flags) => flags.includes('S'))).toEqual([]);
      expect(dovecot.flags('청구서')).toEqual(['']);
    });

    test.each([
      ['견적서', ['견적서 요청드립니다']],
      ['배관 김철수', ['견적서 요청드립니다']],
      ['휴가', ['Invoice 2026-11']],
      ['세금계산서', ['세금 안내']],
      ['INVOICE', ['Invoice 2026-11']],
      ['견적서'.normalize('NFD'), ['견적서 요청드립니다']],
      ['없는말', []],
      ['x"\r\nA1 DELETE INBOX', []],
    ])('the words %j are searched in subject, sender and text', async (query, subjects) => {
      expect((await ask([personal], { query })).subjects).toEqual(subjects);
    });

    test('a sender is found by name or by address', async () => {
      expect((await ask([personal], { from: '김철수' })).subjects).toEqual(['견적서 요청드립니다']);
      expect((await ask([personal], { from: 'jane@example.org' })).subjects).toEqual([
        'Invoice 2026-11',
      ]);
      const none = await ask([personal], { from: '홍길동' });
      expect(none.summary).toBe('최근 7일 ‘홍길동’ 님이 보낸 메일이 없습니다.');
    });

    test('days begin at midnight in the zone of the user', async () => {
      const range = { date_from: day(4), date_to: day(4) };
      expect((await ask([personal], range)).subjects).toEqual(['자정 뒤']);
      expect((await ask([personal], { date_from: day(5), date_to: day(5) })).subjects).toEqual([
        '자정 전',
      ]);
      expect((await ask([personal], { days: 1 })).summary).toContain(
        `오늘(${spokenDay(today, today).replace('(', ' ')} 메일 1통`,
      );
    });

    test('folders are found by their name, by their purpose, and by configured words', async () => {
      expect((await ask([personal], { folder: '청구서' })).subjects).toEqual(['11월 전기요금']);
      expect((await ask([personal], { folder: '보낸편지함' })).data.count).toBe(0);
      const named = { ...personal, folders: [{ path: '청구서', words: ['회사'] }] };
      expect((await ask([named], { folder: '회사' })).subjects).toEqual(['11월 전기요금']);
      expect((await ask([named], {})).data.count).toBe(7);
    });

    test('an unknown folder is reported together with the existing folders', async () => {
      const { error, summary } = await ask([personal], { folder: 'Nowhere' });
      expect(error?.code).toBe('GH_TOOL_NOT_FOUND');
      expect(summary).toContain('‘Nowhere’ 편지함을 찾지 못했습니다');
      expect(summary).toContain('청구서');
    });

    test('an unreachable account is reported, and the mail of the others is listed', async () => {
      const away = account({ name: '회사', port: await freePort() });
      const { ok, summary, data } = await ask([personal, away], {});
      expect(ok).toBe(true);
      expect(data.count).toBe(6);
      expect(summary).toContain('연결하지 못했습니다: 회사');
    });

    test('a named account is the only one that is searched', async () => {
      const away = account({ name: '회사', port: await freePort() });
      const { summary } = await ask([personal, away], { folder: '개인' });
      expect(summary).not.toContain('회사');
    });

    test('mail is visible only to the users of its account', async () => {
      const own = { ...personal, users: ['minji'] };
      expect((await ask([own], {})).data.count).toBe(6);
      const other = await ask([own], {}, { userId: 'jun' });
      expect(other.error?.code).toBe('GH_TOOL_NOT_CONFIGURED');
    });

    test('if the server refuses to search Korean words, the newest mail is searched locally', async () => {
      const proxy = await imapProxy(dovecot.port, (command) =>
        /^UID SEARCH .*CHARSET/.test(command) ? 'NO [BADCHARSET (US-ASCII)] not supported' : null,
      );
      const { seen } = proxy;
      const through = { ...personal, port: proxy.port };
      expect((await ask([through], { query: '세금계산서' })).subjects).toEqual(['세금 안내']);
      expect((await ask([through], { from: '김철수' })).subjects).toEqual(['견적서 요청드립니다']);
      expect(seen.some((line) => line.includes('CHARSET'))).toBe(true);
      // No command that could change the mailbox was sent.
      expect(seen.some((line) => line.includes('EXAMINE'))).toBe(true);
      expect(seen.filter((line) => / SELECT | STORE |BODY\[/.test(line))).toEqual([]);
      await proxy.close();
    });

    // This test is the last one: the server delays the next login from this address.
    test('a wrong password is reported as a failed login, without the password', async () => {
      const { error, summary } = await ask([{ ...personal, password: 'guess' }], {});
      expect(error?.code).toBe('GH_TOOL_LOGIN');
      expect(summary).toContain('비밀번호');
      expect(error?.message).not.toContain('guess');
    });
  },
);

describe.skipIf(missing !== null)('mail of a fixed day', () => {
  test('a message belongs to another day in another zone', async () => {
    const dovecot = await startDovecot(['INBOX']);
    const put = async (when: string, subject: string): Promise<void> => {
      const mail = await modernMail({ from: 'b@example.org', subject, text: 'x' });
      dovecot.deliver('INBOX', mail, new Date(when));
    };
    await put('2026-11-14T00:10+09:00', '자정 뒤');
    await put('2026-11-13T23:50+09:00', '자정 전');
    const range = { date_from: '2026-11-13', date_to: '2026-11-13' };
    const there = [account({ port: dovecot.port })];
    expect((await search(there, range)).subjects).toEqual(['자정 전']);
    const utc = await search(there, range, { timeZone: 'UTC' });
    expect(utc.subjects).toEqual(['자정 뒤', '자정 전']);
    await dovecot.stop();
  });
});

describe('a mail search that cannot be done', () => {
  test('without an account is refused in the language of the message', async () => {
    const ko = await search([], {});
    expect(ko.error?.code).toBe('GH_TOOL_NOT_CONFIGURED');
    expect(ko.summary).toContain('설정되어 있지 않아');
    expect((await search([], {}, { locale: 'en' })).summary).toContain('No mail account');
  });

  test('at a server that is not running is reported as unreachable', async () => {
    const { error } = await search([account({ port: await freePort() })], {});
    expect(error?.code).toBe('GH_TOOL_UNREACHABLE');
  });

  test('at a server that accepts connections and never answers ends with a timeout', async () => {
    const server = await silentServer();
    const { error } = await search(
      [account({ port: Number(new URL(server.url).port) })],
      {},
      {},
      400,
    );
    expect(error?.code).toBe('GH_TOOL_TIMEOUT');
    await server.close();
  });

  test('ends when it is cancelled', async () => {
    const server = await silentServer();
    const controller = new AbortController();
    const asked = search(
      [account({ port: Number(new URL(server.url).port) })],
      {},
      { signal: controller.signal },
    );
    controller.abort();
    expect((await asked).ok).toBe(false);
    await server.close();
  });
});

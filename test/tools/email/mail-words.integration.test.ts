/**
 * Words in mail on a real server that does not know every charset: words that are not ASCII are also searched locally,
 * in the newest mail of the days, within limits.
 */
import { readFileSync } from 'node:fs';
import iconv from 'iconv-lite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dovecotMissing, startDovecot, type Dovecot } from '#test/support/dovecot';
import { momentsOfClock } from '#test/support/test-moments';
import { account, askedAt, imapProxy, search } from './mail-setting.ts';
import { labelledMail, modernMail } from './mails.ts';

const missing = dovecotMissing();
const caseOf = (name: string): Buffer => readFileSync(new URL(`cases/${name}`, import.meta.url));

/** Labels of the Korean code page; the server knows some of them. */
const labels = [
  'ks_c_5601-1987',
  'KS_C_5601-1989',
  'x-windows-949',
  'windows-949',
  'ms949',
  'UHC',
  'x-euc-kr',
  'euc_kr',
  'x-unknown',
];

describe.skipIf(missing !== null)('the search of words in mail', () => {
  let dovecot: Dovecot;
  const [moment] = momentsOfClock();
  if (moment === undefined) throw new Error('no moment');
  const now = new Date(moment.now);
  const ask = (params: Record<string, unknown>, port = dovecot.port, limitMs = 30_000) =>
    search([account({ port })], params, askedAt(moment), limitMs);

  beforeAll(async () => {
    dovecot = await startDovecot(['INBOX', '많은 메일', '큰 메일']);
    const put = (source: Buffer, folder = 'INBOX'): void => dovecot.deliver(folder, source, now);
    put(caseOf('15-outlook-ks_c_5601-1987.eml'));
    for (const charset of labels) {
      const from = `보낸이 ${charset}`;
      put(labelledMail({ charset, from, subject: `납품 ${charset}`, text: '선금 청구 내역' }));
    }
    put(
      await modernMail({ from: 'm@example.org', subject: '맥', text: '자모분리'.normalize('NFD') }),
    );
    put(await modernMail({ from: 'w@example.org', subject: 'ＦＵＬＬ폭', text: '전각 문자' }));
    put(
      await modernMail({
        from: 'h@example.org',
        subject: '페이지',
        html: '<p>굵은<b>글자</b>들</p>',
      }),
    );
    put(labelledMail({ charset: 'utf-8', from: 'b', subject: 'base64', text: 'only here' }));
    // Encoded words that are split inside a character.
    const bytes = iconv.encode('나누어진제목', 'cp949');
    const word = (part: Buffer): string => `=?ks_c_5601-1987?B?${part.toString('base64')}?=`;
    const parted = `From: p@example.org\r\nSubject: ${word(bytes.subarray(0, 5))}\r\n ${word(bytes.subarray(5))}`;
    put(Buffer.from(`${parted}\r\n\r\nx\r\n`));
    put(Buffer.from('Content-Type: multipart/mixed; boundary="\r\n\xff\xfe\r\n\r\n--', 'latin1'));
    for (let index = 0; index < 230; index += 1) {
      const text =
        index === 0 ? '맨 처음의 은행나무' : index === 229 ? '끝의 은행나무' : '별일 없음';
      const mail = labelledMail({
        charset: 'ks_c_5601-1987',
        from: '가',
        subject: `${index}`,
        text,
      });
      dovecot.deliver('많은 메일', mail, new Date(moment.now - (230 - index) * 1000));
    }
  });
  afterAll(() => dovecot?.stop());

  test('finds the mail of the case file by its subject, its text and its sender', async () => {
    for (const params of [{ query: '계약서' }, { query: '잔금 지급' }, { from: '이민호' }]) {
      expect((await ask(params)).subjects).toEqual(['계약서 송부']);
    }
  });

  test('finds words in mails with a charset that the server does not know', async () => {
    const expected = labels.map((charset) => `납품 ${charset}`).toSorted();
    for (const query of ['납품', '선금 청구', '보낸이 내역']) {
      const { subjects, data } = await ask({ query });
      expect(subjects.toSorted()).toEqual(expected);
      expect(data.partial).toBeUndefined();
    }
    const { subjects } = await ask({ from: '보낸이' });
    expect(subjects.toSorted()).toEqual(expected);
  });

  test.each([
    ['composed, where the mail is decomposed', '자모분리', '맥'],
    ['decomposed', '전각'.normalize('NFD'), 'ＦＵＬＬ폭'],
    ['of full width', '굵은글자', '페이지'],
    ['in Latin letters of half width, where the mail has full ones', 'full폭', 'ＦＵＬＬ폭'],
    ['over encoded words that are parted inside a character', '나누어진제목', '나누어진제목'],
  ])('finds a word in this form: %s', async (_name, query, subject) => {
    expect((await ask({ query })).subjects).toEqual([subject]);
  });

  test('skips a mail that cannot be read and lists all others', async () => {
    const { ok, data } = await ask({});
    expect(ok).toBe(true);
    expect(data.count).toBe(labels.length + 7);
  });

  test('reports how many mails it has searched if it has not searched all', async () => {
    const { subjects, data, summary } = await ask({ query: '은행나무', folder: '많은 메일' });
    expect(subjects).toEqual(['229']);
    expect(data).toMatchObject({ partial: true, looked_through: 200 });
    expect(summary).toContain('최근 200통까지만');
    const none = await ask({ query: '소나무', folder: '많은 메일' });
    expect(none.summary).toContain('최근 200통까지만');
  });

  test('trusts the server for ASCII words, and fetches only the texts of the mails that it shows', async () => {
    const proxy = await imapProxy(dovecot.port, () => null);
    // The server finds this mail; the others are excluded by their headers, which the server cannot decode.
    const { subjects } = await ask({ query: 'uhc' }, proxy.port);
    expect(subjects).toEqual(['납품 UHC']);
    const fetched = proxy.seen.filter((line) => line.includes('BODY.PEEK[]'));
    expect(fetched).toHaveLength(1);
    await proxy.close();
  });

  test.each([
    ['refuses the charset', 'NO [BADCHARSET (US-ASCII)] not supported'],
    ['says BAD', 'BAD could not parse'],
    ['finds nothing', 'OK nothing'],
  ])('finds Korean words also if the server %s', async (_name, answer) => {
    const proxy = await imapProxy(dovecot.port, (command) =>
      /CHARSET|[\x80-\xff]/.test(command) ? answer : null,
    );
    expect((await ask({ query: '자모분리' }, proxy.port)).subjects).toEqual(['맥']);
    expect((await ask({ query: '선금' }, proxy.port)).data.count).toBe(labels.length);
    await proxy.close();
  });

  test('finds ASCII words also if the server finds none in base64', async () => {
    const proxy = await imapProxy(dovecot.port, (command) =>
      / (BODY|SUBJECT) /.test(command) ? 'OK nothing' : null,
    );
    expect((await ask({ query: '납품 uhc' }, proxy.port)).subjects).toEqual(['납품 UHC']);
    expect((await ask({ query: 'only' }, proxy.port)).subjects).toEqual(['base64']);
    await proxy.close();
  });

  test('finds an ASCII word both in a subject that the server can decode and in one that it cannot', async () => {
    const { subjects } = await ask({ query: '949' });
    expect(subjects.toSorted()).toEqual(['납품 ms949', '납품 windows-949', '납품 x-windows-949']);
  });
});

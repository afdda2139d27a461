/**
 * The charsets of mail. The rule: bytes that are valid UTF-8 are UTF-8; else the label counts, by its aliases; if it is
 * missing, unknown or does not fit the bytes, the most likely charset is used.
 */
import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { describe, expect, test } from 'vitest';
import { decodeBytes } from '#tools/email/mail-charset';
import { decodeHeader, parseHeaderValue, parseSender } from '#tools/email/mail-headers';
import { parseMailHead, parseMail } from '#tools/email/parse-mail';

const cases = new URL('cases/', import.meta.url);
const korean = '계약서를 송부하오니 검토 바랍니다. 똠방각하 펲시 햏';
const cp949 = (text: string): Buffer => iconv.encode(text, 'cp949');
const latin = (bytes: Buffer): string => bytes.toString('latin1');

/** A message of raw parts, which no library encodes. */
const mailOf = (head: string[], body: Buffer | string): Buffer =>
  Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'),
    typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
  ]);

describe('mails of the case files', () => {
  test.each(readdirSync(cases).filter((name) => name.endsWith('.eml')))(
    '%s has its Korean sender, subject and text',
    (name) => {
      const { from, subject, text } = parseMail(readFileSync(new URL(name, cases)));
      const isRaw = name.includes('raw');
      expect(from).toMatch(isRaw ? /^김철수 </ : /^이민호 </);
      expect(subject).toBe(isRaw ? '견적서 보냅니다' : '계약서 송부');
      expect(text).toBe(isRaw ? '첨부한 견적서를 확인해 주세요.' : '잔금 지급 안내');
    },
  );
});

describe('labels of the Korean code page', () => {
  const labels =
    'euc-kr EUC-KR euc_kr euckr x-euc-kr ks_c_5601-1987 KS_C_5601-1987 ks_c_5601-1989 ks_c_5601 ksc5601 ksc_5601 KSC5601-1987 ks_x_1001 KSX1001 korean iso-ir-149 csKSC56011987 csEUCKR uhc UHC x-uhc cp949 CP-949 ms949 MS-949 x-ms949 windows-949 x-windows-949 win949 windows949 ibm-949 x-mac-korean johab'.split(
      ' ',
    );
  test.each([...labels, ' "euc-kr" ', "'uhc'", 'euc-kr;', 'euc-kr*ko'])(
    'the label %s is decoded as code page 949',
    (label) => {
      expect(decodeBytes(cp949(korean), label)).toBe(korean);
    },
  );
});

describe('labels that are missing, unknown or wrong', () => {
  const others: readonly [name: string, label: string | null, encoding: string, text: string][] = [
    ['none, Korean', null, 'cp949', korean],
    ['none, one word', null, 'cp949', '견적'],
    ['none, UTF-8', null, 'utf8', korean],
    ['unknown, Korean', 'x-unknown', 'cp949', korean],
    ['unknown-8bit, Korean', 'unknown-8bit', 'cp949', korean],
    ['a label of another world, UTF-8', 'x-user-defined', 'utf8', korean],
    ['utf-8 for Korean bytes', 'utf-8', 'cp949', korean],
    ['us-ascii for Korean bytes', 'us-ascii', 'cp949', korean],
    ['ascii for UTF-8', 'us-ascii', 'utf8', korean],
    ['iso-8859-1 for Korean bytes', 'iso-8859-1', 'cp949', '계약서를 송부하오니 검토 바랍니다.'],
    ['windows-1252 for Korean bytes', 'windows-1252', 'cp949', '안녕하세요'],
    ['iso-8859-1 for UTF-8', 'iso-8859-1', 'utf8', korean],
    ['euc-kr for UTF-8', 'euc-kr', 'utf8', korean],
    ['ks_c_5601-1987 for UTF-8', 'ks_c_5601-1987', 'utf8', '결제 안내'],
    ['euc-kr for UTF-8 of western letters', 'utf-8', 'utf8', 'Grüße aus Köln'],
    ['shift_jis for Korean bytes', 'shift_jis', 'cp949', '계약서 송부 안내입니다'],
    ['gb2312 with characters of gb18030', 'gb2312', 'gb18030', '朱镕基，你好'],
    ['gbk', 'gbk', 'gb18030', '请查收附件'],
    ['iso-8859-1 with quotes of windows-1252', 'iso-8859-1', 'windows-1252', '“café” – 5 €'],
    ['latin1', 'latin1', 'windows-1252', 'Größe übermäßig'],
    ['none, western', null, 'windows-1252', 'La réunion est reportée à demain'],
    ['iso-8859-15', 'iso-8859-15', 'iso-8859-15', '5 €'],
    ['iso-8859-8-i', 'iso-8859-8-i', 'iso-8859-8', 'שלום'],
    ['koi8-r', 'koi8-r', 'koi8-r', 'Привет, мир'],
    ['windows-1251', 'windows-1251', 'windows-1251', 'Привет, мир'],
    ['tis-620', 'tis-620', 'tis-620', 'สวัสดี'],
    ['big5', 'big5', 'big5', '請查收附件'],
    ['shift_jis', 'shift_jis', 'shift_jis', '請求書をお送りします'],
    ['sjis', 'x-sjis', 'shift_jis', 'ﾃｽﾄのメール'],
    ['euc-jp', 'euc-jp', 'euc-jp', '請求書をお送りします'],
    ['none, Japanese', null, 'shift_jis', '請求書をお送りします。よろしくお願いします。'],
    ['none, Japanese in EUC', null, 'euc-jp', '請求書をお送りします。よろしくお願いします。'],
    ['none, Chinese', null, 'gb18030', '我们已经收到您的邮件，谢谢您的支持。'],
    ['hanja under a Korean label', 'euc-kr', 'cp949', '大韓民國 東大門'],
    ['utf-16', 'utf-16', 'utf-16', '유니코드'],
    ['utf-16le', 'utf-16le', 'utf-16le', '유니코드 text'],
    ['utf-7', 'utf-7', 'utf-7', '유니코드 text'],
    ['utf-16 for UTF-8', 'utf-16', 'utf8', '유니코드 문서입니다'],
    ['hex, which is no charset', 'hex', 'utf8', korean],
    ['base64, which is no charset', 'base64', 'cp949', '견적서 보냅니다'],
  ];
  test.each(others)('the text is decoded in this case: %s', (_name, label, encoding, text) => {
    expect(decodeBytes(iconv.encode(text, encoding), label)).toBe(text);
  });

  test('ISO-2022-KR is decoded with and without its designation, and under other labels', () => {
    const shifted = Buffer.concat([
      Buffer.from([0x0e]),
      Buffer.from(cp949('견적서').map((byte) => byte & 0x7f)),
      Buffer.from([0x0f]),
      Buffer.from(' (v2)\r\nend'),
    ]);
    const whole = Buffer.concat([Buffer.from('\x1b$)C\r\n'), shifted]);
    for (const label of ['iso-2022-kr', 'csISO2022KR', 'euc-kr', 'us-ascii', null]) {
      expect(decodeBytes(whole, label).trim()).toBe('견적서 (v2)\r\nend');
      expect(decodeBytes(shifted, label)).toBe('견적서 (v2)\r\nend');
    }
  });

  test('ISO-2022-JP is decoded under its label and without one', () => {
    const bytes = Buffer.from('\x1b$B@A5a=q\x1b(B No.5');
    for (const label of ['iso-2022-jp', 'ISO-2022-JP-MS', null]) {
      expect(decodeBytes(bytes, label)).toBe('請求書 No.5');
    }
  });

  test('Johab is recognized by its bytes', () => {
    // 한글 in Johab: five bits for each letter of a syllable.
    expect(decodeBytes(Buffer.from([0xd0, 0x65, 0x8b, 0x69, 0x21]), 'johab')).toBe('한글!');
    expect(decodeBytes(cp949('한글 문서'), 'johab')).toBe('한글 문서');
  });

  test('a text that is cut inside a character keeps all characters before the cut', () => {
    for (const [encoding, label] of [
      ['utf8', 'utf-8'],
      ['utf8', 'euc-kr'],
      ['cp949', 'euc-kr'],
      ['cp949', 'utf-8'],
    ] as const) {
      const bytes = iconv.encode('견적서를 보냅니다', encoding);
      expect(decodeBytes(bytes.subarray(0, -1), label)).toContain('견적서를 보냅니');
    }
  });

  test('a broken byte costs one character, not the text', () => {
    const utf8 = Buffer.from('견적서를 보냅니다. 확인해 주시기 바랍니다.');
    utf8[4] = 0x41;
    expect(decodeBytes(utf8, 'utf-8')).toContain('를 보냅니다. 확인해 주시기 바랍니다.');
  });

  test('any bytes with any label are decoded to a text', () => {
    const label = fc.option(fc.oneof(fc.string(), fc.constantFrom('uhc', 'utf-7', 'johab', 'jis')));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), label, (bytes, name) => {
        expect(typeof decodeBytes(Buffer.from(bytes), name)).toBe('string');
      }),
      { numRuns: 2000 },
    );
  });

  test('Korean text of any words is decoded without a label', () => {
    const words = fc.array(
      fc.constantFrom(...'계약 송부 안내 회의 일정 견적 3월 (주) A사 및'.split(' ')),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(' ');
        expect(decodeBytes(cp949(text), null)).toBe(text);
        expect(decodeBytes(Buffer.from(text), 'euc-kr')).toBe(text);
      }),
    );
  });
});

describe('mail headers', () => {
  const word = (charset: string, bytes: Buffer): string =>
    `=?${charset}?B?${bytes.toString('base64')}?=`;
  const quoted = (charset: string, bytes: Buffer): string =>
    `=?${charset}?Q?${[...bytes].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join('')}?=`;

  test.each([1, 2, 3, 4, 5, 6, 7])(
    'encoded words that are split at byte %i are decoded as one text',
    (at) => {
      for (const [charset, bytes] of [
        ['euc-kr', cp949('견적서입니다')],
        ['utf-8', Buffer.from('견적서입니다')],
        ['x-windows-949', cp949('견적서입니다')],
      ] as const) {
        for (const form of [word, quoted]) {
          const parts = [bytes.subarray(0, at), bytes.subarray(at)];
          const value = parts.map((part) => form(charset, part)).join('\r\n ');
          expect(decodeHeader(value, null)).toBe('견적서입니다');
        }
        // Base64 that is split at any place, also inside a group of four.
        const text = bytes.toString('base64');
        const cut = `=?${charset}?B?${text.slice(0, at)}?= =?${charset}?B?${text.slice(at)}?=`;
        expect(decodeHeader(cut, null)).toBe('견적서입니다');
      }
    },
  );

  test.each([
    [
      'two charsets side by side',
      `${word('euc-kr', cp949('견적'))} ${word('utf-8', Buffer.from('서'))}`,
      '견적서',
    ],
    [
      'words in text',
      `Re: ${word('uhc', cp949('견적'))} (2) ${word('uhc', cp949('보냄'))}`,
      'Re: 견적 (2) 보냄',
    ],
    [
      'words without a space between',
      `${word('utf-8', Buffer.from('견'))}${word('utf-8', Buffer.from('적'))}`,
      '견적',
    ],
    ['a word without its end', word('ks_c_5601-1987', cp949('견적서')).slice(0, -2), '견적서'],
    ['a question mark in a word', '=?utf-8?Q?really??=', 'really?'],
    ['spaces in a word', '=?utf-8?Q?two words_three?=', 'two words three'],
    ['a language', `=?euc-kr*ko?B?${cp949('견적').toString('base64')}?=`, '견적'],
    ['a wrong label', word('utf-8', cp949('견적서')), '견적서'],
    [
      'UTF-8 in no encoding that ends in the byte 0xA0',
      latin(Buffer.from('à la carte à')),
      'à la carte à',
    ],
    ['UTF-8 in no encoding', latin(Buffer.from('견적서 v2')), '견적서 v2'],
    ['Korean bytes in no encoding', latin(cp949('[공지] 견적서')), '[공지] 견적서'],
    ['ISO-2022-KR in no encoding', '\x1b$)C\x0e0_@{\x0f', '견적'],
    ['no encoded word', 'a =? b ?= c', 'a =? b ?= c'],
    ['an encoded word of nothing', '=?utf-8?B??=', ''],
  ])('a header with this content is decoded: %s', (_name, value, text) => {
    expect(decodeHeader(value, null)).toBe(text);
  });

  test('a byte 0xA0 at the end of a header is part of its last character', () => {
    const { subject, from } = parseMailHead(
      mailOf(
        [`Subject: ${latin(Buffer.from('voilà'))}`, `From: ${latin(Buffer.from('Là'))} <a@b>`],
        '',
      ),
    );
    expect([subject, from]).toEqual(['voilà', 'Là']);
  });

  test('an unencoded header is decoded with the charset of the mail', () => {
    const head = (charset: string, subject: Buffer): Buffer =>
      mailOf([`Subject: ${latin(subject)}`, `Content-Type: text/html; charset=${charset}`], '');
    expect(parseMailHead(head('gb2312', iconv.encode('你好', 'gbk'))).subject).toBe('你好');
    expect(parseMailHead(head('koi8-r', iconv.encode('Привет', 'koi8-r'))).subject).toBe('Привет');
    expect(parseMailHead(head('utf-8', cp949('견적'))).subject).toBe('견적');
    const folded = latin(cp949('아주 긴 제목입니다')).replace(' ', '\r\n ');
    expect(parseMailHead(head('euc-kr', Buffer.from(folded, 'latin1'))).subject).toBe(
      '아주 긴 제목입니다',
    );
  });

  test.each([
    ['"Kim, Minji" <k@example.org>', 'Kim, Minji', 'k@example.org'],
    ['=?utf-8?Q?Kim=2C_Minji?= <k@example.org>, b@example.org', 'Kim, Minji', 'k@example.org'],
    [`"${word('uhc', cp949('김민지'))}" <k@example.org>`, '김민지', 'k@example.org'],
    [`k@example.org (${word('euc-kr', cp949('김민지'))})`, '김민지', 'k@example.org'],
    [latin(cp949('김민지 <k@example.org>')), '김민지', 'k@example.org'],
    ['k@example.org', '', 'k@example.org'],
    ['<k@example.org>', '', 'k@example.org'],
    ['Kim, Minji <k@example.org>', 'Kim, Minji', 'k@example.org'],
    ['"a \\"b\\" c" <k@example.org>', 'a "b" c', 'k@example.org'],
    ["'Kim' <k@example.org>", 'Kim', 'k@example.org'],
    ['', '', ''],
  ])('the sender of %j has its name and its address', (raw, name, address) => {
    expect(parseSender(raw, null)).toEqual({ name, address });
  });

  test.each([
    ["attachment; filename*=euc-kr''%B0%DF%C0%FB.pdf", '견적.pdf'],
    ["attachment; filename*=UTF-8''%EA%B2%AC%EC%A0%81.pdf", '견적.pdf'],
    ["attachment; filename*=x-windows-949'ko'%B0%DF%C0%FB.pdf; filename=x.pdf", '견적.pdf'],
    [
      "attachment; filename*0*=utf-8''%EA%B2; filename*1*=%AC%EC%A0%81; filename*2=.pdf",
      '견적.pdf',
    ],
    [`attachment; filename="${word('ks_c_5601-1987', cp949('견적.pdf'))}"`, '견적.pdf'],
    [latin(cp949('attachment; filename="견적.pdf"')), '견적.pdf'],
    [latin(Buffer.from('attachment; filename=견적 서.pdf')), '견적 서.pdf'],
    ['attachment; FileName="a;b.pdf"; size=3', 'a;b.pdf'],
    ['attachment;filename="a.pdf"', 'a.pdf'],
  ])('the file name of %j is decoded', (raw, name) => {
    expect(parseHeaderValue(raw).parameters.get('filename')).toBe(name);
  });
});

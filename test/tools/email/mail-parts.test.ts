/** The parts of mails: the text, the attachments, and the comparison with another parser (mailparser). */
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { parseMail } from '#tools/email/parse-mail';
import { oneLine } from '#tools/sanitize-text';
import { modernMail } from './mails.ts';

interface Part {
  type: string;
  body: string;
  head?: string[];
}

const multipart = (subtype: string, parts: readonly Part[], boundary = 'B1'): string =>
  [
    `Content-Type: multipart/${subtype}; boundary="${boundary}"`,
    '',
    'This is a multi-part message in MIME format.',
    ...parts.map(({ type, body, head = [] }) =>
      type === ''
        ? `--${boundary}\r\n${body}`
        : [`--${boundary}`, `Content-Type: ${type}`, ...head, '', body].join('\r\n'),
    ),
    `--${boundary}--`,
    'epilogue',
  ].join('\r\n');

const read = (source: string) =>
  parseMail(Buffer.from(`From: a@example.org\r\nSubject: s\r\n${source}`));
const plain = (body: string): Part => ({ type: 'text/plain; charset=utf-8', body });
const html = (body: string): Part => ({ type: 'text/html; charset=utf-8', body });
const file = (type: string, name: string): Part => ({
  type,
  body: 'AAAA',
  head: [
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
  ],
});

describe('the parts of a mail', () => {
  test('give the plain text to show, and the text of the other form for the search', () => {
    const { text, otherText } = read(
      multipart('alternative', [plain('본문'), html('<b>본문 페이지</b>')]),
    );
    expect([text, otherText]).toEqual(['본문', '본문 페이지']);
  });

  test('give the text of the HTML page if the plain text is blank', () => {
    const blank = plain('\u200c\u00a0 \r\n\u200c');
    expect(read(multipart('alternative', [blank, html('<p>페이지</p>')])).text).toBe('페이지');
  });

  test('give a page and the footer of a mailing list in their order', () => {
    const parts = [html('<p>본문</p>'), plain('-- list footer')];
    expect(read(multipart('mixed', parts)).text).toBe('본문 -- list footer');
  });

  test('are read when they are nested, and attachments are named', () => {
    const inner = multipart('alternative', [plain('본문'), html('<p>본문</p>')], 'B2');
    const parts = [{ type: '', body: inner }, file('application/pdf', '견적.pdf')];
    expect(read(multipart('mixed', parts))).toMatchObject({ text: '본문', files: ['견적.pdf'] });
  });

  test.each([
    [
      'an invitation',
      multipart('mixed', [plain('초대'), file('text/calendar; method=REQUEST', 'a.ics')]),
      '초대',
    ],
    ['an invitation alone', 'Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR', ''],
    [
      'a signed mail',
      multipart('signed; protocol="application/pkcs7-signature"', [
        plain('글'),
        file('application/pkcs7-signature', 'smime.p7s'),
      ]),
      '글',
    ],
    [
      'a mail encrypted by S/MIME',
      'Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nMIAG',
      '',
    ],
    [
      'a mail encrypted by PGP/MIME',
      multipart('encrypted', [
        { type: 'application/pgp-encrypted', body: 'Version: 1' },
        { type: 'application/octet-stream', body: 'x' },
      ]),
      '',
    ],
    [
      'an encrypted text',
      'Content-Type: text/plain\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n-----END PGP MESSAGE-----\r\n',
      '',
    ],
    [
      'a clear-signed text',
      '\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\n글\r\n-----BEGIN PGP SIGNATURE-----\r\nx\r\n-----END PGP SIGNATURE-----',
      '글',
    ],
    [
      'winmail.dat',
      multipart('mixed', [plain('글'), file('application/ms-tnef', 'winmail.dat')]),
      '글',
    ],
    ['a mail without a body', 'MIME-Version: 1.0', ''],
    ['a mail without types', '\r\n글', '글'],
    ['a type without a slash', 'Content-Type: text\r\n\r\n글', '글'],
    ['a type that is no type', 'Content-Type: ;;;charset=utf-8\r\n\r\n글', '글'],
    [
      'a boundary that never comes',
      'Content-Type: multipart/mixed; boundary=nowhere\r\n\r\n글',
      '',
    ],
    ['a multipart without a boundary', 'Content-Type: multipart/mixed\r\n\r\n글', ''],
    ['line ends of Unix', multipart('mixed', [plain('글')]).replaceAll('\r\n', '\n'), '글'],
    [
      'an end that was cut off',
      multipart('mixed', [plain('글'), plain('둘')]).split('--B1--')[0] ?? '',
      '글 둘',
    ],
    [
      'an address of the old Unix mailbox',
      'From a@b Tue\r\nContent-Type: text/plain\r\n\r\n글',
      '글',
    ],
    [
      'quoted-printable without a charset',
      'Content-Transfer-Encoding: quoted-printable\r\n\r\n=EA=B2=AC=\r\n=EC=A0=81',
      '견적',
    ],
    [
      'quoted-printable of the Korean code page without a charset',
      'Content-Transfer-Encoding: Quoted-Printable\r\n\r\n=b0=df=c0=fb 50=25 =3D',
      '견적 50% =',
    ],
    ['base64 in pieces', 'Content-Transfer-Encoding: base64\r\n\r\n6rKs\r\n7KCB\r\n', '견적'],
    [
      'a charset that only the page names',
      'Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<meta charset=3D"koi8-r"><p>=F0=D2=C9=D7=C5=D4</p>',
      'Привет',
    ],
    [
      'flowed text',
      'Content-Type: text/plain; format=flowed; charset=utf-8\r\n\r\n한 줄 \r\n이어짐',
      '한 줄 이어짐',
    ],
    [
      'flowed text with DelSp',
      'Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-8\r\n\r\n견적 \r\n서',
      '견적서',
    ],
  ])('give the expected text for this mail: %s', (_name, source, text) => {
    expect(read(source).text).toBe(text);
  });

  test('give the reason and the original message of a bounce', () => {
    const returned = 'Subject: =?ks_c_5601-1987?B?sN/A+w==?=\r\n\r\n원래 글';
    const parts = [
      plain('보내지 못했습니다'),
      {
        type: 'message/delivery-status',
        body: 'Final-Recipient: rfc822; b@example.org\r\nStatus: 5.1.1',
      },
      { type: 'message/rfc822', body: returned },
    ];
    const { text } = read(multipart('report; report-type=delivery-status', parts));
    expect(text).toBe(
      '보내지 못했습니다 Final-Recipient: rfc822; b@example.org Status: 5.1.1 견적 원래 글',
    );
  });

  test.each(['(', '"', '<', ' ', '=?', '=?utf-8?B?', '; ', ';a="', '\\'])(
    'are read after a header of 64 KB made of %j',
    (piece) => {
      for (const name of ['From', 'Subject', 'Content-Type', 'Content-Disposition']) {
        const head = `${name}: x ${piece.repeat(65_000 / piece.length)}`;
        expect(parseMail(Buffer.from(`${head}\r\n\r\nx`)).subject.length).toBeLessThan(400);
      }
    },
  );

  test('are read at any nesting depth and in any number, up to the limit', () => {
    const deep = 'Content-Type: message/rfc822\r\n\r\n'.repeat(3000);
    expect(read(`${deep}\r\n글`).subject).toBe('s');
    const wide = multipart(
      'mixed',
      Array.from({ length: 5000 }, () => plain('x')),
    );
    expect(read(wide).text.length).toBeLessThan(500);
  });
});

describe('the mail parser and the library mailparser', () => {
  const words = fc.string({
    unit: fc.constantFrom(...'가나다라 견적서 abc 12,.:-\n'.split('')),
    minLength: 1,
    maxLength: 400,
  });

  test('read the same sender, subject, text and attachments from any generated mail', async () => {
    const form = fc.record({
      name: words,
      subject: words,
      text: words,
      isHtml: fc.boolean(),
      hasFile: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(form, async ({ name, subject, text, isHtml, hasFile }) => {
        const source = await modernMail({
          from: `"${oneLine(name, 60)}" <a@example.org>`,
          subject: oneLine(subject, 300),
          ...(isHtml ? { html: `<p>${text}</p>` } : { text }),
          // mailparser makes no text of a page that has an attachment.
          ...(hasFile && !isHtml ? { attachment: Buffer.from('x') } : {}),
        });
        const ours = parseMail(source);
        const theirs = await simpleParser(source);
        expect(ours.subject).toBe(oneLine(theirs.subject ?? '', 300));
        expect(ours.text).toBe(oneLine(theirs.text ?? '', 20_000));
        expect(ours.from).toContain(oneLine(theirs.from?.value[0]?.name ?? '', 200));
        expect(ours.files).toEqual(theirs.attachments.map(({ filename }) => filename));
      }),
      { numRuns: 200 },
    );
  });
});

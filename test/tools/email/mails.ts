/** Mails for tests, in the charsets and encodings of Korean mail. */
import iconv from 'iconv-lite';
import MailComposer from 'nodemailer/lib/mail-composer/index.js';

/** A message as current mail programs write it. */
export const modernMail = (mail: {
  from: string;
  subject: string;
  text?: string;
  html?: string;
  messageId?: string;
  attachment?: Buffer;
}): Promise<Buffer> => {
  const { attachment, ...rest } = mail;
  const attachments =
    attachment === undefined ? [] : [{ filename: '첨부.bin', content: attachment }];
  const composer = new MailComposer({ to: 'minji@example.org', ...rest, attachments });
  return new Promise((resolve, reject) =>
    composer.compile().build((error, message) => (error ? reject(error) : resolve(message))),
  );
};

/** A message in the code page of Korean Windows, with the charset name that old programs write. */
export function oldMail(mail: {
  charset: 'euc-kr' | 'ks_c_5601-1987';
  from: string;
  subject: string;
  text: string;
}): Buffer {
  const word = (text: string): string =>
    `=?${mail.charset}?B?${iconv.encode(text, 'cp949').toString('base64')}?=`;
  const head = [
    `From: ${word(mail.from)} <old@example.org>`,
    'To: minji@example.org',
    `Subject: ${word(mail.subject)}`,
    'MIME-Version: 1.0',
    `Content-Type: text/plain; charset="${mail.charset}"`,
    'Content-Transfer-Encoding: 8bit',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), iconv.encode(mail.text, 'cp949')]);
}

/** A message in the code page of Korean Windows under any label; its text is in base64, as Outlook sends it. */
export function labelledMail(mail: {
  charset: string;
  from: string;
  subject: string;
  text: string;
}): Buffer {
  const encoded = (text: string): string => iconv.encode(text, 'cp949').toString('base64');
  const word = (text: string): string => `=?${mail.charset}?B?${encoded(text)}?=`;
  return Buffer.from(
    [
      `From: ${word(mail.from)} <old@example.org>`,
      `Subject: ${word(mail.subject)}`,
      'MIME-Version: 1.0',
      `Content-Type: text/plain; charset="${mail.charset}"`,
      'Content-Transfer-Encoding: base64',
      '',
      encoded(mail.text),
      '',
    ].join('\r\n'),
  );
}

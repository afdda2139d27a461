/**
 * The readable text of a message. Decoded by mailparser: Node's TextDecoder breaks the syllables that CP949
 * added to EUC-KR, and Korean mail is full of both.
 */
import { simpleParser } from 'mailparser';
import { oneLine } from '../plain-text.ts';

export interface MailText {
  from: string;
  subject: string;
  /** One line, at most `textCharsMax`. */
  text: string;
}

/** Enough to find words in and to show the beginning of. */
const textCharsMax = 20_000;

/** The text of a message's source, which may be cut off; empty where it has none. */
export async function readMail(source: Buffer): Promise<MailText> {
  const mail = await simpleParser(source, {
    skipImageLinks: true,
    skipTextToHtml: true,
    skipTextLinks: true,
  });
  return {
    from: oneLine(mail.from?.text ?? '', 200),
    subject: oneLine(mail.subject ?? '', 300),
    text: oneLine(mail.text ?? '', textCharsMax),
  };
}

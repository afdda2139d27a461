/** The readable text of a message: its head and what a person would read of its body. */
import { oneLine } from '../plain-text.ts';
import { textOfHtml } from './html-text.ts';
import { decodeHeader, headerFields, headerValue, senderOf } from './mail-headers.ts';
import { mimeParts, type TextPart } from './mime-parts.ts';

export interface MailText {
  /** Name and address. */
  from: string;
  subject: string;
  /** One line, at most `textCharsMax`; of several forms of one text the plain one. */
  text: string;
  /** The other forms, where they may have words that the shown one lacks. */
  otherText: string;
  /** Names of the attachments as far as the source goes. */
  files: string[];
}

/** Enough to find words in and to show the beginning of. */
const textCharsMax = 20_000;

/** Names of one message that are read. */
const filesMax = 20;

/** Reads a message's source, which may be cut off. Never throws; what is not there is empty. */
export function readMail(source: Buffer): MailText {
  const { fields, charset, texts, files } = mimeParts(source);
  const { name, address } = senderOf(fields.get('from') ?? '', charset);
  const { shown, others } = readable(texts);
  return {
    from: oneLine(name === '' ? address : `${name} <${address}>`, 200),
    subject: oneLine(decodeHeader(fields.get('subject') ?? '', charset), 300),
    text: oneLine(withoutArmor(shown), textCharsMax),
    otherText: oneLine(others, textCharsMax),
    files: files.slice(0, filesMax).map((file) => oneLine(file, 120)),
  };
}

export interface MailHead {
  /** The sender's name, else the address; empty where neither is there. */
  from: string;
  address: string;
  subject: string;
}

/** Reads the lines of a head alone: From, Subject and Content-Type. */
export function readHead(head: Buffer): MailHead {
  const fields = headerFields(head.toString('latin1'));
  const charset = headerValue(fields.get('content-type') ?? '').parameters.get('charset') ?? null;
  const { name, address } = senderOf(fields.get('from') ?? '', charset);
  return {
    from: oneLine(name || address, 100),
    address: oneLine(address, 200),
    subject: oneLine(decodeHeader(fields.get('subject') ?? '', charset), 200),
  };
}

/** Of each alternative the first form that is not blank, which is the plain one; all of what has none. */
function readable(parts: readonly TextPart[]): { shown: string; others: string } {
  const shown: string[] = [];
  const others: string[] = [];
  const served = new Set<number>();
  for (const { kind, text, alternative } of parts) {
    const plain = kind === 'html' ? textOfHtml(text) : text;
    if (oneLine(plain, textCharsMax) === '') continue;
    if (alternative !== null && served.has(alternative)) others.push(plain);
    else shown.push(plain);
    if (alternative !== null) served.add(alternative);
  }
  return { shown: shown.join('\n'), others: others.join('\n') };
}

/** Without what OpenPGP puts around and behind a text; an encrypted one is blank. */
const withoutArmor = (text: string): string =>
  text.includes('-----BEGIN PGP')
    ? text
        .replace(/-----BEGIN PGP MESSAGE-----.*?(-----END PGP MESSAGE-----|$)/gs, '')
        .replace(/-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:Hash:[^\n]*\n)*/g, '')
        .replace(/-----BEGIN PGP SIGNATURE-----.*?(-----END PGP SIGNATURE-----|$)/gs, '')
    : text;

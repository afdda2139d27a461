/** Parses a message: sender, subject, readable text and names of attachments. */
import { oneLine } from '../sanitize-text.ts';
import { htmlToText } from './html-text.ts';
import { decodeHeader, parseHeaderFields, parseHeaderValue, parseSender } from './mail-headers.ts';
import { parseMimeParts, type TextPart } from './mime-parts.ts';

export interface ParsedMail {
  /** `Name <address>`, or the address alone. */
  from: string;
  subject: string;
  /** One line, at most `textCharsMax`; of alternative forms of a text the plain form. */
  text: string;
  /** The other alternative forms, which may have words that `text` lacks. */
  otherText: string;
  /** Names of the attachments within the fetched source. */
  files: string[];
}

/** Enough for a search and for a preview. */
const textCharsMax = 20_000;

const filesMax = 20;

/** Parses the source of a message, which may be truncated. Never throws; missing fields are empty. */
export function parseMail(source: Buffer): ParsedMail {
  const { fields, charset, texts, files } = parseMimeParts(source);
  const { name, address } = parseSender(fields.get('from') ?? '', charset);
  const { shown, others } = selectReadable(texts);
  return {
    from: oneLine(name === '' ? address : `${name} <${address}>`, 200),
    subject: oneLine(decodeHeader(fields.get('subject') ?? '', charset), 300),
    text: oneLine(withoutArmor(shown), textCharsMax),
    otherText: oneLine(others, textCharsMax),
    files: files.slice(0, filesMax).map((file) => oneLine(file, 120)),
  };
}

export interface ParsedMailHead {
  /** The sender's name, else the address; empty if there is neither. */
  from: string;
  address: string;
  subject: string;
}

/** Parses header lines without a body: From, Subject and Content-Type. */
export function parseMailHead(head: Buffer): ParsedMailHead {
  const fields = parseHeaderFields(head.toString('latin1'));
  const charset =
    parseHeaderValue(fields.get('content-type') ?? '').parameters.get('charset') ?? null;
  const { name, address } = parseSender(fields.get('from') ?? '', charset);
  return {
    from: oneLine(name || address, 100),
    address: oneLine(address, 200),
    subject: oneLine(decodeHeader(fields.get('subject') ?? '', charset), 200),
  };
}

/** Of each alternative the first form that is not blank, which is the plain form; all parts outside of alternatives. */
function selectReadable(parts: readonly TextPart[]): { shown: string; others: string } {
  const shown: string[] = [];
  const others: string[] = [];
  const served = new Set<number>();
  for (const { kind, text, alternative } of parts) {
    const plain = kind === 'html' ? htmlToText(text) : text;
    if (oneLine(plain, textCharsMax) === '') continue;
    if (alternative !== null && served.has(alternative)) others.push(plain);
    else shown.push(plain);
    if (alternative !== null) served.add(alternative);
  }
  return { shown: shown.join('\n'), others: others.join('\n') };
}

/** Removes the armor and signature of OpenPGP; an encrypted text becomes blank. */
const withoutArmor = (text: string): string =>
  text.includes('-----BEGIN PGP')
    ? text
        .replace(/-----BEGIN PGP MESSAGE-----.*?(-----END PGP MESSAGE-----|$)/gs, '')
        .replace(/-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:Hash:[^\n]*\n)*/g, '')
        .replace(/-----BEGIN PGP SIGNATURE-----.*?(-----END PGP SIGNATURE-----|$)/gs, '')
    : text;

/**
 * Header fields of a mail: encoded words (RFC 2047), parameters (RFC 2231), and unencoded text, which many programs
 * still send. Values are Latin-1 strings, one character per byte, until they are decoded: the bytes of a character
 * may be spread over words and lines.
 */
import { decodeBytes } from './mail-charset.ts';

/** Name in lower case → raw value, unfolded; of several fields with one name the first is kept. */
export type HeaderFields = ReadonlyMap<string, string>;

/** Parses the header lines of a mail or part. Lines that are not fields are left out. */
export function parseHeaderFields(head: string): HeaderFields {
  const fields = new Map<string, string>();
  // A fold may also be inside a character: only the line break itself is removed.
  for (const line of head.replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/)) {
    const [, name, value] = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const key = name.toLowerCase();
    if (!fields.has(key)) fields.set(key, trimBlanks(value));
  }
  return fields;
}

const encodedWord = /=\?[ \t]*([^? \t*]+)(?:\*[^?]*)?[ \t]*\?[ \t]*([bq])[ \t]*\?(.*?)(?:\?=|$)/gi;

/** Not `trim` and `\s`: they treat 0xA0 as a space, but here it is a byte of many characters. */
function trimBlanks(raw: string): string {
  let [start, end] = [0, raw.length];
  while (start < end && isBlank(raw[start])) start += 1;
  while (end > start && isBlank(raw[end - 1])) end -= 1;
  return raw.slice(start, end);
}

const isBlank = (character: string | undefined): boolean =>
  character !== undefined && ' \t\r\n'.includes(character);

interface EncodedRun {
  charset: string;
  bytes: Buffer;
  /** Base64 that ended inside a group of four and continues in the next word. */
  rest: string;
}

/** The text of a raw value. Encoded words are joined first: programs split them inside characters. */
export function decodeHeader(value: string, charset: string | null): string {
  let text = '';
  let run: EncodedRun | null = null;
  let end = 0;
  const flush = (): void => {
    if (run !== null) text += decodeBytes(joined(run), run.charset);
    run = null;
  };
  for (const match of value.matchAll(encodedWord)) {
    const [whole, label = '', kind = '', content = ''] = match;
    const between = value.slice(end, match.index);
    end = match.index + whole.length;
    if (run === null || trimBlanks(between) !== '') {
      flush();
      text += decodePlain(between, charset);
    } else if (run.charset.toLowerCase() !== label.toLowerCase()) flush();
    run = appendEncodedWord(run, label, kind.toLowerCase(), content);
  }
  flush();
  return text + decodePlain(value.slice(end), charset);
}

function appendEncodedWord(
  before: EncodedRun | null,
  charset: string,
  kind: string,
  content: string,
): EncodedRun {
  if (kind === 'q') {
    const bytes = before === null ? [] : [joined(before)];
    return { charset, bytes: Buffer.concat([...bytes, decodeQuotedWord(content)]), rest: '' };
  }
  const open = `${before?.rest ?? ''}${content.replace(/[ \t]+/g, '')}`;
  const whole = open.includes('=') ? open.length : open.length - (open.length % 4);
  const bytes = Buffer.concat([before?.bytes ?? Buffer.alloc(0), base64(open.slice(0, whole))]);
  return { charset, bytes, rest: open.slice(whole) };
}

const joined = (run: EncodedRun): Buffer =>
  Buffer.concat([run.bytes, Buffer.from(run.rest, 'base64')]);

/** Node.js stops at the first padding; joined texts have padding in the middle. */
export const base64 = (text: string): Buffer =>
  Buffer.concat(text.split(/=+/).map((piece) => Buffer.from(piece, 'base64')));

const decodeQuotedWord = (text: string): Buffer =>
  Buffer.from(decodeHex(text.replaceAll('_', ' '), /=[ \t]*([\da-f]{2})/gi), 'latin1');

/** Replaces each match by the byte whose two hexadecimal digits are the first group of the pattern. */
export const decodeHex = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (_whole, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );

const decodePlain = (text: string, charset: string | null): string =>
  /[^\t\r\n\x20-\x7e]/.test(text) ? decodeBytes(Buffer.from(text, 'latin1'), charset) : text;

export interface HeaderValue {
  /** Lower case, for example `text/plain`; empty if there is none. */
  value: string;
  /** Name in lower case → decoded value. */
  parameters: ReadonlyMap<string, string>;
}

/** Characters of a value that are parsed: no mail program writes longer values. */
const valueCharsMax = 8000;

const parameter = /[; ] *([!#$%&'*+.^_`|~\w-]+?) *= *("(?:[^"\\]|\\.)*"|[^;]*)/gs;

/** Parses a value with parameters. File names come in three standard forms, and in a fourth, non-standard form. */
export function parseHeaderValue(raw: string): HeaderValue {
  const closed = raw.slice(0, valueCharsMax).replace(/[ \t\r\n]+/g, ' ');
  const [value = ''] = closed.split(/[; ]/, 1);
  const plain = new Map<string, string>();
  const pieces = new Map<string, { charset: string | null; bytes: Buffer[] }>();
  for (const [, key = '', quoted = ''] of closed.matchAll(parameter)) {
    const content = unquoted(quoted);
    const [, name = '', , isEncoded] = /^([^*]+)(\*\d+)?(\*)?$/.exec(key.toLowerCase()) ?? [];
    if (!key.includes('*')) {
      if (!plain.has(name)) plain.set(name, decodeHeader(content, null));
      continue;
    }
    const piece = pieces.get(name) ?? { charset: null, bytes: [] };
    const [, charset, rest] = /^([\w-]*)'[^']*'(.*)$/s.exec(content) ?? [];
    const isFirst = piece.bytes.length === 0 && isEncoded === '*' && charset !== undefined;
    if (isFirst) piece.charset = charset;
    const text = isFirst ? (rest ?? '') : content;
    const encoded = isEncoded === '*' ? decodeHex(text, /%([\da-f]{2})/gi) : text;
    piece.bytes.push(Buffer.from(encoded, 'latin1'));
    pieces.set(name, piece);
  }
  const long = [...pieces].map(([name, { charset, bytes }]) => {
    const whole = Buffer.concat(bytes);
    // Pieces without a charset may still be encoded words.
    const text =
      charset === null ? decodeHeader(whole.toString('latin1'), null) : decodeBytes(whole, charset);
    return [name, text] as const;
  });
  return { value: value.toLowerCase(), parameters: new Map([...plain, ...long]) };
}

const unquoted = (text: string): string =>
  text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : trimBlanks(text);

export interface Sender {
  name: string;
  address: string;
}

/** Characters of a `From` that are parsed: it may have thousands of addresses, but only the first is used. */
const senderCharsMax = 2000;

/** The first address of a raw `From`. Split before decoding, because a decoded name may contain commas. */
export function parseSender(value: string, charset: string | null): Sender {
  const raw = value.slice(0, senderCharsMax);
  const [parted = ''] = /^(?:"(?:[^"\\]|\\.)*"|\([^)]*\)|<[^>]*>|[^,"(<]|["(<])*/s.exec(raw) ?? [];
  // An unquoted name with a comma.
  const first = parted.includes('@') ? parted : (/^[^<]*<[^>]*>?/s.exec(raw)?.[0] ?? parted);
  const [, before, inside] = /^(.*?)<([^<>]*)>?[^<]*$/s.exec(first) ?? [];
  const [, comment] = /\(([^)]*)\)/s.exec(first) ?? [];
  const named = trimBlanks(before ?? '') || (comment ?? '');
  const name = decodeHeader(unquoted(trimBlanks(named)), charset)
    .replace(/^["']+|["']+$/g, '')
    .trim();
  const address = trimBlanks(inside ?? first.replace(/\([^)]*\)/gs, ''));
  return { name, address: decodeHeader(address, charset) };
}

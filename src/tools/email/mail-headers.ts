/**
 * The fields of a mail's head: encoded words (RFC 2047), parameters (RFC 2231), and text that is in no
 * encoding at all, as many programs still send it. Values stand as Latin-1 strings, one character a byte,
 * until they are decoded: bytes of a character may be spread over words and lines.
 */
import { decodeBytes } from './mail-charset.ts';

/** Name in lower case → raw value, unfolded; the first of a name counts. */
export type HeaderFields = ReadonlyMap<string, string>;

/** Reads the lines before the first empty one. What is no field is left out. */
export function headerFields(head: string): HeaderFields {
  const fields = new Map<string, string>();
  // A folded line may also break inside a character: nothing but the break itself is removed.
  for (const line of head.replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/)) {
    const [, name, value] = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const key = name.toLowerCase();
    if (!fields.has(key)) fields.set(key, trimmed(value));
  }
  return fields;
}

const encodedWord = /=\?[ \t]*([^? \t*]+)(?:\*[^?]*)?[ \t]*\?[ \t]*([bq])[ \t]*\?(.*?)(?:\?=|$)/gi;

/** Not `trim` and `\s`: they count 0xA0 as a space, which is a byte of many characters here. */
function trimmed(raw: string): string {
  let [start, end] = [0, raw.length];
  while (start < end && isBlank(raw[start])) start += 1;
  while (end > start && isBlank(raw[end - 1])) end -= 1;
  return raw.slice(start, end);
}

const isBlank = (character: string | undefined): boolean =>
  character !== undefined && ' \t\r\n'.includes(character);

interface Run {
  charset: string;
  bytes: Buffer;
  /** Base64 that ended inside a group of four, to go on in the next word. */
  rest: string;
}

/**
 * The text of a raw value. Neighbouring words of one charset are joined before they are decoded, as some
 * programs part them inside a character. `charset`: that of the mail, for what is not encoded.
 */
export function decodeHeader(value: string, charset: string | null): string {
  let text = '';
  let run: Run | null = null;
  let end = 0;
  const flush = (): void => {
    if (run !== null) text += decodeBytes(joined(run), run.charset);
    run = null;
  };
  for (const match of value.matchAll(encodedWord)) {
    const [whole, label = '', kind = '', content = ''] = match;
    const between = value.slice(end, match.index);
    end = match.index + whole.length;
    if (run === null || trimmed(between) !== '') {
      flush();
      text += decodePlain(between, charset);
    } else if (run.charset.toLowerCase() !== label.toLowerCase()) flush();
    run = extended(run, label, kind.toLowerCase(), content);
  }
  flush();
  return text + decodePlain(value.slice(end), charset);
}

function extended(before: Run | null, charset: string, kind: string, content: string): Run {
  if (kind === 'q') {
    const bytes = before === null ? [] : [joined(before)];
    return { charset, bytes: Buffer.concat([...bytes, quotedWord(content)]), rest: '' };
  }
  const open = `${before?.rest ?? ''}${content.replace(/[ \t]+/g, '')}`;
  const whole = open.includes('=') ? open.length : open.length - (open.length % 4);
  const bytes = Buffer.concat([before?.bytes ?? Buffer.alloc(0), base64(open.slice(0, whole))]);
  return { charset, bytes, rest: open.slice(whole) };
}

const joined = (run: Run): Buffer => Buffer.concat([run.bytes, Buffer.from(run.rest, 'base64')]);

/** Node stops at the first padding; joined texts have it in the middle. */
export const base64 = (text: string): Buffer =>
  Buffer.concat(text.split(/=+/).map((piece) => Buffer.from(piece, 'base64')));

const quotedWord = (text: string): Buffer =>
  Buffer.from(hexDecoded(text.replaceAll('_', ' '), /=[ \t]*([\da-f]{2})/gi), 'latin1');

/** Replaces what the pattern finds by the byte whose two digits are its first group. */
export const hexDecoded = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (_whole, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );

const decodePlain = (text: string, charset: string | null): string =>
  /[^\t\r\n\x20-\x7e]/.test(text) ? decodeBytes(Buffer.from(text, 'latin1'), charset) : text;

export interface HeaderValue {
  /** Lower case, for example `text/plain`; empty where there is none. */
  value: string;
  /** Name in lower case → decoded value. */
  parameters: ReadonlyMap<string, string>;
}

/** Longer values are no longer those of a mail program. */
const valueCharsMax = 8000;

const parameter = /[; ] *([!#$%&'*+.^_`|~\w-]+?) *= *("(?:[^"\\]|\\.)*"|[^;]*)/gs;

/** A value with parameters. File names come in three ways, and in a fourth that no standard knows. */
export function headerValue(raw: string): HeaderValue {
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
    const encoded = isEncoded === '*' ? hexDecoded(text, /%([\da-f]{2})/gi) : text;
    piece.bytes.push(Buffer.from(encoded, 'latin1'));
    pieces.set(name, piece);
  }
  const long = [...pieces].map(([name, { charset, bytes }]) => {
    const whole = Buffer.concat(bytes);
    // Pieces without a charset may be encoded words all the same.
    const text =
      charset === null ? decodeHeader(whole.toString('latin1'), null) : decodeBytes(whole, charset);
    return [name, text] as const;
  });
  return { value: value.toLowerCase(), parameters: new Map([...plain, ...long]) };
}

const unquoted = (text: string): string =>
  text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : trimmed(text);

export interface Sender {
  name: string;
  address: string;
}

/** Of a `From` with thousands of addresses only the first is wanted. */
const senderCharsMax = 2000;

/** The first address of a raw `From`. Parted first and decoded then: a decoded name may have commas. */
export function senderOf(value: string, charset: string | null): Sender {
  const raw = value.slice(0, senderCharsMax);
  const [parted = ''] = /^(?:"(?:[^"\\]|\\.)*"|\([^)]*\)|<[^>]*>|[^,"(<]|["(<])*/s.exec(raw) ?? [];
  // A name with a comma, without the quotes that it needs.
  const first = parted.includes('@') ? parted : (/^[^<]*<[^>]*>?/s.exec(raw)?.[0] ?? parted);
  const [, before, inside] = /^(.*?)<([^<>]*)>?[^<]*$/s.exec(first) ?? [];
  const [, comment] = /\(([^)]*)\)/s.exec(first) ?? [];
  const named = trimmed(before ?? '') || (comment ?? '');
  const name = decodeHeader(unquoted(trimmed(named)), charset)
    .replace(/^["']+|["']+$/g, '')
    .trim();
  const address = trimmed(inside ?? first.replace(/\([^)]*\)/gs, ''));
  return { name, address: decodeHeader(address, charset) };
}

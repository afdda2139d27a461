/** Splits the source of a mail, possibly truncated. Our own code: the charset of a part is determined by its bytes. */
import { decodeBytes } from './mail-charset.ts';
import {
  base64,
  decodeHeader,
  parseHeaderFields,
  parseHeaderValue,
  decodeHex,
  type HeaderFields,
} from './mail-headers.ts';

export interface TextPart {
  kind: 'plain' | 'html';
  text: string;
  /** Number of the `multipart/alternative` that contains the part; null if there is none. */
  alternative: number | null;
}

export interface MimeParts {
  fields: HeaderFields;
  /** The charset of the first text, for unencoded headers. */
  charset: string | null;
  texts: TextPart[];
  files: string[];
}

/** Nesting depth and number of parts: more than in any mail that a person writes. */
const [depthMax, partsMax] = [12, 100];

/** Never throws. */
export function parseMimeParts(source: Buffer): MimeParts {
  const { fields, body } = splitPart(source.toString('latin1'));
  const into: Gathered = { charset: null, texts: [], files: [], parts: 0, alternatives: 0 };
  collectParts({ fields, body, alternative: null, depth: 0 }, into);
  const { charset, texts, files } = into;
  return { fields, charset, texts, files };
}

interface Gathered extends Omit<MimeParts, 'fields'> {
  parts: number;
  alternatives: number;
}

/** A part to be read, one character per byte. */
interface RawPart {
  fields: HeaderFields;
  body: string;
  alternative: number | null;
  depth: number;
}

function collectParts(part: RawPart, into: Gathered): void {
  const { fields, body, alternative, depth } = part;
  into.parts += 1;
  if (depth > depthMax || into.parts > partsMax) return;
  const { value, parameters } = parseHeaderValue(fields.get('content-type') ?? '');
  const type = value.includes('/') ? value : 'text/plain';
  const boundary = parameters.get('boundary') ?? '';
  if (type.startsWith('multipart/') && boundary !== '') {
    const pieces = splitByBoundary(body, boundary);
    if (type === 'multipart/alternative') into.alternatives += 1;
    const inside = type === 'multipart/alternative' ? into.alternatives : alternative;
    for (const piece of pieces ?? []) {
      collectParts({ ...splitPart(piece), alternative: inside, depth: depth + 1 }, into);
    }
    if (pieces !== null) return;
  }
  const disposition = parseHeaderValue(fields.get('content-disposition') ?? '');
  const name = disposition.parameters.get('filename') ?? parameters.get('name');
  const isFile = disposition.value === 'attachment' || (name !== undefined && !isText(type));
  if (isFile) into.files.push(name ?? type);
  if (type === 'message/rfc822' || type === 'message/global') {
    const inner = splitPart(decodeTransferEncoding(part));
    const subject = inner.fields.get('subject');
    if (subject !== undefined)
      into.texts.push({ kind: 'plain', text: decodeHeader(subject, null), alternative });
    collectParts({ ...inner, alternative, depth: depth + 1 }, into);
  } else if (!isFile && (isText(type) || type === 'message/delivery-status')) {
    addBody(part, type, parameters, into);
  } else if (!isFile && !type.startsWith('multipart/')) into.files.push(name ?? type);
}

const isText = (type: string): boolean =>
  /^text\/(plain|html|enriched|richtext|markdown)$/.test(type);

function addBody(
  part: RawPart,
  type: string,
  parameters: ReadonlyMap<string, string>,
  into: Gathered,
): void {
  const bytes = Buffer.from(decodeTransferEncoding(part), 'latin1');
  const isHtml = type === 'text/html';
  const charset = parameters.get('charset') ?? (isHtml ? charsetOfHtml(bytes) : null);
  into.charset ??= charset;
  let text = decodeBytes(bytes, charset);
  if (parameters.get('format')?.toLowerCase() === 'flowed') {
    // Lines that end in a space continue on the next line; with DelSp the space is not part of the text (RFC 3676).
    const isDeleted = parameters.get('delsp')?.toLowerCase() === 'yes';
    text = text.replace(/ \r?\n/g, isDeleted ? '' : ' ');
  }
  // Some programs send HTML pages as plain text.
  const isPage = isHtml || type === 'text/enriched' || /^\s*<(!doctype html|html)\b/i.test(text);
  into.texts.push({ kind: isPage ? 'html' : 'plain', text, alternative: part.alternative });
}

function charsetOfHtml(bytes: Buffer): string | null {
  const start = bytes.toString('latin1', 0, 2048);
  return /<meta[^>]*charset\s*=\s*["']?([\w:.-]+)/i.exec(start)?.[1] ?? null;
}

/** Head and body, separated by the first empty line. A part without a head begins with that line. */
function splitPart(text: string): { fields: HeaderFields; body: string } {
  const gap = /^\r?\n|\r?\n\r?\n/.exec(text);
  if (gap === null) return { fields: parseHeaderFields(text), body: '' };
  const fields = parseHeaderFields(text.slice(0, gap.index));
  return { fields, body: text.slice(gap.index + gap[0].length) };
}

/** The parts between the boundary lines; null if there is no boundary line. */
function splitByBoundary(body: string, boundary: string): string[] | null {
  const escaped = boundary.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const lines = new RegExp(String.raw`(?:^|\r?\n)--${escaped}(--)?[ \t]*(?=\r?\n|$)`, 'g');
  const pieces: string[] = [];
  let start: number | null = null;
  for (const line of body.matchAll(lines)) {
    if (start !== null) pieces.push(body.slice(start, line.index));
    start = line[1] === undefined ? line.index + line[0].length : null;
    if (start === null) break;
    // The line ending is part of the boundary.
    start += body.startsWith('\r\n', start) ? 2 : 1;
  }
  if (start !== null) pieces.push(body.slice(start));
  return pieces.length === 0 ? null : pieces;
}

/** Decodes the transfer encoding of a body; the result still has one character per byte. */
function decodeTransferEncoding({ fields, body }: RawPart): string {
  const encoding = (fields.get('content-transfer-encoding') ?? '').toLowerCase();
  if (encoding.startsWith('base64')) return base64(body).toString('latin1');
  if (!encoding.startsWith('quoted-printable')) return body;
  return decodeHex(body.replace(/=[ \t]*(\r?\n|$)/g, ''), /=([\da-f]{2})/gi);
}

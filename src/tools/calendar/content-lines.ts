/**
 * Content lines of calendar text (RFC 5545, 3.1), as calendar programs write them in practice: any line ending,
 * folds with space or tab, empty lines, quoted-printable with soft line breaks (vCalendar 1.0).
 */
import iconv from 'iconv-lite';

/** `NAME;PARAM=VALUE:value`. Parameter names are in lower case, parameter values as written. */
export interface ContentLine {
  /** In lower case. */
  name: string;
  params: Map<string, string>;
  value: string;
}

/** Text properties: if a line break in their value is not escaped, the rest of the value is on a line of its own. */
const textNames = /^(?:summary|description|location|comment|contact|x-alt-desc)[;:]/i;
const knownNames =
  /^(?:begin|end|uid|dtstart|dtend|dtstamp|duration|summary|description|location|rrule|rdate|exdate|status|class|transp|sequence|categories|created|last-modified|priority|aalarm|dalarm|x-[\w-]+)[;:]/i;
const quotedPrintable = /^[^:]*quoted-printable[^:]*:/i;

/** The unfolded lines, without empty lines. */
export function unfoldLines(text: string): string[] {
  const lines: string[] = [];
  let isSoftBroken = false;
  for (const written of text.split(/\r*\n|\r/)) {
    // Concatenated files contain UTF-8 byte order marks in the middle. Control characters have no meaning.
    const line = written.replaceAll(/[^\P{Cc}\t]|\ufeff/gu, '');
    const last = lines.length - 1;
    const before = lines[last];
    if (before !== undefined && isSoftBroken && !knownNames.test(line)) {
      lines[last] = `${before}\n${line}`;
    } else if (line.trim() === '') {
      continue;
    } else if (before !== undefined && /^[ \t]/.test(line)) {
      lines[last] = before + line.slice(1);
    } else if (before !== undefined && !/^[\w.-]+\s*[;:]/.test(line)) {
      if (textNames.test(before)) lines[last] = `${before}\\n${line}`;
    } else {
      lines.push(line.trimStart());
    }
    const now = lines.at(-1) ?? '';
    isSoftBroken = now.endsWith('=') && quotedPrintable.test(now);
  }
  return lines;
}

/** Properties with times: distinguishes a colon in an unquoted zone name from the colon before the value. */
const timeLine = /^([^;:]+)((?:;.*?)?):\s*(?=\d{4}-?\d\d-?\d\d|$)/s;
const timeNames = /^(?:dtstart|dtend|recurrence-id|exdate|rdate)\s*[;:]/i;

/** Parses an unfolded line and decodes its value; null if it is not a content line. */
export function parseContentLine(line: string): ContentLine | null {
  const head = timeNames.test(line) ? timeLine.exec(line)?.[0] : undefined;
  const end = head === undefined ? findValueColon(line) : head.trimEnd().length - 1;
  if (end < 1) return null;
  const [name = '', ...written] = splitOutsideQuotes(line.slice(0, end));
  const params = new Map<string, string>();
  for (const param of written) {
    const equals = param.indexOf('=');
    // vCalendar 1.0 allows parameters without a name: `SUMMARY;QUOTED-PRINTABLE:…`.
    if (equals < 0)
      params.set(
        /^(?:quoted-printable|base64|8bit|7bit)$/i.test(param) ? 'encoding' : param.toLowerCase(),
        param,
      );
    else {
      const value = param
        .slice(equals + 1)
        .trim()
        .replaceAll('"', '');
      params.set(param.slice(0, equals).trim().toLowerCase(), value);
    }
  }
  const content: ContentLine = {
    name: name.trim().toLowerCase(),
    params,
    value: line.slice(end + 1),
  };
  return decodeValue(content);
}

function findValueColon(line: string): number {
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '"') isQuoted = !isQuoted;
    else if (line[at] === ':' && !isQuoted) return at;
  }
  // There is an unclosed quote.
  return line.indexOf(':');
}

const splitOutsideQuotes = (head: string): string[] => head.match(/(?:"[^"]*"?|[^;"])+/g) ?? [];

/** Decodes the encodings of vCalendar 1.0. */
function decodeValue(line: ContentLine): ContentLine {
  const encoding = line.params.get('encoding')?.toLowerCase();
  const charset = line.params.get('charset') ?? 'utf-8';
  line.params.delete('charset');
  if (encoding === 'quoted-printable') {
    line.params.delete('encoding');
    return { ...line, value: decodeQuotedPrintable(line.value, charset) };
  }
  if (encoding === '8bit' || encoding === '7bit') line.params.delete('encoding');
  if ((encoding === 'base64' || encoding === 'b') && textNames.test(`${line.name}:`)) {
    line.params.delete('encoding');
    line.params.delete('value');
    return {
      ...line,
      value: escapeLineBreaks(decodeCharset(Buffer.from(line.value, 'base64'), charset)),
    };
  }
  return line;
}

/** A soft line break is `=` at the end of a line. A space after the break is part of the text, or a fold. */
function decodeQuotedPrintable(value: string, charset: string): string {
  const whole = decodeQpBytes(value.replaceAll(/=[ \t]*\n/g, ''), charset);
  if (!whole.includes('\ufffd')) return escapeLineBreaks(whole);
  const unfolded = decodeQpBytes(value.replaceAll(/=[ \t]*\n[ \t]?/g, ''), charset);
  return escapeLineBreaks(unfolded.includes('\ufffd') ? whole : unfolded);
}

function decodeQpBytes(value: string, charset: string): string {
  const pieces = value.split(/((?:=[\dA-Fa-f]{2})+)/);
  const bytes = pieces.map((piece, index) =>
    index % 2 === 1
      ? Buffer.from(piece.replaceAll('=', ''), 'hex')
      : // Unencoded pieces are text already: they are converted to bytes of the charset.
        iconv.encode(piece.replace(/=$/, ''), normalizeCharset(charset)),
  );
  return decodeCharset(Buffer.concat(bytes), charset);
}

function decodeCharset(bytes: Buffer, charset: string): string {
  const text = iconv.decode(bytes, normalizeCharset(charset));
  // Phones label CP949 as UTF-8, or omit the label.
  return text.includes('\ufffd') && normalizeCharset(charset) === 'utf-8'
    ? decodeKorean(bytes, text)
    : text;
}

function decodeKorean(bytes: Buffer, fallback: string): string {
  const text = iconv.decode(bytes, 'cp949');
  return text.includes('\ufffd') ? fallback : text;
}

function normalizeCharset(charset: string): string {
  const name = charset.toLowerCase().replaceAll(/["']/g, '');
  if (/^(?:euc-kr|ks_?c_?5601.*|cp949|uhc|x-windows-949|windows-949|ms949)$/.test(name))
    return 'cp949';
  return iconv.encodingExists(name) ? name : 'utf-8';
}

/** Decoded text as the value of a TEXT property, with escaped line breaks. */
const escapeLineBreaks = (text: string): string =>
  text.replaceAll(/\r\n|\r|\n/g, '\\n').replace(/(?:\\n)+$/, '');

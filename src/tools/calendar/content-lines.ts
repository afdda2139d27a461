/**
 * The lines of calendar text (RFC 5545, 3.1), as calendar programs really write them: any line end, folds with
 * space or tab, empty lines in between, quoted-printable with soft line breaks (vCalendar 1.0).
 */
import iconv from 'iconv-lite';

/** `NAME;PARAM=VALUE:value`. Names of parameters are in lower case, their values as they are written. */
export interface ContentLine {
  /** In lower case. */
  name: string;
  params: Map<string, string>;
  value: string;
}

/** Text properties: a line break that was not escaped leaves a line that is the rest of one of them. */
const textNames = /^(?:summary|description|location|comment|contact|x-alt-desc)[;:]/i;
const knownNames =
  /^(?:begin|end|uid|dtstart|dtend|dtstamp|duration|summary|description|location|rrule|rdate|exdate|status|class|transp|sequence|categories|created|last-modified|priority|aalarm|dalarm|x-[\w-]+)[;:]/i;
const quotedPrintable = /^[^:]*quoted-printable[^:]*:/i;

/** The unfolded lines, without empty ones. */
export function contentLinesOf(text: string): string[] {
  const lines: string[] = [];
  let isSoftBroken = false;
  for (const written of text.split(/\r*\n|\r/)) {
    // Files that were put together keep the mark of UTF-8 in their middle. Control characters mean nothing.
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

/** Properties with times: a colon in an unquoted zone name is told from the one before the value. */
const timeLine = /^([^;:]+)((?:;.*?)?):\s*(?=\d{4}-?\d\d-?\d\d|$)/s;
const timeNames = /^(?:dtstart|dtend|recurrence-id|exdate|rdate)\s*[;:]/i;

/** The parts of an unfolded line, its value decoded; null for a line that is none. */
export function contentLine(line: string): ContentLine | null {
  const head = timeNames.test(line) ? timeLine.exec(line)?.[0] : undefined;
  const end = head === undefined ? colonOf(line) : head.trimEnd().length - 1;
  if (end < 1) return null;
  const [name = '', ...written] = splitOutsideQuotes(line.slice(0, end));
  const params = new Map<string, string>();
  for (const param of written) {
    const equals = param.indexOf('=');
    // vCalendar 1.0 lets the name of a parameter out: `SUMMARY;QUOTED-PRINTABLE:…`.
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
  return decoded(content);
}

function colonOf(line: string): number {
  let isQuoted = false;
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '"') isQuoted = !isQuoted;
    else if (line[at] === ':' && !isQuoted) return at;
  }
  // A quote that is never closed.
  return line.indexOf(':');
}

const splitOutsideQuotes = (head: string): string[] => head.match(/(?:"[^"]*"?|[^;"])+/g) ?? [];

/** The line without the encodings of vCalendar 1.0. */
function decoded(line: ContentLine): ContentLine {
  const encoding = line.params.get('encoding')?.toLowerCase();
  const charset = line.params.get('charset') ?? 'utf-8';
  line.params.delete('charset');
  if (encoding === 'quoted-printable') {
    line.params.delete('encoding');
    return { ...line, value: fromQuotedPrintable(line.value, charset) };
  }
  if (encoding === '8bit' || encoding === '7bit') line.params.delete('encoding');
  if ((encoding === 'base64' || encoding === 'b') && textNames.test(`${line.name}:`)) {
    line.params.delete('encoding');
    line.params.delete('value');
    return { ...line, value: asText(textIn(Buffer.from(line.value, 'base64'), charset)) };
  }
  return line;
}

/** A soft break is `=` at the end of a line. A space behind it belongs to the text, or is a fold. */
function fromQuotedPrintable(value: string, charset: string): string {
  const whole = qpText(value.replaceAll(/=[ \t]*\n/g, ''), charset);
  if (!whole.includes('\ufffd')) return asText(whole);
  const unfolded = qpText(value.replaceAll(/=[ \t]*\n[ \t]?/g, ''), charset);
  return asText(unfolded.includes('\ufffd') ? whole : unfolded);
}

function qpText(value: string, charset: string): string {
  const pieces = value.split(/((?:=[\dA-Fa-f]{2})+)/);
  const bytes = pieces.map((piece, index) =>
    index % 2 === 1
      ? Buffer.from(piece.replaceAll('=', ''), 'hex')
      : // What was not encoded is text already: it stands for itself in the charset.
        iconv.encode(piece.replace(/=$/, ''), charsetOf(charset)),
  );
  return textIn(Buffer.concat(bytes), charset);
}

function textIn(bytes: Buffer, charset: string): string {
  const text = iconv.decode(bytes, charsetOf(charset));
  // Phones label CP949 as UTF-8, or leave the label out.
  return text.includes('\ufffd') && charsetOf(charset) === 'utf-8' ? korean(bytes, text) : text;
}

function korean(bytes: Buffer, fallback: string): string {
  const text = iconv.decode(bytes, 'cp949');
  return text.includes('\ufffd') ? fallback : text;
}

function charsetOf(charset: string): string {
  const name = charset.toLowerCase().replaceAll(/["']/g, '');
  if (/^(?:euc-kr|ks_?c_?5601.*|cp949|uhc|x-windows-949|windows-949|ms949)$/.test(name))
    return 'cp949';
  return iconv.encodingExists(name) ? name : 'utf-8';
}

/** Decoded text as the value of a TEXT property: its line breaks are escaped. */
const asText = (text: string): string =>
  text.replaceAll(/\r\n|\r|\n/g, '\\n').replace(/(?:\\n)+$/, '');

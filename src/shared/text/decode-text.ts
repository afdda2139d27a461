/** Decodes text of unknown encoding. */
import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/**
 * The text of a file, or null for binary data. UTF-8, and UTF-16 with a byte order mark; else CP949, the code page of
 * Korean Windows. Not with TextDecoder, whose euc-kr breaks the syllables that CP949 added (똠, 햏).
 */
export function decodeText(bytes: Buffer): string | null {
  const marked = decodeMarkedUtf16(bytes);
  if (marked !== null) return nullIfDamaged(marked);
  if (bytes.includes(0)) return null;
  return decodeUtf8(bytes) ?? nullIfDamaged(iconv.decode(bytes, 'cp949'));
}

/**
 * The text of a calendar file (RFC 5545, 3.1), or null for binary data. Its lines are folded after a number of bytes,
 * also within a character, so they are unfolded before they are decoded. UTF-8 with a few damaged characters is still
 * decoded as UTF-8: only those characters are lost.
 */
export function decodeCalendarText(bytes: Buffer): string | null {
  const wide = decodeMarkedUtf16(bytes) ?? decodeUnmarkedUtf16(bytes);
  if (wide !== null) return nullIfDamaged(wide.replaceAll(foldedLine, ''));
  if (bytes.includes(0)) return null;
  // Latin-1 shows each byte as one character; a second byte of CP949 is never a line end, space or tab.
  const lines = Buffer.from(bytes.toString('latin1').replaceAll(foldedLine, ''), 'latin1');
  const text = decodeUtf8(lines);
  if (text !== null) return text;
  const damaged = new TextDecoder('utf-8').decode(lines);
  if (countMatches(damaged, /\ufffd/g) < countMatches(damaged, /[^\0-\x7f\ufffd]/g)) return damaged;
  return nullIfDamaged(iconv.decode(lines, 'cp949')) ?? iconv.decode(lines, 'windows-1252');
}

/** A line break followed by the space or tab of a folded line, also over empty lines. */
const foldedLine = /(?:\r*\n|\r)+[ \t]/g;

/**
 * For UTF-8 in which lines were folded within a character, as in calendars inside a server's response: removes the
 * folds that make it invalid. A continuation byte after a space belongs to the character before the space.
 */
export function unfoldSplitCharacters(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes;
  const split =
    /(?<=[\x80-\xff])(?:(?:\r|&#13;|&#x0?d;)*(?:\n|&#10;|&#x0?a;)[ \t])+(?=[\x80-\xbf])/gi;
  return Buffer.from(bytes.toString('latin1').replaceAll(split, ''), 'latin1');
}

/** UTF-16 with a byte order mark; null for any other text. */
function decodeMarkedUtf16(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return iconv.decode(bytes, 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return iconv.decode(bytes, 'utf-16be');
  return null;
}

/** UTF-16 without a byte order mark: a calendar begins with ASCII letters, so every second byte is 0. */
function decodeUnmarkedUtf16(bytes: Buffer): string | null {
  const [first, second, third, fourth] = bytes;
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) {
    return iconv.decode(bytes, 'utf-16le');
  }
  return first === 0 && second !== 0 && third === 0 ? iconv.decode(bytes, 'utf-16be') : null;
}

function decodeUtf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const countMatches = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

const nullIfDamaged = (text: string): string | null => (/[\ufffd\0]/.test(text) ? null : text);

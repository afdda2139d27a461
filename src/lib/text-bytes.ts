/** Reads text of unknown encoding. */
import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/**
 * The text of a file, or null where it is none. UTF-8 and UTF-16 as they are marked; else the code page of
 * Korean Windows. Not with TextDecoder, whose euc-kr breaks the syllables that CP949 added (똠, 햏).
 */
export function textOf(bytes: Buffer): string | null {
  const marked = utf16Of(bytes);
  if (marked !== null) return checked(marked);
  if (bytes.includes(0)) return null;
  return utf8Of(bytes) ?? checked(iconv.decode(bytes, 'cp949'));
}

/**
 * The text of a calendar file (RFC 5545, 3.1), or null where the bytes are no text. Its lines are folded after
 * a number of bytes, also within a character, so they are unfolded before they are decoded. A damaged character
 * costs itself: UTF-8 with some of them stays UTF-8.
 */
export function calendarTextOf(bytes: Buffer): string | null {
  const wide = utf16Of(bytes) ?? unmarkedUtf16Of(bytes);
  if (wide !== null) return checked(wide.replaceAll(foldedLine, ''));
  if (bytes.includes(0)) return null;
  // Latin-1 shows each byte as one character; a second byte of CP949 is never a line end, space or tab.
  const lines = Buffer.from(bytes.toString('latin1').replaceAll(foldedLine, ''), 'latin1');
  const text = utf8Of(lines);
  if (text !== null) return text;
  const damaged = new TextDecoder('utf-8').decode(lines);
  if (countOf(damaged, /\ufffd/g) < countOf(damaged, /[^\0-\x7f\ufffd]/g)) return damaged;
  return checked(iconv.decode(lines, 'cp949')) ?? iconv.decode(lines, 'windows-1252');
}

/** A line end with the space of a folded line behind it, also over empty lines. */
const foldedLine = /(?:\r*\n|\r)+[ \t]/g;

/**
 * UTF-8 in which lines were folded within a character, as calendars inside an answer of a server are: the folds
 * that make it invalid are removed. A continuation byte after a space belongs to the character before it.
 */
export function withWholeCharacters(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes;
  const split =
    /(?<=[\x80-\xff])(?:(?:\r|&#13;|&#x0?d;)*(?:\n|&#10;|&#x0?a;)[ \t])+(?=[\x80-\xbf])/gi;
  return Buffer.from(bytes.toString('latin1').replaceAll(split, ''), 'latin1');
}

/** UTF-16 that says so with its first two bytes; null for any other text. */
function utf16Of(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return iconv.decode(bytes, 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return iconv.decode(bytes, 'utf-16be');
  return null;
}

/** UTF-16 without a mark: a calendar begins with letters, so every second byte is 0. */
function unmarkedUtf16Of(bytes: Buffer): string | null {
  const [first, second, third, fourth] = bytes;
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) {
    return iconv.decode(bytes, 'utf-16le');
  }
  return first === 0 && second !== 0 && third === 0 ? iconv.decode(bytes, 'utf-16be') : null;
}

function utf8Of(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const countOf = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

const checked = (text: string): string | null => (/[\ufffd\0]/.test(text) ? null : text);

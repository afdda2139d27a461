/** Reads text of unknown encoding. */
import iconv from 'iconv-lite';

/**
 * The text of a file, or null where it is none. UTF-8 and UTF-16 as they are marked; else the code page of
 * Korean Windows. Not with TextDecoder, whose euc-kr breaks the syllables that CP949 added (똠, 햏).
 */
export function textOf(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return checked(iconv.decode(bytes, 'utf-16le'));
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return checked(iconv.decode(bytes, 'utf-16be'));
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return checked(iconv.decode(bytes, 'cp949'));
  }
}

const checked = (text: string): string | null => (/[\ufffd\0]/.test(text) ? null : text);

/**
 * Decodes bytes in the charsets of mail: by the label and its aliases; without a label, or with a label that is
 * unknown or does not match the bytes, by the bytes themselves.
 *
 * iconv-lite where possible: the euc-kr of TextDecoder breaks the syllables that CP949 added (똠, 햏).
 */
import iconv from 'iconv-lite';
import { candidateEncodings, encodingScore, type CandidateEncoding } from './encoding-score.ts';

/** Labels by family, many of them private labels of mail programs; a family is decoded as its largest member. */
const families: readonly (readonly [RegExp, string])[] = [
  [/^(utf|cesu)-?8|^unicode-1-1-utf-8|^utf8mb4/, 'utf-8'],
  [/^(us-?)?ascii|^ansi_x3|^iso-?646|^7bit|^8bit|^binary|^default$|^none$|^unknown/, 'ascii'],
  [/uhc|johab|1361/, 'cp949'],
  [/^(windows|win|cp|ms|ibm|ks|kr)-?_?949/, 'cp949'],
  [/^euc-?_?kr|^ks_?c_?_?-?5601|^ksc?_?x?_?1001|^ksc_?5601|^ks_x_1001/, 'cp949'],
  [/^korean|^iso-ir-149|^csksc|^cseuckr|^mac-?korean|^iso-?2022-?kr|^csiso2022kr/, 'cp949'],
  [/^gb|^hz-gb|^euc-?cn|^chinese|^csgb|^csiso58|^(cp|ms|windows-?)936/, 'gb18030'],
  [/^big-?5|^cn-big5|^csbig5|^x-x-big5|^(cp|ms|windows-?)950/, 'big5'],
  [
    /^(shift|ms)[-_ ]?(jis|kanji)|^sjis|^csshiftjis|^windows-31j|^(cp|ms|windows-?)932/,
    'shift_jis',
  ],
  [/^euc-?_?jp|^cseucpkd|^ujis/, 'euc-jp'],
  [/^iso-?2022-?jp|^csiso2022jp|^jis/, 'iso-2022-jp'],
  [/^(iso-?_?8859-?_?1|latin-?1|l1|cp819|windows-?1252|win-?1252|cp-?1252)(:|$)/, 'windows-1252'],
];

/** Encodings with two-byte characters whose bytes may also be valid UTF-8. */
const overlapsUtf8 = new Set(['cp949', 'gb18030', 'big5', 'shift_jis', 'euc-jp', 'windows-874']);

/** Encodings that the bytes identify by themselves: if the bytes do not, the label is wrong. */
const marksItself = /^(ascii$|utf|ucs|unicode|iso-2022)/;

/** Score bonus of the label: another encoding must score better by this much. */
const labelTrust = 1.3;

/** Decodes a text, which may be truncated. `label`: the charset as the mail gives it. Never throws. */
export function decodeBytes(bytes: Buffer, label: string | null): string {
  const encoding = resolveEncoding(label);
  const marked = decodeMarked(bytes, label ?? '', encoding);
  if (marked !== null) return marked;
  if (isAscii(bytes)) return bytes.toString('latin1');
  const utf8 = strictUtf8(bytes);
  if (utf8 !== null && (hasLongSequence(bytes) || !overlapsUtf8.has(encoding ?? ''))) return utf8;
  if (encoding !== null && isGuessed(encoding)) return decodeLikely(bytes, encoding);
  if (encoding !== null && !marksItself.test(encoding)) return iconv.decode(bytes, encoding);
  // Text with a few broken UTF-8 characters is still UTF-8.
  const lenient = bytes.toString('utf8');
  if (hasLongSequence(bytes) && brokenShare(lenient) < 0.3) return lenient;
  return decodeLikely(bytes, null);
}

/** The name for iconv-lite; null if there is no label or it is unknown. */
function resolveEncoding(label: string | null): string | null {
  const name = (label ?? '')
    .toLowerCase()
    .replace(/["'\s;]+/g, '')
    .replace(/\*.*$/, '');
  if (name === '') return null;
  const bare = name.replace(/^x-(?!mac-(roman|cyrillic))/, '');
  const family = families.find(([pattern]) => pattern.test(bare))?.[1];
  if (family !== undefined) return family;
  // iconv-lite accepts these as encodings, but they are not charsets.
  if (/^(hex|base64|internal)/.test(bare)) return null;
  return (
    [bare, bare.replace(/-[ie]$/, ''), bare.replace(/^mac-/, 'mac')].find((one) =>
      iconv.encodingExists(one),
    ) ?? null
  );
}

/** Decodes by escape sequences or a byte order mark; null if there are none. */
function decodeMarked(bytes: Buffer, label: string, encoding: string | null): string | null {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return iconv.decode(bytes, 'utf-16');
  }
  if (/johab|1361/i.test(label) && encodingScore(bytes, 'cp949') < 0.5) return decodeJohab(bytes);
  if (encoding !== null && /^utf-?(16|32|7)|^unicode|^ucs/.test(encoding)) {
    const isWide = bytes.includes(0) || /7/.test(encoding);
    return isWide && (isAscii(bytes) || bytes.includes(0)) ? iconv.decode(bytes, encoding) : null;
  }
  if (!isAscii(bytes)) return null;
  const isShifted = bytes.includes(0x0e);
  if (bytes.includes('\x1b$)C') || (isShifted && encoding !== 'iso-2022-jp')) {
    return decodeIso2022Kr(bytes);
  }
  if (bytes.includes('\x1b$') || bytes.includes('\x1b(')) {
    return new TextDecoder('iso-2022-jp').decode(bytes);
  }
  return null;
}

/** Decodes with the encoding of the best score; the encoding of the label gets a bonus. */
function decodeLikely(bytes: Buffer, label: CandidateEncoding | null): string {
  let best: CandidateEncoding = label ?? 'cp949';
  let top = encodingScore(bytes, best) + (label === null ? 0 : labelTrust);
  for (const encoding of candidateEncodings) {
    const score = encodingScore(bytes, encoding);
    if (score > top) [best, top] = [encoding, score];
  }
  return iconv.decode(bytes, best);
}

const isGuessed = (encoding: string): encoding is CandidateEncoding =>
  (candidateEncodings as readonly string[]).includes(encoding);

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 0x80);

/** Null if the bytes are not UTF-8. A truncated last character is accepted. */
function strictUtf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

/** Whether there is a character of three or four bytes, which other encodings do not produce by accident. */
const hasLongSequence = (bytes: Buffer): boolean =>
  /[\xe1-\xef][\x80-\xbf]{2}|\xe0[\xa0-\xbf][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{3}/.test(
    bytes.toString('latin1'),
  );

/** Share of broken characters among the non-ASCII characters, 0 to 1. */
function brokenShare(text: string): number {
  const foreign = text.match(/[^\0-\x7f]/gu)?.length ?? 0;
  return foreign === 0 ? 0 : (text.match(/\ufffd/g)?.length ?? 0) / foreign;
}

const [shiftOut, shiftIn, escape] = [0x0e, 0x0f, 0x1b];

/** ISO-2022-KR (RFC 1557): EUC-KR with the eighth bits cleared, between SO and SI. */
function decodeIso2022Kr(bytes: Buffer): string {
  const plain: number[] = [];
  let isShifted = false;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    if (byte === shiftOut) isShifted = true;
    else if (byte === shiftIn) isShifted = false;
    // The designator, ESC $ ) C, once at the beginning of the text.
    else if (byte === escape && bytes[i + 1] === 0x24) i += 3;
    else {
      // A line ends in ASCII, even if the SI is missing.
      if (byte === 0x0a) isShifted = false;
      plain.push(isShifted && byte > 0x20 && byte < 0x7f ? byte | 0x80 : byte);
    }
  }
  return iconv.decode(Buffer.from(plain), 'cp949');
}

/** Index of a part of a Johab syllable by its five bits; -1 for unused codes. */
const initialOf = (bits: number): number => (bits >= 2 && bits <= 20 ? bits - 2 : -1);
const medials = [3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 26, 27, 28, 29];
const finalOf = (bits: number): number => {
  if (bits >= 1 && bits <= 17) return bits - 1;
  return bits >= 19 && bits <= 29 ? bits - 2 : -1;
};

/** Johab (KS C 5601-1992, annex 3): complete syllables; hanja and symbols become U+FFFD. */
function decodeJohab(bytes: Buffer): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 1) {
    const lead = bytes[i] ?? 0;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    i += 1;
    const code = (lead << 8) | (bytes[i] ?? 0);
    const initial = initialOf((code >> 10) & 31);
    const medial = medials.indexOf((code >> 5) & 31);
    const final = finalOf(code & 31);
    const isSyllable = initial >= 0 && medial >= 0 && final >= 0;
    text += isSyllable
      ? String.fromCharCode(0xac00 + (initial * 21 + medial) * 28 + final)
      : '\ufffd';
  }
  return text;
}

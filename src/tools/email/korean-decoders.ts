/** Decoders for two Korean encodings that iconv-lite does not have: ISO-2022-KR and Johab. */
import iconv from 'iconv-lite';

const [shiftOut, shiftIn, escape] = [0x0e, 0x0f, 0x1b];

/** ISO-2022-KR (RFC 1557): EUC-KR with the eighth bits cleared, between SO and SI. */
export function decodeIso2022Kr(bytes: Buffer): string {
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
export function decodeJohab(bytes: Buffer): string {
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

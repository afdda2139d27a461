/** Reads PNG, WebP and GIF without decoding them: their size, and a copy without EXIF, XMP and texts. */
import type { ParsedPicture } from './parsed-picture.ts';

const pngTexts: ReadonlySet<string> = new Set(['eXIf', 'tEXt', 'zTXt', 'iTXt', 'tIME']);

/** Null: no PNG that could be shown. */
export function parsePng(bytes: Buffer): ParsedPicture | null {
  if (bytes.length < 33 || bytes.toString('latin1', 12, 16) !== 'IHDR') return null;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const kept: Buffer[] = [bytes.subarray(0, 8)];
  let at = 8;
  while (at + 12 <= bytes.length) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const name = bytes.toString('latin1', at + 4, at + 8);
    // The last chunk of a file that was cut.
    if (end > bytes.length) {
      if (name === 'IDAT') kept.push(bytes.subarray(at));
      break;
    }
    if (!pngTexts.has(name)) kept.push(bytes.subarray(at, end));
    if (name === 'IEND') break;
    at = end;
  }
  return { width, height, bytes: Buffer.concat(kept) };
}

/** Flags of VP8X that announce EXIF and XMP. */
const metadataFlags = 0x08 | 0x04;

/** Null: no WebP that could be shown. */
export function parseWebp(bytes: Buffer): ParsedPicture | null {
  const kept: Buffer[] = [Buffer.from(bytes.subarray(0, 12))];
  let size: { width: number; height: number } | null = null;
  const fileEnd = Math.min(bytes.length, 8 + bytes.readUInt32LE(4));
  let at = 12;
  while (at + 8 <= fileEnd) {
    const length = bytes.readUInt32LE(at + 4);
    const end = Math.min(fileEnd, at + 8 + length + (length % 2));
    const name = bytes.toString('latin1', at, at + 4);
    const chunk = Buffer.from(bytes.subarray(at, end));
    size ??= webpSize(name, chunk);
    if (name === 'VP8X' && chunk.length > 8) chunk[8] = chunk[8]! & ~metadataFlags;
    if (name !== 'EXIF' && name !== 'XMP ') kept.push(chunk);
    at = end;
  }
  if (size === null) return null;
  const whole = Buffer.concat(kept);
  whole.writeUInt32LE(whole.length - 8, 4);
  return { ...size, bytes: whole };
}

function webpSize(name: string, chunk: Buffer): { width: number; height: number } | null {
  if (name === 'VP8X' && chunk.length >= 18) {
    return { width: 1 + chunk.readUIntLE(12, 3), height: 1 + chunk.readUIntLE(15, 3) };
  }
  if (name === 'VP8L' && chunk.length >= 13 && chunk[8] === 0x2f) {
    const bits = chunk.readUInt32LE(9);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  if (name === 'VP8 ' && chunk.length >= 18 && chunk.readUIntBE(11, 3) === 0x9d012a) {
    return { width: chunk.readUInt16LE(14) & 0x3fff, height: chunk.readUInt16LE(16) & 0x3fff };
  }
  return null;
}

/** GIF has no field for a place. */
export const parseGif = (bytes: Buffer): ParsedPicture | null =>
  bytes.length < 14 ? null : { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8), bytes };

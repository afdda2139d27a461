/**
 * Reads a JPEG without decoding it: its size, and a copy without what tells where it was taken.
 *
 * Left out: EXIF, XMP, IPTC, comments, and all bytes after the end (phones append a film with its own place). Of EXIF the
 * orientation stays: without it the photo of a phone lies on its side.
 */
import type { ParsedPicture } from './parsed-picture.ts';

const marker = { soi: 0xd8, eoi: 0xd9, sos: 0xda, app1: 0xe1, app13: 0xed, comment: 0xfe };
/** Frame headers: baseline, extended, progressive and the rare ones; without tables (C4), JPG (C8) and arithmetic (CC). */
const isFrame = (code: number): boolean =>
  code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
/** Markers without a length: restarts and TEM. */
const isBare = (code: number): boolean => (code >= 0xd0 && code <= 0xd7) || code === 0x01;
const removed: ReadonlySet<number> = new Set([marker.app1, marker.app13, marker.comment]);

/** Null: no JPEG that could be shown. */
export function parseJpeg(bytes: Buffer): ParsedPicture | null {
  const kept: Buffer[] = [bytes.subarray(0, 2)];
  let size: { width: number; height: number } | null = null;
  let orientation = 1;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const code = bytes[at + 1]!;
    if (code === 0xff) {
      // A marker may be filled up.
      at += 1;
      continue;
    }
    if (code === marker.eoi) break;
    if (isBare(code)) {
      kept.push(bytes.subarray(at, at + 2));
      at += 2;
      continue;
    }
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length || end < at + 4) return null;
    const segment = bytes.subarray(at, end);
    if (isFrame(code)) size ??= frameSize(segment);
    if (code === marker.app1) orientation = orientationOf(segment) ?? orientation;
    if (!removed.has(code)) kept.push(segment);
    at = end;
    if (code !== marker.sos) continue;
    const next = endOfScan(bytes, at);
    kept.push(bytes.subarray(at, next));
    at = next;
  }
  if (size === null) return null;
  kept.push(Buffer.from([0xff, marker.eoi]));
  // After the marker of the file (APP0), which comes first where it is.
  const place = kept[1]?.[1] === 0xe0 ? 2 : 1;
  if (orientation !== 1) kept.splice(place, 0, orientationSegment(orientation));
  return { ...size, bytes: Buffer.concat(kept) };
}

function frameSize(segment: Buffer): { width: number; height: number } | null {
  if (segment.length < 9) return null;
  return { height: segment.readUInt16BE(5), width: segment.readUInt16BE(7) };
}

/** The next marker after the data of a scan; the end of the bytes if the file was cut. */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0 && at + 1 < bytes.length;) {
    const code = bytes[at + 1]!;
    if (code === 0xff) at += 1;
    else if (code === 0 || isBare(code)) at = bytes.indexOf(0xff, at + 2);
    else return at;
  }
  return bytes.length;
}

/** 2 to 8: mirrored or turned; 1: as it is. Null: the segment has none. */
function orientationOf(segment: Buffer): number | null {
  const tiff = segment.subarray(10);
  if (segment.toString('latin1', 4, 10) !== 'Exif\0\0' || tiff.length < 14) return null;
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const short = (at: number): number =>
    at + 2 > tiff.length ? 0 : isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at);
  const directory = isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  const entries = short(directory);
  for (let index = 0; index < entries; index += 1) {
    const entry = directory + 2 + 12 * index;
    if (entry + 12 > tiff.length) return null;
    if (short(entry) === 0x0112) {
      const value = short(entry + 8);
      return value >= 1 && value <= 8 ? value : null;
    }
  }
  return null;
}

/** EXIF with nothing but the orientation. */
function orientationSegment(orientation: number): Buffer {
  const tiff = Buffer.from('MM\0*\0\0\0\b\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1');
  tiff.writeUInt16BE(orientation, 18);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const head = Buffer.from([0xff, marker.app1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/**
 * Pictures that come with messages. Nothing is decoded here: type and size are read from the first bytes, whatever name and
 * type the sender has given, and the bytes are copied without the place at which they were taken.
 */
import { GatehouseError } from '../errors.ts';
import { parseGif, parsePng, parseWebp } from './chunked-pictures.ts';
import { parseJpeg } from './jpeg.ts';
import type { ParsedPicture } from './parsed-picture.ts';

export const pictureTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const;
export type PictureType = (typeof pictureTypes)[number];

export interface Picture extends ParsedPicture {
  type: PictureType;
}

/** Of one message. */
export interface PictureLimits {
  maxCount: number;
  /** Of all pictures together. */
  maxBytes: number;
}

export type PictureProblem =
  | 'empty'
  /** The photo format of iPhones. */
  | 'heic'
  /** No picture, or of a type that is not taken. */
  | 'unknown'
  /** Its beginning is that of a picture, the rest is not. */
  | 'broken'
  | 'tooManyPixels';

export type ReadPicture = { ok: true; picture: Picture } | { ok: false; why: PictureProblem };

/**
 * A model server needs 3 bytes per pixel to decode a picture, and some need twelve. The largest photos that phones take by
 * default have 50 million.
 */
export const pixelsMax = 64_000_000;

const parsers: Record<PictureType, (bytes: Buffer) => ParsedPicture | null> = {
  'image/png': parsePng,
  'image/jpeg': parseJpeg,
  'image/webp': parseWebp,
  'image/gif': parseGif,
};

const startsWith = (bytes: Buffer, text: string, at = 0): boolean =>
  bytes.toString('latin1', at, at + text.length) === text;

/** The type by content; `heic` also for AVIF, which no model server reads. Null: another one. */
export function pictureTypeOf(bytes: Buffer): PictureType | 'heic' | null {
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'image/png';
  if (startsWith(bytes, '\xff\xd8\xff')) return 'image/jpeg';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'image/webp';
  if (startsWith(bytes, 'GIF87a') || startsWith(bytes, 'GIF89a')) return 'image/gif';
  const isHeif = startsWith(bytes, 'ftyp', 4) && heifBrand.test(bytes.toString('latin1', 8, 12));
  return isHeif ? 'heic' : null;
}

const heifBrand = /^(?:hei[cxsm]|hev[cxsm]|mif1|msf1|avi[fs])$/;

export function readPicture(bytes: Buffer): ReadPicture {
  if (bytes.length === 0) return { ok: false, why: 'empty' };
  const type = pictureTypeOf(bytes);
  if (type === null) return { ok: false, why: 'unknown' };
  if (type === 'heic') return { ok: false, why: 'heic' };
  const parsed = parsers[type](bytes);
  if (parsed === null || parsed.width === 0 || parsed.height === 0) {
    return { ok: false, why: 'broken' };
  }
  if (parsed.width * parsed.height > pixelsMax) return { ok: false, why: 'tooManyPixels' };
  return { ok: true, picture: { type, ...parsed } };
}

const reasons: Record<PictureProblem, string> = {
  empty: 'the picture has no bytes',
  heic: 'HEIC and AVIF are not taken; send JPEG or PNG',
  unknown: 'this is no PNG, JPEG, WebP or GIF, whatever type it is given',
  broken: 'the picture is damaged',
  tooManyPixels: `the picture has more than ${pixelsMax / 1e6} million pixels`,
};

/** @param where the field of the request, named in the error */
export const pictureError = (where: string, why: string): GatehouseError =>
  new GatehouseError('GH_PICTURE_REFUSED', `${where}: ${why}`, { param: where });

/** @throws GH_PICTURE_REFUSED that names the field `where` */
export function requirePicture(bytes: Buffer, where: string): Picture {
  const read = readPicture(bytes);
  if (read.ok) return read.picture;
  throw pictureError(where, reasons[read.why]);
}

/** The pictures of one message. @throws GH_PICTURE_REFUSED that names the field `where` */
export function checkPictures(
  pictures: readonly Pick<Picture, 'bytes'>[],
  { maxCount, maxBytes }: PictureLimits,
  where: string,
): void {
  if (pictures.length > maxCount) {
    throw pictureError(where, `at most ${maxCount} pictures per message (pictures.maxCount)`);
  }
  const total = pictures.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (total > maxBytes) {
    throw pictureError(
      where,
      `at most ${maxBytes} bytes of pictures per message (pictures.maxBytes)`,
    );
  }
}

/**
 * Pictures as the fields of requests carry them: data URLs and base64, in the forms that clients send. The declared type is
 * not read. No address is ever fetched.
 */
import { pictureError, requirePicture, type Picture } from './picture.ts';

/**
 * The picture of a data URL, or of bare base64.
 *
 * @param where the field of the request, named in the error
 * @throws GH_PICTURE_REFUSED
 */
export function pictureOf(source: string, where: string): Picture {
  return requirePicture(bytesOf(source.trim(), where), where);
}

/** The form in which model servers take pictures. */
export const dataUrlOf = ({ type, bytes }: Pick<Picture, 'type' | 'bytes'>): string =>
  `data:${type};base64,${bytes.toString('base64')}`;

function bytesOf(source: string, where: string): Buffer {
  if (!/^data:/i.test(source)) {
    const scheme = /^([a-z][a-z0-9+.-]{1,20}):/i.exec(source)?.[1];
    if (scheme !== undefined) {
      const why = `pictures are not fetched from addresses (${scheme.toLowerCase()}:); send the picture as a data URL`;
      throw pictureError(where, why);
    }
    return fromBase64(source, where);
  }
  const comma = source.indexOf(',');
  if (comma < 0 || comma > headerCharsMax) throw pictureError(where, 'the data URL has no data');
  const isBase64 = /;\s*base64\s*$/i.test(source.slice(0, comma));
  const data = source.slice(comma + 1);
  return isBase64 ? fromBase64(data, where) : fromPercentEncoding(data);
}

/** Type and parameters of a data URL are a few words. */
const headerCharsMax = 1_000;

/** With line breaks, without padding, with the alphabet of URLs, or percent-encoded: all are seen. */
function fromBase64(text: string, where: string): Buffer {
  const plain = text.includes('%') ? fromPercentEncoding(text).toString('latin1') : text;
  const joined = /\s/.test(plain) ? plain.replaceAll(/\s+/g, '') : plain;
  // Buffer.from would skip what is no base64, and stop at the first padding.
  if (!/^[\w+/-]*={0,2}$/.test(joined)) throw pictureError(where, 'the data is not base64');
  return Buffer.from(joined, 'base64');
}

const fromPercentEncoding = (text: string): Buffer =>
  Buffer.from(
    text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  );

/** What a picture is, by its bytes; that no place stays in it; the forms in which requests carry it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkPictures,
  pixelsMax,
  readPicture,
  type PictureProblem,
} from '#shared/pictures/picture';
import { dataUrlOf, pictureOf } from '#shared/pictures/picture-source';
import {
  bomb,
  dataUrl,
  heic,
  photo,
  pictures,
  place,
  pngWithPlace,
  webpWithPlace,
} from '#test/support/pictures';

const read = (bytes: Buffer) => {
  const result = readPicture(bytes);
  if (!result.ok) throw new Error(result.why);
  return result.picture;
};

describe('the type and the size of a picture are those of its bytes', () => {
  test.each([
    ['png', 'image/png', 24, 16],
    ['jpeg', 'image/jpeg', 24, 16],
    ['webp', 'image/webp', 24, 16],
    ['gif', 'image/gif', 1, 1],
  ] as const)('%s', (name, type, width, height) => {
    expect(read(pictures[name])).toMatchObject({ type, width, height });
  });

  test('a WebP without an extended header: lossy and lossless', () => {
    const lossy = pictures.webp.subarray(pictures.webp.indexOf('VP8 '));
    const riff = (chunk: Buffer): Buffer => {
      const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
      head.writeUInt32LE(chunk.length + 4, 4);
      return Buffer.concat([head, chunk]);
    };
    expect(read(riff(lossy))).toMatchObject({ width: 24, height: 16 });
    const lossless = Buffer.from('VP8L\x05\0\0\0\x2f\0\0\0\0\0', 'latin1');
    lossless.writeUInt32LE(23 | (15 << 14), 9);
    expect(read(riff(lossless))).toMatchObject({ width: 24, height: 16 });
  });

  test.each<[string, Buffer, PictureProblem]>([
    ['no bytes', Buffer.alloc(0), 'empty'],
    ['a photo of an iPhone', heic, 'heic'],
    ['AVIF', Buffer.from('\0\0\0\x20ftypavif', 'latin1'), 'heic'],
    ['a page', Buffer.from('<html><img src=x onerror=alert(1)>'), 'unknown'],
    ['SVG, which may have scripts', Buffer.from('<svg xmlns="…"><script/></svg>'), 'unknown'],
    ['a program', Buffer.from('\x7fELF', 'latin1'), 'unknown'],
    ['BMP', Buffer.from('BM\0\0'), 'unknown'],
    ['a film', Buffer.from('\0\0\0\x18ftypmp42', 'latin1'), 'unknown'],
    ['only the first bytes of a PNG', pictures.png.subarray(0, 20), 'broken'],
    [
      'a PNG without its header',
      Buffer.from('\x89PNG\r\n\x1a\n' + 'x'.repeat(40), 'latin1'),
      'broken',
    ],
    ['a JPEG without a frame', Buffer.from('\xff\xd8\xff\xd9', 'latin1'), 'broken'],
    ['a JPEG that goes on with a page', Buffer.from('\xff\xd8\xff<html>', 'latin1'), 'broken'],
    ['a WebP without a picture', Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'), 'broken'],
    ['a picture of no size', bomb(0, 10), 'broken'],
    ['a bomb', bomb(60_000, 60_000), 'tooManyPixels'],
    ['a bomb of one line', bomb(pixelsMax + 1, 1), 'tooManyPixels'],
  ])('%s is refused', (_, bytes, why) => {
    expect(readPicture(bytes)).toEqual({ ok: false, why });
  });

  test('any bytes after a right beginning are read or refused, and nothing is thrown', () => {
    const starts = Object.values(pictures).map((bytes) => fc.constant(bytes));
    fc.assert(
      fc.property(
        fc.oneof(...starts),
        fc.nat(300),
        fc.uint8Array({ maxLength: 400 }),
        fc.boolean(),
        (bytes, keep, rest, isCut) => {
          const end = isCut ? Buffer.alloc(0) : bytes.subarray(keep);
          const result = readPicture(Buffer.concat([bytes.subarray(0, keep), rest, end]));
          if (result.ok) expect(result.picture.width * result.picture.height).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('the place at which a picture was taken', () => {
  test.each([
    ['JPEG', photo(1), 'image/jpeg'],
    ['PNG', pngWithPlace(), 'image/png'],
    ['WebP', webpWithPlace(), 'image/webp'],
  ])('leaves a %s with EXIF and XMP, and nothing else does', (_, bytes, type) => {
    expect(bytes.includes(place)).toBe(true);
    const picture = read(bytes);
    expect(picture.bytes.includes(place)).toBe(false);
    expect(picture).toMatchObject({ type, width: 24, height: 16 });
    const plain = { 'image/jpeg': pictures.jpeg, 'image/png': pictures.png }[type];
    if (plain === undefined) expect(picture.bytes.equals(pictures.webp)).toBe(true);
    else expect(picture.bytes.equals(plain)).toBe(true);
  });

  test('leaves a photo whose orientation stays', () => {
    const picture = read(photo(6));
    expect(picture.bytes.includes(place)).toBe(false);
    const at = picture.bytes.indexOf('Exif');
    expect(picture.bytes.subarray(at + 6 + 10, at + 6 + 20).toString('hex')).toBe(
      '01120003000000010006',
    );
    // What was read once is read again as it is.
    expect(read(picture.bytes).bytes.equals(picture.bytes)).toBe(true);
  });

  test('a photo that was cut stays as much of a photo as it was', () => {
    const cut = pictures.jpeg.subarray(0, pictures.jpeg.length - 20);
    expect(read(cut).bytes.subarray(0, cut.length).equals(cut)).toBe(true);
  });
});

describe('a picture in a field of a request', () => {
  const base64 = pictures.png.toString('base64');
  const lines = base64.replaceAll(/.{60}/g, '$&\r\n');

  test.each([
    ['a data URL', dataUrl(pictures.png)],
    ['with another declared type', dataUrl(pictures.png, 'image/jpeg')],
    ['without a type', `data:;base64,${base64}`],
    ['with no more than the word', `data:base64,${base64}`.replace('data:base64', 'data:;base64')],
    ['in capitals', `DATA:IMAGE/PNG;BASE64,${base64}`],
    ['with a charset', `data:image/png;charset=utf-8;base64,${base64}`],
    ['with a name', `data:image/png;name=photo%20(1).png;base64,${base64}`],
    ['with spaces around', `  data:image/png; base64 , ${base64}\n`],
    ['in lines', `data:image/png;base64,${lines}`],
    ['without padding', `data:image/png;base64,${base64.replaceAll('=', '')}`],
    ['in the alphabet of URLs', `data:image/png;base64,${pictures.png.toString('base64url')}`],
    ['percent-encoded', `data:image/png;base64,${encodeURIComponent(base64)}`],
    [
      'not in base64',
      `data:image/png,${[...pictures.png].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
    ],
    ['bare base64', base64],
  ])('%s is read', (_, source) => {
    const picture = pictureOf(source, 'here');
    expect(picture.bytes.equals(pictures.png)).toBe(true);
    expect(dataUrlOf(picture)).toBe(dataUrl(pictures.png));
  });

  test.each([
    ['an address', 'http://169.254.169.254/latest/meta-data/', 'not fetched'],
    ['an address in capitals', 'HTTPS://example.org/a.png', 'not fetched'],
    ['a file', 'file:///etc/passwd', 'not fetched'],
    ['a file of a cloud', 'gs://bucket/a.png', 'not fetched'],
    ['a blob of a browser', 'blob:https://chat.example/1', 'not fetched'],
    ['nothing', '', 'no bytes'],
    ['an empty data URL', 'data:image/png;base64,', 'no bytes'],
    ['a data URL without data', 'data:image/png;base64', 'no data'],
    ['a name', 'cat.png', 'not base64'],
    ['text in base64', `data:image/png;base64,${btoa('<script>')}`, 'no PNG'],
    ['SVG', 'data:image/svg+xml,%3Csvg/%3E', 'no PNG'],
    ['half of a picture', `data:image/png;base64,${base64.slice(0, 24)}`, 'damaged'],
    ['padding in the middle', `data:image/png;base64,${base64}==${base64}`, 'not base64'],
  ])('%s is refused, naming the field', (_, source, why) => {
    expect(() => pictureOf(source, 'messages.0')).toThrow(
      expect.objectContaining({
        code: 'GH_PICTURE_REFUSED',
        param: 'messages.0',
        message: expect.stringContaining(why),
      }),
    );
  });
});

test('a message has only so many pictures, and bytes of pictures', () => {
  const picture = { bytes: Buffer.alloc(600) };
  const limits = { maxCount: 2, maxBytes: 1_200 };
  expect(() => checkPictures([picture, picture], limits, 'here')).not.toThrow();
  expect(() => checkPictures([picture, picture, picture], limits, 'here')).toThrow(/at most 2/);
  const large = { bytes: Buffer.alloc(601) };
  expect(() => checkPictures([picture, large], limits, 'here')).toThrow(/at most 1200 bytes/);
});

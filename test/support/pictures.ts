/**
 * Small real pictures (24 × 16, made by Chromium), and the same with what programs and phones add to them: EXIF with a
 * place, XMP, a film after the end.
 */
const png =
  'iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAYAAAAMJL+VAAAATklEQVR4AeyQsQ0AIAgEX1dyJ6fVmbAjhIZAsCGQfEHBX7h5' +
  'APIE+5AnE5+HAYsIMllcBmQV6p5CgDsGZPSr0b2QoqgC664VWYbQikxFDwAA//9KvNd7AAAABklEQVQDAMVuO/FDsL7CAAAA' +
  'AElFTkSuQmCC';
const jpeg =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAA' +
  'AABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAA' +
  'ABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAA' +
  'AAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAA' +
  'AAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAA' +
  'AABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADb/2wBDAA0JCgsK' +
  'CA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYV' +
  'FSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAQABgDASIAAhEB' +
  'AxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAMEBf/EACAQAQAAAwkAAAAAAAAAAAAAAAAEQoERFiYyU2WDkvD/xAAWAQEBAQAA' +
  'AAAAAAAAAAAAAAAGAwf/xAAgEQABAwIHAAAAAAAAAAAAAAABAAUhAxECBBJhcoGx/9oADAMBAAIRAxEAPwDJh66W88mp1y+t' +
  'ciGmogvDTUTbjfNYO/CkD1T0N9WSbkGeQgbKwBWs9X//2Q==';
const webp =
  'UklGRmACAABXRUJQVlA4WAoAAAAgAAAAFwAADwAASUNDUMgBAAAAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AABAAEAAAAA' +
  'AABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFlaAAABKAAAABRiWFlaAAABPAAA' +
  'ABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAAAChjcHJ0AAABjAAAADxtbHVjAAAAAAAA' +
  'AAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAA' +
  'AAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBhcmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAA' +
  'AABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAcAEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADZWUDggcgAAAPAD' +
  'AJ0BKhgAEAA+0VSjS6gkoyGwCAEAGglAF2OQBEAA54E1EH8p3mgA/cWdGLHVJcbF8yxkn6V5TWrXN6F1v46ZU1CtsUb2Ff1a' +
  '400eEUKm/zDBZi7f/wQr/6QHx4S/5N5H6rFJL/+V/vVYpIoPOyAAAA==';

export const pictures = {
  png: Buffer.from(png, 'base64'),
  jpeg: Buffer.from(jpeg, 'base64'),
  webp: Buffer.from(webp, 'base64'),
  /** One transparent pixel. */
  gif: Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
};

export const dataUrl = (bytes: Buffer, type = 'image/png'): string =>
  `data:${type};base64,${bytes.toString('base64')}`;

/** Stands for a place in all metadata below. */
export const place = '37.5665N126.9780E';

/** EXIF as phones write it: the orientation, and a directory with the place. */
function exif(orientation: number): Buffer {
  const tiff = Buffer.alloc(64);
  tiff.write('II*\0', 0, 'latin1');
  tiff.writeUInt32LE(8, 4);
  tiff.writeUInt16LE(2, 8);
  tiff.writeUInt16LE(0x0112, 10);
  tiff.writeUInt16LE(3, 12);
  tiff.writeUInt32LE(1, 14);
  tiff.writeUInt16LE(orientation, 18);
  tiff.writeUInt16LE(0x8825, 22);
  tiff.writeUInt16LE(4, 24);
  tiff.writeUInt32LE(1, 26);
  tiff.writeUInt32LE(40, 30);
  tiff.write(place, 40, 'latin1');
  return Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
}

function segment(code: number, body: Buffer): Buffer {
  const head = Buffer.from([0xff, code, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** As a phone writes it: EXIF and XMP with the place, a comment, and a film behind the end. */
export function photo(orientation = 6): Buffer {
  const xmp = Buffer.from(`http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude="${place}"/>`);
  return Buffer.concat([
    pictures.jpeg.subarray(0, 2),
    segment(0xe1, exif(orientation)),
    segment(0xe1, xmp),
    segment(0xed, Buffer.from(`Photoshop 3.0\0${place}`)),
    segment(0xfe, Buffer.from(place)),
    pictures.jpeg.subarray(2),
    Buffer.from(`\0\0\0\x18ftypmp42 ${place}`, 'latin1'),
  ]);
}

function pngChunk(name: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  // The checksum of a chunk that is left out does not matter.
  return Buffer.concat([length, Buffer.from(name), body, Buffer.alloc(4)]);
}

export const pngWithPlace = (): Buffer =>
  Buffer.concat([
    pictures.png.subarray(0, 33),
    pngChunk('eXIf', exif(1)),
    pngChunk('iTXt', Buffer.from(`XML:com.adobe.xmp\0${place}`)),
    pictures.png.subarray(33),
  ]);

export function webpWithPlace(): Buffer {
  const chunk = (name: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.write(name);
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  };
  const whole = Buffer.concat([
    pictures.webp,
    chunk('EXIF', exif(1)),
    chunk('XMP ', Buffer.from(place)),
  ]);
  whole.writeUInt32LE(whole.length - 8, 4);
  whole[20] = whole[20]! | 0x0c;
  return whole;
}

/** A PNG that says it is this large, in 60 bytes: nobody may decode it. */
export function bomb(width: number, height: number): Buffer {
  const bytes = Buffer.from(pictures.png);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

/** The beginning of an iPhone's photo. */
export const heic = Buffer.from('\0\0\0\x28ftypheic\0\0\0\0mif1MiHEmiafheic', 'latin1');

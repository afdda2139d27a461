/** Calendar files are unfolded as bytes and then decoded, whatever their encoding. */
import iconv from 'iconv-lite';
import { describe, expect, test } from 'vitest';
import { decodeCalendarText, decodeText, unfoldSplitCharacters } from '#shared/text/decode-text';

const title = 'SUMMARY:상반기 회의와 예산 배분 똠방각하 😀';
const plain = `BEGIN:VEVENT\r\n${title}\r\nEND:VEVENT\r\n`;

/** The bytes with a fold after every `width` bytes of each line. */
function folded(bytes: Buffer, width: number, fold: string): Buffer {
  const pieces: Buffer[] = [];
  let count = 0;
  for (const byte of bytes) {
    const isLineEnd = byte === 0x0d || byte === 0x0a;
    if (isLineEnd) count = 0;
    else if (count === width) {
      pieces.push(Buffer.from(fold));
      count = 0;
    }
    if (!isLineEnd) count += 1;
    pieces.push(Buffer.from([byte]));
  }
  return Buffer.concat(pieces);
}

describe('the text of a calendar file', () => {
  const widths = Array.from({ length: 12 }, (_, index) => index + 20);
  test.each(['\r\n ', '\r\n\t', '\n ', '\n\t', '\r ', '\r\r\n ', '\r\n\r\n '])(
    'is decoded whole if its lines are folded with %j, also within characters',
    (fold) => {
      const ends = fold.replace(/[ \t]/, '').replace('\r\n\r\n', '\r\n');
      const text = plain.replaceAll('\r\n', ends);
      for (const width of [1, 2, 3, ...widths]) {
        expect(decodeCalendarText(folded(Buffer.from(text), width, fold))).toBe(text);
      }
    },
  );

  test('is decoded whole if it is CP949 that is folded within a syllable', () => {
    const korean = plain.replace(' 😀', '');
    for (const width of widths) {
      const bytes = folded(iconv.encode(korean, 'cp949'), width, '\r\n ');
      expect(decodeCalendarText(bytes)).toBe(korean);
    }
  });

  test.each(['utf-16le', 'utf-16be'])(
    'is decoded from %s with and without a byte order mark',
    (encoding) => {
      const wide = plain.replace('예산', '예\r\n 산');
      expect(decodeCalendarText(iconv.encode(wide, encoding))).toBe(plain);
      expect(decodeCalendarText(iconv.encode(wide, encoding, { addBOM: true }))).toBe(plain);
    },
  );

  test('has no UTF-8 byte order mark after decoding', () => {
    expect(decodeCalendarText(Buffer.from(`\ufeff${plain}`))).toBe(plain);
  });

  test('is decoded as UTF-8 even if one character is damaged', () => {
    const cut = Buffer.from(plain);
    const damaged = Buffer.concat([cut.subarray(0, 25), cut.subarray(26)]);
    expect(decodeCalendarText(damaged)).toContain('예산 배분 똠방각하 😀\r\nEND:VEVENT');
  });

  test('is decoded as Latin-1 if it has no other encoding', () => {
    const bytes = Buffer.from('SUMMARY:Müller à Zürich: fête, ü\r\n', 'latin1');
    expect(decodeCalendarText(bytes)).toBe('SUMMARY:Müller à Zürich: fête, ü\r\n');
  });

  test('is null if the bytes are no text', () => {
    expect(decodeCalendarText(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]))).toBeNull();
  });
});

describe('the response of a CalDAV server', () => {
  test.each(['\r\n ', '\n ', '&#13;\n ', '&#xD;&#xA;\t', '\n \n '])(
    'has whole characters after unfolding if its calendar was folded with %j within them',
    (fold) => {
      const bytes = Buffer.from('<c>SUMMARY:논의 그리고</c>');
      const within = Buffer.from('<c>SUMMARY:논').length - 1;
      const answer = [bytes.subarray(0, within), Buffer.from(fold), bytes.subarray(within)];
      expect(unfoldSplitCharacters(Buffer.concat(answer)).toString()).toBe(bytes.toString());
    },
  );

  test('keeps folds between characters, and bytes that are not UTF-8 for another reason', () => {
    const fine = Buffer.from('SUMMARY:논\r\n 의');
    expect(unfoldSplitCharacters(fine)).toBe(fine);
    const latin = Buffer.from('Z\xfcrich\r\n und Bern', 'latin1');
    expect(unfoldSplitCharacters(latin).equals(latin)).toBe(true);
  });
});

test('the text of a document keeps its line ends before spaces, unlike a calendar file', () => {
  expect(decodeText(Buffer.from('목록\n  둘째 줄'))).toBe('목록\n  둘째 줄');
});

/** Harmful files: the limits of memory and time for reading a PDF, and of work for a text file. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createDeflate } from 'node:zlib';
import iconv from 'iconv-lite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createFileReader } from '#channels/inbox/file-text';
import { asianPdf, pdfOf } from './pdf.ts';

/** A PDF of some hundred kilobytes that inflates to `megabytes`. */
async function bomb(megabytes: number): Promise<Buffer> {
  const megabyte = Buffer.alloc(1024 ** 2, ' ');
  const deflated = Readable.from(Array.from({ length: megabytes }, () => megabyte)).pipe(
    createDeflate(),
  );
  return pdfOf(await buffer(deflated), '/Filter /FlateDecode ');
}

const penguins = pdfOf(Buffer.from('BT /F1 24 Tf 72 720 Td (Penguins at ten) Tj ET'));

describe('a PDF', () => {
  test(
    'that inflates beyond the memory limit is refused, and the next PDF is read',
    {
      timeout: 120_000,
    },
    async () => {
      const harmful = await bomb(400);
      // A long time limit, as a slow machine could refuse the file by time. Read completely, the file is `empty`.
      const read = createFileReader({ msMax: 100_000, growthBytesMax: 160 * 1024 ** 2 });
      const began: string[] = [];
      const large = read(harmful, 1_000, () => void began.push('bomb'));
      const small = read(penguins, 1_000, () => void began.push('penguins'));
      expect(await large).toEqual({ ok: false, why: 'unreadable' });
      expect(await small).toMatchObject({ ok: true, text: 'Penguins at ten' });
      expect(began).toEqual(['bomb', 'penguins']);
    },
  );

  test('is read only after the PDF before it; a text file does not wait', async () => {
    const read = createFileReader();
    let begun = 0;
    const begunAtEnds: number[] = [];
    const reading = [1, 2, 3].map(async () => {
      await read(penguins, 1_000, () => void (begun += 1));
      begunAtEnds.push(begun);
    });
    await read(Buffer.from('글'), 1_000, () => undefined);
    expect(begunAtEnds).toEqual([]);
    await Promise.all(reading);
    // The next PDF begins when the previous PDF ends, not before.
    expect(begunAtEnds[0]).toBeLessThanOrEqual(2);
    expect(begunAtEnds).toHaveLength(3);
  });

  test.each([
    ['UniKS-UCS2-H', 'utf-16be'],
    ['KSCms-UHC-H', 'cp949'],
  ])('with a Korean font that is not embedded is read by its CMap, %s', async (cmap, charset) => {
    const words = '합계 금액은 백만 원입니다 똠';
    const read = createFileReader();
    const whole = await read(
      asianPdf(cmap, '', iconv.encode(words, charset)),
      1_000,
      () => undefined,
    );
    expect(whole).toEqual({ ok: true, text: words, isCut: false, isPartial: false });
    const mixed = asianPdf(cmap, 'Quotation 2031', iconv.encode(words, charset));
    expect(await read(mixed, 1_000, () => undefined)).toMatchObject({
      text: `Quotation 2031\n${words}`,
      isPartial: false,
    });
  });

  test('with an unreadable font is reported as partial, or as unreadable if it has no other text', async () => {
    const read = createFileReader();
    const codes = Buffer.from('0a0b', 'hex');
    expect(await read(asianPdf('No-Such-H', 'Quotation', codes), 1_000, () => undefined)).toEqual({
      ok: true,
      text: 'Quotation',
      isCut: false,
      isPartial: true,
    });
    expect(await read(asianPdf('No-Such-H', '', codes), 1_000, () => undefined)).toEqual({
      ok: false,
      why: 'unreadable',
    });
  });
});

describe('a text file', () => {
  const read = createFileReader();
  const textOf = (text: string | Buffer, charsMax: number) =>
    read(Buffer.from(text as string), charsMax, () => undefined);

  test.each([
    ['abc', 3, 'abc', false],
    ['abcd', 3, 'abc', true],
    ['\r\na\r\nb\r\n', 3, 'a\nb', false],
    [`a${'\r\n'.repeat(50)}b`, 3, 'a\n\n', true],
    ['😀😀😀', 3, '😀😀😀', false],
    ['😀😀😀😀', 3, '😀😀😀', true],
    [`${' '.repeat(1_000)}가나다${' '.repeat(1_000)}`, 3, '가나다', false],
    ['\ufeff가', 3, '가', false],
  ])(
    'is cut between characters at the limit, and isCut reports it: %j',
    async (text, charsMax, shown, isCut) => {
      expect(await textOf(text, charsMax)).toEqual({
        ok: true,
        text: shown,
        isCut,
        isPartial: false,
      });
    },
  );

  test.each([
    ['of many line ends', `x${'\r\n'.repeat(4_000_000)}y`],
    ['of many characters', '가'.repeat(3_000_000)],
  ])('%s is cut before it is split into characters or lines', async (_what, text) => {
    const bytes = Buffer.from(text);
    const takenApart: number[] = [];
    const from = Array.from.bind(Array) as (...given: unknown[]) => unknown[];
    const replaceAll = String.prototype.replaceAll;
    vi.spyOn(Array, 'from').mockImplementation((...given: unknown[]) => {
      takenApart.push((given[0] as ArrayLike<unknown>).length);
      return from(...given);
    });
    vi.spyOn(String.prototype, 'replaceAll').mockImplementation(function (this: string, ...given) {
      takenApart.push(this.length);
      return replaceAll.apply(this, given as never);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const result = await read(bytes, 1_000, () => undefined);
    vi.restoreAllMocks();
    expect(result).toMatchObject({ ok: true, isCut: true });
    expect(Math.max(...takenApart)).toBeLessThan(10_000);
  });
});

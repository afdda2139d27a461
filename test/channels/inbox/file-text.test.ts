/** Files that are made to do harm: what a PDF may take of the process, and of the time of others. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createDeflate } from 'node:zlib';
import iconv from 'iconv-lite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createFileReader } from '#channels/inbox/file-text';
import { asianPdf, pdfOf } from './pdf.ts';

/** Some hundred kilobytes that become so many megabytes when they are read. */
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
    'that inflates to more memory than is its due is refused, and the next one is read',
    {
      timeout: 120_000,
    },
    async () => {
      const harmful = await bomb(400);
      // Without the limit of time, which would refuse it too on a slow machine. Read to its end it is `empty`.
      const read = createFileReader({ msMax: 100_000, growthBytesMax: 160 * 1024 ** 2 });
      const began: string[] = [];
      const large = read(harmful, 1_000, () => void began.push('bomb'));
      const small = read(penguins, 1_000, () => void began.push('penguins'));
      expect(await large).toEqual({ ok: false, why: 'unreadable' });
      expect(await small).toMatchObject({ ok: true, text: 'Penguins at ten' });
      expect(began).toEqual(['bomb', 'penguins']);
    },
  );

  test('waits for the one that is read, while a text does not', async () => {
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
    // The next one begins when one ends, and not before.
    expect(begunAtEnds[0]).toBeLessThanOrEqual(2);
    expect(begunAtEnds).toHaveLength(3);
  });

  test.each([
    ['UniKS-UCS2-H', 'utf-16be'],
    ['KSCms-UHC-H', 'cp949'],
  ])('whose Korean font is not part of it is read by its CMap, %s', async (cmap, charset) => {
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

  test('one of whose fonts nobody can read is told apart from one that was read whole', async () => {
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
  ])('is cut to whole characters, and says so: %j', async (text, charsMax, shown, isCut) => {
    expect(await textOf(text, charsMax)).toEqual({
      ok: true,
      text: shown,
      isCut,
      isPartial: false,
    });
  });

  test.each([
    ['of many line ends', `x${'\r\n'.repeat(4_000_000)}y`],
    ['of many characters', '가'.repeat(3_000_000)],
  ])('%s is cut before it is taken apart', async (_what, text) => {
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

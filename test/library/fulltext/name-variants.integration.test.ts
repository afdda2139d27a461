/** Names with several spellings: each form in a document is found by each form in a question. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  exactQuery,
  relaxedQuery,
  parseQuery,
  type ParsedQuery,
} from '#library/fulltext/fts-terms';
import { toFtsMatch } from '#library/store/fts-match';
import { snippetOf } from '#library/fulltext/snippet';
import { useLibraryStores, type LibraryStores } from '#test/support/library-stores';
import { createLibrarySetting } from '../library-fixture.ts';

describe.each(useLibraryStores())('names on $name', ({ missing, open }) => {
  let setting: ReturnType<typeof createLibrarySetting> & { stores: LibraryStores };
  beforeEach(async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const stores = await open();
    setting = { ...createLibrarySetting(stores.documents), stores };
  });

  const names: readonly (readonly string[])[] = [
    ['ISO9001', 'ISO 9001', 'ISO-9001', 'iso9001', 'ＩＳＯ９００１', 'ISO_9001'],
    ['KS-B-6750', 'KSB6750', 'KS B 6750', 'KSB-6750', 'KS B-6750', 'ksb 6750'],
    ['KS B ISO 9712', 'KSBISO9712', 'KS-B-ISO-9712'],
    [
      '010-1234-5678',
      '01012345678',
      '010 1234 5678',
      '010.1234.5678',
      '０１０－１２３４－５６７８',
    ],
    ['02-345-6789', '023456789', '(02)345-6789', '(02) 345-6789'],
    ['123-45-67890', '1234567890', '123 45 67890'],
    ['1234-5678-1234-5678', '1234567812345678', '1234 5678 1234 5678'],
    ['1,500,000', '1500000'],
    ['12,345', '12345'],
    ['2026-12-01', '20261201', '2026.12.01', '2026/12/01'],
    ['café', 'cafe', 'CAFÉ', 'café'.normalize('NFD'), 'Cafe'],
    ['Straße', 'strasse', 'STRASSE'],
    ['Ærø', 'aero'],
    ['Łódź', 'lodz'],
    ['naïve', 'naive'],
    ['TCP/IP', 'TCP-IP', 'tcpip', 'TCP IP', 'TCP·IP'],
    ['e-mail', 'email', 'E-Mail', 'e‑mail', 'e\u00admail'],
    ['GPT-4o', 'GPT4o', 'gpt 4o', 'GPT‐4o'],
    ['Wi-Fi', 'WiFi', 'wifi', 'wi fi'],
    ['v1.2.3', 'V1.2.3', 'v1-2-3'],
    ['A4', 'A-4', 'a 4'],
    ['USB-C', 'USBC', 'usb c'],
    ['RS-485', 'RS485', 'rs 485'],
    ['SUS304', 'SUS 304', 'SUS-304'],
    ['H₂O', 'H2O'],
    ['USB케이블', 'USB 케이블', 'usb-케이블'],
    ['3층', '3 층', '３층'],
    ['C++', 'c++', 'Ｃ＋＋'],
    ['C#', 'c#'],
    ['견적서', '견적서'.normalize('NFD')],
  ];

  const pairs = names.flatMap((forms) =>
    forms.flatMap((written) => forms.map((asked) => [written, asked] as const)),
  );

  test.each(names)(
    'the name %s is found by each of its forms, with a snippet that shows the place',
    async (...forms) => {
      const { add, library, storage } = setting;
      const filler = '그 밖의 여러 내용을 길게 적은 글입니다. '.repeat(20);
      const ids: string[] = [];
      for (const form of forms) {
        ids.push((await add(`${filler}여기에 ${form} 이라고 적었다. ${filler}`, '글')).id);
      }
      const missedBy = async (asked: string): Promise<string[]> => {
        const { hits, isExact } = await library.search('minji', asked, 100);
        if (!isExact) return [`${asked}: only similar ones`];
        const found = new Map(hits.map((hit) => [hit.id, hit.snippet]));
        return ids.flatMap((id, index) => {
          const written = forms[index]!.normalize('NFC');
          const snippet = found.get(id);
          if (snippet === undefined) return [`${asked} does not find ${written}`];
          const shown = snippet.includes('여기에');
          return shown ? [] : [`${asked}: no ${written} in ${snippet}`];
        });
      };
      expect((await Promise.all(forms.map(missedBy))).flat()).toEqual([]);
      const found = await storage.search('minji', exactQuery(parseQuery(forms[0]!)), 100);
      expect(found.length).toBeGreaterThan(0);
    },
  );

  test.each(pairs.filter(([written, asked]) => written !== asked))(
    'a document with %j is found by a question with %j among other words',
    async (written, asked) => {
      const { add, titles } = setting;
      await add(`납품 규격은 ${written} 기준이며 담당자는 김민수입니다.`, '맞는 글');
      await add('납품 규격은 따로 정하며 담당자는 김민수입니다.', '다른 글');
      expect(await titles(`담당자 ${asked} 규격`)).toEqual(['맞는 글']);
    },
  );

  describe('a question with a name that only looks like another', () => {
    test.each([
      ['C++', 'cafe 목록'],
      ['C++', 'C 언어 입문'.replace('C ', 'Cobol ')],
      ['C#', 'csh 쉘'],
      ['12-34', '1234 원'],
      ['3.14', '314 호'],
      ['ISO9001', 'ISO 14001'],
      ['KSB6750', 'KS C 6750'],
      ['010-1234-5678', '010-1234-5679'],
      ['v1.2.3', 'v1 과 2.30'.replace('과 2.30', '과 9')],
      ['cafe', '까페'],
      ['1500000', '1,500'],
      ['й', 'и'],
    ])('such as %j does not find %j', async (asked, written) => {
      const { add, library } = setting;
      await add(written, '다른 글');
      const { hits, isExact } = await library.search('minji', asked);
      expect(isExact ? hits : []).toEqual([]);
    });

    test('ranks a similar name behind the name as it was asked for', async () => {
      const { add, titles } = setting;
      await add('vitamin C 이야기', '비타민');
      await add('C++ 이야기', '언어');
      expect(await titles('C++')).toEqual(['언어', '비타민']);
    });
  });

  /** The relaxed query as SQLite gets it; empty when there is none. */
  function relaxedMatch(words: ParsedQuery): string {
    const query = relaxedQuery(words);
    return query === null ? '' : toFtsMatch(query);
  }

  describe('the relaxed query', () => {
    test('has a bounded length, however many names are in the question', () => {
      const many = Array.from({ length: 40 }, (_, n) => `ab${n}-c${n}`).join(' ');
      for (const query of [many, '1'.repeat(200), 'a1'.repeat(100)]) {
        expect(relaxedMatch(parseQuery(query)).length, query).toBeLessThan(20_000);
      }
    });

    test('consists of quoted terms for any text, and never fails', async () => {
      const { add, library } = setting;
      await add('ISO-9001 C++ café 010-1234-5678', '글');
      const text = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc
          .array(
            fc.constantFrom('a', 'bc', '1', '23', '-', '/', '+', '#', ' ', ',', 'é', 'ß', '"', '('),
          )
          .map((parts) => parts.join('')),
      );
      await fc.assert(
        fc.asyncProperty(text, async (query) => {
          const words = parseQuery(query);
          const outside = relaxedMatch(words).replace(/"[^"]*"/g, '');
          expect(outside).toMatch(/^(?:[()*]| AND | OR )*$/);
          await library.search('minji', query);
          expect(snippetOf(query, words).isWellFormed()).toBe(true);
        }),
        { numRuns: 300 },
      );
    });

    test('finds every text by the text itself, whatever punctuation it contains', async () => {
      const { add, library, remove } = setting;
      const part = fc.constantFrom(
        'iso',
        'KS',
        'b',
        '9001',
        '12',
        'é',
        'Straße',
        'C++',
        '견적',
        'v1',
      );
      const gap = fc.constantFrom('-', '/', ' ', '.', '', ',', ', ', '_', '·');
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(part, gap), { minLength: 1, maxLength: 6 }),
          async (parts) => {
            const text = parts.flat().join('');
            const { id } = await add(text, '글');
            const { found } = await library.rank('minji', text, 100, true);
            expect(found.some((one) => one.id === id) || found.length === 100).toBe(true);
            await remove('minji', id);
          },
        ),
        { numRuns: 100 },
      );
    });
  });
});

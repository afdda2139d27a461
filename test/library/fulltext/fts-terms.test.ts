import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  exactQuery,
  tokenizeForIndex,
  relaxedQuery,
  parseQuery,
} from '#library/fulltext/fts-terms';
import { toFtsMatch } from '#library/store/fts-match';
import { snippetOf } from '#library/fulltext/snippet';

describe('the tokenizer of the index', () => {
  test.each([
    ['압력용기를', '압력 력용 용기 기를 를'],
    ['PDF파일 ISO-45001', 'pdf 파일 일 iso 45001'],
    ['검', '검'],
    ['견적서'.normalize('NFD'), '견적 적서 서'],
    ['ＡＢＣ', 'abc'],
    ['日本語テキスト', '日本 本語 語テ テキ キス スト ト'],
    ['café', 'cafe'],
    ['Straße Ærø', 'strasse aero'],
    ['ёлка й', 'ёлка й'],
    ['C++ C# a+b #태그', 'c cplusplus c csharp a b 태그 그'],
    ['', ''],
    ['—!?', ''],
  ])('splits %j into %j', (text, words) => {
    expect(tokenizeForIndex(text)).toBe(words);
  });

  test('gives the same words wherever a long text is cut into slices', () => {
    const word = fc.constantFrom(
      '압력용기를',
      'ISO-45001',
      '…',
      'ΟΔΟΣ',
      'café',
      'ｶﾞ',
      '日本語',
      'x.y',
    );
    const gap = fc.constantFrom(' ', '\n', ', ', '。');
    fc.assert(
      fc.property(fc.array(fc.tuple(word, gap), { minLength: 1, maxLength: 40 }), (parts) => {
        const text = parts.flat().join('');
        const times = Math.ceil(50_000 / text.length);
        const once = tokenizeForIndex(text);
        const many = Array.from({ length: times }, () => once)
          .join(' ')
          .trim();
        expect(tokenizeForIndex(text.repeat(times)).replaceAll('  ', ' ')).toBe(many);
      }),
      { numRuns: 20 },
    );
  });

  test('leaves out data that is no word, such as a hundred letters in a row', () => {
    expect(tokenizeForIndex(`a ${'x'.repeat(100)} b`)).toBe('a b');
  });
});

describe('the full-text query of a question', () => {
  test.each([
    ['견적', '"견적"'],
    ['견적서 납기', '"견적 적서" AND "납기"'],
    ['검', '"검"*'],
    ['iso 45001', '"iso"* AND "45001"*'],
    ['견적서 견적서', '"견적 적서"'],
  ])('of %j is %s', (query, match) => {
    expect(toFtsMatch(exactQuery(parseQuery(query)))).toBe(match);
  });

  test('also searches for a word without its particle, and for a long word in two parts', () => {
    expect(toFtsMatch(relaxedQuery(parseQuery('견적서를'))!)).toBe(
      '("견적 적서 서를" OR "견적 적서")',
    );
    expect(toFtsMatch(relaxedQuery(parseQuery('압력용기'))!)).toBe(
      '("압력 력용 용기" OR ("압력" AND "용기"))',
    );
    expect(relaxedQuery(parseQuery('회의'))).toBeNull();
  });

  test('contains no text of the question as query syntax', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const query = exactQuery(parseQuery(`${text}" OR NEAR(a b) * - ^ : {x}`));
        const match = toFtsMatch(query);
        const outside = match.replace(/"[^"]*"/g, '');
        expect(outside).toMatch(/^(?:\*?(?: AND )?)*$/);
      }),
    );
  });
});

describe('a snippet', () => {
  const long = `${'머리말 '.repeat(60)}여기 압력용기 검사 결과가 있습니다. ${'꼬리말 '.repeat(60)}`;

  test('shows the place that contains the words, on one line', () => {
    const snippet = snippetOf(long, parseQuery('압력용기'));
    expect(snippet).toMatch(/^….*압력용기 검사 결과.*…$/);
    expect(snippet.length).toBeLessThanOrEqual(164);
  });

  test('matches decomposed and full-width text, and shows the beginning if no word matches', () => {
    expect(snippetOf('가나 견적서 다라'.normalize('NFD'), parseQuery('견적서'))).toContain(
      '견적서',
    );
    expect(snippetOf('ＡＢＣ 문서', parseQuery('abc'))).toContain('ＡＢＣ');
    expect(snippetOf('짧은 글', parseQuery('없음'))).toBe('짧은 글');
  });

  test('shows the place with the most different words, and prefers rarer words', () => {
    const filler = '일반 조항을 적은 문장입니다. '.repeat(100);
    const text = `보일러 보증 안내. ${filler} 보증 기간: 2027년. ${filler} 보일러 보증`;
    expect(snippetOf(text, parseQuery('보일러 보증 기간이'))).toContain('2027년');
    const general = 'The general terms are written here. '.repeat(100);
    const english = `Boiler contract. ${general} The boiler warranty ends in 2031. ${general}`;
    expect(snippetOf(english, parseQuery('boiler warranty end'))).toContain('2031');
  });

  test('of a text whose normalization changes its length is cut without normalizing each character', () => {
    const normalize = vi.spyOn(String.prototype, 'normalize');
    onTestFinished(() => normalize.mockRestore());
    const text = `${'회의에서 정한 내용… '.repeat(2_000)}ＡＢＣ 보일러`;
    expect(snippetOf(text, parseQuery('abc 보일러'))).toContain('ＡＢＣ 보일러');
    expect(normalize.mock.calls.length).toBeLessThan(50);
  });

  test('never cuts a character in half', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.string(), (text, query) => {
        expect(snippetOf(text, parseQuery(query), 40).isWellFormed()).toBe(true);
      }),
    );
  });
});

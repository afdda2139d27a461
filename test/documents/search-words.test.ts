import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  exactMatch,
  indexWords,
  looseMatch,
  queryWords,
} from '../../src/documents/search-words.ts';
import { snippetOf } from '../../src/documents/snippet.ts';

describe('words of the index', () => {
  test.each([
    ['압력용기를', '압력 력용 용기 기를 를'],
    ['PDF파일 ISO-45001', 'pdf 파일 일 iso 45001'],
    ['검', '검'],
    ['견적서'.normalize('NFD'), '견적 적서 서'],
    ['ＡＢＣ', 'abc'],
    ['日本語テキスト', '日本 本語 語テ テキ キス スト ト'],
    ['café', 'café'],
    ['', ''],
    ['—!?', ''],
  ])('%j becomes %j', (text, words) => {
    expect(indexWords(text)).toBe(words);
  });

  test('data without words is left out', () => {
    expect(indexWords(`a ${'x'.repeat(100)} b`)).toBe('a b');
  });
});

describe('words of a question', () => {
  test.each([
    ['견적', '"견적"'],
    ['견적서 납기', '"견적 적서" AND "납기"'],
    ['검', '"검"*'],
    ['iso 45001', '"iso"* AND "45001"*'],
    ['견적서 견적서', '"견적 적서"'],
  ])('%j asks for %s', (query, match) => {
    expect(exactMatch(queryWords(query))).toBe(match);
  });

  test('a particle is taken off, and a long word is asked for in two parts too', () => {
    expect(looseMatch(queryWords('견적서를'))).toBe('("견적 적서 서를" OR "견적 적서")');
    expect(looseMatch(queryWords('압력용기'))).toBe('("압력 력용 용기" OR ("압력" AND "용기"))');
    expect(looseMatch(queryWords('회의'))).toBeNull();
  });

  test('no text is read as query syntax', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const match = exactMatch(queryWords(`${text}" OR NEAR(a b) * - ^ : {x}`));
        const outside = match.replace(/"[^"]*"/g, '');
        expect(outside).toMatch(/^(?:\*?(?: AND )?)*$/);
      }),
    );
  });
});

describe('a snippet', () => {
  const long = `${'머리말 '.repeat(60)}여기 압력용기 검사 결과가 있습니다. ${'꼬리말 '.repeat(60)}`;

  test('shows the place where the words stand, as one line', () => {
    const snippet = snippetOf(long, queryWords('압력용기'));
    expect(snippet).toMatch(/^….*압력용기 검사 결과.*…$/);
    expect(snippet.length).toBeLessThanOrEqual(164);
  });

  test('finds decomposed and full-width text, and shows the beginning where there is nothing to find', () => {
    expect(snippetOf('가나 견적서 다라'.normalize('NFD'), queryWords('견적서'))).toContain(
      '견적서',
    );
    expect(snippetOf('ＡＢＣ 문서', queryWords('abc'))).toContain('ＡＢＣ');
    expect(snippetOf('짧은 글', queryWords('없음'))).toBe('짧은 글');
  });

  test('never cuts a character in half', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.string(), (text, query) => {
        expect(snippetOf(text, queryWords(query), 40).isWellFormed()).toBe(true);
      }),
    );
  });
});

/** The request for an answer from documents, and the keywords of its search. */
import { describe, expect, test } from 'vitest';
import { askMessages, nothingFound, sourceCharsTotal } from '#language/prompts/ask-prompt';
import { extractKeywords } from '#language/query-keywords';

const prompt = {
  query: '보증 기간이 언제까지야?',
  sources: [
    { title: '하나', text: '가'.repeat(9_000) },
    { title: '둘', text: '나😀'.repeat(5_000) },
  ],
  isExact: true,
  now: Date.parse('2026-11-18T09:05:00+09:00'),
  timeZone: 'Asia/Seoul',
};
const userOf = (change: Partial<typeof prompt> = {}): string =>
  askMessages({ ...prompt, ...change }).at(-1)!.content;

describe('the keywords of a question', () => {
  test.each([
    ['보일러 보증 기간이 언제까지야?', ['보일러', '보증', '기간이']],
    ['점심 예산은 얼마인가요', ['점심', '예산은']],
    ['When does the boiler warranty expire?', ['boiler', 'warranty', 'expire']],
    ['ISO-45001 인증서 어디 있어?', ['ISO-45001', '인증서']],
    ['그림 설명서 찾아줘', ['그림', '설명서']],
    ['이건 뭐야?', ['이건']],
    ['???', []],
    ['\ud800 what', []],
  ])('are taken from %j: %j', (query, words) => {
    expect(extractKeywords(query)).toEqual(words);
  });

  test('are at most 24, without repetition', () => {
    const many = Array.from({ length: 30 }, (_, n) => `낱말${n}`).join(' ');
    expect(extractKeywords(many)).toHaveLength(24);
    expect(extractKeywords('예산 예산')).toEqual(['예산']);
  });
});

describe('the request for an answer from documents', () => {
  test('has a stable system message; the clock and the question are in the last message', () => {
    const [system, ...rest] = askMessages(prompt);
    const later = askMessages({ ...prompt, query: '다른 질문', now: prompt.now + 3_600_000 });
    expect(later[0]).toEqual(system);
    expect(rest).toHaveLength(1);
    expect(rest[0]?.content).toMatch(/^\[현재 시각\] 2026년 11월 18일/);
    expect(rest[0]?.content).toMatch(/질문: 보증 기간이 언제까지야\?$/);
  });

  test('divides its length equally between the sources, and splits no surrogate pair', () => {
    const content = userOf();
    expect(content.isWellFormed()).toBe(true);
    const [, one = '', two = ''] = content.split('<source n=');
    expect(one.length).toBeLessThan(sourceCharsTotal / 2 + 30);
    expect(two.length).toBeLessThan(sourceCharsTotal / 2 + 60);
    expect(one).toContain('가'.repeat(1_900));
  });

  test('marks sources that are only similar as possibly unrelated', () => {
    expect(userOf({ isExact: false })).toContain('관계없을 수 있습니다');
    expect(userOf()).not.toContain('관계없을 수 있습니다');
  });

  test('without sources says that none was found, in the language of the question', () => {
    const [system] = askMessages({ ...prompt, sources: [], query: 'why is the sky blue' });
    expect(system?.content).toContain('no document was found');
    expect(nothingFound.en).toContain('nothing');
    expect(userOf({ sources: [], isExact: false })).not.toContain('관계없을');
  });
});

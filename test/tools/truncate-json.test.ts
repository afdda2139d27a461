import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { truncateJson } from '#tools/merge-tool-results';
import { containsAllWords, truncate, oneLine } from '#tools/sanitize-text';

describe('truncateJson', () => {
  test('returns data within the limit unchanged', () => {
    const data = { count: 1, events: [{ title: '회의' }] };
    expect(truncateJson(data)).toBe(data);
  });

  test('returns valid JSON within the limit for any data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 40, max: 400 }), (data, max) => {
        const json = JSON.stringify(truncateJson(data, max));
        expect(json.length).toBeLessThanOrEqual(max);
        expect(() => JSON.parse(json) as unknown).not.toThrow();
      }),
    );
  });

  test('shortens texts before it drops entries, and counts the dropped entries', () => {
    const events = Array.from({ length: 10 }, (_, n) => ({ n, text: 'ㄱ'.repeat(400) }));
    const shorter = truncateJson({ events }, 2000) as { events: unknown[]; omitted?: number };
    expect(shorter.events).toHaveLength(10);
    expect(shorter.omitted).toBeUndefined();
    const fewer = truncateJson({ events }, 400) as { events: { n: number }[]; omitted: number };
    expect(fewer.events.length + fewer.omitted).toBe(10);
    expect(fewer.events[0]?.n).toBe(0);
  });
});

describe('plain text', () => {
  test('on one line has no control characters and no bidirectional marks', () => {
    expect(oneLine('a\u0000b\n\n c\u202Ed\u2066e\u200bf', 100)).toBe('a b c d e f');
  });

  test('is never truncated inside a surrogate pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 20 }), (text, max) => {
        const short = truncate(text, max);
        expect(short.length).toBeLessThanOrEqual(Math.max(max, 0));
        expect(short.isWellFormed()).toBe(text.isWellFormed());
      }),
    );
  });

  test('is searched for words in decomposed Hangul, and across spaces', () => {
    expect(containsAllWords('치과 예약'.normalize('NFD'), ['치과예약'])).toBe(true);
    expect(containsAllWords('치과예약', ['치과', '예약'])).toBe(true);
    expect(containsAllWords('치과', ['치과', '예약'])).toBe(false);
  });
});

import { expect, test } from 'vitest';
import { parseJsonWithoutNul, removeNul } from '#shared/text/remove-nul';

test('a value loses U+0000 in each text, list, object and key, and keeps everything else', () => {
  const date = new Date(0);
  const bytes = Uint8Array.of(0, 1);
  const from = { 'a\0': ['x\0y', { deep: '\0', n: 1, no: null }], date, bytes, ok: true };
  expect(removeNul(from)).toEqual({
    a: ['xy', { deep: '', n: 1, no: null }],
    date,
    bytes,
    ok: true,
  });
  expect(removeNul('\0\0')).toBe('');
});

test('a value without U+0000 is returned as it is, not copied', () => {
  const value = { list: ['a', { b: 'c' }], date: new Date(0) };
  expect(removeNul(value)).toBe(value);
  expect(removeNul(undefined)).toBe(undefined);
});

test('JSON is read without U+0000, and an escaped backslash before u0000 is a text', () => {
  expect(parseJsonWithoutNul('{"a\\u0000":"b\\u0000c","d":"\\\\u0000"}')).toEqual({
    a: 'bc',
    d: '\\u0000',
  });
  expect(() => parseJsonWithoutNul('{"a":')).toThrow(SyntaxError);
});

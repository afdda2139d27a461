/** Forgotten texts inside other texts and inside JSON. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRedactor, redactValue } from '#shared/text/redact-texts';

test('all places of a text are replaced, but no part of another word', () => {
  const redact = createRedactor(['code 12', 'code 1234', 'a.b*(c)']);
  expect(redact('code 1234, code 12 and code 123')).toBe('[forgotten], [forgotten] and code 123');
  expect(redact('xcode 12')).toBe('xcode 12');
  expect(redact('A: a.b*(c)! axbbc')).toBe('A: [forgotten]! axbbc');
  expect(createRedactor([])('as it was')).toBe('as it was');
  expect(createRedactor([' ', ''])('as it was')).toBe('as it was');
});

test('Korean particles may follow', () => {
  expect(createRedactor(['비번은 abc123'])('집 비번은 abc123이라고 했죠')).toBe(
    '집 [forgotten]이라고 했죠',
  );
});

test('names, ids and times of the program stay, whatever is forgotten', () => {
  const redact = createRedactor(['done', 'tools', '2026', 'text']);
  const row = {
    type: 'done',
    id: '01M8X8-2026',
    at: '2026-12-03T00:00:00.000Z',
    text: 'text done',
    calls: [{ tool: 'tools', params: { text: 'done' } }],
  };
  expect(redactValue(row, redact)).toEqual({
    ...row,
    text: '[forgotten] [forgotten]',
    calls: [{ tool: 'tools', params: { text: '[forgotten]' } }],
  });
});

test('no value of a field with words has a forgotten text that stood by itself', () => {
  const word = fc.stringMatching(/^[a-z가-힣]{4,8}$/);
  fc.assert(
    fc.property(word, fc.array(word), (secret, others) => {
      const text = [...others, secret, ...others].join(' ');
      const redacted = redactValue({ data: [{ message: text }] }, createRedactor([secret]));
      const { data } = redacted as { data: { message: string }[] };
      expect(data[0]!.message.split(' ')).not.toContain(secret);
    }),
  );
});

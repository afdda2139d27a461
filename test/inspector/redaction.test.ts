/** What is left of a conversation where texts are hidden. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { redacted } from '../../src/inspector/redaction.ts';

const prose = fc
  .array(fc.constantFrom('secret', 'word', '비밀', 'two'), { minLength: 2, maxLength: 6 })
  .map((words) => words.join(' '));

test('no sentence gets out, whatever the field is called and however deep it stands', () => {
  fc.assert(
    fc.property(fc.object({ values: [prose, fc.nat()], maxDepth: 4 }), (value) => {
      expect(JSON.stringify(Object.values(redacted(value) as object))).not.toMatch(
        /"[^"]*(secret|word|two|비밀) (secret|word|two|비밀)[^"]*"\s*[,}\]]/,
      );
    }),
    { numRuns: 300 },
  );
});

test('a single word is hidden where the field is for words, and states, times and keys stay', () => {
  const event = {
    id: 'job-1:3',
    state: 'confirm-draft',
    at: '2026-11-18T09:00:00+09:00',
    user_id: 'ann',
    data: { content: 'yes', outcome: 'answered' },
    changed: [{ key: 'reply', before: '', after: 'yes' }],
    results: [{ tool: 'calendar', data: { title: 'dentist' } }],
    output: 'yes',
  };
  expect(redacted(event)).toEqual({
    id: 'job-1:3',
    state: 'confirm-draft',
    at: '2026-11-18T09:00:00+09:00',
    user_id: '[3 characters]',
    data: { content: '[3 characters]', outcome: 'answered' },
    changed: [{ key: 'reply', before: '', after: '[3 characters]' }],
    results: [{ tool: 'calendar', data: '[hidden]' }],
    output: '[3 characters]',
  });
});

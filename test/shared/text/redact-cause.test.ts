/** What a failed server said is shown as one bounded line without secrets. */
import { expect, test } from 'vitest';
import { redactCause } from '#shared/text/redact-cause';

test('the cause is the first line of what the server said', () => {
  expect(redactCause('big', 'HTTP 500: CUDA out of memory\n  at line 3')).toBe(
    'big: HTTP 500: CUDA out of memory',
  );
  expect(redactCause('big', 'x'.repeat(5_000))).toHaveLength(240);
});

test.each([
  ['Incorrect API key provided: abc-SECRET-def', 'SECRET'],
  ['GET http://me:SECRET@host:1/v1 failed', 'SECRET'],
  ['Authorization: Bearer SECRETSECRET', 'SECRET'],
  ['url https://h/v1?api_key=SECRET&x=1', 'SECRET'],
  ['{"token":"SECRET"}', 'SECRET'],
  ['key sk-proj-SECRETSECRET is not valid', 'SECRET'],
  ['jwt eyJhbGciOiJI.SECRET.SECRET', 'SECRET'],
])('%j is shown without its secret', (message, secret) => {
  expect(redactCause('big', message)).not.toContain(secret);
});

/** The error message of a server is shown as one line of bounded length without secrets. */
import { expect, test } from 'vitest';
import { redactCause } from '#shared/text/redact-cause';

test('the redacted cause is the first line of the error message, cut to 240 characters', () => {
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
])('the error message %j is shown without its secret', (message, secret) => {
  expect(redactCause('big', message)).not.toContain(secret);
});

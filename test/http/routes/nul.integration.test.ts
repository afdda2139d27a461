/** U+0000 in requests: no stored text has it, whichever way it came. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '#test/support/core';

let fixture: CoreFixture;

beforeAll(async () => {
  fixture = await openCore();
});
afterAll(() => fixture.close());

const call = async (method: string, path: string, body?: unknown): Promise<string> => {
  const response = await fetch(`${fixture.core.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.status, text).toBeLessThan(300);
  expect(text).not.toContain('\\u0000');
  return text;
};

test('a message, its user and its thread are stored without U+0000, and so is the answer of a model', async () => {
  fixture.small.script(direct('an\0swer'));
  const { end, jobId } = await fixture.ask('he\0llo', { user_id: 'a\0nn', thread: 't\0' });
  expect(end.data).toMatchObject({ reply: 'answer' });
  expect(await fixture.client.job(jobId)).toMatchObject({ message: 'hello', user_id: 'ann' });
  expect(await call('GET', '/jobs?user_id=an%00n')).toContain(jobId);
});

test('a message of nothing else is empty', async () => {
  const response = await fetch(`${fixture.core.url}/chat`, {
    method: 'POST',
    body: JSON.stringify({ message: '\0\0' }),
  });
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { code: 'GH_REQUEST_EMPTY' },
  ]);
});

test('a memo and a document with their metadata are stored without U+0000', async () => {
  const memo = await call('POST', '/memos', { user_id: 'ann', text: 'me\0mo of the day' });
  const { id } = JSON.parse(memo) as { id: string };
  expect(await call('GET', `/documents/${id}?user_id=ann`)).toContain('memo of the day');
});

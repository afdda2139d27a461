/** Requests in forms that clients send by mistake or on purpose: each gets the status, the code and the field at fault. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCore, type CoreFixture } from '#test/support/core';

let fixture: CoreFixture;
beforeAll(async () => {
  fixture = await openCore();
});
afterAll(() => fixture.close());

/** Status, code and the beginning of the detail. */
type Refusal = [status: number, code: string, detail: string];
const invalid = (detail: string): Refusal => [400, 'GH_REQUEST_INVALID', detail];
const notJson: Refusal = [400, 'GH_REQUEST_NOT_JSON', ''];

async function expectRefusal(response: Response, [status, code, detail]: Refusal): Promise<void> {
  const body = (await response.json()) as Record<string, unknown>;
  expect([response.status, body['code']], JSON.stringify(body)).toEqual([status, code]);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(String(body['detail'])).toContain(detail);
}

test.each<[url: string, refusal: Refusal]>([
  ['/jobs?limit=1&limit=2', invalid('limit: ')],
  ['/jobs?limit=', invalid('limit: ')],
  ['/jobs?limit=1e3', invalid('limit: ')],
  ['/jobs?limit=1.5', invalid('limit: expected int')],
  ['/jobs?limit=Infinity', invalid('limit: ')],
  ['/jobs?state=done&state=done', invalid('state: expected one of ack')],
  ['/documents?user_id=a&user_id=b', invalid('user_id: expected string, received array')],
  ['/documents?user_id=', invalid('user_id: ')],
  ['/documents/search', invalid('q: expected string, received undefined')],
  ['/documents/search?q=%20', invalid('q: ')],
  ['/events?from=1&from=2', invalid('from: expected string')],
  ['/documents/x/versions/0?user_id[]=a', [404, 'GH_DOCUMENT_NOT_FOUND', '']],
])('GET %s is refused', async (url, refusal) => {
  await expectRefusal(await fetch(fixture.core.url + url), refusal);
  const head = await fetch(fixture.core.url + url, { method: 'HEAD' });
  // The stream of HEAD is not opened, but its query is validated.
  expect(head.status).toBe(refusal[0]);
});

test.each([
  '/jobs?__proto__=1&constructor=2&limit=1',
  '/documents?toString=x&user_id=%F0%9F%98%80',
])('GET %s is answered: unknown parameters are ignored', async (url) => {
  expect((await fetch(fixture.core.url + url)).status).toBe(200);
});

type Body = string | Uint8Array<ArrayBuffer>;
const deep = `{"text":${'['.repeat(300)}${']'.repeat(300)}}`;

test.each<[form: string, body: Body | null, type: string, refusal: Refusal]>([
  ['no body', null, 'application/json', invalid('text: expected string')],
  ['white space', ' \n', 'application/json', invalid('text: expected string')],
  ['null', 'null', 'application/json', invalid('text: expected string')],
  ['a list', '[]', 'application/json', invalid('body: expected object')],
  ['a string', '"text"', 'application/json', invalid('body: expected object')],
  ['a field as a list', '{"text":["a"]}', 'application/json', invalid('text: expected string')],
  ['an empty user', '{"text":"a","user_id":""}', 'application/json', invalid('user_id: ')],
  ['fields under __proto__', '{"__proto__":{"text":"a"}}', 'application/json', invalid('text: ')],
  ['deep nesting', deep, 'application/json', invalid('levels deep')],
  ['half an object', '{"text":"a"', 'application/json', notJson],
  ['a comment', '{"text":"a"} // b', 'application/json', notJson],
  ['a form', 'text=a', 'application/x-www-form-urlencoded', notJson],
  ['gzip', new Uint8Array(gzipSync('{"text":"a"}')), 'application/json', notJson],
])('POST /memos with %s is refused', async (_form, body, type, refusal) => {
  const headers = { 'content-type': type };
  const init = { method: 'POST', body, headers };
  await expectRefusal(await fetch(`${fixture.core.url}/memos`, init), refusal);
});

test.each<[form: string, body: Body, type: string]>([
  ['another content type', '{"text":"a"}', 'text/plain'],
  ['no content type', new Uint8Array(Buffer.from('{"text":"a"}')), ''],
  ['unknown fields', '{"text":"a","constructor":{"x":1},"b":[]}', 'application/json'],
  ['a field twice', '{"text":1,"text":"a"}', 'application/json'],
])('POST /memos with %s is accepted', async (_form, body, type) => {
  const headers = type === '' ? {} : { 'content-type': type };
  const response = await fetch(`${fixture.core.url}/memos`, { method: 'POST', body, headers });
  expect(response.status).toBe(201);
});

test.each(['', 'null', '{}'])('a body whose fields are all optional may be "%s"', async (body) => {
  const init = { method: 'POST', body };
  const response = await fetch(`${fixture.core.url}/documents/none/draft/accept`, init);
  await expectRefusal(response, [404, 'GH_DOCUMENT_NOT_FOUND', '']);
});

test('a change of a memo without a field is a problem of the whole body', async () => {
  const init = { method: 'PATCH', body: '{}' };
  const response = await fetch(`${fixture.core.url}/memos/none`, init);
  await expectRefusal(response, invalid('body: text or title is needed'));
});

test('a field of a completion under the key __proto__ is not passed on', async () => {
  const messages = '[{"role":"user","content":"hello"}]';
  const body = `{"model":"large","messages":${messages},"__proto__":{"n":3,"top_k":7}}`;
  const init = { method: 'POST', body };
  const response = await fetch(`${fixture.core.url}/v1/chat/completions`, init);
  expect(response.status).toBe(200);
  const sent = fixture.large.requests.at(-1)!.body as unknown as Record<string, unknown>;
  expect([sent['n'], sent['top_k']]).toEqual([undefined, undefined]);
});

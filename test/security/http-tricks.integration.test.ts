/** Addresses, headers and bodies that an access check and the code behind it could interpret differently. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json, keyedCore, keys, openKeyedCore, type KeyedCore } from './keys.ts';
import { sendRaw } from './raw-http.ts';

/** One core for all tests that leave no trace; the limits of wrong keys have tests of their own. */
let core: KeyedCore;
let bare: KeyedCore;
beforeAll(async () => {
  core = await openKeyedCore({ wrongKeysPerMinute: 0 });
  bare = await openKeyedCore({}, { server: { port: 0 } });
});
afterAll(async () => {
  await core.close();
  await bare.close();
});

const jobsOf = async (who: 'ann' | 'operator'): Promise<number> =>
  ((await json(core.call(who, 'GET', '/jobs?limit=500')))['jobs'] as unknown[]).length;

/** Sends a request line and headers unchanged; the connection is closed after the answer. */
const raw = (
  line: string,
  headers: Record<string, string> = {},
  { body = '', to = core }: { body?: string; to?: KeyedCore } = {},
) => {
  const fields = { Host: 'localhost', Connection: 'close', ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return sendRaw(to.core.url, `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
};

const asBob = { Authorization: `Bearer ${keys.bob}` };

describe('a request address', () => {
  test.each([
    '/%2e%2e/metrics',
    '/inspect/../metrics',
    '/inspect/%2e%2e/metrics',
    '/inspect/assets/..%2f..%2f..%2fserver.ts',
    '/inspect/assets/..%2F..%2Fpackage.json',
    '/inspect/assets/%2e%2e%2fpackage.json',
    '/inspect/assets/..\\..\\server.ts',
    '/inspect/assets/%00',
    '/inspect/assets/__proto__',
    '/inspect/assets/constructor',
    '//metrics',
    '///healthz/../metrics',
    '/healthz/../metrics',
    '/healthz;/metrics',
    '/healthz%2f..%2fmetrics',
    '/metrics/',
    '/METRICS',
    '/metrics%20',
    '/metrics?access=anyone',
    '/metrics#/healthz',
    '/%6detrics',
    '/v1/../metrics',
    '/chat/..%2f..%2fmetrics',
    '/%',
    '/%ff',
    '/%c0%ae%c0%ae/metrics',
  ])('gives no access to a route of the operator: %s', async (path) => {
    for (const headers of [{}, asBob]) {
      const { status, text } = await raw(`GET ${path}`, headers);
      expect([400, 401, 403, 404]).toContain(status);
      expect(text).not.toContain('gatehouse_');
      expect(text).not.toContain('"dependencies"');
    }
  });

  test.each([
    'GET http://localhost/metrics',
    'GET http://other.example/metrics',
    'GET *',
    'OPTIONS *',
    'TRACE /metrics',
    'TRACK /metrics',
    'PROPFIND /metrics',
    'CONNECT 127.0.0.1:22',
    'QUERY /metrics',
  ])('with an unusual method or form gives no access: %s', async (line) => {
    for (const headers of [{}, asBob]) {
      const { status, text } = await raw(line, headers);
      expect([0, 400, 401, 403, 404, 405]).toContain(status);
      expect(text).not.toContain('gatehouse_');
      // The answer does not repeat the request: a TRACE would show the key.
      expect(text).not.toContain(keys.bob);
    }
  });
});

describe('a request header', () => {
  test('does not override the method', async () => {
    const { id } = await json(core.call('ann', 'POST', '/documents', { text: '가' }));
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
      const headers = { Authorization: `Bearer ${keys.ann}`, [name]: 'DELETE' };
      expect((await raw(`GET /documents/${id}`, headers)).status).toBe(200);
      expect((await raw(`POST /documents/${id}?_method=DELETE`, headers)).status).toBe(404);
    }
    expect((await core.call('ann', 'GET', `/documents/${id}`)).status).toBe(200);
  });

  test('of a proxy sets no user, and does not change the address for the count of wrong keys', async () => {
    for (const headers of [
      { 'X-Forwarded-For': '127.0.0.1', Forwarded: 'for=127.0.0.1' },
      { 'X-Forwarded-User': 'ann', 'X-Remote-User': 'ann', 'X-User': 'ann' },
      { 'X-Original-URL': '/healthz', 'X-Rewrite-URL': '/healthz' },
      { 'X-Forwarded-Host': 'localhost', 'X-Forwarded-Proto': 'https' },
    ]) {
      expect((await raw('GET /jobs', headers)).status).toBe(401);
      expect((await raw('GET /metrics', { ...asBob, ...headers })).status).toBe(403);
    }
    const counting = await keyedCore();
    const guess = (n: number) => ({
      Authorization: `Bearer x${n}`,
      'X-Forwarded-For': `10.0.0.${n}`,
    });
    const told = [];
    for (let n = 0; n < 22; n += 1)
      told.push((await raw('GET /jobs', guess(n), { to: counting })).status);
    expect(told.at(-1)).toBe(429);
  });

  test.each([
    `Bearer`,
    `Bearer  `,
    `Basic ${Buffer.from('x:op-key').toString('base64')}`,
    `Bearer op-key,`,
    `Bearer "op-key"`,
    `Bearer OP-KEY`,
    `Bearer op-key ann-key`,
    `Bearer op-ke`,
    `op-key`,
    `Bearer [object Object]`,
    `Bearer undefined`,
    `Bearer null`,
  ])('with an invalid Authorization is refused: %j', async (authorization) => {
    expect((await raw('GET /jobs', { Authorization: authorization })).status).toBe(401);
  });

  test('with two different keys gives no access to a route of the operator', async () => {
    const two = `Authorization: Bearer ${keys.bob}\r\nAuthorization: Bearer ${keys.operator}`;
    const { status } = await sendRaw(
      core.core.url,
      `GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${two}\r\n\r\n`,
    );
    expect([400, 401, 403]).toContain(status);
  });
});

describe('an ambiguous request that could hide a second one', () => {
  const inner = `GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: `;
  test.each([
    ['both lengths', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`],
    ['two lengths', `Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`],
    ['a length list', `Content-Length: 0, ${inner.length}\r\n\r\n${inner}`],
    ['a signed length', `Content-Length: +4\r\n\r\n{}  `],
    ['a chunked that is not', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
    ['chunked twice', `Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked before another', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['a tab in the name', `Transfer-Encoding\t: chunked\r\nContent-Length: 0\r\n\r\n`],
    ['a folded header', `X: y\r\n Content-Length: 4\r\n\r\n`],
    ['a bare line feed', `X: y\nContent-Length: 0\r\n\r\n`],
    ['a bad chunk size', `Transfer-Encoding: chunked\r\n\r\n0x4\r\n{}  \r\n0\r\n\r\n`],
    ['a chunk size beyond all', `Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(17)}\r\n`],
    ['a null byte', `X: a\0b\r\n\r\n`],
  ])('is refused as a whole: %s', async (_name, rest) => {
    const before = await jobsOf('operator');
    const { status, text } = await sendRaw(
      core.core.url,
      `POST /chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keys.operator}\r\n${rest}`,
    );
    expect([400, 431]).toContain(status);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(await jobsOf('operator')).toBe(before);
  });
});

describe('a request body', () => {
  test.each([
    '{"message":"x","__proto__":{"user_id":"ann"}}',
    '{"message":"x","constructor":{"prototype":{"user_id":"ann"}}}',
    '{"__proto__":{"message":"x"}}',
    '{"message":"x","user_id":{"toString":"ann"}}',
    '{"message":"x","hasOwnProperty":1,"toString":1,"valueOf":1}',
    '[{"message":"x"}]',
    '"x"',
    '1',
    'null',
    '{"message":"x","user_id":"bob","user_id":"ann"}',
    '{"message":"x","user\\u005fid":"ann"}',
    '{"message":["x"]}',
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  ])('does not act for another user, and changes no prototype: %.60s', async (body) => {
    const before = await jobsOf('ann');
    const answer = await core.call('bob', 'POST', '/chat', body);
    expect([202, 400, 403]).toContain(answer.status);
    expect(await jobsOf('ann')).toBe(before);
    expect(({} as Record<string, unknown>)['user_id']).toBeUndefined();
    expect(({} as Record<string, unknown>)['message']).toBeUndefined();
  });

  test.each([
    '__proto__[user_id]=ann',
    'constructor[prototype][user_id]=ann',
    'user_id[]=ann',
    'user_id[$ne]=bob',
    'user%5fid=ann',
    'user_id=bob%00',
    'limit=1e9',
    'limit=-1',
    'cursor=1%20OR%201=1',
    "state=done'%20OR%20'1'='1",
  ])(
    'is not replaced by the query string %s, which finds no job of another user',
    async (query) => {
      await core.call('ann', 'POST', '/chat', { message: '비밀' });
      const answer = await core.call('bob', 'GET', `/jobs?${query}`);
      expect([200, 400, 403]).toContain(answer.status);
      expect(await answer.text()).not.toContain('비밀');
    },
  );

  test('with invalid UTF-8 or above the size limit is refused', async () => {
    const head = `POST /chat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${keys.bob}\r\n`;
    const bytes = Buffer.concat([
      Buffer.from(`${head}Content-Length: 14\r\n\r\n{"message":"`),
      Buffer.from([0xff, 0xfe]),
    ]);
    expect((await sendRaw(core.core.url, bytes)).status).toBe(400);
    const large = await core.call('bob', 'POST', '/chat', 'x'.repeat(2 * 1024 * 1024 + 1));
    expect(large.status).toBe(413);
  });
});

describe('a core without keys', () => {
  test.each([
    ['evil.example', 401],
    ['127.0.0.1.evil.example', 401],
    ['localhost.evil.example', 401],
    ['0x7f000001', 401],
    ['2130706433', 401],
    ['127.0.0.1:80@evil.example', 401],
    ['localhost', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:8100', 200],
  ])('answers a request for the host %s with %d', async (host, expected) => {
    expect((await raw('GET /jobs', { Host: host }, { to: bare })).status).toBe(expected);
  });

  test.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://localhost:1',
  ])('refuses a request from a page of %s', async (origin) => {
    const body = '{"message":"x"}';
    const headers = { Origin: origin, 'Content-Length': String(body.length) };
    expect((await raw('POST /chat', headers, { body, to: bare })).status).toBe(401);
  });
});

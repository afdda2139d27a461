/** Attacks on sessions and invites: each is tried and refused. The table of docs/security.md names them. */
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { configSchema } from '#app/config/config';
import { startCore } from '#app/core';
import { openCore, type CoreFixture } from '#test/support/core';
import { json } from './keys.ts';

const keys = { operator: 'operator-key-1', kim: 'kim-key-1', lee: 'lee-key-1' };
const persons = [
  { id: 'kim', name: '김', keys: [keys.kim] },
  { id: 'lee', keys: [keys.lee] },
];

async function open(
  server: Record<string, unknown> = {},
  options: Parameters<typeof openCore>[1] = {},
): Promise<CoreFixture> {
  const fixture = await openCore(
    { server: { port: 0, apiKeys: [keys.operator], ...server }, persons },
    options,
  );
  onTestFinished(() => fixture.close());
  return fixture;
}

interface Sent {
  key?: string;
  cookie?: string;
  body?: object;
  headers?: Record<string, string>;
}

/** A request of a program: without the headers of a browser. */
const send = (url: string, method: string, { key, cookie, body, headers }: Sent = {}) =>
  fetch(url, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const cookieOf = (response: Response): string =>
  response.headers.getSetCookie().at(-1)!.split(';')[0]!;

async function signIn(url: string, body: object, cookie?: string): Promise<string> {
  const headers = { origin: url };
  const response = await send(`${url}/session`, 'POST', {
    body,
    headers,
    ...(cookie === undefined ? {} : { cookie }),
  });
  expect(response.status).toBe(200);
  return cookieOf(response);
}

const invite = async (url: string, userId = 'kim'): Promise<string> => {
  const body = { user_id: userId };
  return String((await json(send(`${url}/invites`, 'POST', { key: keys.operator, body })))['code']);
};

const tryCode = (url: string, code: string, headers: Record<string, string> = {}) =>
  send(`${url}/session`, 'POST', { body: { code }, headers });

/** Codes of the right form that are not good. */
const guess = (n: number): string =>
  `AAAAA-AAA${'CDEFGHJKMN'[Math.floor(n / 10)]}${'CDEFGHJKMN'[n % 10]}`;

describe('another page in the browser of a person (CSRF)', () => {
  test('changes nothing by the cookie: only the page itself does, as the browser says', async () => {
    const { core } = await open();
    const cookie = await signIn(core.url, { key: keys.kim });
    const other = core.url.replace(/:\d+$/, ':1');
    const refused: Record<string, string>[] = [
      {},
      { origin: other },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin: core.url },
      { referer: `${core.url}/` },
      { 'content-type': 'text/plain', origin: other },
      { 'x-requested-with': 'XMLHttpRequest' },
      { 'x-forwarded-host': 'evil.example', origin: 'https://evil.example' },
    ];
    for (const headers of refused) {
      const body = { text: 'the bike is red' };
      const answers = [
        await send(`${core.url}/memory`, 'POST', { cookie, body, headers }),
        await send(`${core.url}/memory?user_id=kim`, 'DELETE', { cookie, headers }),
        await send(`${core.url}/session`, 'DELETE', { cookie, headers }),
        await send(`${core.url}/invites`, 'POST', { cookie, body: {}, headers }),
        await send(`${core.url}/v1/chat/completions`, 'POST', { cookie, body: {}, headers }),
        await send(`${core.url}/mcp`, 'POST', { cookie, body: {}, headers }),
      ];
      for (const { status } of answers)
        expect([401, 403], JSON.stringify(headers)).toContain(status);
    }
    for (const headers of [{ origin: core.url }, { 'sec-fetch-site': 'same-origin' }]) {
      const body = { text: `the car is blue ${JSON.stringify(headers)}` };
      const kept = await send(`${core.url}/memory`, 'POST', { cookie, body, headers });
      expect(kept.status).toBe(201);
    }
    const { facts } = await json(send(`${core.url}/memory`, 'GET', { cookie }));
    expect(facts).toHaveLength(2);
    // A program with a key sends none of these headers.
    const byKey = await send(`${core.url}/memory`, 'POST', {
      key: keys.kim,
      body: { text: 'the boat is old' },
    });
    expect(byKey.status).toBe(201);
  });

  test('reads nothing and opens no stream by the cookie, but links to pages work', async () => {
    const { core } = await open();
    const cookie = await signIn(core.url, { key: keys.kim });
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site };
      for (const path of ['/jobs', '/events', '/session', '/calendar.ics']) {
        const answer = await send(core.url + path, 'GET', { cookie, headers });
        expect([answer.status, (await json(answer))['code']], `${site} ${path}`).toEqual([
          403,
          'GH_SESSION_ORIGIN',
        ]);
      }
      expect((await send(`${core.url}/inspect`, 'GET', { cookie, headers })).status).toBe(200);
    }
    const typed = await send(`${core.url}/session`, 'GET', {
      cookie,
      headers: { 'sec-fetch-site': 'none' },
    });
    expect(typed.status).toBe(200);
  });

  test('opens no socket by the cookie', async () => {
    const { core } = await open();
    const cookie = await signIn(core.url, { key: keys.kim });
    const upgraded = (headers: Record<string, string>): Promise<number> => {
      const socket = new WebSocket(
        `${core.url.replace('http', 'ws')}/inspect/ws`,
        ['gatehouse.v1'],
        {
          headers: { cookie, ...headers },
        },
      );
      onTestFinished(() => socket.terminate());
      socket.on('error', () => undefined);
      return new Promise((resolve) => {
        socket.once('open', () => resolve(101));
        socket.once('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
      });
    };
    expect(await upgraded({})).toBe(403);
    expect(await upgraded({ origin: core.url.replace(/:\d+$/, ':1') })).toBe(403);
    expect(await upgraded({ origin: core.url, 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await upgraded({ origin: core.url })).toBe(101);
    expect(await upgraded({ origin: core.url, cookie: `${cookie}x` })).toBe(401);
  });

  test('signs its visitor in as nobody (login CSRF)', async () => {
    const { core } = await open();
    const code = await invite(core.url);
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
    ]) {
      const answer = await tryCode(core.url, code, headers);
      expect([401, 403]).toContain(answer.status);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    await signIn(core.url, { code });
  });
});

describe('a session', () => {
  test('has a token of its own: one that was planted before is never taken (fixation)', async () => {
    const { core } = await open();
    const planted = `gatehouse_session=${'A'.repeat(43)}`;
    const first = await signIn(core.url, { key: keys.kim }, planted);
    const second = await signIn(core.url, { code: await invite(core.url) }, first);
    expect(new Set([planted, first, second]).size).toBe(3);
    for (const gone of [planted, first]) {
      expect((await send(`${core.url}/session`, 'GET', { cookie: gone })).status).toBe(401);
    }
  });

  test('is in no log, no answer and no row: neither its token, nor a code, nor a key', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const fixture = await open({}, { log });
    const { core } = fixture;
    const code = await invite(core.url);
    const cookie = await signIn(core.url, { code });
    const byKey = await signIn(core.url, { key: keys.lee });
    for (const { method, path } of core.routes) {
      if (method !== 'GET' || /stream|events$|:/.test(path)) continue;
      const answer = await send(core.url + path, 'GET', { cookie });
      const text = await answer.text();
      expect(text, path).not.toContain(cookie.split('=')[1]);
      expect(text, path).not.toContain(code.replace('-', ''));
    }
    await send(`${core.url}/session`, 'POST', { cookie, body: { code: 'AAAAA-AAAAA' } });
    await core.stop();
    const secrets = [cookie, byKey].map((one) => one.split('=')[1]!);
    secrets.push(code, code.replace('-', ''), keys.kim, keys.lee);
    const file = readFileSync(fixture.config.database, 'latin1');
    for (const secret of secrets) {
      expect(lines.join('\n')).not.toContain(secret);
      expect(file).not.toContain(secret);
    }
    expect(file).toContain('session_token');
  });

  test('ends with the key that it was made with, and with its person; others go on', async () => {
    const fixture = await open();
    const { config } = fixture;
    const { url } = fixture.core;
    const [byKey, byCode, lee, operator] = [
      await signIn(url, { key: keys.kim }),
      await signIn(url, { code: await invite(url) }),
      await signIn(url, { code: await invite(url, 'lee') }),
      await signIn(url, { key: keys.operator }),
    ];
    await fixture.core.stop();
    const changed = configSchema.parse({
      ...config,
      server: { ...config.server, apiKeys: [keys.operator] },
      persons: [{ id: 'kim', keys: ['kim-key-2'] }],
    });
    const core = await startCore({ config: changed, log: pino({ level: 'silent' }) });
    onTestFinished(() => core.stop());
    const statuses = [];
    for (const cookie of [byKey, byCode, lee, operator]) {
      statuses.push((await send(`${core.url}/session`, 'GET', { cookie })).status);
    }
    expect(statuses).toEqual([401, 200, 401, 200]);
  });

  test('ends after it was not used for the configured time, on the page too', async () => {
    let now = Date.now();
    const fixture = await open({ sessionIdleDays: 2 }, { clock: { now: () => now } });
    const { url } = fixture.core;
    const [used, left] = [
      await signIn(url, { key: keys.kim }),
      await signIn(url, { key: keys.kim }),
    ];
    const hours = (count: number): number => (now += count * 3_600_000);
    hours(30);
    const renewed = await send(`${url}/jobs`, 'GET', { cookie: used });
    expect(renewed.status).toBe(200);
    expect(renewed.headers.getSetCookie()).toEqual([
      `${used}; HttpOnly; SameSite=Strict; Path=/; Max-Age=172800`,
    ]);
    hours(30);
    expect((await send(`${url}/jobs`, 'GET', { cookie: left })).status).toBe(401);
    expect((await send(`${url}/jobs`, 'GET', { cookie: used })).status).toBe(200);
    const { sessions } = await json(send(`${url}/sessions`, 'GET', { key: keys.operator }));
    expect(sessions).toHaveLength(1);
  });
});

describe('an invite code', () => {
  /** Few, so that none is given back while the test runs. */
  const few = { limits: { wrongCodesPerMinute: 2 } };

  test('is guessed a few times a minute from an address, then a right code is refused too', async () => {
    const { core } = await open(few);
    const code = await invite(core.url);
    const told = [];
    for (let n = 0; n < 4; n += 1) told.push((await tryCode(core.url, guess(n))).status);
    expect(told).toEqual([401, 401, 429, 429]);
    const right = await tryCode(core.url, code);
    expect([right.status, (await json(right))['code']]).toEqual([429, 'GH_REQUEST_TOO_MANY']);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    // A key still signs in.
    await signIn(core.url, { key: keys.kim });
  });

  test('is not guessed faster by many guesses at once', async () => {
    const { core } = await open(few);
    const tries = Array.from({ length: 30 }, (_, n) => tryCode(core.url, guess(n)));
    const told = await Promise.all(tries);
    expect(told.filter(({ status }) => status === 401)).toHaveLength(2);
    expect(told.filter(({ status }) => status === 429)).toHaveLength(28);
  });

  test('behind a trusted proxy is counted by client, and for all together', async () => {
    const trustedProxies = ['127.0.0.1'];
    const { core } = await open({ trustedProxies, limits: { wrongCodesPerMinute: 1 } });
    const from = (n: number): Record<string, string> => ({ 'x-forwarded-for': `10.0.0.${n}` });
    expect((await tryCode(core.url, guess(0), from(1))).status).toBe(401);
    expect((await tryCode(core.url, guess(1), from(1))).status).toBe(429);
    await signIn(core.url, { code: await invite(core.url) });
    for (const n of [2, 3, 4]) {
      expect((await tryCode(core.url, guess(n), from(n))).status).toBe(401);
    }
    expect((await tryCode(core.url, guess(5), from(5))).status).toBe(429);
  });

  test('is withdrawn with all other open ones after many wrong ones; a new one works', async () => {
    const { core } = await open({ limits: { wrongCodesPerMinute: 0 } });
    const codes = [await invite(core.url), await invite(core.url, 'lee')];
    for (let n = 0; n < 20; n += 1) {
      expect((await tryCode(core.url, guess(n))).status).toBe(401);
    }
    for (const code of codes) expect((await tryCode(core.url, code)).status).toBe(401);
    await signIn(core.url, { code: await invite(core.url) });
  });

  test('that is used at the same time from many places signs in exactly one of them', async () => {
    const { core } = await open({ limits: { wrongCodesPerMinute: 0 } });
    const code = await invite(core.url);
    const told = await Promise.all(Array.from({ length: 10 }, () => tryCode(core.url, code)));
    expect(told.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(told.filter(({ status }) => status === 401)).toHaveLength(9);
    const { sessions } = await json(send(`${core.url}/sessions`, 'GET', { key: keys.operator }));
    expect(sessions).toHaveLength(1);
  });

  test('ends after its minutes', async () => {
    let now = Date.now();
    const { core } = await open({}, { clock: { now: () => now } });
    const code = await invite(core.url);
    now += 10 * 60_000;
    expect((await tryCode(core.url, code)).status).toBe(401);
  });

  test('is not used up by a program that opens its address for a preview, and is in no address that is sent', async () => {
    const { core } = await open();
    const made = await json(
      send(`${core.url}/invites`, 'POST', { key: keys.operator, body: { user_id: 'kim' } }),
    );
    const { hash, search } = new URL(made['url']);
    expect([hash, search]).toEqual([`#code=${made['code']}`, '']);
    for (const method of ['GET', 'HEAD']) await send(made['url'], method);
    await signIn(core.url, { code: made['code'] });
  });

  test('of a person who was removed signs in nobody', async () => {
    const fixture = await open();
    const code = await invite(fixture.core.url, 'lee');
    await fixture.core.stop();
    const config = configSchema.parse({ ...fixture.config, persons: [persons[0]] });
    const core = await startCore({ config, log: pino({ level: 'silent' }) });
    onTestFinished(() => core.stop());
    expect((await tryCode(core.url, code)).status).toBe(401);
  });
});

test('no page of the core can be framed, and none keeps an answer about a person', async () => {
  const { core } = await open();
  const pages = core.routes.filter(
    ({ method, path, access }) => method === 'GET' && access === 'anyone' && !path.includes(':'),
  );
  expect(pages.map(({ path }) => path)).toContain('/inspect');
  for (const { path } of pages) {
    const answer = await send(core.url + path, 'GET', { headers: { accept: 'text/html' } });
    if (!(answer.headers.get('content-type') ?? '').startsWith('text/html')) continue;
    expect(answer.headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
  }
});

test('behind a proxy with TLS and a path the cookie is for this path and for https only', async () => {
  const { core } = await open({
    publicUrl: 'https://home.example/gatehouse',
    trustedProxies: ['127.0.0.1'],
  });
  // Removes the path before ours, and passes another host on, as nginx does without further settings.
  const target = new URL(core.url);
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url!.replace(/^\/gatehouse/, '') || '/';
    const headers = {
      ...incoming.headers,
      host: target.host,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': incoming.socket.remoteAddress!,
    };
    const { method } = incoming;
    const passed = httpRequest({ host: target.hostname, port: target.port, method, path, headers });
    passed.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/gatehouse`;
  const headers = { origin: 'https://home.example' };
  const made = await json(
    send(`${url}/invites`, 'POST', { key: keys.operator, body: { user_id: 'kim' } }),
  );
  expect(made['url']).toBe(`https://home.example/gatehouse/#code=${made['code']}`);
  const signedIn = await send(`${url}/session`, 'POST', { body: { code: made['code'] }, headers });
  expect(signedIn.headers.getSetCookie()[0]).toMatch(
    /^gatehouse_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/gatehouse; Max-Age=7776000; Secure$/,
  );
  const cookie = cookieOf(signedIn);
  const body = { text: 'the bike is red' };
  const kept = await send(`${url}/memory`, 'POST', { cookie, body, headers });
  expect(kept.status).toBe(201);
  const evil = { origin: 'https://evil.example' };
  expect((await send(`${url}/memory`, 'POST', { cookie, body, headers: evil })).status).toBe(401);
  const ended = await send(`${url}/session`, 'DELETE', { cookie, headers });
  expect(ended.headers.getSetCookie()[0]).toContain('Path=/gatehouse; Max-Age=0; Secure');
});

/** Signing in browsers over HTTP: keys, invite codes, sessions, and what a session gives access to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inviteSchema, sessionPageSchema, sessionSchema } from '#shared/wire/session-service';
import { openCore, type CoreFixture } from '#test/support/core';

const keys = { operator: 'op-key', kim: 'kim-key', lee: 'lee-key', guest: 'guest-key' };
const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

/** One core: each test signs in by itself, and looks at its own sessions. */
let fixture: CoreFixture;
beforeAll(async () => {
  fixture = await openCore({
    server: {
      port: 0,
      apiKeys: [keys.operator, { key: keys.guest, user: 'guest' }],
      limits: { wrongCodesPerMinute: 0 },
    },
    persons: [
      { id: 'kim', name: '김', keys: [keys.kim] },
      { id: 'lee', name: 'Lee', keys: [keys.lee] },
      { id: 'baby' },
    ],
  });
});
afterAll(() => fixture.close());

interface Sent {
  key?: string;
  cookie?: string;
  body?: object;
  headers?: Record<string, string>;
}

/** As a page of the core sends it. */
const call = (method: string, path: string, { key, cookie, body, headers }: Sent = {}) =>
  fetch(fixture.core.url + path, {
    method,
    headers: {
      origin: fixture.core.url,
      'user-agent': iPhone,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

const json = async (response: Response | Promise<Response>): Promise<Record<string, any>> =>
  (await (await response).json()) as Record<string, any>;

/** `gatehouse_session=…` of the answer. */
const cookieOf = (response: Response): string =>
  response.headers.getSetCookie().at(-1)!.split(';')[0]!;

async function signIn(body: object, more: Sent = {}): Promise<string> {
  const response = await call('POST', '/session', { body, ...more });
  expect(response.status).toBe(200);
  return cookieOf(response);
}

const invite = async (userId: string, key = keys.operator): Promise<string> =>
  String((await json(call('POST', '/invites', { key, body: { user_id: userId } })))['code']);

describe('POST /session', () => {
  test('signs a person in by a key: the answer names the person, and only the cookie has the token', async () => {
    const response = await call('POST', '/session', { body: { key: keys.kim } });
    const view = sessionSchema.parse(await json(response));
    expect(view).toMatchObject({ user_id: 'kim', name: '김' });
    expect(Date.parse(view.expires_at!) - Date.now()).toBeGreaterThan(89 * 86_400_000);
    const [cookie, ...others] = response.headers.getSetCookie();
    expect(others).toEqual([]);
    expect(cookie).toMatch(
      /^gatehouse_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=7776000$/,
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
    const token = cookieOf(response).split('=')[1]!;
    expect(JSON.stringify(view)).not.toContain(token);
  });

  test('signs in the operator, and a user who is known by a key only', async () => {
    const operator = await signIn({ key: keys.operator });
    expect(await json(call('GET', '/session', { cookie: operator }))).toMatchObject({
      user_id: null,
      name: null,
    });
    expect((await call('GET', '/queue/stats', { cookie: operator })).status).toBe(200);
    const guest = await signIn({ key: keys.guest });
    expect(await json(call('GET', '/session', { cookie: guest }))).toMatchObject({
      user_id: 'guest',
      name: null,
    });
    expect((await call('GET', '/queue/stats', { cookie: guest })).status).toBe(403);
  });

  test('signs in by a code, once, however it is typed', async () => {
    const code = await invite('lee');
    const typed = ` ${code.toLowerCase().replace('-', ' ')} `;
    const cookie = await signIn({ code: typed });
    expect(await json(call('GET', '/session', { cookie }))).toMatchObject({ user_id: 'lee' });
    const again = await call('POST', '/session', { body: { code } });
    expect([again.status, (await json(again))['code']]).toEqual([401, 'GH_SESSION_CODE']);
    expect(again.headers.getSetCookie()).toEqual([]);
  });

  test.each([
    [{ key: 'wrong' }, 401, 'GH_REQUEST_UNAUTHORIZED'],
    [{ code: 'AAAAA-AAAAA' }, 401, 'GH_SESSION_CODE'],
    [{ code: '한글' }, 401, 'GH_SESSION_CODE'],
    [{}, 400, 'GH_REQUEST_INVALID'],
    [{ code: '' }, 400, 'GH_REQUEST_INVALID'],
    [{ code: 'x'.repeat(65) }, 400, 'GH_REQUEST_INVALID'],
    [{ key: 5 }, 400, 'GH_REQUEST_INVALID'],
  ])('refuses %j with %i and %s', async (body, status, code) => {
    const response = await call('POST', '/session', { body });
    expect([response.status, (await json(response))['code']]).toEqual([status, code]);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test('ends the session that the browser had before', async () => {
    const before = await signIn({ key: keys.kim });
    const after = await signIn({ code: await invite('lee') }, { cookie: before });
    expect((await call('GET', '/session', { cookie: before })).status).toBe(401);
    expect(await json(call('GET', '/session', { cookie: after }))).toMatchObject({
      user_id: 'lee',
    });
  });
});

describe('a session', () => {
  test('has the access of a key of its person: own data, no data of others, no route of the operator', async () => {
    const cookie = await signIn({ key: keys.kim });
    const kept = await call('POST', '/memory', { cookie, body: { text: 'the bike is red' } });
    expect([kept.status, (await json(kept))['user_id']]).toEqual([201, 'kim']);
    const theirs = await json(
      call('POST', '/memory', { key: keys.lee, body: { text: 'the car is blue' } }),
    );
    expect((await call('GET', `/memory/${theirs['id']}`, { cookie })).status).toBe(404);
    expect((await call('GET', '/memory?user_id=lee', { cookie })).status).toBe(403);
    expect((await call('GET', '/metrics', { cookie })).status).toBe(403);
    const { facts } = await json(call('GET', '/memory', { cookie }));
    expect(facts.map((one: { text: string }) => one.text)).toEqual(['the bike is red']);
  });

  test('does not count where the request has a key', async () => {
    const cookie = await signIn({ key: keys.kim });
    const view = await json(call('GET', '/session', { cookie, key: keys.lee }));
    expect(view).toMatchObject({ user_id: 'lee', expires_at: null });
    expect((await call('GET', '/jobs', { cookie, key: 'wrong' })).status).toBe(401);
  });

  test('ends with DELETE /session, which also removes a cookie that is not valid', async () => {
    const cookie = await signIn({ key: keys.kim });
    for (const given of [cookie, cookie, undefined]) {
      const response = await call(
        'DELETE',
        '/session',
        given === undefined ? {} : { cookie: given },
      );
      expect(response.status).toBe(204);
      expect(response.headers.getSetCookie()).toEqual([
        'gatehouse_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0',
      ]);
      expect((await call('GET', '/session', { cookie })).status).toBe(401);
    }
  });

  test('survives a restart of the core', async () => {
    const cookie = await signIn({ key: keys.kim });
    const code = await invite('lee');
    await fixture.restart();
    expect((await call('GET', '/session', { cookie })).status).toBe(200);
    await signIn({ code });
  });

  test('is found among several cookies of the name, and beside others', async () => {
    const cookie = await signIn({ key: keys.kim });
    for (const given of [
      `a=b; ${cookie}; theme=dark`,
      `gatehouse_session=${'x'.repeat(43)}; ${cookie}`,
      `gatehouse_session=; ${cookie}`,
      `gatehouse_session="; ${cookie}`,
    ]) {
      expect((await call('GET', '/session', { cookie: given })).status, given).toBe(200);
    }
    for (const given of [
      `x${cookie}`,
      cookie.slice(0, -1),
      `${cookie}x`,
      cookie.toUpperCase(),
      'gatehouse_session=',
      'gatehouse_session',
      `gatehouse_session=${'../'.repeat(20)}`,
    ]) {
      expect((await call('GET', '/session', { cookie: given })).status, given).toBe(401);
    }
  });

  test('closes its open stream when it is ended from another device, and no other stream', async () => {
    const [phone, tablet] = [await signIn({ key: keys.kim }), await signIn({ key: keys.kim })];
    const streams = await Promise.all(
      [phone, tablet].map((cookie) => call('GET', '/events?last_event_id=now', { cookie })),
    );
    // A connection that is cut ends the text too.
    const ended = streams.map((stream) =>
      stream.text().then(
        () => 'ended',
        () => 'ended',
      ),
    );
    const { sessions } = sessionPageSchema.parse(
      await json(call('GET', '/sessions', { cookie: phone })),
    );
    const lost = sessions.find((one) => one.current)!;
    const gone = await call('DELETE', `/sessions/${lost.session_id}`, { cookie: tablet });
    expect(gone.status).toBe(204);
    expect(await ended[0]).toBe('ended');
    expect((await call('GET', '/session', { cookie: phone })).status).toBe(401);
    expect((await call('GET', '/session', { cookie: tablet })).status).toBe(200);
    expect(await Promise.race([ended[1], Promise.resolve('open')])).toBe('open');
    await call('DELETE', '/session', { cookie: tablet });
    expect(await ended[1]).toBe('ended');
  });
});

describe('GET /sessions', () => {
  test('shows a person their own browsers, and an operator all', async () => {
    const cookie = await signIn({ code: await invite('baby') });
    const own = sessionPageSchema.parse(await json(call('GET', '/sessions', { cookie })));
    expect(own.sessions).toHaveLength(1);
    expect(own.sessions[0]).toMatchObject({
      user_id: 'baby',
      name: 'baby',
      device: 'Safari, iPhone',
      made_with: 'code',
      current: true,
    });
    const all = sessionPageSchema.parse(
      await json(call('GET', '/sessions?limit=200', { key: keys.operator })),
    );
    expect(all.sessions.map((one) => one.session_id)).toContain(own.sessions[0]!.session_id);
    expect(all.sessions.every((one) => !one.current)).toBe(true);
    const one = await json(call('GET', '/sessions?user_id=baby', { key: keys.operator }));
    expect(one['sessions']).toHaveLength(1);
    const texts = await (await call('GET', '/sessions?limit=200', { key: keys.operator })).text();
    expect(texts).not.toContain(cookie.split('=')[1]);
  });

  test('has pages', async () => {
    for (let n = 0; n < 3; n += 1) await signIn({ key: keys.guest });
    const first = await json(call('GET', '/sessions?limit=2', { key: keys.guest }));
    const rest = await json(
      call('GET', `/sessions?limit=200&cursor=${first['next']}`, { key: keys.guest }),
    );
    const ids = [...first['sessions'], ...rest['sessions']].map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(rest['next']).toBeNull();
    expect((await call('GET', '/sessions?cursor=x', { key: keys.guest })).status).toBe(400);
  });

  test('a browser of another person cannot be ended, and looks as one that does not exist', async () => {
    const cookie = await signIn({ key: keys.lee });
    const { sessions } = await json(call('GET', '/sessions', { cookie }));
    const path = `/sessions/${sessions[0].id}`;
    const answers = [
      await call('DELETE', path, { key: keys.kim }),
      await call('DELETE', '/sessions/01JZZZZZZZZZZZZZZZZZZZZZZZ', { key: keys.kim }),
    ];
    const told = await Promise.all(answers.map(async (one) => [one.status, await one.text()]));
    expect(told[0]).toEqual(told[1]);
    expect(answers[0]!.status).toBe(404);
    expect((await call('GET', '/session', { cookie })).status).toBe(200);
    expect((await call('DELETE', path, { key: keys.operator })).status).toBe(204);
    expect((await call('GET', '/session', { cookie })).status).toBe(401);
  });
});

describe('POST /invites', () => {
  test('gives the operator a code for a person, with the address of the page and its QR code', async () => {
    const response = await call('POST', '/invites', {
      key: keys.operator,
      body: { user_id: 'kim', minutes: 30 },
    });
    expect(response.status).toBe(201);
    const view = inviteSchema.parse(await json(response));
    expect(view).toMatchObject({ user_id: 'kim', name: '김' });
    expect(view.url).toBe(`${fixture.core.url}/#code=${view.code}`);
    expect(view.qr).toMatch(/^<svg [^>]*viewBox="[^"]+"[^>]*>.*<\/svg>$/s);
    const minutes = (Date.parse(view.expires_at) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(29);
    expect(minutes).toBeLessThanOrEqual(30);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('gives a person a code for themself, by key or by cookie, and for nobody else', async () => {
    const cookie = await signIn({ key: keys.kim });
    const own = await call('POST', '/invites', { cookie, body: {} });
    expect(await json(own)).toMatchObject({ user_id: 'kim' });
    const theirs = await call('POST', '/invites', { key: keys.kim, body: { user_id: 'lee' } });
    expect(theirs.status).toBe(403);
  });

  test.each([
    [{ user_id: 'nobody' }, 404, 'GH_PERSON_UNKNOWN'],
    [{}, 400, 'GH_REQUEST_INVALID'],
    [{ user_id: 'kim', minutes: 0 }, 400, 'GH_REQUEST_INVALID'],
    [{ user_id: 'kim', minutes: 1_441 }, 400, 'GH_REQUEST_INVALID'],
    [{ user_id: 'kim', minutes: 1.5 }, 400, 'GH_REQUEST_INVALID'],
  ])('refuses %j with %i and %s', async (body, status, code) => {
    const response = await call('POST', '/invites', { key: keys.operator, body });
    expect([response.status, (await json(response))['code']]).toEqual([status, code]);
  });

  test('two codes of a person are both good, each once', async () => {
    const codes = [await invite('kim'), await invite('kim')];
    for (const code of codes) await signIn({ code });
    for (const code of codes) {
      expect((await call('POST', '/session', { body: { code } })).status).toBe(401);
    }
  });
});

test('a core without keys says so, and signs nobody in', async () => {
  const open = await openCore({ persons: [{ id: 'kim' }] });
  try {
    const url = `${open.core.url}/session`;
    expect(await json(fetch(url))).toEqual({
      user_id: null,
      name: null,
      expires_at: null,
      open: true,
    });
    for (const [path, body] of [
      ['/session', { key: 'x' }],
      ['/invites', { user_id: 'kim' }],
    ] as const) {
      const response = await fetch(open.core.url + path, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      expect([response.status, (await json(response))['code']]).toEqual([
        409,
        'GH_SESSION_NO_KEYS',
      ]);
    }
  } finally {
    await open.close();
  }
});

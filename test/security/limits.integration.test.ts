/** The limits of one client: wrong keys, requests per minute and at once, connections, sockets, timeouts. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startServer } from '#http/server/server';
import { silentLog } from '#shared/log';
import { addressOf, createRateLimiter } from '#http/server/rate-limiter';
import { until } from '#test/support/journal';
import { json, keyedCore, keys, type KeyedCore } from './keys.ts';
import { openSocket, readToEnd, sendRaw } from './raw-http.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const asked = async (core: KeyedCore, key: string, path = '/jobs'): Promise<Response> =>
  fetch(`${core.core.url}${path}`, { headers: { authorization: `Bearer ${key}` } });

/** The status of an upgrade: 101, or that of the refusal. */
async function upgraded(
  core: KeyedCore,
  key: string,
): Promise<{ status: number; socket: WebSocket }> {
  const socket = new WebSocket(
    `${core.core.url.replace('http', 'ws')}/inspect/ws`,
    ['gatehouse.v1'],
    { headers: { authorization: `Bearer ${key}` } },
  );
  onTestFinished(() => socket.terminate());
  socket.on('error', () => undefined);
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101));
    socket.once('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
  });
  return { status, socket };
}

describe('wrong keys', () => {
  test('from one address are refused above the limit, and then a correct key is refused too', async () => {
    const core = await keyedCore({ wrongKeysPerMinute: 3 });
    const told = [];
    for (let n = 0; n < 5; n += 1) told.push((await asked(core, `guess-${n}`)).status);
    expect(told).toEqual([401, 401, 401, 429, 429]);
    const right = await asked(core, keys.ann);
    expect([right.status, (await json(right))['code']]).toEqual([429, 'GH_REQUEST_TOO_MANY']);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0);
    // The inspector's socket and the routes without a key share this count.
    expect((await upgraded(core, keys.ann)).status).toBe(429);
    expect((await asked(core, keys.ann, '/healthz')).status).toBe(429);
    expect((await core.call('nobody', 'GET', '/healthz')).status).toBe(200);
  });

  test('do not lock out a key that has worked at this address before', async () => {
    const core = await keyedCore({ wrongKeysPerMinute: 3 });
    expect((await asked(core, keys.ann)).status).toBe(200);
    for (let n = 0; n < 8; n += 1) await asked(core, `guess-${n}`);
    expect((await asked(core, keys.ann)).status).toBe(200);
    expect((await upgraded(core, keys.ann)).status).toBe(101);
    expect((await asked(core, keys.bob)).status).toBe(429);
  });

  test('are counted once per key and minute, so that a withdrawn key locks out no other key', async () => {
    const core = await keyedCore({ wrongKeysPerMinute: 3 });
    for (let n = 0; n < 10; n += 1) expect((await asked(core, 'withdrawn')).status).toBe(401);
    for (let n = 0; n < 10; n += 1) expect((await upgraded(core, 'withdrawn')).status).toBe(401);
    expect((await asked(core, keys.ann)).status).toBe(200);
    // Other wrong keys are counted as before.
    const told = [];
    for (let n = 0; n < 3; n += 1) told.push((await asked(core, `guess-${n}`)).status);
    expect(told).toEqual([401, 401, 429]);
  });

  test('get the same answer as a correct key once the limit is reached', async () => {
    const core = await keyedCore({ wrongKeysPerMinute: 3 });
    for (let n = 0; n < 3; n += 1) await asked(core, `guess-${n}`);
    // The key is not checked: the answer is the same for a wrong and for a correct key, also when it is repeated.
    for (const key of ['guess-4', 'guess-4', keys.ann, keys.ann]) {
      expect((await asked(core, key)).status, key).toBe(429);
    }
  });

  test('are counted at the socket of the inspector too', async () => {
    const core = await keyedCore({ wrongKeysPerMinute: 3 });
    const told = [];
    for (let n = 0; n < 5; n += 1) told.push((await upgraded(core, `guess-${n}`)).status);
    expect(told).toEqual([401, 401, 401, 429, 429]);
  });
});

describe('requests', () => {
  test('of one user are limited per minute, and those of other users and the operator are not affected', async () => {
    const core = await keyedCore({ requestsPerMinute: 5 });
    const told = [];
    for (let n = 0; n < 7; n += 1) told.push((await asked(core, keys.ann)).status);
    expect(told).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect((await asked(core, keys.bob)).status).toBe(200);
    for (let n = 0; n < 20; n += 1) expect((await asked(core, keys.operator)).status).toBe(200);
  });

  test('without a key are limited per address', async () => {
    const core = await keyedCore({ requestsPerMinute: 5 });
    const told = [];
    for (let n = 0; n < 7; n += 1) {
      told.push((await core.call('nobody', 'GET', n % 2 === 0 ? '/healthz' : '/jobs')).status);
    }
    expect(told).toEqual([200, 401, 200, 401, 200, 429, 429]);
  });

  test('with large bodies count as several requests', async () => {
    const core = await keyedCore({ requestsPerMinute: 10 });
    const body = { title: 'x', text: 'x'.repeat(900_000) };
    expect((await core.call('ann', 'POST', '/documents', body)).status).toBe(429);
    const small = { title: 'x', text: 'x'.repeat(200_000) };
    const told = [];
    for (let n = 0; n < 4; n += 1) {
      told.push((await core.call('bob', 'POST', '/documents', small)).status);
    }
    expect(told).toEqual([201, 201, 429, 429]);
  });

  test('that are open are limited per user, and a place is free again when a stream ends', async () => {
    const core = await keyedCore({ openRequests: 3 });
    const open: AbortController[] = [];
    for (let n = 0; n < 3; n += 1) {
      const abort = new AbortController();
      open.push(abort);
      const headers = { authorization: `Bearer ${keys.ann}` };
      const answer = await fetch(`${core.core.url}/events`, { headers, signal: abort.signal });
      expect(answer.status).toBe(200);
    }
    expect((await asked(core, keys.ann)).status).toBe(429);
    expect((await asked(core, keys.bob)).status).toBe(200);
    for (const abort of open) abort.abort();
    await until(async () => (await asked(core, keys.ann)).status === 200);
  });

  test('of the operator on the same machine have no limit', async () => {
    const core = await keyedCore({ requestsPerMinute: 1 }, { server: { port: 0 } });
    for (let n = 0; n < 20; n += 1) {
      expect((await core.call('nobody', 'GET', '/jobs')).status).toBe(200);
    }
  });
});

describe('the sockets of the inspector', () => {
  test('are limited to 16 per user', async () => {
    const core = await keyedCore();
    const told = [];
    for (let n = 0; n < 17; n += 1) told.push((await upgraded(core, keys.ann)).status);
    expect(told).toEqual([...Array.from({ length: 16 }, () => 101), 429]);
    expect((await upgraded(core, keys.bob)).status).toBe(101);
  });

  test('are closed if they send too many messages', async () => {
    const core = await keyedCore();
    const { socket } = await upgraded(core, keys.ann);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const message = JSON.stringify({ type: 'gatehouse.watch', jobId: 'none' });
    for (let n = 0; n < 200; n += 1) socket.send(message);
    expect(await closed).toBe(1006);
    expect((await upgraded(core, keys.ann)).status).toBe(101);
  });

  test('do not stop the core if the client resets them during the upgrade', async () => {
    const core = await keyedCore();
    const ask = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    for (let n = 0; n < 100; n += 1) {
      const socket = await openSocket(core.core.url);
      socket.write(ask(n % 2 === 0 ? '/inspect/ws' : '/x') + 'x'.repeat(n * 100));
      if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    }
    expect((await core.call('nobody', 'GET', '/healthz')).status).toBe(200);
  });
});

describe('connections', () => {
  /** A server with one route and short timeouts. */
  const impatient = async (connectionsMax = 0): Promise<string> => {
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      apiKeys: [],
      ownerOf: () => Promise.resolve(''),
      connectionsMax,
      timeouts: { headersMs: 100, requestMs: 300, checkMs: 25 },
      log: silentLog(),
      routes: [(fastify) => void fastify.post('/x', { config: { access: 'anyone' } }, () => 'ok')],
    });
    onTestFinished(() => server.close());
    return server.url;
  };

  test('with incomplete headers are closed with 408', async () => {
    const url = await impatient();
    const socket = await openSocket(url);
    const ended = readToEnd(socket);
    socket.write('GET /x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    const { status, text } = await ended;
    expect(status).toBe(408);
    expect(text).toContain('GH_REQUEST_INVALID');
  });

  test('with an incomplete body are closed with 408', async () => {
    const url = await impatient();
    const socket = await openSocket(url);
    const ended = readToEnd(socket);
    socket.write('POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    expect((await ended).status).toBe(408);
  });

  test('with headers larger than 16 KiB are refused', async () => {
    const url = await impatient();
    const headers = `X-Large: ${'x'.repeat(17_000)}\r\n`;
    const answer = await sendRaw(url, `GET /x HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    expect([answer.status, answer.text.includes('GH_REQUEST_INVALID')]).toEqual([431, true]);
  });

  test('above the limit are closed, and a place that becomes free is used again', async () => {
    const url = await impatient(4);
    const kept = [];
    for (let n = 0; n < 4; n += 1) kept.push(await openSocket(url));
    const fifth = await sendRaw(url, 'GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(fifth.status).toBe(0);
    kept[0]!.destroy();
    const bytes = 'POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    await until(async () => (await sendRaw(url, bytes)).status === 200);
  });
});

describe('the rate limiter', () => {
  test.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::1', '::1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, ''],
  ])('counts the address %s as %s', (remoteAddress, expected) => {
    expect(addressOf({ remoteAddress })).toBe(expected);
  });

  test('uses limited memory for any number of addresses', () => {
    const limits = createRateLimiter({
      requestsPerMinute: 1,
      wrongKeysPerMinute: 1,
      wrongCodesPerMinute: 0,
      openRequests: 1,
    });
    const guess = (n: number): void =>
      limits.checkKey({ remoteAddress: `host-${n}` }, null, `${n}`);
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 200_000; n += 1) guess(n);
    // Only reachable memory is measured.
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 1024 * 1024);
    // The last addresses are remembered, the first ones are not.
    const other = (n: number): void =>
      limits.checkKey({ remoteAddress: `host-${n}` }, null, 'another');
    expect(() => other(199_999)).toThrow('wrong keys');
    expect(() => other(0)).not.toThrow();
  });
});

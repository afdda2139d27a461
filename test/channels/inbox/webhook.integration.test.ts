/** The webhook for Chat: which requests it accepts, which it refuses, and with which responses. */
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createInboundHandler } from '#channels/inbox/inbound-handler';
import { createRateLimit } from '#channels/rate-limit';
import { parseTargets } from '#channels/synology/targets';
import { createWebhookAuthenticator } from '#channels/synology/webhook-auth';
import { startBridgeServer } from '#channels/bridge-server';
import { createSynologyWebhook } from '#channels/synology/webhook';
import type { BridgeStorage } from '#channels/bridge-storage-port';
import { GatehouseError } from '#shared/errors';
import { createLog, silentLog, type Log } from '#shared/log';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';
import { folderForTest } from '#test/events/nats-fixture';

const token = 'k'.repeat(64);
const settings = {
  incomingUrl:
    'http://127.0.0.1:9/webapi/entry.cgi?api=SYNO.Chat.External&method=chatbot&version=2',
  token,
  allowedUserIds: [4],
  bots: [],
  channels: [],
  users: {},
};

interface Door {
  url: string;
  stored(): { key: string; text: string; lane: string }[];
  storage: BridgeStorage;
  tooFast: string[];
  fail(isBroken: boolean): void;
}

async function startWebhook(
  change: {
    ratePerMinute?: number;
    quietRefusals?: boolean;
    places?: object;
    log?: Log;
    files?: 'names' | 'always' | 'off';
    /** The ids of the posts that have a file. */
    withFile?: string[];
  } = {},
): Promise<Door> {
  const database = openBridgeDatabase(`${folderForTest()}/synology.db`);
  const storage = createBridgeStore(database, Date.now);
  const targets = parseTargets({ ...settings, ...change.places });
  const tooFast: string[] = [];
  let isBroken = false;
  const inbound = createInboundHandler({
    storage: {
      ...storage,
      insertInbox(rows, at) {
        if (isBroken) throw new GatehouseError('GH_STORE_UNAVAILABLE');
        return storage.insertInbox(rows, at);
      },
    },
    targets,
    rateLimit: createRateLimit(change.ratePerMinute ?? 1_000, Date.now),
    now: Date.now,
    log: change.log ?? silentLog(),
    onStored: () => undefined,
    onRateLimited: (row) => void tooFast.push(row.lane),
  });
  const webhook = createSynologyWebhook({
    inbound,
    targets,
    auth: createWebhookAuthenticator(targets.all, Date.now),
    files: change.files ?? 'names',
    hasFile: (_, postId) => Promise.resolve(change.withFile?.includes(postId) === true),
    quietRefusals: change.quietRefusals ?? false,
    log: silentLog(),
  });
  const server = await startBridgeServer({
    host: '127.0.0.1',
    port: 0,
    webhook,
    health: () => ({ nats: 'connected' }),
    log: silentLog(),
  });
  onTestFinished(async () => {
    await server.close();
    database.close();
  });
  return {
    url: `${server.url}/webhook/synology`,
    stored: () => storage.unsubmittedInbox().map(({ key, text, lane }) => ({ key, text, lane })),
    storage,
    tooFast,
    fail: (broken) => void (isBroken = broken),
  };
}

const form = (fields: Record<string, string>): URLSearchParams =>
  new URLSearchParams({
    token,
    user_id: '4',
    username: 'kim',
    post_id: '1',
    text: '안녕',
    ...fields,
  });

const post = async (
  url: string,
  body: string | URLSearchParams,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, body: await response.text() };
};

describe('the webhook', () => {
  test('stores a message and returns 200 with an empty body', async () => {
    const { url, stored } = await startWebhook();
    expect(await post(url, form({}))).toEqual({ status: 200, body: '' });
    expect(stored()).toEqual([{ key: 'post-1', text: '안녕', lane: 'main/4' }]);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(url)).status).toBe(405);
    const health = new URL('/healthz', url);
    expect(await (await fetch(health)).json()).toEqual({ nats: 'connected' });
  });

  test('stores the same post once', async () => {
    const { url, stored } = await startWebhook();
    const all = await Promise.all([1, 2, 3].map(() => post(url, form({ post_id: '7' }))));
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await post(url, form({ post_id: '7', text: 'another' }))).toMatchObject({ status: 200 });
    expect(stored()).toHaveLength(1);
  });

  test('distinguishes posts with the same post_id by their time, and clicks by their draft', async () => {
    const { url, stored, storage } = await startWebhook();
    const first = { post_id: '7', text: '하나', timestamp: '1795000000000' };
    const second = { post_id: '7', text: '둘', timestamp: '1795000009000' };
    for (const fields of [first, second, first, second, { ...second, text: '다른 말' }]) {
      expect(await post(url, form(fields))).toMatchObject({ status: 200 });
    }
    expect(stored().map(({ text }) => text)).toEqual(['하나', '둘']);
    const click = (job: string, n: number) => ({
      payload: JSON.stringify({
        token,
        post_id: 7,
        callback_id: `job-${job}:${n}`,
        user: { user_id: 4 },
        actions: [{ value: `confirm:${job}:${n}` }],
      }),
    });
    for (const fields of [click('a', 3), click('b', 3), click('b', 5), click('a', 3)]) {
      expect(await post(url, form(fields))).toMatchObject({ status: 200 });
    }
    expect(
      storage.unsubmittedInbox().flatMap((row) => (row.click === null ? [] : [row.click])),
    ).toEqual([
      { jobId: 'a', action: 'confirm', n: 3 },
      { jobId: 'b', action: 'confirm', n: 3 },
      { jobId: 'b', action: 'confirm', n: 5 },
    ]);
  });

  test('recognizes a stored post that has no time as a duplicate', async () => {
    const { url, stored, storage } = await startWebhook();
    const told = async (post_id: string, text: string, timestamp: number) => {
      const before = stored().length;
      await post(url, form({ post_id, text, timestamp: String(timestamp) }));
      return stored().length > before;
    };
    const now = Date.now();
    await post(url, form({ post_id: '7', text: '하나' }));
    expect(await told('7', '하나', now - 1_000)).toBe(false);
    expect(await told('7', '둘', now - 1_000)).toBe(true);
    await post(url, form({ post_id: '8', text: '하나' }));
    storage.setInboxState(storage.findUnansweredByKey('post-8')!.id, 'answered');
    // The stored text is deleted: a post that is older than the answered message counts as that message.
    expect(await told('8', '하나', now - 1_000)).toBe(false);
    expect(await told('8', '하나', now + 60_000)).toBe(true);
  });

  test('looks for a file if a post has no text, and refuses it only without a file', async () => {
    const userIdMap = { 4: 4 };
    const channel = { name: 'a', incomingUrl: settings.incomingUrl, token: 'c', userIdMap };
    const places = { channels: [{ ...channel, triggerWords: ['!g'] }] };
    const withFile = ['7', '8'];
    const { url, storage } = await startWebhook({ withFile, places });
    const statuses = [];
    for (const fields of [
      { post_id: '7', text: '' },
      { post_id: '8', text: '!g', token: 'c' },
      { post_id: '9', text: '' },
      { post_id: '10', text: '!g', token: 'c' },
    ]) {
      statuses.push((await post(url, form(fields))).status);
    }
    expect(statuses).toEqual([200, 200, 400, 200]);
    expect(storage.unsubmittedInbox().map(({ key, file }) => [key, file])).toEqual([
      ['post-7', { name: null, postId: '7' }],
      ['post-8', { name: null, postId: '8' }],
    ]);
    const { url: blind } = await startWebhook({ withFile, files: 'off' });
    expect((await post(blind, form({ post_id: '7', text: '' }))).status).toBe(400);
  });

  test('accepts messages as long as the core does, in any form encoding, and refuses larger bodies', async () => {
    const { url, stored } = await startWebhook();
    for (const [n, letter] of ['가', '😀', 'a', '&'].entries()) {
      const text = letter.repeat(8_000);
      expect((await post(url, form({ post_id: `${n}`, text }))).status).toBe(200);
      expect(stored()[n]?.text).toBe(text);
    }
    expect((await post(url, form({ text: 'a'.repeat(64 * 1024) }))).status).toBe(413);
    expect((await post(url, form({ text: '가'.repeat(22_000) }))).status).toBe(413);
  });

  test.each<[string, Record<string, string>, number, string]>([
    ['a wrong token', { token: 'x' }, 401, 'GH_BRIDGE_TOKEN'],
    ['no token', { token: '' }, 401, 'GH_BRIDGE_TOKEN'],
    ['the beginning of the token', { token: token.slice(0, 63) }, 401, 'GH_BRIDGE_TOKEN'],
    ['no post_id', { post_id: '' }, 400, 'GH_REQUEST_INVALID'],
    ['no text', { text: ' ' }, 400, 'GH_REQUEST_INVALID'],
    ['no user', { user_id: '' }, 400, 'GH_REQUEST_INVALID'],
    ['somebody else', { user_id: '5' }, 403, 'GH_BRIDGE_USER'],
    [
      'a click without a job',
      { payload: JSON.stringify({ token, post_id: 1, user: { user_id: 4 }, actions: [] }) },
      400,
      'GH_REQUEST_INVALID',
    ],
    ['a payload that is no JSON', { payload: '{' }, 401, 'GH_BRIDGE_TOKEN'],
  ])('refuses a request with %s and stores nothing', async (_, fields, status, code) => {
    const { url, stored } = await startWebhook();
    const answer = await post(url, form(fields));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ code });
    expect(JSON.parse(answer.body)).not.toHaveProperty('text');
    expect(stored()).toEqual([]);
  });

  test('reads the formats of other versions of Chat: lists, other names, JSON', async () => {
    const { url, stored } = await startWebhook();
    const body = `token=&token=${token}&userId=4&post_id=1&message=one`;
    const type = 'application/x-www-form-urlencoded';
    expect(await post(url, body, { 'content-type': type })).toMatchObject({ status: 200 });
    const json = JSON.stringify({ token, user_id: 4, post_id: 2, text: 'two' });
    expect(await post(url, json, { 'content-type': 'application/json' })).toMatchObject({
      status: 200,
    });
    expect(stored().map(({ text }) => text)).toEqual(['one', 'two']);
  });

  test('limits wrong tokens per address, ignores tokens and addresses in headers, and accepts the right token', async () => {
    const { url } = await startWebhook();
    const wrong = async (n: number) =>
      (await post(url, form({ token: 'no' }), { 'x-forwarded-for': `10.0.0.${n}` })).status;
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) statuses.push(await wrong(n));
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
    expect(await post(url, form({}))).toMatchObject({ status: 200 });
    const tricks = { 'x-synology-token': token, authorization: `Bearer ${token}` };
    const answer = await post(`${url}?token=${token}`, form({ token: '' }), tricks);
    expect(answer.status).toBe(429);
  });

  test('refuses posts of a user above the rate limit, and notifies the user once', async () => {
    const { url, tooFast, stored } = await startWebhook({ ratePerMinute: 3 });
    const statuses: number[] = [];
    for (let n = 1; n <= 5; n += 1) {
      statuses.push((await post(url, form({ post_id: String(n) }))).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await post(url, form({ post_id: '1' }))).status).toBe(200);
    expect(tooFast).toEqual(['main/4']);
    expect(stored()).toHaveLength(3);
  });

  test('returns 200 for a refused user of its own bot if quietRefusals is set', async () => {
    const { url, stored } = await startWebhook({ quietRefusals: true });
    expect(await post(url, form({ user_id: '5' }))).toEqual({ status: 200, body: '' });
    expect((await post(url, form({ token: 'x' }))).status).toBe(401);
    expect(stored()).toEqual([]);
  });

  test('removes the trigger word only as a whole word, and returns 200 for a trigger without a question', async () => {
    const userIdMap = { 4: 4 };
    const channel = { name: 'a', incomingUrl: settings.incomingUrl, userIdMap };
    const { url, stored } = await startWebhook({
      places: { channels: [{ ...channel, token: 'c', triggerWords: ['도움', '!'] }] },
    });
    const say = (post_id: string, text: string, fields: Record<string, string> = {}) =>
      post(url, form({ token: 'c', post_id, text, ...fields }));
    for (const [n, text] of ['도움말 보여줘', '도움 몇 시야?', '도움: 나', '!몇 시야?'].entries()) {
      expect((await say(`${n}`, text)).status).toBe(200);
    }
    expect((await say('8', '도움', { trigger_word: '도움' })).status).toBe(200);
    expect((await say('9', '도움', { user_id: '6' })).status).toBe(403);
    expect(stored().map(({ text }) => text)).toEqual([
      '도움말 보여줘',
      '몇 시야?',
      '나',
      '몇 시야?',
    ]);
  });

  test('distinguishes posts of two NASes with the same post_id', async () => {
    const bot = { name: 'b', incomingUrl: 'http://127.0.0.1:10/x', allowedUserIds: [4] };
    const { url, stored } = await startWebhook({ places: { bots: [{ ...bot, token: 'b' }] } });
    expect((await post(url, form({ text: '하나' }))).status).toBe(200);
    expect((await post(url, form({ token: 'b', text: '둘' }))).status).toBe(200);
    expect((await post(url, form({ token: 'b', text: '둘' }))).status).toBe(200);
    expect(stored().map(({ text }) => text)).toEqual(['하나', '둘']);
    expect(stored()[0]?.key).toBe('post-1');
  });

  test('returns 503 if it cannot store a message, and logs the reason once', async () => {
    const lines: string[] = [];
    const write = (line: string): void => void lines.push(line);
    const log = createLog({ level: 'error', pretty: false }, { write });
    const { url, fail, stored } = await startWebhook({ log });
    fail(true);
    for (let n = 0; n < 3; n += 1) expect((await post(url, form({}))).status).toBe(503);
    // Log lines are limited, as the disk may be full.
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('The message could not be stored');
    fail(false);
    expect((await post(url, form({}))).status).toBe(200);
    expect(stored()).toHaveLength(1);
  });

  test('returns 503 if the adapter of the chat fails', async () => {
    const server = await startBridgeServer({
      host: '127.0.0.1',
      port: 0,
      webhook: { path: '/webhook', handle: () => Promise.reject(new Error('a fault')) },
      health: () => ({}),
      log: silentLog(),
    });
    onTestFinished(() => server.close());
    expect((await post(`${server.url}/webhook`, 'text=1')).status).toBe(503);
  });

  test('refuses a body that is too large, with a Content-Length or as a stream', async () => {
    const { url } = await startWebhook();
    const large = `token=${token}&user_id=4&post_id=1&text=${'x'.repeat(10 * 1024 * 1024)}`;
    expect((await post(url, large)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 64; n += 1) controller.enqueue(new Uint8Array(64 * 1024));
        controller.close();
      },
    });
    const init = { method: 'POST', body: stream, duplex: 'half' as const };
    expect((await fetch(url, init)).status).toBe(413);
  });

  test('returns 408 if the body of a request does not arrive', async () => {
    const { url } = await startWebhook();
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.write('POST /webhook/synology HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ntoken=');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('GH_BRIDGE_SLOW');
  });

  test('refuses ambiguous requests (request smuggling) and too large headers', async () => {
    const { url } = await startWebhook();
    const { port } = new URL(url);
    const tricks = [
      'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd',
      'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
      `X: ${'y'.repeat(20_000)}\r\n\r\n`,
    ];
    for (const trick of tricks) {
      const socket = connect(Number(port), '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      let answer = '';
      socket.on('data', (data: Buffer) => (answer += data.toString()));
      socket.on('error', () => undefined);
      socket.write(`POST /webhook/synology HTTP/1.1\r\nHost: x\r\n${trick}`);
      await new Promise((resolve) => socket.once('close', resolve));
      expect(answer).toMatch(/^HTTP\/1.1 4/);
    }
  });
});

describe('the configuration of a bridge', () => {
  const code = (change: object): string => {
    try {
      parseTargets({ ...settings, ...change });
      return 'none';
    } catch (error) {
      return (error as GatehouseError).code;
    }
  };
  const channel = {
    channelId: 1,
    incomingUrl: `http://127.0.0.1:9/webapi/entry.cgi?method=incoming&token=%22c%22`,
    token: 'o',
    triggerWords: [],
    userIdMap: { 1: 4 },
  };

  test('must name the allowed users, be complete, and have no duplicate channel or token', () => {
    expect(code({})).toBe('none');
    expect(code({ allowedUserIds: [] })).toBe('GH_BRIDGE_NO_USERS');
    expect(code({ token: null })).toBe('GH_BRIDGE_NOT_CONFIGURED');
    expect(code({ incomingUrl: null })).toBe('GH_BRIDGE_NOT_CONFIGURED');
    expect(code({ channels: [{ ...channel, userIdMap: {} }] })).toBe('GH_BRIDGE_NO_USERS');
    expect(code({ channels: [channel] })).toBe('none');
    expect(code({ channels: [{ ...channel, token }] })).toBe('GH_CONFIG_INVALID');
    expect(code({ channels: [channel, { ...channel, channelId: 2 }] })).toBe('none');
    expect(code({ channels: [channel, channel] })).toBe('GH_CONFIG_INVALID');
  });

  test('must not map two users of the chat to one user id', () => {
    const allowedUserIds = [4, 5];
    expect(code({ allowedUserIds, users: { 4: 'ann', 5: 'bob' } })).toBe('none');
    expect(code({ allowedUserIds, users: { 4: '4', 5: '6' } })).toBe('none');
    expect(code({ allowedUserIds, users: { 4: 'ann', 5: 'ann' } })).toBe('GH_CONFIG_INVALID');
    expect(code({ allowedUserIds, users: { 4: '5' } })).toBe('GH_CONFIG_INVALID');
    expect(code({ channels: [channel], users: { 7: '4' } })).toBe('GH_CONFIG_INVALID');
  });
});

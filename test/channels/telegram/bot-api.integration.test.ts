/** The client of the Bot API against the simulated Telegram and odd servers: outcomes, and no token in any text. */
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DeliveryOutcome } from '#channels/channel-adapter-port';
import { createBotApi, type ApiFailure } from '#channels/telegram/bot-api';
import { createDelivery } from '#channels/telegram/delivery';
import { createMigrations } from '#channels/telegram/migrations';
import { parseTargets } from '#channels/telegram/targets';
import { silentLog } from '#shared/log';
import { refusals, type Fault } from '#simulators/telegram/faults';
import type { FakeTelegram } from '#simulators/telegram/telegram-controls';
import { family, fakeTelegram, hana, lab } from './telegram-fixture.ts';

const secret = 'AAH-sentinel_0123456789';
const token = `700:${secret}`;

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function openDelivery({ token: given, url }: { token: string; url: string }) {
  let now = 0;
  const api = createBotApi({ token: given, apiRoot: url, now: () => now });
  const targets = parseTargets({
    token: given,
    apiRoot: url,
    allowedUserIds: [hana],
    groups: [
      { id: family, triggerWords: [] },
      { id: lab, triggerWords: [] },
    ],
  });
  const delivery = createDelivery(api, createMigrations(silentLog()));
  return {
    api,
    delivery,
    wait: (ms: number) => void (now += ms),
    post: (
      text: string,
      { place = 'main', answers = null as string | null, replaces = null as string | null } = {},
    ) =>
      delivery.deliver({
        target: targets.byName(place)!,
        chatUser: String(hana),
        text,
        buttons: null,
        key: 'k',
        answers,
        replaces,
      }),
  };
}

async function withTelegram() {
  const telegram = await fakeTelegram();
  telegram.say({ userId: hana, text: '/start' });
  return { telegram, ...openDelivery(telegram) };
}

const textsIn = (telegram: FakeTelegram, chat: number) =>
  telegram.posted(chat).map(({ text }) => text);

describe('the outcome of a post', () => {
  test.each<[string, Fault, Partial<DeliveryOutcome>, number]>([
    ['429 with a wait', refusals.flood(7), { type: 'tooFast', afterMs: 7_000 }, 0],
    [
      '429 without one',
      { kind: 'error', code: 429, description: 'Too Many Requests' },
      { type: 'tooFast' },
      0,
    ],
    ['403, blocked', refusals.blocked, { type: 'refused' }, 0],
    [
      '400, no such chat',
      { kind: 'error', code: 400, description: 'Bad Request: chat not found' },
      { type: 'refused' },
      0,
    ],
    [
      '400, too long',
      { kind: 'error', code: 400, description: 'Bad Request: message is too long' },
      { type: 'tooLong', chars: 4 },
      0,
    ],
    ['500 of the API', refusals.restart, { type: 'lost' }, 0],
    ['502 of the API', refusals.badGateway, { type: 'lost' }, 0],
    ['401', refusals.revoked, { type: 'stopped' }, 0],
    ['an HTML page, 502', { kind: 'page', status: 502 }, { type: 'lost' }, 0],
    ['an HTML page, 404', { kind: 'page', status: 404 }, { type: 'stopped' }, 0],
    ['an HTML page, 413', { kind: 'page', status: 413 }, { type: 'tooLong' }, 0],
    ['a redirect', { kind: 'page', status: 302 }, { type: 'stopped' }, 0],
    [
      'a login page, 200',
      { kind: 'says', status: 200, body: '<html>', contentType: 'text/html' },
      { type: 'lost' },
      0,
    ],
    [
      'JSON of somebody else',
      { kind: 'says', status: 200, body: '{"ok":"yes"}' },
      { type: 'lost' },
      0,
    ],
    ['a cut before it is stored', { kind: 'cut', at: 'unstored' }, { type: 'lost' }, 0],
    ['a cut after it is stored', { kind: 'cut', at: 'stored' }, { type: 'lost' }, 1],
    ['a cut within the answer', { kind: 'cut', at: 'answer' }, { type: 'lost' }, 1],
    ['a slow answer', { kind: 'slow', headersMs: 20, bodyMs: 20 }, { type: 'posted' }, 1],
  ])('%s', async (_, fault, outcome, posted) => {
    const { telegram, post } = await withTelegram();
    telegram.fail(fault, { method: 'sendmessage' });
    expect(await post('text')).toMatchObject(outcome);
    expect(textsIn(telegram, hana)).toHaveLength(posted);
    const sent = telegram.requests().filter(({ method }) => method === 'sendmessage');
    expect(sent).toHaveLength(1);
  });

  test('is "unreachable", to be sent again, if no byte has left', async () => {
    const { telegram, post } = await withTelegram();
    await telegram.refuseConnections();
    expect(await post('text')).toMatchObject({ type: 'unreachable' });
  });

  test.each<[string, string, string]>([
    ['the formatting', "Bad Request: can't parse entities: unsupported", '**bold**'],
    ['a topic that was deleted', 'Bad Request: message thread not found', 'bold'],
    ['a topic that was closed', 'Bad Request: TOPIC_CLOSED', 'bold'],
    ['the message that it answers', 'Bad Request: message to be replied not found', 'bold'],
  ])('is a post without what the chat does not take: %s', async (_, description, shown) => {
    const { telegram, post } = await withTelegram();
    telegram.fail({ kind: 'error', code: 400, description }, { method: 'sendmessage' });
    const place = 'group-1001000000402/2';
    const answers = 'm_1_-1001000000402_3';
    expect(await post('**bold**', { place, answers })).toMatchObject({ type: 'posted' });
    expect(textsIn(telegram, lab)).toEqual([shown]);
  });

  test('is a post in the supergroup that the group has become', async () => {
    const { telegram, post } = await withTelegram();
    const { id } = telegram.migrate(family);
    expect(await post('one', { place: 'group-401' })).toMatchObject({ type: 'posted' });
    expect(await post('two', { place: 'group-401' })).toMatchObject({ type: 'posted' });
    expect(textsIn(telegram, id)).toEqual(['one', 'two']);
    const sent = telegram.requests().filter(({ method }) => method === 'sendmessage');
    expect(sent).toHaveLength(3);
  });

  test('is no reply in the supergroup to a message of the group that it was', async () => {
    const { telegram, post } = await withTelegram();
    const { message } = telegram.say({ userId: hana, chatId: family, text: 'question' });
    const { id } = telegram.migrate(family);
    await post('first', { place: 'group-401' });
    const answers = `m_7_${family}_${message.messageId}`;
    await post('one', { place: 'group-401', answers });
    const sent = telegram.requests().filter(({ method }) => method === 'sendmessage');
    expect(sent.at(-1)!.params['reply_parameters']).toBeUndefined();
    expect(textsIn(telegram, id)).toEqual(['first', 'one']);
  });

  test('is a reply in a group, also to a message that was deleted', async () => {
    const { telegram, post } = await withTelegram();
    const { message } = telegram.say({ userId: hana, chatId: family, text: 'question' });
    const answers = `m_7_${family}_${message.messageId}`;
    await post('one', { place: 'group-401', answers });
    telegram.deleteMessage(family, message.messageId);
    expect(await post('two', { place: 'group-401', answers })).toMatchObject({ type: 'posted' });
    expect(telegram.posted(family).map(({ replyTo }) => replyTo)).toEqual([
      message.messageId,
      null,
    ]);
  });

  test('of a change: the same text counts, a deleted notice is posted anew, an outage is not', async () => {
    const { telegram, post } = await withTelegram();
    const first = await post('waits');
    const replaces = first.type === 'posted' ? first.postId! : '';
    expect(await post('waits', { replaces })).toEqual({ type: 'posted', postId: replaces });
    expect(await post('works', { replaces })).toEqual({ type: 'posted', postId: replaces });
    expect(textsIn(telegram, hana)).toEqual(['works']);
    telegram.fail({ kind: 'cut', at: 'stored' }, { method: 'editmessagetext' });
    expect(await post('done', { replaces })).toMatchObject({ type: 'lost' });
    telegram.deleteMessage(hana, Number(replaces));
    expect(await post('anew', { replaces })).toMatchObject({ type: 'posted' });
    expect(textsIn(telegram, hana)).toEqual(['anew']);
  });
});

test('after 401 nothing is sent for ten minutes; then it is tried again', async () => {
  const { telegram, post, wait } = await withTelegram();
  telegram.revokeToken();
  await post('one');
  const count = telegram.requests().length;
  telegram.restoreToken();
  expect(await post('two')).toMatchObject({ type: 'stopped' });
  expect(telegram.requests()).toHaveLength(count);
  wait(600_001);
  expect(await post('three')).toMatchObject({ type: 'posted' });
});

describe('the token', () => {
  const texts = async (url: string): Promise<string> => {
    const { api, post } = openDelivery({ token, url });
    const failures: (ApiFailure | null)[] = [];
    for (const request of [
      () => api.call((methods) => methods.getMe()),
      () => api.call((methods) => methods.getUpdates({ offset: 1 })),
    ]) {
      const outcome = await request();
      failures.push(outcome.ok ? null : outcome.failure);
    }
    return JSON.stringify([
      failures,
      await post('x'),
      await api.download('documents/a.txt', 1_000),
    ]);
  };

  test.each<[string, RequestListener]>([
    [
      'an error page that repeats the path',
      ({ url }, response) => void response.writeHead(404).end(`Cannot POST ${url}`),
    ],
    [
      'a description that repeats the path',
      ({ url }, response) =>
        void response.writeHead(400).end(
          JSON.stringify({
            ok: false,
            error_code: 400,
            description: `no ${url} ${encodeURIComponent(token)}`,
          }),
        ),
    ],
    [
      'a redirect to a path with it',
      ({ url }, response) =>
        void response.writeHead(302, { location: `http://evil.example${url}` }).end(),
    ],
    ['a cut connection', ({ socket }) => void socket.destroy()],
  ])('is in no error: %s', async (_, listener) => {
    const found = await texts(await serve(listener));
    expect(found).not.toContain(secret);
    expect(found).toMatch(/HTTP|\[token\]|ECONNRESET|hang up/);
  });

  test.each(['http://127.0.0.1:1', 'http://no-such-host.invalid', 'http://[::1]:1'])(
    'is in no error of a connection to %s',
    async (url) => {
      expect(await texts(url)).not.toContain(secret);
    },
  );
});

describe('a file', () => {
  test.each([
    '../bot700/secret',
    'documents/../../x',
    '//evil.example/x',
    'http://evil.example/x',
    'documents/..',
    'a\\b',
    'a?b',
    'a#b',
    '.hidden',
    '/var/lib/telegram-bot-api/x',
  ])('is not fetched from %s', async (path) => {
    let requests = 0;
    const url = await serve((_, response) => void response.end(String((requests += 1))));
    const { api } = openDelivery({ token, url });
    expect(await api.download(path, 1_000)).toMatchObject({ kind: 'refused' });
    expect(requests).toBe(0);
  });

  test('is fetched from the configured address only, and not beyond its limit', async () => {
    const { telegram, api } = await withTelegram();
    const { message } = telegram.say({
      userId: hana,
      file: { name: 'a b.txt', type: 'text/plain', content: Buffer.from('content') },
    });
    const file = await api.call((methods) => methods.getFile(message.media!.file.fileId));
    const path = file.ok ? file.value.file_path! : '';
    expect(await api.download(path, 100)).toMatchObject({
      kind: 'file',
      bytes: Buffer.from('content'),
    });
    expect(await api.download(path, 3)).toEqual({ kind: 'tooLarge' });
    expect(await api.download('documents/none.txt', 100)).toMatchObject({ kind: 'away' });
  });
});

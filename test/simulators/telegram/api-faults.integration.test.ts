/** Faults on request, and bodies and requests that are wrong: what the server answers, and what it stores. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultQueue } from '#simulators/fault-queue';
import { refusals, stormFaults, type Fault } from '#simulators/telegram/faults';
import {
  apiOf,
  call,
  hana,
  json,
  openTelegram,
  parametersOf,
  refusalOf,
  started,
  type TestTelegram,
} from './fake-telegram-fixture.ts';

const send = (telegram: TestTelegram, text = 'a') =>
  call(telegram, 'sendMessage', {
    ...json({ chat_id: hana, text }),
    // One connection per request: a fault cannot affect the next request.
    headers: { 'content-type': 'application/json', connection: 'close' },
  });

const isLost = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => false,
    () => true,
  );

describe('a fault', () => {
  test('with a refusal is answered as the API does, and nothing is stored', async () => {
    const telegram = await started();
    telegram.fail(refusals.flood(7));
    expect((await send(telegram)).body).toEqual({
      ok: false,
      error_code: 429,
      description: 'Too Many Requests: retry after 7',
      parameters: { retry_after: 7 },
    });
    expect(telegram.posted(hana)).toEqual([]);
    expect(telegram.requests().at(-1)).toMatchObject({ outcome: 'error', code: 429 });
  });

  test.each([502, 503, 504])('of a proxy is an HTML page of status %s', async (status) => {
    const telegram = await started();
    telegram.fail({ kind: 'page', status });
    const response = await fetch(`${telegram.url}/bot${telegram.token}/getMe`);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html']);
    expect(await response.text()).toContain('<html>');
  });

  test.each([
    ['atOnce', 0],
    ['unstored', 0],
    ['stored', 1],
    ['answer', 1],
  ] as const)('cuts the connection: %s, and %i messages are stored', async (at, stored) => {
    const telegram = await started();
    telegram.fail({ kind: 'cut', at });
    expect(await isLost(send(telegram))).toBe(true);
    await telegram.until(() => telegram.requests().length === 1, 5_000);
    expect(telegram.posted(hana)).toHaveLength(stored);
    expect(telegram.audit().lostAnswers).toHaveLength(stored);
    expect((await send(telegram)).status).toBe(200);
  });

  test('refuses connections for a while', async () => {
    const telegram = await started();
    telegram.fail({ kind: 'down', forMs: 100 });
    expect(await isLost(send(telegram))).toBe(true);
    await telegram.until(() => telegram.status().isListening, 5_000);
    expect((await send(telegram)).status).toBe(200);
  });

  test('is only for its method, as often as it says', async () => {
    const telegram = await started();
    telegram.fail(refusals.restart, { method: 'sendmessage', times: 2 });
    expect((await call(telegram, 'getMe')).status).toBe(200);
    expect((await send(telegram)).status).toBe(500);
    expect((await send(telegram)).status).toBe(500);
    expect((await send(telegram)).status).toBe(200);
  });

  test('repeats updates that were acknowledged, in their order, until they are acknowledged again', async () => {
    const telegram = await openTelegram();
    for (const text of ['1', '2', '3']) telegram.say({ userId: hana, text });
    const ids = (await telegram.api.getUpdates()).map((one) => one.update_id);
    const offset = ids.at(-1)! + 1;
    expect(await telegram.api.getUpdates({ offset })).toEqual([]);
    telegram.say({ userId: hana, text: '4' });
    telegram.redeliver(2);
    const again = await telegram.api.getUpdates({ offset });
    expect(again.map(({ message }) => message?.text)).toEqual(['2', '3', '4']);
    expect(again.map((one) => one.update_id)).toEqual([ids[1], ids[2], offset]);
    expect(await telegram.api.getUpdates({ offset: offset + 1 })).toEqual([]);
  });
});

describe('the token', () => {
  test('that is unknown, malformed or revoked is refused with 401', async () => {
    const telegram = await openTelegram();
    const wrong = apiOf({ url: telegram.url, token: '7000000001:wrong' });
    expect(await refusalOf(wrong.getMe())).toBe('401 Unauthorized');
    const malformed = apiOf({ url: telegram.url, token: 'x' });
    expect(await refusalOf(malformed.getMe())).toBe('401 Unauthorized: invalid token specified');
    telegram.revokeToken();
    expect(await refusalOf(telegram.api.getMe())).toBe('401 Unauthorized');
    telegram.restoreToken();
    expect(await refusalOf(telegram.api.getMe())).toBe('done');
  });
});

describe('a request', () => {
  test('can be GET or POST, in a query, a form, a multipart form or JSON; names of methods have no case', async () => {
    const telegram = await started();
    const form = new FormData();
    form.set('chat_id', String(hana));
    form.set('text', '3');
    const query = new URLSearchParams({ chat_id: String(hana), text: '1' });
    const calls: [string, RequestInit][] = [
      [`sendmessage?${query}`, {}],
      [
        'SENDMESSAGE',
        { method: 'POST', body: new URLSearchParams({ chat_id: `${hana}`, text: '2' }) },
      ],
      ['sendMessage', { method: 'POST', body: form }],
      ['sendMessage', json({ chat_id: String(hana), text: '4' })],
      ['/sendMessage', json({ chat_id: hana, text: '5' })],
    ];
    for (const [method, init] of calls) {
      expect((await call(telegram, method, init)).body).toMatchObject({ ok: true });
    }
    expect(telegram.posted(hana).map(({ text }) => text)).toEqual(['1', '2', '3', '4', '5']);
  });

  test.each([
    ['/botX', 404, 'Not Found'],
    ['/', 404, 'Not Found'],
    ['/other', 404, 'Not Found'],
  ])('for %s has no answer but %i', async (path, status, description) => {
    const { url } = await openTelegram();
    const response = await fetch(`${url}${path}`);
    expect([response.status, await response.json()]).toEqual([
      status,
      { ok: false, error_code: status, description },
    ]);
  });

  test('for an unknown method is answered with 404', async () => {
    const telegram = await openTelegram();
    for (const method of ['sendTelepathy', '', 'constructor', '__proto__']) {
      expect((await call(telegram, method)).body).toEqual({
        ok: false,
        error_code: 404,
        description: 'Not Found: method not found',
      });
    }
  });

  test.each([
    ['{', "Bad Request: can't parse object"],
    ['[]', 'Bad Request: JSON object expected'],
    ['{"chat_id":501,"text":"\\ud800"}', 'Bad Request: strings must be encoded in UTF-8'],
    ['{"chat_id":501}', 'Bad Request: message text is empty'],
    ['{"text":"a"}', 'Bad Request: chat_id is empty'],
    [
      '{"chat_id":501,"text":"a","reply_markup":"x"}',
      "Bad Request: can't parse reply keyboard markup JSON object",
    ],
    [
      '{"chat_id":501,"text":"a","reply_markup":[]}',
      'Bad Request: object expected as reply markup',
    ],
    [
      '{"chat_id":501,"text":"a","reply_parameters":{"a":1}}',
      'Bad Request: can\'t find field "message_id"',
    ],
    [
      '{"chat_id":501,"text":"a","entities":[1]}',
      "Bad Request: can't parse MessageEntity: MessageEntity must be an Object",
    ],
    ['{"chat_id":501,"text":"a","parse_mode":"x"}', 'Bad Request: unsupported parse_mode'],
  ])('with the body %s is refused: %s', async (body, description) => {
    const telegram = await started();
    const init = { ...json({}), body };
    expect((await call(telegram, 'sendMessage', init)).body).toEqual({
      ok: false,
      error_code: 400,
      description,
    });
  });

  test('with bytes that are no UTF-8 is refused', async () => {
    const telegram = await started();
    const body = Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const answer = await call(telegram, 'sendMessage', { ...json({}), body });
    expect(answer.body['description']).toBe('Bad Request: strings must be encoded in UTF-8');
  });

  test('that is no HTTP ends its own connection only', async () => {
    const telegram = await started();
    const port = Number(new URL(telegram.url).port);
    const socket = connect(port, '127.0.0.1');
    socket.end('GET /bot HTTP/9.9\r\n\r\n\0\0\0');
    await new Promise((resolve) => socket.on('close', resolve).resume());
    expect((await send(telegram)).status).toBe(200);
  });
});

describe('hostile bodies', () => {
  const names = [
    'chat_id',
    'text',
    'message_id',
    'offset',
    'limit',
    'timeout',
    'entities',
    'reply_markup',
    'reply_parameters',
    'parse_mode',
    'commands',
    'file_id',
    'callback_query_id',
    'action',
    'allowed_updates',
    '__proto__',
  ];
  const values = fc.oneof(
    fc.constantFrom<unknown>(hana, 'HTML', 'MarkdownV2', 'typing', -1, 2 ** 53, '', null),
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc.jsonValue(),
  );
  const bodies = fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 6 });
  const method = fc.constantFrom(
    'getMe',
    'getUpdates',
    'sendMessage',
    'editMessageText',
    'editMessageReplyMarkup',
    'answerCallbackQuery',
    'sendChatAction',
    'setMyCommands',
    'getFile',
    'deleteMessage',
    'setWebhook',
    'sendDocument',
    'getChat',
  );
  const types = fc.constantFrom(
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    'text/plain',
    '',
  );

  test('are answered in the form of the API, and never with a 5xx', async () => {
    const telegram = await started();
    await fc.assert(
      fc.asyncProperty(method, bodies, async (name, body) => {
        // A poll that waits would wait for the whole test.
        const { status, body: answer } = await call(telegram, name, json({ ...body, timeout: 0 }));
        expect(status).toBeLessThan(500);
        expect(answer['ok']).toBe(status === 200);
        if (status !== 200) expect(answer).toMatchObject({ error_code: status });
      }),
      { numRuns: 300 },
    );
    expect((await telegram.api.getMe()).is_bot).toBe(true);
  });

  test('of any bytes in any content type are answered, too', async () => {
    const telegram = await started();
    await fc.assert(
      fc.asyncProperty(types, fc.uint8Array({ maxLength: 400 }), async (type, bytes) => {
        const init = { method: 'POST', headers: { 'content-type': type }, body: bytes };
        const { status, body } = await call(telegram, 'sendMessage', init);
        expect(status).toBe(400);
        expect(body).toMatchObject({ ok: false, error_code: 400 });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a storm of faults', () => {
  const run = (seed: number, rate: number): (Fault | null)[] => {
    const faults = new FaultQueue<Fault, string>(stormFaults);
    faults.storm = { seed, rate };
    return Array.from({ length: 200 }, () => faults.take('sendmessage'));
  };

  test('has all kinds, and the same ones for the same seed', () => {
    expect(run(3, 0.5)).toEqual(run(3, 0.5));
    expect(new Set(run(3, 1))).toEqual(new Set(stormFaults));
  });

  test('over real connections is recorded in an audit that agrees with what the client saw', async () => {
    const telegram = await started();
    telegram.setStorm({ seed: 5, rate: 0.4 });
    const seen = { sent: 0, lost: 0 };
    for (let n = 0; n < 60; n += 1) {
      const outcome = await send(telegram, `${n}`).catch(() => null);
      if (outcome?.status === 200) seen.sent += 1;
      else if (outcome === null) seen.lost += 1;
    }
    telegram.setStorm(null);
    const audit = telegram.audit();
    expect(audit.posts).toBe(seen.sent + audit.lostAnswers.length);
    expect(audit.repeated).toEqual([]);
    expect(seen.sent).toBeGreaterThan(0);
    expect(audit.lostAnswers.length).toBeGreaterThan(0);
    expect(audit.lostAnswers.length).toBeLessThanOrEqual(seen.lost);
  });

  test('parameters of a refusal reach the caller', async () => {
    const telegram = await started();
    telegram.fail(refusals.flood(3), { method: 'sendmessage' });
    expect(await parametersOf(telegram.api.sendMessage(hana, 'a'))).toEqual({ retry_after: 3 });
  });
});

/** The channel port: a second chat with other abilities runs through bridge, broker and core. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBridge } from '#app/bridge';
import { configSchema } from '#app/config/config';
import { applyDeliveryEvent, newDelivery } from '#channels/outbox/delivery-transitions';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';
import { checkBridge } from '#doctor/bridge-check';
import { silentLog } from '#shared/log';
import { broker, natsCommand } from '#test/events/nats-fixture';
import { direct, openCore, routed } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { after, fails, says } from '#test/support/fake-llm-replies';
import { waitMs } from './bridge-fixture.ts';
import { ToyChat, toyChannel } from './toy-channel.ts';

const polled = { timeout: waitMs, interval: 20 };

async function toyChat() {
  const chat = new ToyChat();
  await chat.listen();
  onTestFinished(() => chat.close());
  return chat;
}

type ToyOptions = Partial<Record<'keyed' | 'buttons', boolean>> & { intervalMs?: number };

const settingsOf = (chat: ToyChat, folder: string, options: ToyOptions) => ({
  url: chat.url,
  users: ['kim', 'lee'],
  keyed: false,
  ...options,
  host: '127.0.0.1',
  port: 0,
  noticeDelayMs: 20,
  ratePerMinute: 1_000,
  database: join(folder, 'toy.db'),
});

/** The toy chat, its bridge, a broker and a core. */
async function openToyBridge(options: ToyOptions = {}) {
  const chat = await toyChat();
  const server = await broker();
  const nats = { mode: 'external', url: server.url };
  const fixture = await openCore({ nats }, { channels: ['toy'] });
  onTestFinished(() => fixture.close());
  const settings = settingsOf(chat, fixture.folder, options);
  const config = configSchema.parse({ nats, database: join(fixture.folder, 'gatehouse.db') });
  const start = () => openBridge(toyChannel(settings), config, silentLog());
  let bridge = await start();
  onTestFinished(() => bridge.stop());
  return {
    ...fixture,
    chat,
    config,
    settings,
    health: () => bridge.health(),
    /** Stops the bridge, changes its database, and starts it again. */
    async restart(
      change: (storage: ReturnType<typeof createBridgeStore>) => void = () => undefined,
    ) {
      await bridge.stop();
      const database = openBridgeDatabase(settings.database);
      change(createBridgeStore(database, Date.now));
      database.close();
      bridge = await start();
    },
    texts: (user: string, count: number) =>
      expect.poll(() => chat.textsTo(user), polled).toHaveLength(count),
    /** The delivery reports of the user's last job. */
    async deliveries(user = 'kim') {
      const [job] = (await fixture.client.jobs({ user_id: user })).jobs;
      return job === undefined ? [] : (await fixture.client.job(job.job_id)).deliveries;
    },
  };
}

/** Answers as the bridge's own server, whose port the tests do not know. */
async function healthServer(health: () => Record<string, unknown>): Promise<number> {
  const server = createServer((_, response) => response.end(JSON.stringify(health())));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.skipIf(natsCommand === null)('a channel with other abilities than Synology Chat', () => {
  test('passes a message of each user to the core and posts the answer to this user, in its channel', async () => {
    const { chat, small, client, texts } = await openToyBridge();
    small.script(direct('하나'), direct('둘'));
    chat.say('kim', '첫째?');
    await texts('kim', 1);
    chat.say('lee', '둘째?');
    await texts('lee', 1);
    expect(chat.posts.map(({ to, text }) => [to, text])).toEqual([
      ['kim', '하나'],
      ['lee', '둘'],
    ]);
    const [job] = (await client.jobs({ user_id: 'lee' })).jobs;
    expect(job).toMatchObject({ channel: 'toy', message: '둘째?' });
  });

  test('splits an answer by the unit of the chat and loses nothing', async () => {
    const { chat, small, deliveries } = await openToyBridge();
    // 60 emoji are 60 code points and 120 UTF-16 units.
    const text = `${'😀'.repeat(60)} ${'가나다 '.repeat(40)}끝`;
    small.script(direct(text));
    chat.say('kim', '길게 말해줘');
    await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'sent' }]);
    const posts = chat.textsTo('kim');
    expect(posts.join('')).toBe(text);
    expect(posts.length).toBeGreaterThan(2);
    for (const post of posts) expect(post.length).toBeLessThanOrEqual(100);
  });

  test('answers a message of a user who is not allowed with nothing', async () => {
    const { chat, small, client, texts } = await openToyBridge();
    small.script(direct('네'));
    chat.say('eve', '나는?');
    chat.say('kim', '나는?');
    await texts('kim', 1);
    expect((await client.jobs({})).jobs).toHaveLength(1);
  });

  test('shows a draft without buttons, and a yes in words confirms it', async () => {
    const { chat, small, client, texts } = await openToyBridge();
    small.script(wantsDentist);
    chat.say('kim', dentistMessage);
    await expect.poll(() => chat.textsTo('kim').join(''), polled).toContain('로 답해주세요');
    const shown = chat.posts.length;
    chat.say('kim', '확인');
    await texts('kim', shown + 1);
    expect((await client.jobs({ user_id: 'kim' })).jobs[0]).toMatchObject({ outcome: 'answered' });
  });

  test('is sent again after "too fast" and after an outage, once each', async () => {
    const { chat, small, deliveries } = await openToyBridge();
    chat.faults.push({ status: 503 }, { status: 429, retryAfterMs: 10 });
    small.script(direct('답'));
    chat.say('kim', '질문');
    await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'sent', parts: 1 }]);
    expect(chat.attempts).toBe(3);
    expect(chat.textsTo('kim')).toEqual(['답']);
  });

  test('pauses only the place that the chat has named as too fast, if the chat limits its places', async () => {
    const { chat, small, texts } = await openToyBridge({ intervalMs: 1 });
    chat.faults.push({ status: 429, retryAfterMs: 3_600_000 });
    small.script(direct('잠시 뒤'), direct('바로'));
    chat.say('kim', '질문');
    await expect.poll(() => chat.attempts, polled).toBe(1);
    chat.say('lee', '질문');
    await texts('lee', 1);
    expect([chat.textsTo('kim'), chat.attempts]).toEqual([[], 2]);
  });

  test('names the message that a post answers, and posts a text of the adapter once', async () => {
    const { chat, small, texts } = await openToyBridge();
    small.script(direct('하나'));
    chat.say('kim', '/help');
    chat.say('kim', '/help');
    chat.say('kim', '첫째?');
    await texts('kim', 2);
    const posts = chat.posts.map(({ text, answers }) => [text, answers]);
    expect(posts).toContainEqual(['ask anything', null]);
    expect(posts).toContainEqual(['하나', 'toy-3']);
  });

  test('removes the buttons of a draft that was decided, also in words', async () => {
    const { chat, small } = await openToyBridge({ buttons: true });
    small.script(wantsDentist);
    chat.say('kim', dentistMessage);
    const shown = () => chat.posts.flatMap(({ buttons }) => buttons);
    await expect.poll(shown, polled).toEqual(['확인', '취소']);
    chat.say('kim', '확인');
    await expect.poll(shown, polled).not.toContain('확인');
  });

  test('says in its health, and to the doctor, why the chat cannot be asked for messages', async () => {
    const { chat, config, settings, health } = await openToyBridge();
    chat.close();
    await expect.poll(() => health()['chatProblem'], polled).toContain('fetch failed');
    // Without the bus the doctor names that.
    await expect.poll(() => health()['nats'], polled).toBe('connected');
    const url = `http://127.0.0.1:${await healthServer(health)}`;
    const { port } = new URL(url);
    const channels = [toyChannel({ ...settings, port: Number(port) })];
    const found = await checkBridge(config, { channels });
    expect(found.filter(({ ok }) => !ok)).toMatchObject([
      { what: expect.stringContaining('gets no messages: fetch failed') as string },
    ]);
  });

  test('keeps the long pause that the chat has asked for over a restart', async () => {
    const { chat, small, restart, texts } = await openToyBridge();
    chat.faults.push({ status: 429, retryAfterMs: 3_600_000 });
    small.script(direct('잠시 뒤'), direct('바로'));
    chat.say('kim', '질문');
    await expect.poll(() => chat.attempts, polled).toBe(1);
    await restart();
    chat.say('lee', '질문');
    await texts('lee', 1);
    expect([chat.textsTo('kim'), chat.attempts]).toEqual([[], 2]);
  });

  test('reports a refused answer as dead, and the user gets a notice', async () => {
    const { chat, small, deliveries, texts } = await openToyBridge();
    chat.faults.push({ status: 400 });
    small.script(direct('나쁜 글'));
    chat.say('kim', '질문');
    await texts('kim', 1);
    expect(chat.textsTo('kim')[0]).toContain('표시하지 못했습니다');
    await expect
      .poll(() => deliveries(), polled)
      .toMatchObject([{ status: 'dead', error: expect.stringContaining('HTTP 400') as string }]);
  });

  test.each([['stored', ['답']] as const, ['cut', []] as const])(
    'reports a part whose result is unknown as uncertain and does not send it again (%s)',
    async (fault, shown) => {
      const { chat, small, deliveries } = await openToyBridge();
      chat.faults.push(fault);
      small.script(direct('답'));
      chat.say('kim', '질문');
      await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'uncertain' }]);
      expect(chat.textsTo('kim')).toEqual(shown);
      expect(chat.attempts).toBe(1);
    },
  );

  test.each(['stored', 'cut'] as const)(
    'sends a part whose result is unknown again if the chat recognizes its key (%s)',
    async (fault) => {
      const { chat, small, deliveries } = await openToyBridge({ keyed: true });
      chat.faults.push(fault);
      small.script(direct('답'));
      chat.say('kim', '질문');
      await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'sent' }]);
      expect(chat.textsTo('kim')).toEqual(['답']);
      expect(chat.attempts).toBe(2);
    },
  );

  test.each([
    [false, 'uncertain', 0],
    [true, 'sent', 1],
  ])(
    'recovers a part that was out when the process ended (posts with a key: %s): %s',
    async (keyed, status, shown) => {
      const { chat, small, restart, deliveries } = await openToyBridge({ keyed });
      chat.faults.push({ status: 503 });
      small.script(direct('답'), direct('다음'));
      chat.say('kim', '질문');
      await expect.poll(() => chat.attempts, polled).toBe(1);
      await restart((storage) => {
        const [entry] = storage.openReplies();
        const waiting = applyDeliveryEvent(entry!.delivery, { type: 'resume' });
        const next = entry!.text.length;
        storage.saveDelivery(entry!.id, applyDeliveryEvent(waiting, { type: 'send', next }), {});
      });
      await expect.poll(() => deliveries(), polled).toMatchObject([{ status }]);
      expect(chat.textsTo('kim')).toHaveLength(shown);
      // The chat repeats all messages to the new process: the old one is not answered twice.
      chat.say('kim', '다음 질문');
      await expect.poll(() => chat.textsTo('kim').at(-1), polled).toBe('다음');
      expect(chat.textsTo('kim')).toHaveLength(shown + 1);
    },
  );

  test('replaces the text of the first notice of a job by its later notices', async () => {
    const { chat, small, large, texts } = await openToyBridge();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    onTestFinished(() => [first, second].forEach(({ resolve }) => resolve()));
    small.script(routed, after(second.promise, says('짧은 답')));
    large.script(after(first.promise, fails(500)));
    chat.say('kim', '왜 하늘은 파래?');
    await texts('kim', 1);
    const [notice] = chat.textsTo('kim');
    first.resolve();
    await expect.poll(() => chat.textsTo('kim')[0], polled).not.toBe(notice);
    expect(chat.textsTo('kim')).toHaveLength(1);
    second.resolve();
    await texts('kim', 2);
    expect(chat.textsTo('kim')[1]).toBe('짧은 답');
  });

  test('is checked by the doctor, which sends a test message on request', async () => {
    const { chat, config, settings } = await openToyBridge();
    const channels = [toyChannel(settings)];
    const found = await checkBridge(config, { channels, sendTest: 'kim' });
    expect(found).toMatchObject([
      { part: 'toy', ok: true, what: `its address is ${chat.url}` },
      { part: 'toy', ok: true, what: 'posts in Toy have at most 100 characters (utf-16), edits' },
      { part: 'toy', ok: true, advice: 'start it with: gatehouse bridge toy' },
      { part: 'toy', ok: true, what: 'a test message was posted to kim by hall' },
    ]);
    expect(chat.textsTo('kim')).toHaveLength(1);
    const faults = await checkBridge(config, { channels, sendTest: 'eve' });
    expect(faults.filter(({ ok }) => !ok)).toMatchObject([{ what: 'no bot may talk to eve' }]);
  });
});

test('a pause that the chat asks for is the least pause, also where it is longer than all others', () => {
  const sending = applyDeliveryEvent(newDelivery('abc'), { type: 'send', next: 3 });
  const pause = (afterMs?: number) =>
    applyDeliveryEvent(sending, { type: 'tooFast', ...(afterMs === undefined ? {} : { afterMs }) })
      .context.pauseMs;
  expect([pause(), pause(10), pause(3_600_000)]).toEqual([700, 700, 3_600_000]);
});

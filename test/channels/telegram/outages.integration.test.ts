/** Telegram through bridge, broker and core, when Telegram, the bridge or the token fails. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Api } from 'grammy';
import { checkBridge } from '#doctor/bridge-check';
import { natsCommand } from '#test/events/nats-fixture';
import { direct } from '#test/support/core';
import {
  duri,
  family,
  hana,
  openTelegramBridge,
  polled,
  telegramChannel,
  type TelegramBridge,
} from './telegram-fixture.ts';

const offsetsOf = ({ telegram }: TelegramBridge): unknown[] =>
  telegram.requests().filter(({ method }) => method === 'getupdates');

describe.skipIf(natsCommand === null)('when Telegram fails', () => {
  test('updates that come again, also after a restart, are answered once and in their order', async () => {
    const bridge = await openTelegramBridge();
    const { telegram, small, texts, restart, client } = bridge;
    small.script(direct('하나'), direct('둘'), direct('셋'));
    telegram.say({ userId: hana, text: '첫째?' });
    telegram.say({ userId: hana, text: '둘째?' });
    await expect.poll(() => texts(hana), polled).toEqual(['하나', '둘']);
    telegram.redeliver(2);
    await restart();
    telegram.redeliver(2);
    telegram.say({ userId: hana, text: '셋째?' });
    await expect.poll(() => texts(hana), polled).toEqual(['하나', '둘', '셋']);
    expect((await client.jobs({})).jobs).toHaveLength(3);
    expect(offsetsOf(bridge).length).toBeGreaterThan(2);
  });

  test('messages that were sent while the bridge was down are answered after its start', async () => {
    const { telegram, small, texts, restart, stop } = await openTelegramBridge();
    await stop();
    small.script(direct('하나'), direct('둘'));
    telegram.say({ userId: hana, text: '첫째?' });
    telegram.say({ userId: hana, text: '둘째?' });
    await restart();
    await expect.poll(() => texts(hana), polled).toEqual(['하나', '둘']);
  });

  test.each([
    ['before it is stored', 'unstored', 0],
    ['after it is stored', 'stored', 1],
  ] as const)(
    'a post whose answer is cut %s is uncertain, and not sent again',
    async (_, at, shown) => {
      const { telegram, small, deliveries, texts } = await openTelegramBridge();
      telegram.fail({ kind: 'cut', at }, { method: 'sendmessage' });
      small.script(direct('답'), direct('다음'));
      telegram.say({ userId: hana, text: '질문' });
      await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'uncertain' }]);
      expect(texts(hana)).toHaveLength(shown);
      telegram.say({ userId: hana, text: '다음 질문' });
      await expect.poll(() => texts(hana).at(-1), polled).toBe('다음');
      expect(texts(hana)).toHaveLength(shown + 1);
    },
  );

  test('a wait that Telegram asks for pauses its chat only, and the answer comes once', async () => {
    const { telegram, small, texts, deliveries } = await openTelegramBridge();
    const flood = {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 2',
      parameters: { retry_after: 2 },
    } as const;
    telegram.fail(flood, { method: 'sendmessage' });
    small.script(direct('하나'), direct('둘'));
    telegram.say({ userId: hana, text: '첫째?' });
    await expect.poll(() => telegram.status().faults, polled).toEqual([]);
    telegram.say({ userId: duri, text: '둘째?' });
    await expect.poll(() => texts(duri), polled).toEqual(['둘']);
    await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'sent', parts: 1 }]);
    expect(texts(hana)).toEqual(['하나']);
  });

  test('the limits of the real server are kept: no post of a long answer is refused', async () => {
    const rules = { chatIntervalMs: 1_000, groupPerMinute: 20, perSecond: 30 };
    const { telegram, small, texts, deliveries } = await openTelegramBridge({ rules });
    const lines = Array.from({ length: 800 }, (_, line) => `값 ${line} 😀`);
    small.script(direct(`\`\`\`\n${lines.join('\n')}\n\`\`\``));
    telegram.say({ userId: hana, text: '코드 길게 써줘' });
    await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'sent' }]);
    expect(texts(hana).length).toBeGreaterThan(1);
    expect(texts(hana).flatMap((text) => text.split('\n'))).toEqual(lines);
    const sent = telegram.requests().filter(({ method }) => /sendmessage/i.test(method));
    const refused = sent.filter(({ httpStatus }) => httpStatus !== 200);
    expect(refused).toEqual([]);
  });

  test('an answer to a user who has blocked the bot is dead, and others are answered', async () => {
    const { telegram, small, texts, deliveries } = await openTelegramBridge();
    small.script(direct('둘'), direct('하나'));
    telegram.say({ userId: hana, text: '첫째?' });
    await expect.poll(() => texts(hana), polled).toEqual(['둘']);
    telegram.say({ userId: hana, text: '둘째?' });
    telegram.block(hana);
    await expect
      .poll(() => deliveries(), polled)
      .toContainEqual(
        expect.objectContaining({
          status: 'dead',
          error: expect.stringContaining('blocked') as string,
        }),
      );
    telegram.unblock(hana);
    small.script(direct('셋'));
    telegram.say({ userId: duri, text: '셋째?' });
    await expect.poll(() => texts(duri), polled).toEqual(['셋']);
  });

  test('a group that becomes a supergroup goes on, also after a restart with the old id', async () => {
    const { telegram, small, texts, restart } = await openTelegramBridge();
    small.script(direct('하나'), direct('둘'));
    const { id } = telegram.migrate(family);
    telegram.say({ userId: hana, chatId: id, text: '@gatehouse_bot 첫째?' });
    await expect.poll(() => texts(id), polled).toEqual(['하나']);
    await restart();
    telegram.say({ userId: hana, chatId: id, text: '@gatehouse_bot 둘째?' });
    await expect.poll(() => texts(id), polled).toEqual(['하나', '둘']);
  });

  test('a second process that asks for messages is named in the health and by the doctor', async () => {
    const { telegram, health, config, small, texts } = await openTelegramBridge();
    await expect.poll(() => telegram.status().isPolled, polled).toBe(true);
    const other = new Api(telegram.token, { apiRoot: telegram.url });
    const stopping = new AbortController();
    const rival = (async () => {
      while (!stopping.signal.aborted) {
        await other
          .getUpdates({ timeout: 1, offset: -100 }, stopping.signal as never)
          .catch(() => undefined);
      }
    })();
    let conflict: Record<string, unknown> = {};
    await expect
      .poll(() => String((conflict = health())['chatProblem']), polled)
      .toContain('another process');
    const port = await serveHealth(() => conflict);
    const found = await checkBridge(
      { ...config, telegram: { ...config.telegram, port } },
      { channels: [telegramChannel] },
    );
    stopping.abort();
    await rival;
    expect(
      found
        .filter(({ ok }) => !ok)
        .map(({ what }) => what)
        .join('\n'),
    ).toContain('another process');
    small.script(direct('답'));
    telegram.say({ userId: hana, text: '질문' });
    await expect.poll(() => texts(hana), polled).toEqual(['답']);
  });

  test('a webhook is removed at the start; one that is set later is named', async () => {
    const { telegram, small, texts, restart, health, stop } = await openTelegramBridge();
    await stop();
    await new Api(telegram.token, { apiRoot: telegram.url }).setWebhook(
      'https://other.example/hook',
    );
    const description =
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    telegram.fail(
      { kind: 'error', code: 409, description },
      { method: 'getupdates', times: Number.POSITIVE_INFINITY },
    );
    await restart();
    await expect.poll(() => health()['chatProblem'] ?? '', polled).toContain('a webhook is set');
    expect(telegram.status().webhookUrl).toBe('');
    telegram.clearFaults();
    small.script(direct('답'));
    telegram.say({ userId: hana, text: '질문' });
    await expect.poll(() => texts(hana), polled).toEqual(['답']);
    expect(health()['chatProblem']).toBeUndefined();
  });

  test('a revoked token is named, and after a start with a new one nothing is lost', async () => {
    const { telegram, health, small, texts, restart, lines } = await openTelegramBridge();
    telegram.revokeToken();
    await expect
      .poll(() => health()['chatProblem'] ?? '', polled)
      .toContain('does not know the token');
    telegram.restoreToken();
    small.script(direct('답'));
    telegram.say({ userId: hana, text: '질문' });
    await restart();
    await expect.poll(() => texts(hana), polled).toEqual(['답']);
    for (const said of ['does not know the token', 'the bot is known', '"state":"sent"']) {
      await expect.poll(() => lines.join(''), polled).toContain(said);
    }
    const [, secret = '?'] = telegram.token.split(':');
    expect(lines.join('')).not.toContain(secret);
  });

  test('the doctor names the bot, and users and groups to which it cannot write', async () => {
    const { telegram, config } = await openTelegramBridge({
      telegram: { allowedUserIds: [hana, duri, 999], groups: [{ id: family }, { id: -9 }] },
    });
    telegram.say({ userId: hana, text: '/start' });
    telegram.changeRules({ privacyMode: true });
    telegram.migrate(family);
    const found = await checkBridge(config, {
      channels: [telegramChannel],
      sendTest: String(hana),
    });
    const said = found.map(({ ok, what }) => `${ok} ${what}`).join('\n');
    expect(said).toContain('true the bot is @gatehouse_bot');
    expect(said).toContain(`true the bot cannot write to ${duri}, 999`);
    expect(said).toMatch(/true group -401 has the id -\d+ now/);
    expect(said).toContain('false group -9: 400: Bad Request: chat not found');
    expect(said).toContain('true privacy mode is on');
    expect(said).toContain('true posts in Telegram have at most 4096 characters (utf-16), buttons');
    expect(said).toContain(`true a test message was posted to ${hana} by main`);
  });
});

/** Answers as the bridge's own server, whose port the tests do not know. */
async function serveHealth(health: () => Record<string, unknown>): Promise<number> {
  const server = createServer((_, response) => response.end(JSON.stringify(health())));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** The polling loop alone, with an inbox that the test controls: what is acknowledged, and when. */
import { expect, onTestFinished, test } from 'vitest';
import type { InboundMessage, InboundOutcome } from '#channels/channel-adapter-port';
import { createBotApi } from '#channels/telegram/bot-api';
import { createMigrations } from '#channels/telegram/migrations';
import { createPoll } from '#channels/telegram/polling';
import { parseTargets } from '#channels/telegram/targets';
import { silentLog } from '#shared/log';
import { ann, fakeTelegram, hana } from './telegram-fixture.ts';

async function openPoll(accept: (message: InboundMessage) => InboundOutcome) {
  const telegram = await fakeTelegram();
  const { token, url } = telegram;
  const settings = { token, apiRoot: url, allowedUserIds: [hana], groups: [] };
  const said: string[] = [];
  const poll = createPoll({
    api: createBotApi({ token, apiRoot: url, now: () => performance.now() }),
    targets: parseTargets(settings),
    migrations: createMigrations(silentLog()),
    inbound: { accept: (message) => Promise.resolve(accept(message)) },
    say: ({ text }) => void said.push(text),
    log: silentLog(),
  });
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  return { telegram, said, poll: () => poll(stopping.signal), stopping };
}

test('an update is acknowledged only when it is on disk; those before it are', async () => {
  const texts: string[] = [];
  let isFull = true;
  const { telegram, poll } = await openPoll(({ text }) => {
    texts.push(text);
    return isFull && text === 'two'
      ? { ok: false, code: 'GH_STORE_UNAVAILABLE' }
      : { ok: true, isNew: true };
  });
  for (const text of ['one', 'two', 'three']) telegram.say({ userId: hana, text });
  await expect(poll()).rejects.toThrow('could not be stored');
  await expect(poll()).rejects.toThrow('could not be stored');
  expect(telegram.status().pending).toBe(2);
  isFull = false;
  await poll();
  telegram.say({ userId: hana, text: 'four' });
  await poll();
  expect(texts).toEqual(['one', 'two', 'three', 'two', 'three', 'two', 'three', 'four']);
  expect(telegram.status().pending).toBe(1);
});

test('a message that is refused is acknowledged, and the update after a strange one is read', async () => {
  const { telegram, poll } = await openPoll(() => ({ ok: false, code: 'GH_REQUEST_TOO_MANY' }));
  telegram.say({ userId: hana, text: 'one' });
  telegram.say({
    userId: hana,
    text: '',
    extra: { forward_origin: { type: 'nobody' }, text: 'x' },
  });
  await poll();
  telegram.say({ userId: hana, text: 'two' });
  await poll();
  expect(telegram.status().pending).toBe(1);
});

test('a flood of strangers gets ten sentences a minute in all', async () => {
  const { telegram, said, poll } = await openPoll(() => ({ ok: true, isNew: true }));
  for (let count = 0; count < 40; count += 1) telegram.say({ userId: ann, text: `${count}` });
  await poll();
  expect(said).toHaveLength(10);
});

test('a stop ends a poll that waits', async () => {
  const { telegram, poll, stopping } = await openPoll(() => ({ ok: true, isNew: true }));
  const polling = poll();
  await telegram.until(() => telegram.status().isPolled, 10_000);
  stopping.abort();
  await expect(polling).resolves.toBeUndefined();
});

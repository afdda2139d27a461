/** What the bot gets to know: `getUpdates`, its acknowledgement, its conflicts, and the content of updates. */
import { describe, expect, test } from 'vitest';
import type { Update } from 'grammy/types';
import {
  call,
  family,
  hana,
  lab,
  openTelegram,
  refusalOf,
  type TestTelegram,
} from './fake-telegram-fixture.ts';

const duri = 502;

const textsOf = (updates: readonly Update[]): (string | undefined)[] =>
  updates.map(({ message }) => message?.text);

/** Resolves when the server has a poll that waits. */
async function waiting(telegram: TestTelegram): Promise<{ updates: Promise<Update[]> }> {
  const updates = telegram.api.getUpdates({ timeout: 30 });
  // A refusal is looked at later.
  updates.catch(() => undefined);
  await isPolled(telegram);
  return { updates };
}

async function isPolled(telegram: TestTelegram): Promise<void> {
  while (!telegram.status().isPolled) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('getUpdates', () => {
  test('returns updates again until the offset is beyond them', async () => {
    const { api, say } = await openTelegram();
    for (const text of ['1', '2', '3']) say({ userId: hana, text });
    const first = await api.getUpdates({ limit: 2 });
    expect(textsOf(first)).toEqual(['1', '2']);
    expect(first[1]!.update_id).toBe(first[0]!.update_id + 1);
    expect(textsOf(await api.getUpdates())).toEqual(['1', '2', '3']);
    const offset = first[1]!.update_id + 1;
    expect(textsOf(await api.getUpdates({ offset }))).toEqual(['3']);
    expect(textsOf(await api.getUpdates({ offset: 0 }))).toEqual(['3']);
  });

  test('with a negative offset keeps only the last ones', async () => {
    const { api, say } = await openTelegram();
    for (const text of ['1', '2', '3']) say({ userId: hana, text });
    expect(textsOf(await api.getUpdates({ offset: -1 }))).toEqual(['3']);
    expect(textsOf(await api.getUpdates())).toEqual(['3']);
  });

  test('ignores an offset far in the future', async () => {
    const { api, say } = await openTelegram();
    say({ userId: hana, text: '1' });
    const [{ update_id } = { update_id: 0 }] = await api.getUpdates();
    expect(textsOf(await api.getUpdates({ offset: update_id + 12 }))).toEqual(['1']);
    expect(textsOf(await api.getUpdates({ offset: update_id + 11 }))).toEqual([]);
  });

  test('waits for an update, and returns it when it comes', async () => {
    const telegram = await openTelegram();
    const poll = await waiting(telegram);
    telegram.say({ userId: hana, text: '1' });
    expect(textsOf(await poll.updates)).toEqual(['1']);
    expect(telegram.status().isPolled).toBe(false);
  });

  test('forgets updates after 24 hours, presses of buttons after 150 seconds', async () => {
    const { api, say, press, posted, wait, updates } = await openTelegram();
    say({ userId: hana, text: '1' });
    await api.sendMessage(hana, '?', {
      reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: 'a' }]] },
    });
    press(hana, hana, posted(hana)[0]!.messageId, 'a');
    expect(await api.getUpdates()).toHaveLength(2);
    wait(150_000);
    expect(textsOf(await api.getUpdates())).toEqual(['1']);
    wait(24 * 3_600_000);
    expect(await api.getUpdates()).toEqual([]);
    expect(updates().map(({ state }) => state)).toEqual(['expired', 'expired']);
  });

  test('slows down a client that repeats the same offset', async () => {
    const telegram = await openTelegram({ rules: { repeatedPollMs: 3_000 } });
    const { api, say, wait } = telegram;
    await api.getUpdates();
    const poll = api.getUpdates({ timeout: 0 });
    await isPolled(telegram);
    say({ userId: hana, text: '1' });
    expect(textsOf(await poll)).toEqual(['1']);
    say({ userId: hana, text: '2' });
    expect(textsOf(await api.getUpdates())).toEqual(['1']);
    wait(600);
    expect(textsOf(await api.getUpdates())).toEqual(['1', '2']);
  });
});

describe('a conflict', () => {
  const other =
    '409 Conflict: terminated by other getUpdates request; make sure that only one bot instance is running';

  test('ends the older of two polls that wait', async () => {
    const telegram = await openTelegram();
    const older = await waiting(telegram);
    const newer = telegram.api.getUpdates({ timeout: 30 });
    expect(await refusalOf(older.updates)).toBe(other);
    await isPolled(telegram);
    telegram.say({ userId: hana, text: '1' });
    expect(textsOf(await newer)).toEqual(['1']);
  });

  test('of further polls is told later', async () => {
    const telegram = await openTelegram({ rules: { conflictDelayMs: 200 } });
    const polls = [];
    for (let n = 0; n < 3; n += 1) polls.push(await waiting(telegram));
    expect(await refusalOf(polls[0]!.updates)).toBe(other);
    let isTold = false;
    const second = refusalOf(polls[1]!.updates).then((told) => ((isTold = true), told));
    await call(telegram, 'getMe');
    expect(isTold).toBe(false);
    expect(await second).toBe(other);
  });

  test('with a webhook ends the poll, and refuses further ones until it is deleted', async () => {
    const telegram = await openTelegram();
    const { api, say } = telegram;
    const poll = await waiting(telegram);
    await api.setWebhook('https://example.org/hook');
    expect(await refusalOf(poll.updates)).toBe('409 Conflict: terminated by setWebhook request');
    const active =
      "409 Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    expect(await refusalOf(api.getUpdates())).toBe(active);
    say({ userId: hana, text: '1' });
    expect(await api.getWebhookInfo()).toMatchObject({
      url: 'https://example.org/hook',
      pending_update_count: 1,
    });
    await api.deleteWebhook();
    expect(textsOf(await api.getUpdates())).toEqual(['1']);
    await api.deleteWebhook({ drop_pending_updates: true });
    expect(await api.getUpdates()).toEqual([]);
    expect(await refusalOf(api.setWebhook('http://example.org'))).toContain('HTTPS URL');
  });
});

describe('an update', () => {
  test('has the message as it was when it was sent, an edit comes as an update of its own', async () => {
    const { api, say, edit } = await openTelegram();
    const { message } = say({ userId: hana, text: '/start 안녕' });
    edit(hana, message.messageId, '잘 가');
    const [first, second] = await api.getUpdates();
    expect(first!.message).toEqual({
      message_id: message.messageId,
      from: {
        id: hana,
        is_bot: false,
        first_name: '김하나',
        username: 'hana',
        language_code: 'ko',
      },
      chat: { id: hana, type: 'private', first_name: '김하나', username: 'hana' },
      date: 1_795_000_000,
      text: '/start 안녕',
      entities: [{ type: 'bot_command', offset: 0, length: 6 }],
    });
    expect(second!.edited_message).toMatchObject({ text: '잘 가', edit_date: 1_795_000_000 });
  });

  test('comes only if its type is allowed, from the call on', async () => {
    const { api, say, edit, status } = await openTelegram();
    const { message } = say({ userId: hana, text: '1' });
    edit(hana, message.messageId, '2');
    expect(await api.getUpdates({ allowed_updates: ['message'] })).toHaveLength(2);
    edit(hana, message.messageId, '3');
    // Without the parameter the last list counts; an empty list allows all.
    expect(await api.getUpdates()).toHaveLength(2);
    edit(hana, message.messageId, '4');
    expect(await api.getUpdates({ allowed_updates: [] })).toHaveLength(2);
    edit(hana, message.messageId, '5');
    expect(await api.getUpdates()).toHaveLength(3);
    expect(status().pending).toBe(3);
  });

  test('of an album is one per file, with a common id and one caption', async () => {
    const { api, sendAlbum } = await openTelegram();
    const picture = { name: 'a.jpg', type: 'image/jpeg', content: Buffer.from('a') };
    sendAlbum({ userId: hana, caption: '여행', files: [picture, picture] });
    const [first, second] = await api.getUpdates();
    expect(first!.message).toMatchObject({
      caption: '여행',
      photo: [{ width: 90 }, { width: 1_280 }],
    });
    expect(second!.message!.media_group_id).toBe(first!.message!.media_group_id);
    expect(second!.message).not.toHaveProperty('caption');
  });

  test.each([
    ['voice', { voice: { mime_type: 'audio/ogg', duration: 3 } }],
    ['audio', { audio: { file_name: 'a.ogg' } }],
    ['video', { video: { width: 320 } }],
    ['sticker', { sticker: { emoji: '👍' } }],
    ['document', { document: { file_name: 'a.ogg', mime_type: 'audio/ogg' } }],
  ] as const)('of a %s has its file', async (kind, content) => {
    const { api, say } = await openTelegram();
    const file = { name: 'a.ogg', type: 'audio/ogg', content: Buffer.from('a') };
    say({ userId: hana, kind, file });
    const [update] = await api.getUpdates();
    expect(update!.message).toMatchObject(content);
    expect(update!.message).not.toHaveProperty('text');
  });

  test('of another kind of message has only its own fields', async () => {
    const { api, say } = await openTelegram();
    say({ userId: hana, extra: { location: { latitude: 37.5, longitude: 127 } } });
    const [update] = await api.getUpdates();
    expect(update!.message).toMatchObject({ location: { latitude: 37.5 } });
  });

  test('of a topic names it', async () => {
    const { api, say, changeRules } = await openTelegram();
    changeRules({ privacyMode: false });
    say({ userId: hana, chatId: lab, threadId: 2, text: 'a' });
    const [update] = await api.getUpdates();
    expect(update!.message).toMatchObject({ message_thread_id: 2, chat: { is_forum: true } });
    expect(() => say({ userId: hana, chatId: lab, threadId: 9, text: 'a' })).toThrow('topic 9');
  });

  test('of a press has the button and its message', async () => {
    const { api, say, press } = await openTelegram();
    say({ userId: hana, text: 'a' });
    const { message_id } = await api.sendMessage(hana, '?', {
      reply_markup: { inline_keyboard: [[{ text: '예', callback_data: 'yes' }]] },
    });
    const { id } = press(hana, hana, message_id, 'yes');
    const [, update] = await api.getUpdates();
    expect(update!.callback_query).toMatchObject({
      id,
      from: { id: hana },
      data: 'yes',
      message: { message_id, text: '?' },
    });
  });

  test('tells of a block, a removal and a migration', async () => {
    const { api, say, block, unblock, kick, migrate } = await openTelegram();
    say({ userId: hana, text: 'a' });
    block(hana);
    expect(say({ userId: hana, text: 'lost' }).update).toBeNull();
    unblock(hana);
    kick(lab);
    const { id } = migrate(family);
    const updates = await api.getUpdates();
    const statuses = updates.flatMap(({ my_chat_member: change }) =>
      change === undefined
        ? []
        : [[change.chat.id, change.old_chat_member.status, change.new_chat_member.status]],
    );
    expect(statuses).toEqual([
      [hana, 'member', 'kicked'],
      [hana, 'kicked', 'member'],
      [lab, 'member', 'kicked'],
    ]);
    const services = updates.flatMap(({ message }) =>
      message?.migrate_to_chat_id || message?.migrate_from_chat_id ? [message] : [],
    );
    expect(
      services.map(({ chat, ...message }) => [
        chat.id,
        message.migrate_to_chat_id ?? message.migrate_from_chat_id,
      ]),
    ).toEqual([
      [family, id],
      [id, family],
    ]);
  });
});

describe('privacy mode in a group', () => {
  test.each([
    ['a plain message', '안녕', false],
    ['a mention', '@gatehouse_bot 안녕', false],
    ['a command for this bot', '/ask@gatehouse_bot', true],
    ['a command for another bot', '/ask@other_bot', false],
    ['a command for nobody', '/ask', false],
  ])('%s', async (_title, text, isSeen) => {
    const { say } = await openTelegram();
    expect(say({ userId: hana, chatId: family, text }).update !== null).toBe(isSeen);
  });

  test('passes replies to the bot, and its commands once it has written', async () => {
    const { api, say } = await openTelegram();
    const { message_id } = await api.sendMessage(family, 'a');
    const chat = { userId: duri, chatId: family };
    expect(say({ ...chat, text: 'b', replyTo: message_id }).update).not.toBeNull();
    expect(say({ ...chat, text: '/ask' }).update).not.toBeNull();
    expect(say({ ...chat, text: 'b' }).update).toBeNull();
  });

  test('can pass mentions, or be off', async () => {
    const { say, changeRules } = await openTelegram();
    const text = '안녕 @Gatehouse_bot';
    const seen = () => say({ userId: hana, chatId: family, text }).update !== null;
    changeRules({ privacyPassesMentions: true });
    expect(seen()).toBe(true);
    changeRules({ privacyMode: false });
    expect(say({ userId: hana, chatId: family, text: 'a' }).update).not.toBeNull();
  });
});

/** The rules of `sendMessage`, of chats that cannot be written to, and of limits, with grammY's client. */
import { InlineKeyboard } from 'grammy';
import { describe, expect, test } from 'vitest';
import {
  call,
  family,
  hana,
  json,
  lab,
  openTelegram,
  parametersOf,
  refusalOf,
  started,
  type TestTelegram,
} from './fake-telegram-fixture.ts';

test('getMe names the bot, with privacy mode as BotFather sets it', async () => {
  const { api, changeRules } = await openTelegram();
  expect(await api.getMe()).toMatchObject({
    id: 7_000_000_001,
    is_bot: true,
    username: 'gatehouse_bot',
    can_read_all_group_messages: false,
  });
  changeRules({ privacyMode: false });
  expect((await api.getMe()).can_read_all_group_messages).toBe(true);
});

describe('sendMessage', () => {
  test('answers with the message as it was stored', async () => {
    const { api, posted } = await started();
    const sent = await api.sendMessage(hana, ' <b>안녕</b> https://example.org ', {
      parse_mode: 'HTML',
      reply_markup: new InlineKeyboard().text('예', 'yes').url('More', 'https://example.org'),
    });
    expect(sent).toMatchObject({
      chat: { id: hana, type: 'private', first_name: '김하나', username: 'hana' },
      from: { is_bot: true, id: 7_000_000_001 },
      text: '안녕 https://example.org',
      entities: [
        { type: 'bold', offset: 0, length: 2 },
        { type: 'url', offset: 3, length: 19 },
      ],
      reply_markup: {
        inline_keyboard: [
          [
            { text: '예', callback_data: 'yes' },
            { text: 'More', url: 'https://example.org' },
          ],
        ],
      },
    });
    expect(posted(hana).map(({ messageId }) => messageId)).toEqual([sent.message_id]);
  });

  test('message ids grow over all private chats and groups; a supergroup counts by itself', async () => {
    const { api } = await started();
    const ids = [];
    for (const chat of [hana, family, lab, lab, hana]) {
      ids.push((await api.sendMessage(chat, 'a')).message_id);
    }
    const [first = 0, second = 0, , , last] = ids;
    expect([second, last]).toEqual([first + 1, first + 2]);
    expect(ids[3]).toBe(ids[2]! + 1);
  });

  const long = 'a'.repeat(4_096);
  test.each([
    ['an empty text', { text: '' }, '400 Bad Request: message text is empty'],
    ['blanks', { text: ' \n ' }, '400 Bad Request: message must be non-empty'],
    ['the largest text', { text: long }, 'done'],
    ['a text that is too long', { text: `${long}a` }, '400 Bad Request: message is too long'],
    ['2,048 emoji', { text: '😀'.repeat(2_048) }, 'done'],
    ['2,049 emoji', { text: '😀'.repeat(2_049) }, '400 Bad Request: message is too long'],
    [
      'markup that makes a long text short',
      { text: `<b>${'a'.repeat(4_090)}</b> &amp; &lt;`, parse_mode: 'HTML' as const },
      'done',
    ],
    [
      'broken HTML',
      { text: '<b>a', parse_mode: 'HTML' as const },
      '400 Bad Request: can\'t parse entities: Can\'t find end tag corresponding to start tag "b"',
    ],
    [
      'unescaped MarkdownV2',
      { text: 'a.b', parse_mode: 'MarkdownV2' as const },
      "400 Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
    ],
    [
      'an entity beyond the end',
      { text: 'ab', entities: [{ type: 'bold' as const, offset: 1, length: 2 }] },
      '400 Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 3',
    ],
    [
      'an entity that cuts an emoji',
      { text: '😀', entities: [{ type: 'bold' as const, offset: 1, length: 1 }] },
      '400 Bad Request: entity begins in a middle of a UTF-16 symbol at UTF-16 offset 1',
    ],
    [
      'an unknown message to reply to',
      { text: 'a', reply_parameters: { message_id: 77 } },
      '400 Bad Request: message to be replied not found',
    ],
    [
      'an unknown message to reply to, which may be missing',
      { text: 'a', reply_parameters: { message_id: 77, allow_sending_without_reply: true } },
      'done',
    ],
    [
      'button data of 64 bytes',
      { text: 'a', reply_markup: new InlineKeyboard().text('a', '가'.repeat(21) + 'a') },
      'done',
    ],
    [
      'button data of 65 bytes',
      { text: 'a', reply_markup: new InlineKeyboard().text('a', '가'.repeat(21) + 'ab') },
      '400 Bad Request: BUTTON_DATA_INVALID',
    ],
    [
      'a button with a URL that is none',
      { text: 'a', reply_markup: new InlineKeyboard().url('a', 'localhost') },
      '400 Bad Request: BUTTON_URL_INVALID',
    ],
    [
      'a button without action',
      { text: 'a', reply_markup: { inline_keyboard: [[{ text: 'a', callback_data: '' }]] } },
      "400 Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      '101 buttons',
      {
        text: 'a',
        reply_markup: {
          inline_keyboard: Array.from({ length: 101 }, (_, n) => [
            { text: 'a', callback_data: String(n) },
          ]),
        },
      },
      '400 Bad Request: reply markup is too long',
    ],
  ])('with %s', async (_title, { text, ...other }, outcome) => {
    const { api, posted } = await started();
    expect(await refusalOf(api.sendMessage(hana, text, other))).toBe(outcome);
    expect(posted(hana)).toHaveLength(outcome === 'done' ? 1 : 0);
  });

  test('the unit of the length can be code points', async () => {
    const { api, changeRules } = await started();
    changeRules({ textLengthUnit: 'codePoints' });
    await api.sendMessage(hana, '😀'.repeat(4_096));
    expect(await refusalOf(api.sendMessage(hana, '😀'.repeat(4_097)))).toContain('too long');
  });

  test('a reply carries the message that it answers, once', async () => {
    const { api, say } = await started();
    const question = say({ userId: hana, text: '질문' }).message;
    const first = await api.sendMessage(hana, '1', {
      reply_parameters: { message_id: question.messageId },
    });
    expect(first.reply_to_message).toMatchObject({ text: '질문', from: { id: hana } });
    const second = await api.sendMessage(hana, '2', {
      reply_parameters: { message_id: first.message_id },
    });
    expect(second.reply_to_message).toMatchObject({ text: '1' });
    expect(second.reply_to_message).not.toHaveProperty('reply_to_message');
  });

  test('topics: a known one, an unknown one, and a group without topics', async () => {
    const { api } = await started();
    const sent = await api.sendMessage(lab, 'a', { message_thread_id: 2 });
    expect(sent).toMatchObject({
      message_thread_id: 2,
      is_topic_message: true,
      chat: { is_forum: true },
    });
    for (const unknown of [1, 77]) {
      const attempt = api.sendMessage(lab, 'a', { message_thread_id: unknown });
      expect(await refusalOf(attempt)).toBe('400 Bad Request: message thread not found');
    }
    expect(await api.sendMessage(family, 'a', { message_thread_id: 77 })).not.toHaveProperty(
      'message_thread_id',
    );
  });
});

describe('a chat that cannot be written to', () => {
  const cases: [string, number, (telegram: TestTelegram) => void, string][] = [
    ['does not exist', 999, () => undefined, '400 Bad Request: chat not found'],
    [
      'is that of a user who never wrote',
      hana,
      () => undefined,
      "403 Forbidden: bot can't initiate conversation with a user",
    ],
    [
      'is that of a user who blocked the bot',
      hana,
      ({ say, block }) => (say({ userId: hana, text: 'a' }), block(hana)),
      '403 Forbidden: bot was blocked by the user',
    ],
    [
      'is that of a deleted account',
      hana,
      ({ say, deactivate }) => (say({ userId: hana, text: 'a' }), deactivate(hana)),
      '403 Forbidden: user is deactivated',
    ],
    [
      'is a group that removed the bot',
      family,
      ({ kick }) => kick(family),
      '403 Forbidden: bot was kicked from the group chat',
    ],
    [
      'is a supergroup that removed the bot',
      lab,
      ({ kick }) => kick(lab),
      '403 Forbidden: bot was kicked from the supergroup chat',
    ],
    [
      'has become a supergroup',
      family,
      ({ migrate }) => void migrate(family),
      '400 Bad Request: group chat was upgraded to a supergroup chat',
    ],
  ];
  test.each(cases)('since it %s', async (_title, chatId, prepare, refusal) => {
    const telegram = await openTelegram();
    prepare(telegram);
    expect(await refusalOf(telegram.api.sendMessage(chatId, 'a'))).toBe(refusal);
    expect(await refusalOf(telegram.api.sendChatAction(chatId, 'typing'))).toBe(refusal);
    expect(telegram.posted(chatId)).toEqual([]);
  });

  test('names the supergroup that a group has become, which takes messages', async () => {
    const telegram = await openTelegram();
    const { api } = telegram;
    telegram.migrate(family);
    const parameters = await parametersOf(api.sendMessage(family, 'a'));
    const { migrate_to_chat_id: now = 0 } = parameters as { migrate_to_chat_id?: number };
    expect((await api.sendMessage(now, 'a')).chat).toMatchObject({ type: 'supergroup' });
  });

  test('takes messages again when the user unblocks the bot, or a member adds it', async () => {
    const telegram = await started();
    telegram.block(hana);
    telegram.unblock(hana);
    telegram.kick(family);
    telegram.add(family);
    await telegram.api.sendMessage(hana, 'a');
    await telegram.api.sendMessage(family, 'a');
  });
});

describe('a limit of the rate', () => {
  const limits = { chatIntervalMs: 1_000, groupPerMinute: 20, perSecond: 30 };
  const flood = (seconds: number): string => `429 Too Many Requests: retry after ${seconds}`;

  test('of one message per second in a chat names the seconds to wait, also in a header', async () => {
    const telegram = await openTelegram({ rules: limits });
    const { api, wait } = telegram;
    telegram.say({ userId: hana, text: 'a' });
    const { message_id } = await api.sendMessage(hana, '1');
    expect(await refusalOf(api.sendMessage(hana, '2'))).toBe(flood(1));
    expect(await refusalOf(api.editMessageText(hana, message_id, '2'))).toBe(flood(1));
    expect(await parametersOf(api.sendMessage(hana, '2'))).toEqual({ retry_after: 1 });
    const raw = await call(telegram, 'sendMessage', json({ chat_id: hana, text: '2' }));
    expect(raw.headers.get('retry-after')).toBe('1');
    expect(await refusalOf(api.sendChatAction(hana, 'typing'))).toBe('done');
    wait(1_000);
    expect(await refusalOf(api.sendMessage(hana, '2'))).toBe('done');
    expect(telegram.posted(hana)).toHaveLength(2);
  });

  test('of 20 messages per minute in a group', async () => {
    const { api, wait } = await openTelegram({ rules: limits });
    for (let n = 0; n < 20; n += 1) {
      await api.sendMessage(family, `${n}`);
      wait(1_000);
    }
    expect(await refusalOf(api.sendMessage(family, 'a'))).toBe(flood(40));
    wait(40_000);
    expect(await refusalOf(api.sendMessage(family, 'a'))).toBe('done');
  });

  test('of 30 messages per second to all chats', async () => {
    const users = Array.from({ length: 31 }, (_, n) => ({
      id: n + 1,
      firstName: `${n}`,
      username: null,
    }));
    const { api, say, wait } = await openTelegram({ rules: limits, users });
    for (const { id } of users) say({ userId: id, text: 'a' });
    for (let id = 1; id <= 30; id += 1) await api.sendMessage(id, 'a');
    expect(await refusalOf(api.sendMessage(31, 'a'))).toBe(flood(1));
    wait(1_000);
    expect(await refusalOf(api.sendMessage(31, 'a'))).toBe('done');
  });
});

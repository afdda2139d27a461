/** Updates in the forms in which Telegram sends them; several come from reports about other bots. */
import { describe, expect, test } from 'vitest';
import { createMigrations } from '#channels/telegram/migrations';
import { parseTargets } from '#channels/telegram/targets';
import { createUpdateReader } from '#channels/telegram/update-reader';
import { silentLog } from '#shared/log';

const me = { id: 700, username: 'gatehouse_bot' };
const kim = { id: 42, is_bot: false, first_name: 'Kim', language_code: 'en' };
const bot = { id: 700, is_bot: true, first_name: 'Gatehouse', username: 'gatehouse_bot' };
const direct = { id: 42, type: 'private', first_name: 'Kim' };
const group = { id: -5, type: 'group', title: 'Home' };
const forum = { id: -1_001, type: 'supergroup', title: 'Forum', is_forum: true };
const date = 1_790_000_000;

function reader() {
  const targets = parseTargets({
    token: '700:x',
    apiRoot: 'https://api.telegram.org',
    allowedUserIds: [42],
    groups: [
      { id: -5, triggerWords: ['도움', '!'] },
      { id: -1_001, triggerWords: [], allowedUserIds: ['42'] },
    ],
  });
  const read = createUpdateReader({ me, targets, migrations: createMigrations(silentLog()) });
  let updates = 0;
  const of = (update: object) => read({ update_id: (updates += 1), ...update });
  return {
    of,
    message: (change: object) =>
      of({ message: { message_id: 9, date, from: kim, chat: direct, ...change } }),
  };
}

const said = (read: ReturnType<ReturnType<typeof reader>['message']>) => {
  if (read.kind === 'message') return read.message.text;
  if (read.kind === 'answer' || read.kind === 'stranger')
    return `${read.kind}: ${read.notice.text}`;
  return read.kind;
};

describe('a message', () => {
  test('is one row, whichever update brings it: its key is that of bot, chat and number', () => {
    const { message } = reader();
    const keys = [1, 2]
      .map(() => message({ text: 'hi' }))
      .map((read) => read.kind === 'message' && read.message.key);
    expect(keys).toEqual(['m_700_42_9', 'm_700_42_9']);
  });

  test.each<[string, object, string]>([
    ['of a user', { text: ' what? ' }, 'what?'],
    ['with U+0000', { text: 'a\u0000b' }, 'ab'],
    [
      'that was forwarded: it confirms nothing',
      { text: 'yes', forward_origin: { type: 'hidden_user', sender_user_name: 'Eve]', date } },
      '[Forwarded message from Eve ]\nyes',
    ],
    [
      'that was forwarded and looks like a command',
      { text: '/cancel', forward_origin: { type: 'user', sender_user: kim, date } },
      '[Forwarded message from Kim]\n/cancel',
    ],
    ['/cancel', { text: '/cancel' }, 'cancel'],
    [
      '/start with a payload',
      { text: '/start ref_1' },
      'answer: Hello. Send a message and you get an answer. /help says what is possible.',
    ],
    ['a command of nobody', { text: '/weather 서울' }, '/weather 서울'],
    [
      'a voice note',
      { voice: { file_id: 'v', file_unique_id: 'u', duration: 3 } },
      expect.stringContaining('Voice notes') as never,
    ],
    ['a round video', { video_note: {} }, expect.stringContaining('Voice notes') as never],
    [
      'a picture with a caption',
      { photo: [{}], caption: 'what is it?' },
      expect.stringContaining('Pictures') as never,
    ],
    ['a sticker', { sticker: {} }, expect.stringContaining('cannot be read') as never],
    [
      'an animation, which comes with a document',
      { animation: {}, document: { file_id: 'd', file_unique_id: 'u' } },
      expect.stringContaining('cannot be read') as never,
    ],
    ['a poll', { poll: {} }, expect.stringContaining('cannot be read') as never],
    ['a pinned message', { pinned_message: {} }, 'ignored'],
    [
      'a document of 20 MB and a byte',
      {
        document: {
          file_id: 'd',
          file_unique_id: 'u',
          file_name: 'a.pdf',
          file_size: 20 * 1024 ** 2 + 1,
        },
      },
      expect.stringContaining('a.pdf') as never,
    ],
  ])('%s', (_, change, expected) => {
    expect(said(reader().message(change))).toEqual(expected);
  });

  test('of a stranger gets one name a day for its sentence, with the number of the user', () => {
    const { message } = reader();
    const eve = { id: 666, is_bot: false, first_name: 'Eve' };
    const [first, again, later] = [date, date + 60, date + 90_000].map((at) =>
      message({ from: eve, chat: { ...direct, id: 666 }, date: at, text: 'hi' }),
    );
    expect(said(first!)).toContain('666');
    const names = [first, again, later].map(
      (read) => read!.kind === 'stranger' && read!.notice.name,
    );
    expect(names[0]).toBe(names[1]);
    expect(names[2]).not.toBe(names[0]);
  });

  test('of an album has the words of the album, each file as a message of its own', () => {
    const { message } = reader();
    const file = (id: string) => ({
      media_group_id: 'g',
      message_id: Number(id),
      document: { file_id: id, file_unique_id: id },
    });
    const reads = [
      message({ ...file('1'), caption: 'compare' }),
      message(file('2')),
      message(file('3')),
    ];
    expect(
      reads.map(
        (read) => read.kind === 'message' && [read.message.text, read.message.file?.postId],
      ),
    ).toEqual([
      ['compare', '1'],
      ['compare', '2'],
      ['compare', '3'],
    ]);
  });
});

describe('a message in a group', () => {
  const mention = (text: string, at: number, type = 'mention') => ({
    chat: group,
    text,
    entities: [{ type, offset: at, length: 14, ...(type === 'mention' ? {} : { user: bot }) }],
  });

  test.each<[string, object, string]>([
    ['without the name of the bot', { chat: group, text: 'hello' }, 'ignored'],
    ['with the name, in any case, after an emoji', mention('😀 @Gatehouse_BOT now?', 3), '😀 now?'],
    ['with the name first', mention('@gatehouse_bot, now?', 0), 'now?'],
    ['with the name of another bot', mention('@gatehouse_box now?', 0), 'ignored'],
    ['with the bot as a link', mention('Gatehouse-bot! now?', 0, 'text_mention'), 'now?'],
    [
      'with the name alone',
      mention('@gatehouse_bot', 0),
      expect.stringContaining('Just send') as never,
    ],
    ['with a trigger word', { chat: group, text: '도움: 뭐야?' }, '뭐야?'],
    ['with a longer word', { chat: group, text: '도움말 뭐야?' }, 'ignored'],
    [
      'with a caption that names the bot',
      {
        chat: group,
        caption: 'read @gatehouse_bot',
        caption_entities: [{ type: 'mention', offset: 5, length: 14 }],
        document: { file_id: 'f', file_unique_id: 'u' },
      },
      'read',
    ],
    [
      'that answers the bot',
      {
        chat: group,
        text: 'and?',
        reply_to_message: { message_id: 3, date, chat: group, from: bot },
      },
      'and?',
    ],
    [
      'that answers somebody',
      {
        chat: group,
        text: 'and?',
        reply_to_message: { message_id: 3, date, chat: group, from: kim },
      },
      'ignored',
    ],
    [
      'in a topic that the bot has opened',
      {
        chat: forum,
        is_topic_message: true,
        message_thread_id: 3,
        text: 'and?',
        reply_to_message: { message_id: 3, date, chat: forum, from: bot, forum_topic_created: {} },
      },
      'ignored',
    ],
    ['a command for another bot', { chat: group, text: '/help@other_bot' }, 'ignored'],
    ['a command for the bot', { chat: group, text: '/cancel@gatehouse_bot' }, 'cancel'],
    [
      'of an anonymous admin',
      {
        ...mention('@gatehouse_bot hi', 0),
        from: { id: 1_087_968_824, is_bot: true, first_name: 'Group' },
        sender_chat: group,
      },
      expect.stringContaining('as yourself') as never,
    ],
    [
      'of another bot',
      { ...mention('@gatehouse_bot hi', 0), from: { id: 8, is_bot: true, first_name: 'B' } },
      'ignored',
    ],
    [
      'forwarded by Telegram from a linked channel',
      { ...mention('@gatehouse_bot hi', 0), is_automatic_forward: true },
      'ignored',
    ],
    [
      'in a group that is not configured',
      { ...mention('@gatehouse_bot hi', 0), chat: { ...group, id: -6 } },
      expect.stringContaining('-6') as never,
    ],
    ['where somebody joined', { chat: group, new_chat_members: [kim] }, 'ignored'],
  ])('%s', (_, change, expected) => {
    expect(said(reader().message(change))).toEqual(expected);
  });

  test.each<[string, object, string]>([
    ['a topic', { chat: forum, is_topic_message: true, message_thread_id: 7 }, 'group-1001/7'],
    [
      'a thread of replies, which is no topic',
      { chat: { ...forum, is_forum: undefined }, message_thread_id: 7 },
      'group-1001',
    ],
    ['a topic of a private chat', { is_topic_message: true, message_thread_id: 7 }, 'main/7'],
  ])('is answered where it came from: %s', (_, change, target) => {
    const answered = { reply_to_message: { message_id: 3, date, chat: group, from: bot } };
    const read = reader().message({ text: 'hi', ...answered, ...change });
    expect(read.kind === 'message' && read.message.target).toBe(target);
  });

  test('that has become a supergroup keeps its target', () => {
    const { message } = reader();
    expect(said(message({ chat: group, migrate_to_chat_id: -1_009 }))).toBe('ignored');
    const read = message({ ...mention('@gatehouse_bot hi', 0), chat: { ...forum, id: -1_009 } });
    expect(read.kind === 'message' && read.message.target).toBe('group-5');
  });
});

test('an edit gets a sentence only if its text is another one', () => {
  const { message, of } = reader();
  message({ text: 'first' });
  const edit = (change: object) =>
    said(of({ edited_message: { message_id: 9, date, from: kim, chat: direct, ...change } }));
  expect([
    edit({ text: 'first', edit_date: date + 1 }),
    edit({ text: 'other' }),
    edit({ location: {}, edit_date: date + 1 }),
    edit({ text: 'other', edit_date: date + 1 }),
  ]).toEqual(['ignored', 'ignored', 'ignored', expect.stringContaining('not read again')]);
});

test.each<[string, object, unknown]>([
  ['a draft', { data: 'confirm:01JOB:3' }, { jobId: '01JOB', action: 'confirm', n: 3 }],
  ['an old form', { data: 'like' }, null],
  [
    'a message that is too old to be passed on',
    { data: 'undo:01JOB:3', message: { chat: direct, message_id: 4, date: 0 } },
    { jobId: '01JOB', action: 'undo', n: 3 },
  ],
  ['an inline message, without a chat', { data: 'undo:01JOB:3', message: undefined }, null],
  [
    'a stranger',
    { data: 'confirm:01JOB:3', from: { id: 666, is_bot: false, first_name: 'Eve' } },
    null,
  ],
])('a press on a button of %s', (_, change, click) => {
  const message = { chat: direct, message_id: 4, date, from: bot, text: 'draft' };
  const read = reader().of({
    callback_query: { id: 'q', from: kim, message, chat_instance: 'c', ...change },
  });
  expect(read).toMatchObject({ kind: 'click', queryId: 'q' });
  expect(read.kind === 'click' && (read.message?.click ?? null)).toEqual(click);
});

test('other updates are named or ignored', () => {
  const { of } = reader();
  const left = {
    chat: group,
    from: kim,
    date,
    old_chat_member: {},
    new_chat_member: { status: 'kicked', user: bot },
  };
  expect(of({ my_chat_member: left })).toEqual({
    kind: 'membership',
    chatId: -5,
    status: 'kicked',
  });
  expect(of({ message_reaction: {} }).kind).toBe('ignored');
  expect(
    of({
      message: { message_id: 1, date, chat: { id: -9, type: 'channel', title: 'News' }, text: 'x' },
    }).kind,
  ).toBe('ignored');
});

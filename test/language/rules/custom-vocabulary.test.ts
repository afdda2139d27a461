/** The custom vocabulary of the configuration: mail folders, accounts, providers, model servers and the zone. */
import { describe, expect, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { configuredNames } from '#app/configured-names';
import { systemTimeZone } from '#shared/system-time-zone';
import { describeRoute, route } from '#language/rules/route';

const login = { username: 'me@example.org', password: 'p' };

const config = configSchema.parse({
  backends: [
    {
      id: 'big',
      baseUrl: 'http://atlas:8800/v1',
      model: 'mlx-community/gemma-4-26b',
      names: ['대왕'],
    },
    { id: 'small', baseUrl: 'http://127.0.0.1:11434/v1', model: 'phi4:14b' },
  ],
  tools: {
    email: {
      provider: 'imap',
      name: 'Alice',
      host: 'imap.example.org',
      ...login,
      folders: [
        { path: 'Firma/2026', words: ['회사', '한빛 상사'] },
        { path: 'Receipts', words: ['영수증', 'receipts', 'money stuff'] },
        { path: 'Lists', words: ['shared'] },
      ],
      accounts: [
        {
          name: 'Club',
          host: 'imap.naver.com',
          ...login,
          folders: [{ path: 'Team', words: ['shared', '집'] }],
        },
      ],
    },
  },
});
const home = configuredNames(config);

const now = Date.parse('2026-12-01T09:00:00+09:00');
const decide = (message: string, words = home) =>
  describeRoute(route(message, { ...words, now, timeZone: 'Asia/Seoul', pendingDraft: false }));
const folderIn = (message: string, words = home): unknown =>
  decide(message, words).params?.['folder'];

describe('mail folders of the configuration', () => {
  test.each([
    ['회사 메일 보여줘', 'Firma/2026'],
    ['회사메일확인해줘', 'Firma/2026'],
    ['한빛 상사 메일 왔어?', 'Firma/2026'],
    ['한빛상사 메일 왔어?', 'Firma/2026'],
    ['한빛 상사에서 온 메일 있어?', 'Firma/2026'],
    ['영수증 메일 보여줘', 'Receipts'],
    ['영수증메일 보여줘', 'Receipts'],
    ['Receipts 메일 보여줘', 'Receipts'],
    ['오늘 영수증 메일함에 새 메일 있어?', 'Receipts'],
    ['집 메일 보여줘', 'Team'],
    ['네이버 메일 보여줘', 'Naver'],
    ['club 메일 확인해줘', 'Club'],
    // A synonym of 회사.
    ['check my work email', 'Firma/2026'],
    ['show my receipts folder', undefined],
    ['check my receipts inbox', 'Receipts'],
    ['do i have any new emails in receipts', 'Receipts'],
    ['do i have new mail in my money stuff folder?', 'Receipts'],
    ['show me unread emails in my naver account', 'Naver'],
    ['check my club inbox', 'Club'],
    // Two accounts have a folder with this word: the tool searches both.
    ['check my shared inbox', 'shared'],
  ])('the message %j searches the folder %j', (message, folder) => {
    expect(folderIn(message)).toBe(folder);
  });

  test.each([
    ['앨리스한테서 온 메일', '앨리스'],
    ['show me emails from alice', 'alice'],
    ['did alice email me', 'alice'],
  ])('the message %j names a sender, although an account has that name', (message, from) => {
    const { params } = decide(message, { mailFolders: [{ folder: 'alice', words: ['앨리스'] }] });
    expect(params).toMatchObject({ from });
    expect(params).not.toHaveProperty('folder');
  });

  test('a word of a folder is an ordinary word in other questions', () => {
    expect(decide('영수증 문서 찾아줘')).toMatchObject({
      tool: 'document',
      params: { query: '영수증' },
    });
    expect(decide('find receipts in my documents')).toMatchObject({
      tool: 'document',
      params: { query: 'receipts' },
    });
    expect(decide('find emails about receipts')).toMatchObject({
      tool: 'email',
      params: { query: 'receipts' },
    });
  });

  test('without a configuration, a word for work is passed on as a folder name', () => {
    expect(folderIn('회사 메일 보여줘', {})).toBe('회사');
    expect(folderIn('check my work email', {})).toBe('work');
    expect(folderIn('개인 메일 확인해줘', {})).toBe('INBOX');
    expect(folderIn('지메일 새 거 있어?', {})).toBe('Gmail');
  });
});

describe('model servers of the configuration', () => {
  test.each([
    'gemma 바빠?',
    '젬마 일하고 있어?',
    '대왕 바빠?',
    'atlas 상태 어때?',
    'is big busy?',
    'phi',
    'how is atlas doing?',
    '대왕',
  ])('the message %j asks for the system status', (message) => {
    expect(decide(message).action).toBe('system_status');
  });

  test.each(['zephyr', 'is falcon busy?', '팔콘 뭐 하고 있어?'])(
    'the message %j names no server and no model family, and goes to the classifier',
    (message) => {
      expect(decide(message).action).toBe('classify');
    },
  );
});

test('the configured time zone is that of the machine unless the configuration names one', () => {
  expect(configSchema.parse({}).timezone).toBe(systemTimeZone());
  expect(configSchema.parse({ timezone: 'auto' }).timezone).toBe(systemTimeZone());
  expect(configSchema.parse({ timezone: 'Asia/Seoul' }).timezone).toBe('Asia/Seoul');
});

import { describe, expect, test } from 'vitest';
import { parseConfig } from '#app/config/load-config';
import { apiKeysOf } from '#app/config/persons-settings';

const env = { KIM_KEY: 'k'.repeat(8) + 'im', CHAT: '4' };
const read = (...lines: string[]) => parseConfig(lines.join('\n'), 'gatehouse.yaml', env);
const kim = 'persons: [{id: kim, name: 김, keys: [kim-key-1], channels: {synology: 4}}]';
const refusalOf = (...lines: string[]): string => {
  try {
    read(...lines);
  } catch (error) {
    expect(error).toMatchObject({ code: 'GH_CONFIG_INVALID' });
    return String(error);
  }
  throw new Error(`accepted: ${lines.join(' ')}`);
};

describe('the key `persons`', () => {
  test('is empty by default', () => {
    expect(read('').persons).toEqual([]);
  });

  test('reads ids of chats as text, and keys from the environment', () => {
    const { persons } = read(
      'persons:',
      '  - {id: kim, keys: ["${KIM_KEY}"], channels: {synology: "${CHAT}", telegram: 123456}}',
    );
    expect(persons).toEqual([
      { id: 'kim', keys: [env.KIM_KEY], channels: { synology: '4', telegram: '123456' } },
    ]);
  });

  test('adds its keys to those of the server', () => {
    const config = read('server: {apiKeys: [operator-key]}', kim);
    expect(apiKeysOf(config)).toEqual(['operator-key', { key: 'kim-key-1', user: 'kim' }]);
  });

  test.each([
    ['persons: [{id: kim}, {id: kim}]', 'persons[1].id: expected an id of its own'],
    ['persons: [{id: "k m"}]', 'persons[0].id'],
    [
      'persons: [{id: kim, channels: {matrix: 4}}]',
      'expected a channel with a bridge: synology, telegram',
    ],
    [
      'persons: [{id: kim, channels: {synology: 4}}, {id: lee, channels: {synology: "4"}}]',
      'expected an id of lee only: kim has the same one',
    ],
    ['persons: [{id: kim, keys: [one-key, one-key]}]', 'the same key stands twice'],
    [
      'persons: [{id: kim, keys: [one-key]}, {id: lee, keys: [one-key]}]',
      'the same key stands twice',
    ],
    ['persons: [{id: kim, keys: ["with blank"]}]', 'visible ASCII'],
    [
      'persons: [{id: kim, channels: {synology: lee}}, {id: lee}]',
      'expected an id that is none of a chat: kim has it there',
    ],
  ])('%s is refused at the start: %s', (persons, why) => {
    expect(refusalOf(persons)).toContain(why);
  });

  test.each([
    ['server: {apiKeys: [kim-key-1]}', 'the same key stands twice'],
    ['server: {apiKeys: [{key: other-key, user: "4"}]}', 'server.apiKeys[0].user: expected kim'],
    ['synology: {users: {"4": papa}}', 'write it at persons, kim: channels: {synology: 4}'],
    ['synology: {users: {"5": kim}}', 'write it at persons, kim'],
    ['mcp: {servers: [{id: notes, command: [notes], users: ["4"]}]}', 'expected kim'],
    [
      'tools: {calendar: {provider: local}, email: {provider: imap, host: h, username: u, password: p, users: ["4"]}}',
      'tools.email.users[0]: expected kim',
    ],
    [
      'tools: {email: {provider: imap, host: h, username: u, password: p, accounts: [{host: h, username: v, password: p, users: ["4"]}]}}',
      'expected kim',
    ],
  ])('a file that says something else about a person is refused: %s', (line, why) => {
    expect(refusalOf(kim, line)).toContain(why);
  });

  test('a person with the id of another user of the chat is refused', () => {
    const line = 'synology: {incomingUrl: "http://nas/x", token: t, allowedUserIds: [4, 5]}';
    expect(refusalOf('persons: [{id: "5"}]', line)).toContain('a user of synology has it');
    expect(read('persons: [{id: "5", channels: {synology: 5}}]', line).persons[0]?.id).toBe('5');
    const group = 'telegram: {groups: [{id: -4, allowedUserIds: [5]}]}';
    expect(refusalOf('persons: [{id: "5"}]', group)).toContain('a user of telegram has it');
    read('persons: [{id: "5", channels: {telegram: 5}}]', group);
  });

  test('a key that stands twice is not quoted', () => {
    expect(refusalOf('persons: [{id: kim, keys: [secret-key, secret-key]}]')).not.toContain(
      'secret-key',
    );
  });

  test('what names persons by their ids, or other users, is accepted', () => {
    read(kim, 'server: {apiKeys: [{key: other-key, user: kim}, {key: third-key, user: "5"}]}');
    read(kim, 'synology: {users: {"5": lee}}');
    read(kim, 'mcp: {servers: [{id: notes, command: [notes], users: [kim, "5"]}]}');
  });
});

/** `gatehouse persons` on a database that no core uses. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findCommand } from '#cli/command';
import { commands } from '#cli/commands';
import { adoptForPersons, listPersons } from '#cli/persons';
import { openDatabase } from '#storage/database';
import { scratchFolder } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
let printed: string[];
let configFile: string;
beforeEach(async () => {
  scratch = scratchFolder();
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  configFile = join(scratch.path, 'gatehouse.yaml');
  const path = join(scratch.path, 'gatehouse.db');
  const lines = [
    `database: ${path}`,
    'persons:',
    '  - { id: kim, name: 김, keys: [kim-key-of-24-characters], channels: { synology: 4 } }',
    '  - { id: lee, channels: { synology: 5 } }',
  ];
  writeFileSync(configFile, lines.join('\n'));
  const { connection, close } = await openDatabase({ path });
  const insert = connection.prepare(
    `insert into memory_fact (id, user_id, text, created_by, created_at, revision)
      values (?, ?, 'x', 'chat', 1, 1)`,
  );
  for (const [id, user] of ['4', '4', '6'].entries()) insert.run(`fact-${id}`, user);
  await close();
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch.remove();
});

const all = { person: undefined, channel: undefined, yes: false, json: false };
const lines = (): string[] => printed.splice(0);

test('persons are listed with what is left under their ids, shown before it is adopted, and adopted once', async () => {
  await listPersons(configFile, false);
  expect(lines()).toEqual([
    'kim  김  (synology 4, 1 key)',
    '  under 4 (synology): 2 facts',
    '  not shown to kim yet: gatehouse persons adopt kim',
    'lee  lee  (synology 5, 0 keys)',
  ]);
  await adoptForPersons({ ...all, configFile });
  expect(lines()).toEqual([
    '4 (synology) to kim: 2 facts',
    'nothing was changed; stop the core, make a backup, and add --yes',
  ]);
  await adoptForPersons({ ...all, configFile, person: 'lee', yes: true });
  expect(lines()).toEqual(['nothing is stored under ids in chats']);
  await adoptForPersons({ ...all, configFile, person: 'kim', channel: 'synology', yes: true });
  expect(lines()).toEqual(['4 to kim: 2 facts']);
  await adoptForPersons({ ...all, configFile, yes: true, json: true });
  expect(lines()).toEqual(['{"adopted":[]}']);
  await listPersons(configFile, true);
  const { persons } = JSON.parse(lines()[0]!) as { persons: unknown[] };
  expect(persons[0]).toEqual({
    id: 'kim',
    name: '김',
    channels: { synology: '4' },
    keys: 1,
    earlier: [],
  });
});

test('a person who is not configured is refused; a running core keeps the database', async () => {
  await expect(adoptForPersons({ ...all, configFile, person: 'bob' })).rejects.toMatchObject({
    code: 'GH_PERSON_UNKNOWN',
  });
  const core = await openDatabase({ path: join(scratch.path, 'gatehouse.db') });
  try {
    // Reading is possible, and adopting is not.
    await adoptForPersons({ ...all, configFile });
    await expect(adoptForPersons({ ...all, configFile, yes: true })).rejects.toMatchObject({
      code: 'GH_STORE_LOCKED',
    });
  } finally {
    await core.close();
  }
});

test('the commands are found by their words', () => {
  expect(findCommand(commands, ['persons'])?.name).toBe('persons list');
  expect(findCommand(commands, ['persons', 'adopt', 'kim', 'synology'])).toMatchObject({
    name: 'persons adopt',
    words: ['kim', 'synology'],
  });
});

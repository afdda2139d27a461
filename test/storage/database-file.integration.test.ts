/** The database file: one owner under all its names, no changes to foreign files, no writes to a missing file. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { backUp, restore } from '#storage/backup';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';
import { openDatabase } from '#storage/database';
import { direct, openCore } from '#test/support/core';
import { scratchFolder } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
let path: string;
beforeEach(() => {
  scratch = scratchFolder();
  path = join(scratch.path, 'gatehouse.db');
});
afterEach(() => scratch.remove());

type Opener = (file: string) => Promise<{ close(): Promise<void> | void }>;
const kinds: readonly [string, Opener][] = [
  ['core', (file) => openDatabase({ path: file })],
  ['bridge', (file) => Promise.resolve().then(() => openBridgeDatabase(file))],
];

/** Other names of the file under which a second process could open it. */
const otherNames: readonly [string, (file: string) => string][] = [
  [
    'a symbolic link',
    (file) => {
      const other = join(scratch.path, 'link.db');
      symlinkSync(file, other);
      return other;
    },
  ],
  [
    'a symbolic link to its folder',
    (file) => {
      const folder = join(scratch.path, 'folder');
      symlinkSync(scratch.path, folder);
      return join(folder, file.split('/').at(-1)!);
    },
  ],
  [
    'a hard link',
    (file) => {
      mkdirSync(join(scratch.path, 'elsewhere'));
      const other = join(scratch.path, 'elsewhere', 'hard.db');
      linkSync(file, other);
      return other;
    },
  ],
  [
    'its own name after its lock file was removed',
    (file) => {
      rmSync(`${file}.lock`);
      return file;
    },
  ],
];

describe.each(kinds)('the database of the %s', (_kind, open) => {
  test.each(otherNames)('has one owner: %s is refused', async (_name, otherName) => {
    const owner = await open(path);
    onTestFinished(async () => owner.close());
    await expect(open(otherName(path))).rejects.toMatchObject({ code: 'GH_STORE_LOCKED' });
  });

  test('can be opened under each name after its owner has closed it', async () => {
    await (await open(path)).close();
    for (const [, otherName] of otherNames.slice(0, 3)) {
      await (await open(otherName(path))).close();
    }
  });

  test('is refused when the path is a symbolic link without a target', async () => {
    symlinkSync(join(scratch.path, 'nowhere', 'x.db'), path);
    await expect(open(path)).rejects.toMatchObject({ code: 'GH_STORE_OPEN' });
    expect(readdirSync(scratch.path)).toEqual(['gatehouse.db']);
  });
});

test.each(otherNames)(
  'a restore through %s is refused while the core owns the database',
  async (_name, otherName) => {
    const owner = await openDatabase({ path });
    onTestFinished(() => owner.close());
    const copy = join(scratch.path, 'copy.db');
    backUp(path, copy);
    expect(() => restore(copy, otherName(path), Date.now())).toThrow(
      expect.objectContaining({ code: 'GH_STORE_LOCKED' }),
    );
  },
);

test('a restore through a symbolic link replaces the file and keeps the link', async () => {
  await (await openDatabase({ path })).close();
  const copy = join(scratch.path, 'copy.db');
  backUp(path, copy);
  const link = join(scratch.path, 'link.db');
  symlinkSync(path, link);
  restore(copy, link, Date.now());
  expect(statSync(link).ino).toBe(statSync(path).ino);
  await (await openDatabase({ path: link })).close();
});

/** Files that a misspelt path may name: label, error code, and a function that creates the file. */
const foreign: readonly [string, string, (file: string) => void][] = [
  ['a text', 'GH_STORE_CORRUPT', (file) => writeFileSync(file, 'shopping list\n'.repeat(100))],
  [
    'a database of another program',
    'GH_STORE_OPEN',
    (file) => {
      const other = new Sqlite(file);
      other.exec('create table bookmarks (url text); insert into bookmarks values (1)');
      other.close();
    },
  ],
  [
    'one with a write-ahead log',
    'GH_STORE_OPEN',
    (file) => {
      const other = new Sqlite(file);
      other.pragma('journal_mode = WAL');
      other.exec('create table bookmarks (url text); insert into bookmarks values (1)');
      other.close();
    },
  ],
  [
    'one with an application id',
    'GH_STORE_OPEN',
    (file) => {
      const other = new Sqlite(file);
      other.pragma('application_id = 252006674');
      other.exec('create table fossil (x)');
      other.close();
    },
  ],
  ['a folder', 'GH_STORE_OPEN', (file) => mkdirSync(file)],
  ['a named pipe', 'GH_STORE_OPEN', (file) => execFileSync('mkfifo', [file], { timeout: 20_000 })],
];

describe.each(kinds)('a database path of the %s that names a foreign file', (_kind, open) => {
  test.each(foreign)('is refused, and the file is not changed: %s', async (_name, code, make) => {
    make(path);
    if (statSync(path).isFile()) chmodSync(path, 0o644);
    const before = statSync(path);
    const bytes = before.isFile() ? readFileSync(path) : null;
    await expect(open(path)).rejects.toMatchObject({ code });
    const after = statSync(path);
    expect([after.mode, after.mtimeMs, after.size]).toEqual([
      before.mode,
      before.mtimeMs,
      before.size,
    ]);
    if (bytes !== null) expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(scratch.path)).toEqual(['gatehouse.db']);
  });
});

test('core and bridge refuse the database of each other, with and without an application id', async () => {
  const bridge = join(scratch.path, 'synology.db');
  await (await openDatabase({ path })).close();
  openBridgeDatabase(bridge).close();
  for (const isOld of [false, true]) {
    if (isOld) {
      for (const file of [path, bridge]) {
        const old = new Sqlite(file);
        old.pragma('application_id = 0');
        old.close();
      }
    }
    await expect(openDatabase({ path: bridge })).rejects.toThrow(/is the database of the bridge/);
    expect(() => openBridgeDatabase(path)).toThrow(/is the database of the core/);
  }
  await (await openDatabase({ path })).close();
  openBridgeDatabase(bridge).close();
});

test('the core opens an empty file and a database without tables', async () => {
  writeFileSync(path, '');
  await (await openDatabase({ path })).close();
  const empty = join(scratch.path, 'empty.db');
  new Sqlite(empty).exec('create table x (y); drop table x').close();
  await (await openDatabase({ path: empty })).close();
});

describe('a database file that is lost while its program runs', () => {
  const ways: readonly [string, (file: string) => void][] = [
    ['deleted', (file) => rmSync(file)],
    [
      'replaced by a copy',
      (file) => {
        copyFileSync(file, `${file}.copy`);
        renameSync(`${file}.copy`, file);
      },
    ],
    ['moved', (file) => renameSync(file, `${file}.aside`)],
  ];
  test.each(ways)(
    'makes the core refuse messages and documents with 503 when it was %s',
    async (_name, lose) => {
      const fixture = await openCore();
      onTestFinished(() => fixture.close());
      const { url } = fixture.core;
      const post = (route: string, body: object) =>
        fetch(`${url}${route}`, { method: 'POST', body: JSON.stringify(body) });
      fixture.small.script(direct('네'));
      await fixture.ask('안녕');
      lose(fixture.config.database);
      const refused = await post('/chat', { message: '안녕' });
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        code: 'GH_STORE_UNAVAILABLE',
        detail: expect.stringContaining('moved, deleted or replaced'),
      });
      expect((await post('/documents', { title: 'a', text: 'b' })).status).toBe(503);
      expect((await post('/memos', { text: 'b' })).status).toBe(503);
      const ready = await fetch(`${url}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.text()).toContain('moved, deleted or replaced');
    },
  );

  test('is used again when it is back in its place', async () => {
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const { database } = fixture.config;
    renameSync(database, `${database}.aside`);
    await expect(fixture.client.submit({ message: '안녕' })).rejects.toThrow(
      'GH_STORE_UNAVAILABLE',
    );
    renameSync(`${database}.aside`, database);
    fixture.small.script(direct('네'));
    expect((await fixture.ask('안녕')).end.data).toMatchObject({ reply: '네' });
    expect((await fetch(`${fixture.core.url}/readyz`)).status).toBe(200);
  });

  test('makes the storage of the bridge fail with GH_STORE_UNAVAILABLE', () => {
    const bridge = openBridgeDatabase(path);
    onTestFinished(() => bridge.close());
    const storage = createBridgeStore(bridge, Date.now);
    expect(storage.nextPerLane()).toEqual([]);
    rmSync(path);
    expect(() => storage.nextPerLane()).toThrow(
      expect.objectContaining({ code: 'GH_STORE_UNAVAILABLE' }),
    );
  });
});

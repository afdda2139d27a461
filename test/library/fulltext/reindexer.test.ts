/** Documents that an earlier version indexed: they are found before, during and after reindexing. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startReindexer } from '#library/fulltext/reindexer';
import { scratchFolder, until } from '#test/support/journal';
import { openLibrary } from '../library-fixture.ts';

let scratch: ReturnType<typeof scratchFolder>;
let setting: Awaited<ReturnType<typeof openLibrary>>;
const path = (): string => `${scratch.path}/gatehouse.db`;
beforeEach(async () => {
  scratch = scratchFolder();
  setting = await openLibrary({ path: path() });
});
afterEach(async () => {
  await setting.close();
  scratch.remove();
});

/** The index words of the first version: whole words in lower case, with their accents. */
const oldWords = (text: string): string =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');

/** Adds documents with old index words, and puts them into the backlog. */
async function addOld(...texts: string[]): Promise<string[]> {
  const { connection } = setting.database;
  const ids: string[] = [];
  for (const text of texts) {
    const { id } = await setting.add(text, oldWords(text));
    connection
      .prepare(
        `insert or replace into document_words (rowid, title, body, markdown)
           select num, '', ?, '' from document where id = ?`,
      )
      .run(oldWords(text), id);
    connection
      .prepare('insert into document_words_backlog select num from document where id = ?')
      .run(id);
    ids.push(id);
  }
  return ids;
}

const backlog = (): number =>
  setting.database.connection
    .prepare<[], { n: number }>('select count(*) as n from document_words_backlog')
    .get()!.n;

const renewAll = async (): Promise<void> => {
  while (await setting.library.reindexBatch());
};

test('an old document is found as before until it is reindexed, and by every form afterwards', async () => {
  const { titles } = setting;
  await addOld('Café Straße', 'C++ guide', 'plain words', 'ISO9001 audit');
  const before = ['café', 'straße', 'C++', 'plain', 'ISO 9001'];
  for (const query of before) expect(await titles(query), query).toHaveLength(1);
  expect(await titles('cafe')).toEqual([]);
  await renewAll();
  expect(backlog()).toBe(0);
  for (const query of [...before, 'cafe', 'STRASSE'])
    expect(await titles(query), query).toHaveLength(1);
});

test('reindexing that was interrupted continues at the next start, and loses no document', async () => {
  await addOld(...Array.from({ length: 130 }, (_, n) => `Café número ${n}`));
  expect(await setting.library.reindexBatch()).toBe(true);
  expect(backlog()).toBe(80);
  const all = async (query: string): Promise<number> =>
    (await setting.library.rank('minji', query, 100)).found.length;
  expect(await all('café')).toBe(100);
  await setting.close();
  setting = await openLibrary({ path: path() });
  await renewAll();
  expect(backlog()).toBe(0);
  for (const n of [0, 49, 50, 129])
    expect((await setting.titles(`cafe numero ${n}`))[0]).toBe(`café número ${n}`);
});

test('a document that is changed, deleted or purged before it is reindexed keeps its new state', async () => {
  const { library, titles, database, change, remove } = setting;
  const [changed, deleted, removed] = await addOld('Café one', 'Café two', 'Café three');
  await change('minji', changed!, (current) => ({
    ...current,
    extractedText: 'Thé',
    title: 'Thé',
  }));
  await remove('minji', deleted!);
  database.connection.prepare('delete from document where id = ?').run(removed!);
  await renewAll();
  expect(backlog()).toBe(0);
  expect(await titles('the')).toEqual(['Thé']);
  expect((await library.rank('minji', 'cafe two', 10, true)).found).toEqual([]);
});

test('a long text is reindexed in slices, and timers run in between', async () => {
  await addOld('Café über '.repeat(40_000));
  let turns = 0;
  const counting = setInterval(() => (turns += 1), 0);
  await renewAll();
  clearInterval(counting);
  expect(turns).toBeGreaterThan(3);
  expect(await setting.titles('uber')).toHaveLength(1);
});

test('the reindexer reports a fault of the storage, and its stop resolves', async () => {
  const faults: string[] = [];
  const stop = startReindexer({
    reindexBatch: () => Promise.reject(new Error('disk full')),
    onError: (reason) => faults.push(reason),
  });
  await until(() => faults.length > 0);
  await stop();
  expect(faults).toEqual(['disk full']);
});

test('a database of schema version 0007 is upgraded, and its documents are found during and after reindexing', async () => {
  await setting.close();
  const old = `${scratch.path}/old.db`;
  copyFileSync(join(import.meta.dirname, '../../storage/fixtures/0007-lists.sqlite'), old);
  const connection = new Sqlite(old);
  const insert = connection.prepare(
    `insert into document (id, owner, created_at, updated_at, content_origin, title, source_metadata, extracted_text)
       values (?, 'ann', 1, 1, 'memo', ?, '{}', ?)`,
  );
  const index = connection.prepare(
    `insert into document_words (rowid, title, body, markdown) values (?, '', ?, '')`,
  );
  for (let n = 0; n < 120; n += 1) {
    const text = n % 2 === 0 ? `Café ${n}` : `plain ${n}`;
    const { lastInsertRowid } = insert.run(`old-${n}`, text, text);
    index.run(lastInsertRowid, oldWords(text));
  }
  connection.close();
  setting = await openLibrary({ path: old });
  const { library } = setting;
  const countOf = async (query: string): Promise<number> =>
    (await library.rank('ann', query, 100, true)).found.length;
  const counts = (...queries: string[]) => Promise.all(queries.map(countOf));
  expect(await counts('café', 'cafe', 'plain', '예산')).toEqual([60, 0, 60, 1]);
  await library.reindexBatch();
  expect(await counts('café', 'plain', '예산')).toEqual([60, 60, 1]);
  await renewAll();
  expect(await counts('café', 'cafe', 'plain', '예산')).toEqual([60, 60, 60, 1]);
});

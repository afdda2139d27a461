/**
 * Databases of every version (test/storage/fixtures, made by make-fixtures.ts): each opens with all its data and its
 * jobs continue. A database of a newer version is refused and not changed.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { migrations, openDatabase } from '#storage/database';
import { direct, follow, openCore } from '#test/support/core';
import { says, type FakeReply } from '#test/support/fake-llm-replies';
import { scratchFolder, until } from '#test/support/journal';

const fixtures = join(import.meta.dirname, 'fixtures');
const names = Object.keys(migrations);
const fixtureOf = (name: string): string => join(fixtures, `${name}.sqlite`);

let scratch: ReturnType<typeof scratchFolder>;
let path: string;
beforeEach(() => {
  scratch = scratchFolder();
  path = join(scratch.path, 'gatehouse.db');
});
afterEach(() => scratch.remove());

/** Replies of the small model, as the drafter and as the classifier. */
const answers: FakeReply = (exchange) =>
  JSON.stringify(exchange.request.body.messages).includes('메모: ')
    ? says('# 초안')(exchange)
    : direct('네')(exchange);

type Row = Record<string, unknown>;

/** Reads a table directly with SQLite. */
function rowsOf(file: string, table: string): Row[] {
  const connection = new Sqlite(file, { readonly: true });
  const rows = connection.prepare<[], Row>(`select * from ${table}`).all();
  connection.close();
  return rows;
}

function tablesOf(file: string): string[] {
  return rowsOf(file, 'sqlite_schema')
    .filter((row) => row['type'] === 'table' && !/^create virtual/i.test(String(row['sql'])))
    .map((row) => String(row['name']))
    .filter((name) => !/^(kysely|sqlite)_/.test(name));
}

test.each(names)(
  'the migration %s has a fixture (else run: node test/storage/make-fixtures.ts)',
  (name) => {
    expect(existsSync(fixtureOf(name))).toBe(true);
  },
);

const made = names.filter((name) => existsSync(fixtureOf(name)));

describe.each(made)('a database of the version whose last migration is %s', (name) => {
  beforeEach(() => copyFileSync(fixtureOf(name), path));

  test('keeps every row when it is opened', async () => {
    await (await openDatabase({ path })).close();
    expect(rowsOf(path, 'kysely_migration').map((row) => row['name'])).toEqual(names);
    for (const table of tablesOf(fixtureOf(name))) {
      const before = rowsOf(fixtureOf(name), table);
      const after = rowsOf(path, table);
      expect(after, table).toMatchObject(before);
    }
    const connection = new Sqlite(path, { readonly: true });
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
    connection.close();
  });

  test('returns its ended jobs unchanged, and its open jobs continue to their end', async () => {
    const jobs = rowsOf(path, 'job');
    const journal = rowsOf(path, 'journal');
    // The clock continues at the last row of the fixture: no time limit of a job has passed.
    const begun = Date.now();
    const left = Math.max(...journal.map((row) => Number(row['at'])));
    const fixture = await openCore(
      (small, large) => {
        small.script(...Array.from({ length: 9 }, () => answers));
        large.script(says('길게 생각한 답'));
        return { database: path, jobs: { maxConcurrent: 10 } };
      },
      { clock: { now: () => left + Date.now() - begun } },
    );
    onTestFinished(() => fixture.close());
    const { client, core } = fixture;

    expect(jobs.filter((job) => job['ended_at'] !== null)).toHaveLength(5);
    for (const job of jobs.filter((one) => one['ended_at'] !== null)) {
      const id = String(job['id']);
      const { outcome, reply, state, seq, message } = job;
      expect(await client.job(id)).toMatchObject({ outcome, reply, state, seq, message });
      const told = journal
        .filter((row) => row['job'] === job['num'])
        .flatMap((row) => JSON.parse(String(row['emitted'])) as Row[]);
      expect(await client.events(id)).toMatchObject(told);
    }
    const ofUser = (user: string): string =>
      String(jobs.find((job) => job['user_id'] === user)!['id']);
    expect((await follow(client, ofUser('eve'))).end.data['reply']).toBe('길게 생각한 답');
    for (const user of ['fay', 'gus']) {
      expect((await follow(client, ofUser(user))).end.data['reply']).toBe('네');
    }
    await client.controlJob(ofUser('dan'), 'confirm');
    await until(async () => (await client.job(ofUser('dan'))).outcome === 'answered');
    const calendar = await client.exportCalendar('dan');
    expect(calendar).toContain('SUMMARY:미용실');
    const again = { message: '안녕', user_id: 'ann', idempotency_key: 'first' };
    expect(await client.submit(again)).toBe(ofUser('ann'));

    if (tablesOf(fixtureOf(name)).includes('document')) {
      const found = await fetch(
        `${core.url}/documents/search?q=${encodeURIComponent('예산')}&user_id=ann`,
      );
      expect(await found.json()).toMatchObject({ results: [{ title: '회의록' }] });
      expect(await client.exportCalendar('bob')).toContain('SUMMARY:치과');
    }
    if (tablesOf(fixtureOf(name)).includes('draft')) {
      const drafts = async () => (await (await fetch(`${core.url}/drafts`)).json()) as Row;
      expect(await drafts()).toMatchObject({ paused: true, waiting: [{ attempts: 0 }] });
      await fetch(`${core.url}/drafts/resume`, { method: 'POST', body: '{}' });
      await until(async () => (((await drafts())['waiting'] as Row[]) ?? []).length === 0);
    }
  });
});

describe('a database', () => {
  test('of a newer version is refused with advice, and is not changed', async () => {
    await (await openDatabase({ path })).close();
    const connection = new Sqlite(path);
    connection.exec("insert into kysely_migration values ('9999-later', 'now')");
    connection.close();
    const before = readFileSync(path);
    await expect(openDatabase({ path })).rejects.toMatchObject({
      code: 'GH_STORE_NEWER',
      message: expect.stringMatching(
        /gatehouse\.db: made by a newer version of Gatehouse \(it has 9999-later, this version ends with \d{4}-\w+\); run that version, or restore a backup/,
      ) as string,
    });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('whose upgrade fails half way is unchanged', async () => {
    copyFileSync(fixtureOf('0001-initial'), path);
    const connection = new Sqlite(path);
    // Makes the migration fail at the second table that it creates.
    connection.exec('create table calendar_event (x)');
    connection.close();
    await expect(openDatabase({ path })).rejects.toMatchObject({ code: 'GH_STORE_OPEN' });
    expect(tablesOf(path)).not.toContain('document');
    expect(rowsOf(path, 'kysely_migration')).toHaveLength(1);
  });
});

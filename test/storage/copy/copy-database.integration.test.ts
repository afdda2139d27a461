/** Copies of a database between SQLite and PostgreSQL: equal content, valid positions, interruptions, and refusals. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { createEventLogStore } from '#events/store/event-log-store';
import { createJobQueries } from '#jobs/store/job-queries';
import { createPostgresJobQueries } from '#jobs/store/postgres/postgres-job-queries';
import { copyDatabase, type CopyReport } from '#storage/copy/copy-database';
import { migrations, openDatabase } from '#storage/database';
import { openPostgres } from '#storage/postgres/postgres-database';
import { jobInput, newJobChange } from '#test/support/jobs';
import { scratchFolder } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';
import { addRows, describeRows } from './generated-rows.ts';

const missing = postgresMissing();
const fixtures = join(import.meta.dirname, '../fixtures');

type Row = Record<string, unknown>;

/** A new database for each generated one would take most of the time. */
const emptyAll = `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'public'
      and tablename not in ('gatehouse_migration', 'lease') loop
    execute format('truncate %I', name);
  end loop;
  update lease set pos = 0;
end $$`;

/** All rows but those of the full-text search, as SQLite has them. */
function contentOf(path: string): Record<string, Row[]> {
  const connection = new Sqlite(path, { readonly: true });
  const tables = connection
    .prepare<[], { name: string }>("select name from sqlite_schema where type = 'table'")
    .all()
    .map(({ name }) => name)
    .filter((name) => !/^(?:kysely_|document_words|sqlite_stat)/.test(name));
  const content = Object.fromEntries(
    tables
      .sort()
      .map((name) => [
        name,
        connection.prepare<[], Row>(`select * from ${name} order by 1, 2`).all(),
      ]),
  );
  connection.close();
  return content;
}

describe.skipIf(missing !== null)('a copy of a database', () => {
  let server: PostgresServer;
  let scratch: ReturnType<typeof scratchFolder>;
  let from: string;
  let back: string;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());
  beforeEach(() => {
    scratch = scratchFolder();
    from = join(scratch.path, 'from.db');
    back = join(scratch.path, 'back.db');
  });
  afterEach(() => scratch.remove());

  const newUrl = async (settings?: string): Promise<string> =>
    server.urlOf(await server.createDatabase(settings));
  const nameOf = (url: string): string => url.split('/').at(-1)!;

  test.each(Object.keys(migrations))(
    'to PostgreSQL and back has all rows of the fixture %s, and events at the same positions',
    async (name) => {
      copyFileSync(join(fixtures, `${name}.sqlite`), from);
      const database = await openDatabase({ path: from });
      const events = createEventLogStore(database).after(0, 10_000);
      const jobs = await createJobQueries(database).list({ limit: 100 });
      await database.close();
      const url = await newUrl();
      const report = await copyDatabase({ from, to: url });
      expect(report.changed).toEqual([]);
      const worker = await openPostgresWorker({ url });
      expect(await worker.events.after(0, 10_000)).toEqual(events);
      expect(await createPostgresJobQueries(worker.database).list({ limit: 100 })).toEqual(jobs);
      await worker.close();
      const again = await copyDatabase({ from: url, to: back });
      expect(again.tables).toEqual(report.tables);
      expect(contentOf(back)).toEqual(contentOf(from));
      await (await openDatabase({ path: back })).close();
    },
  );

  async function generate(seed: number): Promise<void> {
    const [rows] = fc.sample(describeRows, { seed, numRuns: 1 });
    const database = await openDatabase({ path: from });
    addRows(database.connection, rows!);
    await database.close();
  }

  test('to PostgreSQL and back is equal for generated databases, also where the server sorts by a language', async () => {
    const icu = `template template0 locale_provider icu icu_locale 'ko-KR' locale 'C.UTF-8'`;
    const urls = [await newUrl(), await newUrl(icu)];
    for (const url of urls) await (await openPostgres({ url })).close();
    const property = fc.asyncProperty(describeRows, fc.boolean(), async (rows, isIcu) => {
      const folder = scratchFolder();
      const [path, returned] = [join(folder.path, 'a.db'), join(folder.path, 'b.db')];
      const database = await openDatabase({ path });
      addRows(database.connection, rows);
      const events = createEventLogStore(database).after(0, 10_000);
      const sequence = database.connection.prepare('select * from sqlite_sequence').all();
      await database.close();
      const url = urls[isIcu ? 1 : 0]!;
      await server.run(emptyAll, nameOf(url));
      const report = await copyDatabase({ from: path, to: url });
      expect(report.changed).toEqual([]);
      const worker = await openPostgresWorker({ url });
      expect((await worker.events.after(0, 10_000)).rows).toEqual(events.rows);
      await worker.close();
      const again = await copyDatabase({ from: url, to: returned });
      expect(again.tables).toEqual(report.tables);
      const [content, expected] = [contentOf(returned), contentOf(path)];
      expect({ ...content, sqlite_sequence: null }).toEqual({ ...expected, sqlite_sequence: null });
      for (const row of sequence) expect(content['sqlite_sequence']).toContainEqual(row);
      folder.remove();
    });
    await fc.assert(property, { numRuns: 8, endOnFailure: true });
  }, 120_000);

  test('goes on after an interruption at any batch, and is then equal', async () => {
    await generate(7);
    const url = await newUrl();
    for (const [source, target] of [
      [from, url],
      [url, back],
    ] as const) {
      let isComplete = false;
      let runs = 0;
      let batches = 1;
      while (!isComplete) {
        const stop = new AbortController();
        let seen = 0;
        runs += 1;
        const copied = copyDatabase({
          from: source,
          to: target,
          signal: stop.signal,
          onProgress: () => {
            seen += 1;
            if (seen === batches) stop.abort();
          },
        });
        try {
          await copied;
          isComplete = true;
        } catch (error) {
          expect(error).toMatchObject({ code: 'GH_STORE_COPY' });
          expect((error as Error).message).toMatch(/interrupted: run the same command again/);
          expect(existsSync(back)).toBe(false);
        }
        batches += 9;
      }
      expect(runs).toBeGreaterThan(2);
    }
    expect(contentOf(back)).toEqual(contentOf(from));
  });

  test('that is not complete is refused by a core, and by a copy of another source', async () => {
    await generate(3);
    const url = await newUrl();
    const stop = AbortSignal.abort();
    await expect(copyDatabase({ from, to: url, signal: stop })).rejects.toThrow('interrupted');
    await expect(openPostgres({ url })).rejects.toMatchObject({
      code: 'GH_STORE_COPY',
      message: expect.stringMatching(
        /is a copy that is not complete; run gatehouse migrate/,
      ) as string,
    });
    const other = join(scratch.path, 'other.db');
    await (await openDatabase({ path: other })).close();
    await expect(copyDatabase({ from: other, to: url })).rejects.toMatchObject({
      code: 'GH_STORE_TARGET',
      message: expect.stringMatching(/is an interrupted copy of .*from\.db/) as string,
    });
    await copyDatabase({ from, to: url });
    await (await openPostgres({ url })).close();
  });

  test.each(['copy', 'verify'] as const)(
    'goes on when connections are lost in the step %s',
    async (step) => {
      await generate(11);
      const url = await newUrl();
      let faults = 0;
      const report = await copyDatabase({
        from,
        to: url,
        onProgress(progress) {
          if (progress.step !== step || faults > 5) return;
          faults += 1;
          void server.run(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${nameOf(url)}'`,
          );
        },
      });
      expect(faults).toBe(6);
      await copyDatabase({ from: url, to: back });
      expect(contentOf(back)).toEqual(contentOf(from));
      expect(report.tables.every(({ checksum }) => checksum.length === 64)).toBe(true);
    },
  );

  test('of a source that changes between two runs is refused, with the table', async () => {
    await generate(5);
    const url = await newUrl();
    const stop = new AbortController();
    const onProgress = ({ step }: { step: string }): void => {
      if (step === 'verify') stop.abort();
    };
    await expect(copyDatabase({ from, to: url, signal: stop.signal, onProgress })).rejects.toThrow(
      'interrupted',
    );
    const database = await openDatabase({ path: from });
    database.connection.exec("insert into submission values ('later', 'j', 1)");
    await database.close();
    await expect(copyDatabase({ from, to: url })).rejects.toMatchObject({
      code: 'GH_STORE_COPY',
      message: expect.stringMatching(
        /^submission: \d+ rows in .*, \d+ in .*; the source has changed/,
      ) as string,
    });
    await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'GH_STORE_COPY' });
  });

  test('names and counts each text with characters that PostgreSQL cannot store, and keeps all others', async () => {
    const database = await openDatabase({ path: from });
    const { connection } = database;
    connection.exec(`
      insert into submission values (cast(x'6100' as text), 'j', 1), (cast(x'61ff' as text), 'j', 1), ('\ufffd', 'j', 1);
      insert into document (id, owner, created_at, updated_at, content_origin, title, source_metadata, extracted_text)
        values ('d', 'u', 1, 1, 'memo', cast(x'006200' as text), '{"path":"a\\u0000b\\ud800","n":1.50}', 'x')`);
    await database.close();
    const url = await newUrl();
    // Two keys that become one are refused by name: nothing is lost without a word.
    await expect(copyDatabase({ from, to: url })).rejects.toMatchObject({
      code: 'GH_STORE_COPY',
      message: expect.stringMatching(
        /^submission "a\ufffd": the server refuses this row \(duplicate key/,
      ) as string,
    });
    new Sqlite(from).exec("delete from submission where key = cast(x'61ff' as text)").close();
    const report = await copyDatabase({ from, to: url });
    expect(report.changed).toEqual([
      { column: 'document.title', characters: 2, rows: 1, examples: ['1'] },
      { column: 'document.source_metadata', characters: 2, rows: 1, examples: ['1'] },
      { column: 'submission.key', characters: 1, rows: 1, examples: ['a\ufffd'] },
    ]);
    const { rows } = await server.run(
      `select title, source_metadata::json ->> 'path' as path from document`,
      nameOf(url),
    );
    expect(rows).toEqual([{ title: '\ufffdb\ufffd', path: 'a\ufffdb\ufffd' }]);
  });

  test('continues all numbers: new jobs, events and documents follow the copied ones', async () => {
    await generate(13);
    const url = await newUrl();
    await copyDatabase({ from, to: url });
    const worker = await openPostgresWorker({ url });
    onTestFinished(() => worker.close());
    const last = (await worker.events.backlog(0)).upTo;
    expect(await worker.events.positionAt(Infinity)).toBe(last);
    await worker.takePartitions();
    const sequencer = await worker.takeSequencer();
    const emitted = [{ type: 'processing' as const, state: 'ack' as const, data: {} }];
    const row = { n: 1, at: 1, event: { type: 'x' }, value: 'ack', seq: 1, emitted };
    for (const userId of ['ann', 'bob', '']) {
      await worker.jobs.commit([
        newJobChange(jobInput({ jobId: `new-${userId}`, userId }), [row], 1),
      ]);
      await sequencer.append();
    }
    const fresh = await worker.events.after(last, 10);
    expect(fresh.rows.map(({ pos, events }) => [pos - last, events[0]!.id])).toEqual([
      [1, 'new-ann:1'],
      [2, 'new-bob:1'],
      [3, 'new-:1'],
    ]);
    await server.run(
      `insert into document (id, owner, created_at, updated_at, content_origin, title, source_metadata, extracted_text)
        values ('new', 'u', 1, 1, 'memo', 't', '{"needs_draft":true}', 'x');
       insert into calendar_event (owner, uid, first_wall, last_wall, created_at, updated_at, ics, entry)
        values ('u', 'new', 1, 1, 1, 1, '', '')`,
      nameOf(url),
    );
  });

  describe('is refused', () => {
    const refusal = async (copied: Promise<CopyReport>): Promise<string> => {
      const error = (await copied.catch((e: unknown) => e)) as Error & { code: string };
      expect(error.message).not.toMatch(/\n|ss@/);
      return `${error.code} ${error.message}`;
    };
    const fresh = async (path: string): Promise<void> => (await openDatabase({ path })).close();

    test('from a file that does not exist, is of another program, or is in use', async () => {
      const url = await newUrl();
      expect(await refusal(copyDatabase({ from, to: url }))).toMatch(
        /GH_STORE_OPEN .*there is none/,
      );
      new Sqlite(from).exec('create table something (x)').close();
      expect(await refusal(copyDatabase({ from, to: url }))).toMatch(
        /GH_STORE_OPEN .*another program/,
      );
      const used = join(scratch.path, 'used.db');
      const owner = await openDatabase({ path: used });
      onTestFinished(() => owner.close());
      expect(await refusal(copyDatabase({ from: used, to: url }))).toMatch(
        /GH_STORE_LOCKED .*in use by process/,
      );
    });

    test('from a database of an older or newer version, which is not changed', async () => {
      copyFileSync(join(fixtures, '0004-vectors.sqlite'), from);
      const url = await newUrl();
      expect(await refusal(copyDatabase({ from, to: url }))).toMatch(
        /GH_STORE_OLDER .*older version of Gatehouse .*start this version once with it/,
      );
      await fresh(from);
      new Sqlite(from).exec("insert into kysely_migration values ('9999-later', 'now')").close();
      expect(await refusal(copyDatabase({ from, to: url }))).toMatch(/GH_STORE_NEWER/);
      await (await openPostgres({ url })).close();
      await server.run("delete from gatehouse_migration where name like '0008%'", nameOf(url));
      expect(await refusal(copyDatabase({ from: url, to: back }))).toMatch(/GH_STORE_OLDER/);
      expect(await refusal(copyDatabase({ from: await newUrl(), to: back }))).toMatch(
        /GH_STORE_OPEN .*is not a database of Gatehouse/,
      );
    });

    test('to a database with rows, to an existing file, and between two databases of one kind', async () => {
      await fresh(from);
      const url = await newUrl();
      await (await openPostgres({ url })).close();
      await server.run("insert into draft_setting values ('paused_at', '1')", nameOf(url));
      expect(await refusal(copyDatabase({ from, to: url }))).toMatch(
        /GH_STORE_TARGET .*is not empty \(draft_setting has rows\)/,
      );
      await (await openPostgres({ url })).close();
      await fresh(back);
      expect(await refusal(copyDatabase({ from: url, to: back }))).toMatch(
        /GH_STORE_TARGET .*there already/,
      );
      expect(await refusal(copyDatabase({ from, to: back }))).toMatch(
        /GH_STORE_TARGET .*gatehouse backup/,
      );
      expect(await refusal(copyDatabase({ from: url, to: url }))).toMatch(
        /GH_STORE_TARGET .*pg_dump/,
      );
    });

    test('while another process of Gatehouse is connected to either side', async () => {
      await fresh(from);
      const url = await newUrl();
      const core = await openPostgres({ url });
      onTestFinished(() => core.close());
      for (const sides of [
        { from, to: url },
        { from: url, to: back },
      ]) {
        expect(await refusal(copyDatabase(sides))).toMatch(
          /GH_STORE_LOCKED .*in use by another process of Gatehouse \(from 127/,
        );
      }
    });

    test('with a row that does not fit its column, by the name of the row', async () => {
      await fresh(from);
      new Sqlite(from).exec("insert into relay values ('events', 1.5)").close();
      expect(await refusal(copyDatabase({ from, to: await newUrl() }))).toMatch(
        /GH_STORE_COPY relay "events": pos is not a whole number/,
      );
      new Sqlite(from)
        .exec("delete from relay; insert into embedding_space values (1, 'm', 3000000000)")
        .close();
      expect(await refusal(copyDatabase({ from, to: await newUrl() }))).toMatch(
        /GH_STORE_COPY embedding_space 1: the server refuses this row \(.*out of range/,
      );
    });
  });

  test('fences a core that was connected to the source before: it commits nothing afterwards', async () => {
    const url = await newUrl();
    const worker = await openPostgresWorker({ url, applicationName: 'other' });
    onTestFinished(() => worker.close());
    await worker.takePartitions();
    const change = (jobId: string) => [newJobChange(jobInput({ jobId }), [], 1)];
    await worker.jobs.commit(change('before'));
    const report = await copyDatabase({ from: url, to: back });
    expect(report.tables).toContainEqual(expect.objectContaining({ name: 'job', rows: 1 }));
    await expect(worker.jobs.commit(change('after'))).rejects.toMatchObject({
      code: 'GH_STORE_FENCED',
    });
  });
});

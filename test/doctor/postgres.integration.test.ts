/** Checks of the doctor on a PostgreSQL database; each fault once, on a real server. */
import { createServer, type AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { checkPostgres } from '#doctor/postgres-check';
import type { CheckResult } from '#shared/check-result';
import { openPostgres } from '#storage/postgres/postgres-database';
import { pgbouncerMissing, startPgbouncer } from '#test/support/pgbouncer';
import {
  postgresMissing,
  startPostgres,
  vectorsMissing,
  type PostgresServer,
} from '#test/support/postgres-server';

const secret = 'hunter2';
let server: PostgresServer;

describe.skipIf(postgresMissing() !== null)('the PostgreSQL check of the doctor', () => {
  beforeAll(async () => {
    server = await startPostgres();
    await server.run(`create role guest login password '${secret}'`);
  });
  afterAll(() => server.remove());

  interface Circumstances {
    isCoreThere?: boolean;
    poolSize?: number;
    /** Of the clock of this machine. */
    shiftMs?: number;
    hasSearch?: boolean;
  }
  const check = async (url: string, more: Circumstances = {}): Promise<CheckResult[]> => {
    const { isCoreThere = false, poolSize = 8, shiftMs = 0, hasSearch = false } = more;
    const embeddings = hasSearch ? { baseUrl: 'http://127.0.0.1:1/v1', model: 'm' } : null;
    const config = configSchema.parse({ database: { url, poolSize }, search: { embeddings } });
    const results = await checkPostgres(config, isCoreThere, { now: () => Date.now() + shiftMs });
    const text = JSON.stringify(results);
    expect(text).not.toContain(secret);
    expect(text).not.toContain(server.role.password);
    expect(text).not.toContain(encodeURIComponent(server.role.password));
    expect(text).not.toMatch(/\\n|undefined|NaN/);
    return results;
  };
  const asGuest = (name: string): string =>
    server.urlOf(name).replace(/\/\/[^@]*@/, `//guest:${secret}@`);
  /** A database with the tables of Gatehouse. */
  const preparedDatabase = async (): Promise<string> => {
    const name = await server.createDatabase();
    await (await openPostgres({ url: server.urlOf(name) })).close();
    return name;
  };
  /** Sets parameters of the server until the test ends. */
  const configure = async (settings: Record<string, string>): Promise<void> => {
    const apply = async (statements: string[]): Promise<void> => {
      for (const statement of statements) await server.run(statement);
      await server.run('select pg_reload_conf()');
    };
    const names = Object.keys(settings);
    onTestFinished(() => apply(names.map((name) => `alter system reset ${name}`)));
    await apply(names.map((name) => `alter system set ${name} = '${settings[name]!}'`));
    for (const name of names) {
      const isSet = async (): Promise<boolean> =>
        (await server.run(`show ${name}`)).rows[0][name] === settings[name];
      await expect.poll(isSet).toBe(true);
    }
  };
  const remarks = (results: CheckResult[]): CheckResult[] =>
    results.filter(({ ok, advice }) => !ok || advice !== undefined);

  test('has nothing to remark on an empty database and on one with tables', async () => {
    const empty = await check(server.urlOf(await server.createDatabase()));
    expect(remarks(empty)).toEqual([]);
    expect(empty).toContainEqual({
      part: 'database',
      ok: true,
      what: 'the schema is made at the first start',
    });
    const name = await preparedDatabase();
    const results = await check(server.urlOf(name));
    expect(remarks(results)).toEqual([]);
    const text = results.map(({ what }) => what).join('\n');
    expect(text).toContain(`127.0.0.1:${server.port}/${name}, PostgreSQL 1`);
    expect(text).toContain('the schema is of this version');
    expect(text).toContain('may create tables and write');
    expect(text).toContain('0 open jobs, 0 events without a place');
    expect(text).toContain('its clock agrees');
  });

  test('changes nothing in the database', async () => {
    const name = await server.createDatabase();
    await check(server.urlOf(name), { hasSearch: true });
    const { rows } = await server.run(
      `select (select count(*)::int from pg_class where relnamespace = 'public'::regnamespace) as tables,
        (select count(*)::int from pg_extension where extname = 'vector') as extensions`,
      name,
    );
    expect(rows).toEqual([{ tables: 0, extensions: 0 }]);
  });

  test('reports with its code a server, database or login that cannot be used', async () => {
    const name = await server.createDatabase();
    const only = async (url: string): Promise<string> => {
      const [result, ...others] = await check(url);
      expect(others).toEqual([]);
      expect(result).toMatchObject({ part: 'database', ok: false });
      expect(result!.advice).toMatch(/\w/);
      return `${result!.what} → ${result!.advice}`;
    };
    expect(await only(server.urlOf(name, 1))).toMatch(/ECONNREFUSED.*\(GH_STORE_UNREACHABLE\)/);
    expect(await only(server.urlOf('nowhere'))).toMatch(/\(GH_STORE_OPEN\) → create it/);
    const wrong = server.urlOf(name).replace(/:[^:@]*@/, `:${secret}@`);
    expect(await only(wrong)).toMatch(/\(GH_STORE_LOGIN\) → check user and password/);
    const latin = await server.createDatabase(`encoding 'LATIN1' locale 'C' template template0`);
    expect(await only(server.urlOf(latin))).toMatch(
      /encoding LATIN1 \(GH_STORE_OPEN\) → create a database with/,
    );
  });

  test('ends when the server does not answer', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const results = await check(`${server.urlOf('any', port)}?connect_timeout=0.2`);
    expect(results).toMatchObject([
      { ok: false, what: expect.stringContaining('GH_STORE_UNREACHABLE') },
    ]);
  });

  test('reports a schema of a newer version, an older one, and a copy that is not complete', async () => {
    const name = await preparedDatabase();
    const url = server.urlOf(name);
    await server.run(`delete from gatehouse_migration where name = '0008-words'`, name);
    expect(remarks(await check(url))).toMatchObject([
      { ok: true, what: expect.stringContaining('migrations to run: 1') },
    ]);
    await server.run('create table gatehouse_copy (id int)', name);
    expect(remarks(await check(url))).toMatchObject([
      { ok: false, what: expect.stringContaining('GH_STORE_COPY') },
    ]);
    await server.run(`insert into gatehouse_migration values ('9000-future', 'now')`, name);
    expect(remarks(await check(url))).toMatchObject([
      {
        ok: false,
        what: expect.stringMatching(/9000-future.*GH_STORE_NEWER/),
        advice: expect.stringContaining('run that version'),
      },
    ]);
  });

  test('reports which rights the user lacks', async () => {
    const empty = await server.createDatabase();
    expect(remarks(await check(asGuest(empty)))).toMatchObject([
      {
        ok: false,
        what: expect.stringMatching(/guest may not create tables.*GH_STORE_READ_ONLY/),
        advice: expect.stringContaining('grant create, usage on schema public to guest'),
      },
    ]);
    const name = await preparedDatabase();
    await server.run(
      `grant create on schema public to guest;
      grant select on all tables in schema public to guest;
      grant insert, update, delete on all tables in schema public to guest;
      revoke update on job from guest`,
      name,
    );
    expect(remarks(await check(asGuest(name)))).toMatchObject([
      { ok: false, what: expect.stringContaining('may not read and write job (GH_STORE') },
    ]);
    await server.run('grant update on job to guest', name);
    expect(remarks(await check(asGuest(name)))).toMatchObject([
      { ok: true, advice: expect.stringContaining('an upgrade of Gatehouse will fail') },
    ]);
  });

  test('reports tables of another program', async () => {
    const name = await server.createDatabase();
    await server.run('create table job (id int)', name);
    expect(remarks(await check(server.urlOf(name)))).toMatchObject([
      { ok: false, what: 'has tables of another program: job (GH_STORE_OPEN)' },
    ]);
  });

  test('goes on with the other questions when a program locks a table', async () => {
    const name = await preparedDatabase();
    const other = new pg.Client(server.urlOf(name));
    await other.connect();
    onTestFinished(() => other.end());
    await other.query('begin; lock table job');
    const results = await check(server.urlOf(name));
    expect(remarks(results)).toMatchObject([
      { ok: false, advice: expect.stringContaining('which program locks the tables') },
    ]);
    expect(results.map(({ what }) => what).join()).toContain('65 leases');
  });

  test('takes no table of another owner for one of Gatehouse', async () => {
    const name = await preparedDatabase();
    await server.run('create table spatial_ref_sys (id int)', name);
    expect(remarks(await check(server.urlOf(name)))).toEqual([]);
  });

  test('reports transactions that are read-only', async () => {
    const name = await server.createDatabase();
    await server.run(`alter database ${name} set default_transaction_read_only = on`);
    await server.run(`revoke temporary on database ${name} from public`);
    expect(remarks(await check(asGuest(name)))).toContainEqual({
      part: 'database',
      ok: false,
      what: expect.stringMatching(/read-only \(GH_STORE_READ_ONLY\)/),
      advice: expect.stringContaining('default_transaction_read_only'),
    });
  });

  test('reports a read-only replica, and checks the primary among several hosts', async () => {
    const replica = await startPostgres();
    onTestFinished(() => replica.remove());
    const name = await server.createDatabase();
    await replica.run(`alter role ${replica.role.user} superuser`);
    await replica.run(`create database ${name} owner ${replica.role.user}`);
    await replica.crash();
    replica.writeFile('standby.signal', '');
    await replica.start();
    expect(await check(replica.urlOf(name))).toMatchObject([
      {
        ok: false,
        what: expect.stringMatching(/read-only replica \(GH_STORE_READ_ONLY\)/),
        advice: expect.stringContaining('name the primary'),
      },
    ]);
    const both = server.urlOf(name).replace('@', `@127.0.0.1:${replica.port},`);
    const results = await check(both);
    expect(remarks(results)).toEqual([]);
    const where = `127.0.0.1:${server.port}/${name}, PostgreSQL`;
    expect(results.some(({ what }) => what.startsWith(where))).toBe(true);
  });

  test('warns of settings with which a crash loses or damages data', async () => {
    const name = await server.createDatabase();
    await configure({ fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' });
    const found = remarks(await check(server.urlOf(name)));
    expect(found.map(({ ok, what }) => `${ok} ${what}`)).toEqual([
      'true fsync is off on the server',
      'true full_page_writes is off on the server',
      'true synchronous_commit is off on the server',
    ]);
    expect(found[0]!.advice).toMatch(/may lose accepted messages.*fsync = on/);
    expect(found[2]!.advice).toContain('Gatehouse sets it for its own commits');
  });

  test('warns of a replica that is not synchronous, and reports a synchronous one that is missing', async () => {
    const name = await server.createDatabase();
    await configure({ synchronous_standby_names: 'second' });
    expect(remarks(await check(server.urlOf(name)))).toMatchObject([
      { ok: false, what: expect.stringMatching(/^synchronous_standby_names is second.*no commit/) },
    ]);
    await configure({ synchronous_standby_names: '' });
    const settings = { host: server.data.replace(/\/data$/, ''), port: server.port, ssl: false };
    const replica = new pg.Client({
      ...settings,
      user: 'postgres',
      replication: 'true',
    } as pg.ClientConfig);
    await replica.connect();
    onTestFinished(() => replica.end());
    expect(remarks(await check(server.urlOf(name)))).toMatchObject([
      {
        ok: true,
        what: 'replicas connected: 1, none is synchronous',
        advice: expect.stringContaining('a failover to one may lose accepted messages'),
      },
    ]);
    await configure({ synchronous_standby_names: 'second', synchronous_commit: 'local' });
    expect(remarks(await check(server.urlOf(name)))).toMatchObject([
      { ok: true, what: expect.stringContaining('no commit waits for the synchronous standby') },
    ]);
  });

  test('compares the connections that are allowed with the size of the pool', async () => {
    const name = await server.createDatabase();
    const url = server.urlOf(name);
    expect(remarks(await check(url, { poolSize: 58 }))).toMatchObject([
      { ok: false, what: expect.stringMatching(/^57 connections allowed.*poolSize 58/) },
    ]);
    await server.run(`alter database ${name} connection limit 5`);
    expect(remarks(await check(url, { poolSize: 6 }))).toMatchObject([
      { ok: false, advice: expect.stringContaining('database.poolSize') },
    ]);
    expect(remarks(await check(url, { poolSize: 5 }))).toEqual([]);
    await server.run(`alter database ${name} connection limit -1`);
    const other = new pg.Client(asGuest(name));
    await other.connect();
    onTestFinished(() => other.end());
    expect(remarks(await check(url, { poolSize: 57 }))).toMatchObject([
      { ok: true, what: expect.stringContaining('1 in use by other users') },
    ]);
  });

  test('warns only of timeouts that Gatehouse does not set for its own sessions', async () => {
    const name = await server.createDatabase();
    await server.run(`alter database ${name} set statement_timeout = '3s'`);
    await server.run(`alter database ${name} set idle_session_timeout = '3s'`);
    expect(remarks(await check(server.urlOf(name)))).toEqual([]);
    await server.run(`alter database ${name} set idle_in_transaction_session_timeout = '3s'`);
    expect(remarks(await check(server.urlOf(name)))).toMatchObject([
      { ok: true, what: expect.stringMatching(/^idle_in_transaction_session_timeout is 3000 ms/) },
    ]);
  });

  test('warns when the clocks of both machines differ by more than a second', async () => {
    const url = server.urlOf(await server.createDatabase());
    const [ahead] = remarks(await check(url, { shiftMs: -30_000 }));
    expect(ahead).toMatchObject({
      ok: true,
      what: expect.stringMatching(/(?:30\.0|29\.\d) s ahead of/),
    });
    const [behind] = remarks(await check(url, { shiftMs: 30_000 }));
    expect(behind).toMatchObject({ what: expect.stringMatching(/(?:30\.0|29\.\d) s behind/) });
    expect(remarks(await check(url, { shiftMs: 500 }))).toEqual([]);
  });

  test('counts leases without an owner and events without a place, also while a core runs', async () => {
    const name = await preparedDatabase();
    await server.run(
      `insert into worker (id, beat, gone, machine_version)
        values ('a', 0, false, 1), ('b', 0, false, 1), ('gone', 0, true, 1);
      update lease set worker = 'a' where name like 'part/_';
      update lease set worker = 'b' where name like 'part/3_';
      update lease set worker = 'gone' where name = 'role/sequencer';
      update lease set pos = 7 where name = 'part/5';
      update lease set pos = 4 where name = 'role/sequencer'`,
      name,
    );
    const url = server.urlOf(name);
    const at = (isCoreThere: boolean) => check(url, { isCoreThere });
    expect(remarks(await at(false))).toMatchObject([
      { ok: true, what: '0 open jobs, 3 events without a place in the order' },
    ]);
    expect(remarks(await at(true))).toMatchObject([
      { ok: true, advice: expect.stringContaining('see the log of the core') },
      { ok: true, what: '65 leases, 45 without an owner, workers: 2' },
    ]);
  });

  test('reports why pgvector is missing, if search by meaning is configured', async () => {
    const url = server.urlOf(await server.createDatabase());
    const results = await check(url, { hasSearch: true });
    expect(remarks(results)).toMatchObject([
      {
        part: 'search',
        ok: false,
        what: expect.stringMatching(/not installed on the server.*\(GH_SEARCH_EXTENSION\)$/),
      },
    ]);
    expect((await check(url)).filter(({ part }) => part === 'search')).toEqual([]);
  });

  test.skipIf(vectorsMissing() !== null)(
    'finds pgvector where it is there, may be created, or may not be created',
    async () => {
      const own = await startPostgres({ hasVectors: true });
      onTestFinished(() => own.remove());
      await own.run(`create role guest login password '${secret}'`);
      const name = await own.createDatabase();
      const found = async (url: string): Promise<CheckResult> =>
        (await check(url, { hasSearch: true })).find(({ part }) => part === 'search')!;
      const guest = own.urlOf(name).replace(/\/\/[^@]*@/, `//guest:${secret}@`);
      expect(await found(guest)).toMatchObject({
        ok: false,
        advice: expect.stringContaining('create extension vector'),
      });
      await own.run(`alter role ${own.role.user} superuser`);
      expect(await found(own.urlOf(name))).toMatchObject({
        ok: true,
        what: expect.stringContaining('creates it at its start'),
      });
      await own.run('create extension vector', name);
      expect(await found(guest)).toMatchObject({ ok: true, what: expect.stringMatching(/there$/) });
    },
  );

  test.skipIf(pgbouncerMissing() !== null)(
    'reports a pooler that shares sessions between transactions, and accepts one that does not',
    async () => {
      const name = await server.createDatabase();
      const through = async (mode: Parameters<typeof startPgbouncer>[1]) => {
        const pooler = await startPgbouncer(server, mode);
        onTestFinished(() => pooler.stop());
        return remarks(await check(server.urlOf(name, pooler.port)));
      };
      expect(await through('session')).toEqual([]);
      expect(await through('transaction')).toEqual([
        {
          part: 'database',
          ok: false,
          what: expect.stringMatching(/a pooler shares sessions .*\(GH_STORE_OPEN\)$/),
          advice: expect.stringMatching(/^connect to PostgreSQL itself/),
        },
      ]);
      expect(await through('statement')).toEqual([
        {
          part: 'database',
          ok: false,
          what: expect.stringMatching(/\(GH_STORE_OPEN\)$/),
          advice: expect.stringMatching(/not to a pooler/),
        },
      ]);
    },
  );
});

/** Opening a PostgreSQL database: the schema, and one line with a code for everything that cannot be used. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrations } from '#storage/database';
import { registerWorker } from '#storage/postgres/leases';
import { migratePostgres, postgresMigrations } from '#storage/postgres/migrate';
import { openPostgres, type PostgresOptions } from '#storage/postgres/postgres-database';
import { startOldServer } from '#test/support/old-postgres-server';
import { pgbouncerMissing, startPgbouncer } from '#test/support/pgbouncer';
import { jobInput, newJobChange } from '#test/support/jobs';
import { openPostgresWorker } from '#test/support/postgres-worker';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const secret = 'hunter2';
const missing = postgresMissing();
let server: PostgresServer;
let folder: string;

describe.skipIf(missing !== null)('a PostgreSQL database', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
    server = await startPostgres({
      hba: 'hostssl tls_only all 127.0.0.1/32 scram-sha-256\nhostssl certificate_only all 127.0.0.1/32 cert',
    });
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (options: PostgresOptions) => {
    const database = await openPostgres(options);
    onTestFinished(() => database.close());
    return database;
  };
  /** The code and message of an attempt that fails; neither the message nor a cause has a password. */
  const refusalOf = async (url: string, more: Partial<PostgresOptions> = {}): Promise<string> => {
    const error = await openPostgres({ url, ...more }).then(
      () => expect.fail('it was opened'),
      (reason: unknown) => reason as Error & { code: string },
    );
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      expect(cause.message).not.toContain(secret);
      expect(JSON.stringify(cause)).not.toContain(secret);
    }
    expect(error.message).not.toContain('\n');
    return `${error.code} ${error.message}`;
  };
  const withPassword = (url: string): string => url.replace(/:[^:@]*@/, `:${secret}@`);

  test('gets the schema once when several processes start at the same time', async () => {
    const url = server.urlOf(await server.createDatabase());
    const all = await Promise.all([1, 2, 3, 4].map(() => open({ url })));
    const leases = await all[3]!.query.selectFrom('lease').select('name').execute();
    expect(leases).toHaveLength(65);
    const again = await open({ url });
    expect(await again.query.selectFrom('job').selectAll().execute()).toEqual([]);
  });

  test('has one version with SQLite: the names of the migrations are the same', () => {
    expect(Object.keys(postgresMigrations)).toEqual(Object.keys(migrations));
  });

  test('keeps nothing of a migration that fails half-way', async () => {
    const name = await server.createDatabase();
    const database = await open({ url: server.urlOf(name) });
    const failing = {
      ...postgresMigrations,
      '9998-half': { up: (db: typeof database.query) => db.schema.createTable('half').execute() },
      '9999-fails': { up: () => Promise.reject(new Error('no')) },
    };
    await expect(migratePostgres(database.query, 'here', failing as never)).rejects.toThrow('no');
    const { rows } = await server.run(`select to_regclass('half') as half`, name);
    expect(rows).toEqual([{ half: null }]);
    await migratePostgres(database.query, 'here');
  });

  test('of a version before clusters gets the columns of the workers when it is opened', async () => {
    const name = await server.createDatabase();
    const options = { url: server.urlOf(name) };
    const { query } = await open({ ...options, schema: 'leave' });
    const { '0010-commits': _, ...older } = postgresMigrations;
    await migratePostgres(query, 'here', older);
    const { fields } = await server.run('select * from worker', name);
    expect(fields.map((field) => field.name)).toEqual(['id', 'beat', 'gone', 'machine_version']);
    const opened = await open(options);
    const worker = { machineVersion: 1, name: 'one', info: '{}' };
    await registerWorker(opened, { ...worker, id: 'a' });
    await expect(registerWorker(opened, { ...worker, id: 'b' })).rejects.toMatchObject({
      code: 'GH_CLUSTER_WORKER',
    });
  });

  test('is refused unchanged when a newer version has made its schema', async () => {
    const name = await server.createDatabase();
    await open({ url: server.urlOf(name) });
    await server.run(`insert into gatehouse_migration values ('9000-future', 'now')`, name);
    expect(await refusalOf(server.urlOf(name))).toMatch(/^GH_STORE_NEWER 127.0.0.1:.*9000-future/);
  });

  test('is refused when its tables are those of another program', async () => {
    const name = await server.createDatabase();
    await server.run('create table job (id int)', name);
    expect(await refusalOf(server.urlOf(name))).toMatch(/^GH_STORE_OPEN .* another program/);
  });

  test('is refused when its encoding is not UTF-8', async () => {
    const name = await server.createDatabase(`encoding 'LATIN1' locale 'C' template template0`);
    expect(await refusalOf(server.urlOf(name))).toMatch(/^GH_STORE_OPEN .* encoding LATIN1/);
  });

  test('of another name, user or password is refused with what to check', async () => {
    const url = server.urlOf('nowhere');
    expect(await refusalOf(url)).toMatch(/^GH_STORE_OPEN .*"nowhere" does not exist; create it/);
    expect(await refusalOf(withPassword(url))).toMatch(/^GH_STORE_LOGIN .*check user and password/);
    const stranger = withPassword(url).replace('gatehouse:', 'stranger:');
    expect(await refusalOf(stranger)).toMatch(/^GH_STORE_LOGIN .*"stranger"/);
    const without = url.replace(/:[^:@]*@/, '@');
    expect(await refusalOf(without)).toMatch(/^GH_STORE_LOGIN .*none is given/);
  });

  test('takes its password from a file, which is read at each connection', async () => {
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, `${server.role.password}\n`);
    const url = withPassword(server.urlOf(await server.createDatabase()));
    const database = await open({ url, passwordFile });
    expect(await database.run({ name: '', text: 'select 1 as one' }, [])).toEqual([{ one: 1 }]);
    const absent = { passwordFile: join(folder, 'absent') };
    expect(await refusalOf(url, absent)).toMatch(/^GH_STORE_OPEN .*absent: cannot be read/);
  });

  test('is refused when the user may not create tables', async () => {
    await server.run(`create role guest login password '${secret}'`);
    const name = await server.createDatabase();
    const url = withPassword(server.urlOf(name)).replace('gatehouse:', 'guest:');
    expect(await refusalOf(url)).toMatch(/^GH_STORE_READ_ONLY .*permission denied.*grant create/);
  });

  test('is refused when its transactions are read-only', async () => {
    const name = await server.createDatabase();
    await server.run(`alter database ${name} set default_transaction_read_only = on`);
    expect(await refusalOf(server.urlOf(name))).toMatch(/^GH_STORE_READ_ONLY .*read-only/);
  });

  test('is refused when the server has no connection left', async () => {
    const name = await server.createDatabase();
    await server.run(`alter role ${server.role.user} connection limit 0`);
    onTestFinished(async () => {
      await server.run(`alter role ${server.role.user} connection limit -1`);
    });
    expect(await refusalOf(server.urlOf(name))).toMatch(/^GH_STORE_UNREACHABLE .*max_connections/);
  });

  test('cannot be reached when nothing listens, nothing answers or something else answers', async () => {
    const url = server.urlOf('any', 1);
    expect(await refusalOf(url)).toMatch(/^GH_STORE_UNREACHABLE .*ECONNREFUSED/);
    const unknown = url.replace('127.0.0.1', 'no-such-host.invalid');
    expect(await refusalOf(unknown)).toMatch(/^GH_STORE_UNREACHABLE .*no-such-host/);
    const silent = createServer((socket) => socket.on('error', () => undefined));
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    for (const other of [silent, web]) {
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void other.close());
      const { port } = other.address() as AddressInfo;
      const refusal = await refusalOf(server.urlOf('any', port), { connectTimeoutMs: 100 });
      expect(refusal).toMatch(/^GH_STORE_(?:UNREACHABLE|OPEN) 127.0.0.1/);
    }
  });

  test('is found among several hosts', async () => {
    const name = await server.createDatabase();
    const url = server.urlOf(name).replace('127.0.0.1:', '127.0.0.1:1,127.0.0.1:');
    const database = await open({ url });
    expect(database.where).toBe(`127.0.0.1:${server.port}/${name}`);
  });

  test.each<[num: string, version: string]>([
    ['140012', '14.12 (Debian 14.12-1.pgdg120+1)'],
    ['140000', '14beta3'],
    ['90624', '9.6.24'],
    ['110002', '11.2-YB-2.20.1.0-b0'],
    ['130000', '13.0.0'],
    ['80002', '8.0.2'],
  ])('of the version %s is refused as too old', async (num, version) => {
    const old = await startOldServer({ num, version });
    onTestFinished(() => old.close());
    const refusal = await refusalOf(server.urlOf('any', old.port));
    expect(refusal).toBe(
      `GH_STORE_OPEN 127.0.0.1:${old.port}/any: is PostgreSQL ${version}, which is too old; version 15 or later is needed`,
    );
    // Nothing was asked that an old server does not know, and nothing was changed.
    expect(old.queries).toHaveLength(1);
  });

  test.skipIf(pgbouncerMissing() !== null)(
    'is refused behind a pooler that shares sessions between transactions, which gets no settings of it',
    async () => {
      const name = await server.createDatabase();
      const pooler = await startPgbouncer(server, 'transaction');
      onTestFinished(() => pooler.stop());
      const other = new Client({ connectionString: server.urlOf(name, pooler.port), ssl: false });
      await other.connect();
      onTestFinished(() => other.end());
      const refusal = await refusalOf(server.urlOf(name, pooler.port));
      expect(refusal).toMatch(
        /^GH_STORE_OPEN 127\.0\.0\.1:\d+\/\w+: a pooler shares sessions .*; connect to PostgreSQL itself, or set/,
      );
      const { rows } = await other.query('show enable_seqscan');
      expect(rows).toEqual([{ enable_seqscan: 'on' }]);
      const session = await startPgbouncer(server, 'session');
      onTestFinished(() => session.stop());
      const database = await open({ url: server.urlOf(name, session.port) });
      const text = `select current_setting('enable_seqscan') as scan`;
      expect(await database.run({ name: '', text }, [])).toEqual([{ scan: 'off' }]);
    },
  );

  test('is reached over TLS only with a certificate that is trusted', async () => {
    const name = await server.createDatabase();
    const url = server.urlOf(name);
    expect(await refusalOf(`${url}?sslmode=verify-full`)).toMatch(/^GH_STORE_OPEN .*has no TLS/);
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'db' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    server.writeFile('server.crt', cert);
    server.writeFile('server.key', key);
    await server.run('alter system set ssl = on');
    await server.run('select pg_reload_conf()');
    await server.run('create database tls_only owner gatehouse');
    const untrusted = await refusalOf(`${url}?sslmode=verify-full`);
    expect(untrusted).toMatch(/^GH_STORE_OPEN .*certificate of the server is not trusted/);
    const caFile = join(folder, 'authority.pem');
    writeFileSync(caFile, cert);
    const tls = await open({ url: `${url}?sslmode=verify-full&sslrootcert=${caFile}` });
    const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    expect(await tls.run({ name: '', text }, [])).toEqual([{ ssl: true }]);
    await open({ url: `${server.urlOf('tls_only')}?sslmode=verify-full&sslrootcert=${caFile}` });
    const bound = `${url}?sslmode=verify-full&sslrootcert=${caFile}&channel_binding=require`;
    expect(await (await open({ url: bound })).run({ name: '', text }, [])).toEqual([{ ssl: true }]);
  });

  test('is reached with a client certificate, which is refused without TLS', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'gatehouse' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    const [certFile, keyFile] = [join(folder, 'client.pem'), join(folder, 'client.key')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    for (const [name, value] of Object.entries({ 'server.crt': cert, 'server.key': key }))
      server.writeFile(name, value);
    server.writeFile('client-ca.crt', cert);
    await server.run(`alter system set ssl_ca_file = 'client-ca.crt'`);
    await server.run('alter system set ssl = on');
    await server.run('select pg_reload_conf()');
    await server.run('create database certificate_only owner gatehouse');
    const files = `sslrootcert=${certFile}&sslcert=${certFile}&sslkey=${keyFile}`;
    const url = server.urlOf('certificate_only').replace(/:[^:@]*@/, '@');
    await open({ url: `${url}?sslmode=verify-full&${files}` });
    expect(await refusalOf(`${url}?sslcert=${certFile}&sslkey=${keyFile}`)).toMatch(
      /^GH_CONFIG_INVALID .*without TLS/,
    );
  });

  test('with settings on the role of its user, a collation of ICU and options in its address is used all the same', async () => {
    const name = await server.createDatabase(
      `template template0 locale_provider icu icu_locale 'ko-KR' locale 'C.UTF-8'`,
    );
    await server.run('create schema own authorization gatehouse', name);
    const settings = {
      // What a new connection is asked first is still under it, also on a busy machine.
      statement_timeout: '250ms',
      lock_timeout: '1ms',
      idle_session_timeout: '1s',
      default_transaction_isolation: 'serializable',
      synchronous_commit: 'off',
      standard_conforming_strings: 'off',
      datestyle: 'German',
      timezone: 'Asia/Seoul',
    };
    for (const [key, value] of Object.entries(settings))
      await server.run(`alter role gatehouse in database ${name} set ${key} = '${value}'`);
    const worker = await openPostgresWorker({
      url: `${server.urlOf(name)}?options=-c%20search_path%3Down`,
    });
    onTestFinished(() => worker.close());
    await worker.database.run({ name: '', text: 'select pg_sleep(0.5)' }, []);
    await worker.takePartitions();
    const odd = "a\0b\ud800c \\ ' 문";
    const job = newJobChange(jobInput({ jobId: 'one', userId: 'ann', message: odd }), [], 1_000);
    await worker.jobs.commit([{ ...job, keys: [odd] }]);
    expect((await worker.jobs.jobOfKey(odd))?.jobId).toBe('one');
    const text = `select tableowner, schemaname from pg_tables where tablename = 'job'`;
    expect(await worker.database.run({ name: '', text }, [])).toEqual([
      { tableowner: 'gatehouse', schemaname: 'own' },
    ]);
  });
});

/** Checks of the doctor for several workers: a real primary and standby, real rows of workers, three real NATS servers. */
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { checkNatsServers, judgeNatsPages } from '#doctor/nats-servers-check';
import { checkPostgres } from '#doctor/postgres-check';
import { createStreamSpecs, ensureStream } from '#events/streams/streams';
import type { CheckResult } from '#shared/check-result';
import { createIdSource } from '#shared/ids';
import { createSubjects } from '#shared/wire/subjects';
import { exchangeBeats, markGone, registerWorker, takeLeases } from '#storage/postgres/leases';
import { openPostgres, type PostgresDatabase } from '#storage/postgres/postgres-database';
import { connectClient, natsCommand } from '#test/events/nats-fixture';
import { startNatsCluster } from '#test/support/nats-cluster';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { startStandby } from '#test/support/postgres-standby';

const nextId = createIdSource();
const remarks = (results: CheckResult[]): string[] =>
  results
    .filter(({ ok, advice }) => !ok || advice !== undefined)
    .map(({ part, ok, what }) => `${part} ${ok ? 'remark' : 'fault'}: ${what}`);
const configOf = (database: string, cluster: object | null = {}, url = 'nats://127.0.0.1:1') =>
  configSchema.parse({ database, cluster, nats: { mode: 'external', url } });
let server: PostgresServer;

describe.skipIf(postgresMissing() !== null)('the check of a database of several workers', () => {
  beforeAll(async () => {
    server = await startPostgres({ config: 'max_wal_senders = 4' });
  });
  afterAll(() => server?.remove());

  const check = (database: string, cluster: object | null = {}) =>
    checkPostgres(configOf(database, cluster), true);

  async function openDatabase(): Promise<{ database: PostgresDatabase; url: string }> {
    const url = server.urlOf(await server.createDatabase());
    const database = await openPostgres({ url });
    onTestFinished(() => database.close());
    return { database, url };
  }

  interface Described {
    name: string;
    machineVersion?: number;
    version?: string;
    host?: string;
    baseUrl?: string;
    isIsolated?: boolean;
    /** Of its wall clock, against that of the database. */
    aheadMs?: number;
    leases?: readonly string[];
  }
  async function join(database: PostgresDatabase, worker: Described): Promise<string> {
    const { name, machineVersion = 1, version = '0.1.0', host = 'here', leases = [] } = worker;
    const { baseUrl = 'http://big/v1' } = worker;
    const settings = {
      beatMs: 1_000,
      goneAfterMs: 5_000,
      prefix: 'p',
      backends: { big: { baseUrl, concurrency: 1 } },
    };
    const id = nextId();
    const info = JSON.stringify({ version, host, pid: 1, settings });
    await registerWorker(database, { id, name, machineVersion, info });
    const now = Date.now() + (worker.aheadMs ?? 0);
    await exchangeBeats(database, id, worker.isIsolated ?? false, now);
    await takeLeases(database, { id, machineVersion }, leases);
    return id;
  }
  const all = [...Array.from({ length: 64 }, (_, part) => `part/${part}`), 'role/sequencer'];

  test('has nothing to remark but the missing standby while two workers share all leases', async () => {
    const { database, url } = await openDatabase();
    await join(database, { name: 'one', leases: all.slice(0, 32) });
    await join(database, { name: 'two', leases: all.slice(32) });
    const results = await check(url);
    expect(remarks(results)).toEqual(['database remark: no standby is connected']);
    const text = results.map(({ what }) => what);
    expect(text).toContain('one: 0.1.0 on here, machine 1, holds 32 partitions');
    expect(text).toContain('two: 0.1.0 on here, machine 1, holds 32 partitions, role/sequencer');
    expect(text).toContain('each lease has an owner');
    expect((await check(url, null)).some(({ part }) => part === 'cluster')).toBe(false);
  });

  test('reports partitions and roles without an owner, and workers that are gone', async () => {
    const { database, url } = await openDatabase();
    const one = await join(database, { name: 'one', leases: all.slice(0, 60) });
    await join(database, { name: 'two', leases: all.slice(60, 64) });
    const beat = (await exchangeBeats(database, one))!.find(({ id }) => id === one)!.beat;
    await markGone(database, { id: one, beat });
    await server.run(`insert into lease (name) values ('gate/old')`, url.split('/').at(-1));
    expect(remarks(await check(url))).toEqual([
      'database remark: no standby is connected',
      'cluster remark: workers: 1, gone since the database was made: 1',
      expect.stringMatching(
        /^cluster fault: partitions without an owner: part\/0, .* and 54 more$/,
      ),
      'cluster fault: roles without an owner: role/sequencer',
      'cluster remark: other leases without an owner: gate/old',
    ]);
  });

  test('reports clocks, versions, isolated workers and loopback addresses on several machines', async () => {
    const { database, url } = await openDatabase();
    const baseUrl = 'http://127.0.0.1:11434/v1';
    await join(database, { name: 'one', aheadMs: 600_000, baseUrl, leases: all });
    await join(database, { name: 'two', aheadMs: -30_000, version: '0.2.0', host: 'there' });
    await join(database, { name: 'three', isIsolated: true, aheadMs: 500 });
    expect(remarks(await check(url))).toEqual([
      'database remark: no standby is connected',
      expect.stringMatching(/^cluster fault: three: .*it has no connection to NATS$/),
      expect.stringMatching(
        /the clock of one is (600\.0|599\.\d) s ahead of that of the database$/,
      ),
      expect.stringMatching(/the clock of two is 30\.\d s behind that of the database$/),
      'cluster remark: workers have different versions: 0.1.0, 0.2.0',
      'cluster fault: the backend big has a loopback address, and the workers are on 2 machines',
    ]);
    await join(database, { name: 'four', machineVersion: 2 });
    expect(remarks(await check(url))).toContain(
      'cluster remark: an older job machine runs at one, three, two',
    );
  });

  test('finds the partition that has most of the jobs', async () => {
    const { database, url } = await openDatabase();
    await join(database, { name: 'one', leases: all.slice(0, 32) });
    await join(database, { name: 'two', leases: all.slice(32) });
    const add = (jobs: number, part: string) =>
      server.run(
        `insert into job (created_at, updated_at, n, seq, machine_version, part, id, user_id,
            channel, conversation, state, message, input)
          select 0, 0, 0, 0, 1, ${part}, gen_random_uuid(), 'u', 'c', 'v', 'done', 'm', '{}'
          from generate_series(1, ${jobs}) as job`,
        url.split('/').at(-1),
      );
    const found = async () =>
      (await check(url)).filter(({ what }) => what.startsWith('the busiest partition'));
    await add(64, 'job - 1');
    expect(await found()).toEqual([]);
    await add(64, 'job - 1');
    expect(await found()).toEqual([
      {
        part: 'cluster',
        ok: true,
        what: 'the busiest partition, part/0, has 2 % of the last 128 jobs',
      },
    ]);
    await add(72, '17');
    expect(await found()).toMatchObject(
      [
        {
          what: 'the busiest partition, part/17, has 37 % of the last 200 jobs',
          advice: /one worker/,
        },
      ].map((one) => ({ ...one, advice: expect.stringMatching(one.advice) })),
    );
  });

  test('calls a failover to an asynchronous standby unsafe, and accepts a synchronous one', async () => {
    const { url } = await openDatabase();
    const standby = await startStandby(server, 'second');
    onTestFinished(async () => {
      await server.run('alter system reset synchronous_standby_names');
      await server.run('select pg_reload_conf()');
      await standby.remove();
    });
    const states = async (): Promise<string> => {
      const { rows } = await server.run('select sync_state, state from pg_stat_replication');
      return rows.map(({ sync_state, state }) => `${state} ${sync_state}`).join();
    };
    await expect.poll(states).toBe('streaming async');
    const ofStandby = async (more: object | null = {}) =>
      remarks(await check(url, more)).filter(
        (one) => one.includes('standby') || one.includes('replica'),
      );
    const unsafe = 'replicas connected: 1, none is synchronous';
    expect(await ofStandby()).toEqual([`database fault: ${unsafe}: a failover is unsafe`]);
    expect(await ofStandby(null)).toEqual([`database remark: ${unsafe}`]);
    const name = async (names: string): Promise<void> => {
      await server.run(`alter system set synchronous_standby_names = '${names}'`);
      await server.run('select pg_reload_conf()');
    };
    await name('second');
    await expect.poll(states).toBe('streaming sync');
    expect(await ofStandby()).toEqual([]);
    await server.run(`grant pg_monitor to ${server.role.user}`);
    expect(await ofStandby()).toEqual([]);
    await name('third');
    await expect.poll(states).toBe('streaming async');
    expect(await ofStandby()).toEqual([
      'database fault: synchronous_standby_names is third, and no connected standby has such a name: no commit ends',
    ]);
  });
});

describe.skipIf(natsCommand === null)('the check of the NATS servers of several workers', () => {
  test('says which streams have too few copies, and which copies are missing', async () => {
    const cluster = await startNatsCluster(natsCommand!);
    const specs = (replicas: number) => createStreamSpecs(createSubjects(), replicas);
    const check = async (more: object = {}) =>
      checkNatsServers(
        configOf('postgres://a@b/c', { natsMonitors: cluster.monitors, ...more }, cluster.url),
      );
    expect((await check())[0]).toEqual({
      part: 'nats',
      ok: true,
      what: 'the streams are made at the first start',
    });
    const nc = await connectClient(cluster.nodes[0]!);
    const jsm = await jetstreamManager(nc);
    await ensureStream(jsm, specs(3).events);
    expect((await check())[0]).toMatchObject({ what: 'each stream has 3 copies or more' });
    await ensureStream(jsm, specs(1).replies);
    expect(await check()).toMatchObject([
      {
        ok: false,
        what: 'GH_RPL has 1 of 3 copies',
        advice: 'nats stream edit GH_RPL --replicas 3',
      },
      ...['n1', 'n2', 'n3'].map((name) => ({
        what: expect.stringMatching(`^${name}, nats-server 2\\.`),
      })),
    ]);
    expect((await check({ replicas: 1 }))[0]).toMatchObject({ ok: true });
    await jsm.streams.delete('GH_RPL');
    await cluster.nodes[2]!.kill();
    const first = async (): Promise<CheckResult> => (await check())[0]!;
    await expect.poll(first, { timeout: 20_000, interval: 200 }).toMatchObject({
      ok: false,
      what: 'GH_EVT: 1 of 3 copies are missing or behind',
    });
    expect((await check()).at(-1)).toMatchObject({
      ok: true,
      what: expect.stringContaining('says nothing about sync_interval'),
      advice: expect.stringContaining('cluster.natsMonitors'),
    });
  });

  test.each<[string, Parameters<typeof judgeNatsPages>[1], string]>([
    [
      'an old version',
      pages('2.9.10'),
      'remark: n1, nats-server 2.9.10: cannot write each message',
    ],
    [
      'the default',
      pages('2.12.12', {}),
      'remark: n1, nats-server 2.12.12: sync_interval is 120 s',
    ],
    ['an interval', pages('2.10.0', { sync_interval: 30e9 }), 'sync_interval is 30 s'],
    [
      'no JetStream',
      { ...pages('2.12.12'), jsz: { disabled: true } },
      'fault: n1, nats-server 2.12.12: has no JetStream',
    ],
  ])('remarks %s of a server', (_, given, expected) => {
    expect(remarks(judgeNatsPages('http://m:8222', given)).join()).toContain(expected);
  });

  test('accepts sync_interval: always', () => {
    const given = pages('2.14.3', { sync_interval: 120e9, sync_always: true });
    expect(judgeNatsPages('http://m:8222', given)).toEqual([
      { part: 'nats', ok: true, what: 'n1, nats-server 2.14.3, sync_interval: always' },
    ]);
  });
});

function pages(version: string, config: object = {}): Parameters<typeof judgeNatsPages>[1] {
  return { varz: { server_name: 'n1', version }, jsz: { config } };
}

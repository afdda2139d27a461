/** Which processes may join a cluster: real rows of workers on a real server, living and killed ones. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admitWorker, assertNoWorkers, type Candidate } from '#cluster/admission';
import { createIdSource } from '#shared/ids';
import { exchangeBeats, leaveWorkers, registerWorker } from '#storage/postgres/leases';
import { openPostgres, type PostgresDatabase } from '#storage/postgres/postgres-database';
import type { WorkerSettings } from '#storage/postgres/worker-info';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const nextId = createIdSource();
const settings: WorkerSettings = {
  beatMs: 100,
  goneAfterMs: 400,
  prefix: 'gatehouse.v1',
  backends: { big: { baseUrl: 'http://big:8800/v1', concurrency: 1 } },
};
const candidate = (name: string, change: Partial<WorkerSettings> = {}): Candidate => ({
  name,
  partitions: 64,
  info: { version: '0.1.0', host: 'here', pid: 1, settings: { ...settings, ...change } },
});
let server: PostgresServer;

describe.skipIf(postgresMissing() !== null)('the admission of a worker', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  async function openDatabase(): Promise<PostgresDatabase> {
    const database = await openPostgres({ url: server.urlOf(await server.createDatabase()) });
    onTestFinished(() => database.close());
    return database;
  }

  /** A row of a worker. `isBeating`: its process lives. */
  async function register(
    database: PostgresDatabase,
    { name, info }: Candidate,
    isBeating: boolean,
  ): Promise<string> {
    const id = nextId();
    await registerWorker(database, { id, name, machineVersion: 1, info: JSON.stringify(info) });
    if (!isBeating) return id;
    let running: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      running = exchangeBeats(database, id);
    }, settings.beatMs);
    onTestFinished(async () => {
      clearInterval(timer);
      await running;
    });
    return id;
  }

  test('lets workers with other names and the same settings in at once', async () => {
    const database = await openDatabase();
    await admitWorker(database, candidate('one'));
    await register(database, candidate('one'), true);
    await admitWorker(database, candidate('two'));
    // Backends that only one of them has are its own business.
    const small = { small: { baseUrl: 'http://small/v1', concurrency: 2 } };
    await admitWorker(database, candidate('three', { backends: small }));
  });

  test('refuses a second worker with the same name while the first lives', async () => {
    const database = await openDatabase();
    await register(database, candidate('one'), true);
    await expect(admitWorker(database, candidate('one'))).rejects.toMatchObject({
      code: 'GH_CLUSTER_WORKER',
      message: expect.stringMatching(/has the name one; give each its own cluster\.workerId/),
    });
  });

  test('lets the successor of a killed worker in after its silence, and of a stopped one at once', async () => {
    const database = await openDatabase();
    const killed = await register(database, candidate('one'), false);
    await admitWorker(database, candidate('one'));
    expect(await exchangeBeats(database, killed)).toBeNull();
    const next = await register(database, candidate('one'), false);
    await leaveWorkers(database, next);
    await admitWorker(database, candidate('one'));
    await register(database, candidate('one'), true);
  });

  test('gives one name to one of two processes that start at the same moment', async () => {
    const database = await openDatabase();
    const both = [candidate('one'), candidate('one')];
    await Promise.all(both.map((one) => admitWorker(database, one)));
    const results = await Promise.allSettled(both.map((one) => register(database, one, false)));
    const failures = results.filter(({ status }) => status === 'rejected');
    expect(failures).toMatchObject([{ reason: { code: 'GH_CLUSTER_WORKER' } }]);
  });

  test('refuses a worker with other settings, and says which', async () => {
    const database = await openDatabase();
    await register(database, candidate('one'), true);
    const differences: [string, Partial<WorkerSettings>][] = [
      ['cluster.beatMs is 200, and 100 there', { beatMs: 200 }],
      ['cluster.goneAfterMs is 900, and 400 there', { goneAfterMs: 900 }],
      ['nats.prefix is other, and gatehouse.v1 there', { prefix: 'other' }],
      [
        'concurrency of the backend big is 2, and 1 there',
        { backends: { big: { baseUrl: 'http://big:8800/v1', concurrency: 2 } } },
      ],
      [
        'baseUrl of the backend big is http://huge:8800/v1, and http://big:8800/v1 there',
        { backends: { big: { baseUrl: 'http://huge:8800/v1', concurrency: 1 } } },
      ],
    ];
    for (const [difference, change] of differences) {
      await expect(admitWorker(database, candidate('two', change))).rejects.toMatchObject({
        code: 'GH_CLUSTER_SETTINGS',
        message: `the worker one has other settings: ${difference}; give all workers the same, or stop the others first`,
      });
    }
  });

  test('lets new settings in when all workers with the old ones were killed', async () => {
    const database = await openDatabase();
    await register(database, candidate('one'), false);
    await register(database, candidate('two'), false);
    await admitWorker(database, candidate('one', { beatMs: 50, goneAfterMs: 200 }));
    await expect(database.query.selectFrom('worker').select('gone').execute()).resolves.toEqual([
      { gone: true },
      { gone: true },
    ]);
  });

  test('refuses another number of partitions than that of the database', async () => {
    const database = await openDatabase();
    await expect(
      admitWorker(database, { ...candidate('one'), partitions: 32 }),
    ).rejects.toMatchObject({
      code: 'GH_CLUSTER_SETTINGS',
      message: expect.stringMatching(/has 64 partitions.*is 32.*set cluster\.partitions: 64$/),
    });
  });

  test('ends with a code when the database cannot be read', async () => {
    const database = await openPostgres({ url: server.urlOf(await server.createDatabase()) });
    await database.close();
    const unread = { code: 'GH_STORE_UNAVAILABLE' };
    await expect(admitWorker(database, candidate('one'))).rejects.toMatchObject(unread);
    await expect(assertNoWorkers(database)).rejects.toMatchObject(unread);
  });

  test('keeps a process without the section off a database with living workers, and only then', async () => {
    const database = await openDatabase();
    await assertNoWorkers(database);
    await registerWorker(database, { id: nextId(), machineVersion: 1 });
    await assertNoWorkers(database);
    await register(database, candidate('killed'), false);
    await assertNoWorkers(database);
    await register(database, candidate('one'), true);
    await expect(assertNoWorkers(database)).rejects.toMatchObject({
      code: 'GH_CLUSTER_SETTINGS',
      message: expect.stringMatching(/workers of a cluster \(one\)/),
    });
  });
});

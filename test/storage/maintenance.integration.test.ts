/** Maintenance: the database file and the write-ahead log shrink, without waiting for readers. */
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { openDatabase, type Database, type SqliteConnection } from '#storage/database';
import { createDeliveryStore } from '#events/store/event-log-store';
import { createJobQueries } from '#jobs/store/job-queries';
import { createDatabaseMaintenance } from '#storage/maintenance';
import { direct, openCore } from '#test/support/core';
import { scratchFolder, until } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
let path: string;
beforeEach(() => {
  scratch = scratchFolder();
  path = join(scratch.path, 'gatehouse.db');
});
afterEach(() => scratch.remove());

async function open(): Promise<Database> {
  const database = await openDatabase({ path, synchronous: 'NORMAL' });
  onTestFinished(() => database.close());
  return database;
}

interface Opened {
  readonly connection: SqliteConnection;
  close(): Promise<void> | void;
}

const megabyte = 1024 * 1024;

function fill({ connection }: Database, megabytes: number): void {
  const insert = connection.prepare('insert into submission (key, job_id, at) values (?, ?, 1)');
  connection.transaction(() => {
    for (let n = 0; n < megabytes * 64; n += 1) insert.run(`${n}-${'x'.repeat(16_000)}`, 'j');
  })();
}

describe('the database file', () => {
  test.each([
    ['the core', (file: string): Promise<Opened> => openDatabase({ path: file })],
    ['the bridge', async (file: string): Promise<Opened> => openBridgeDatabase(file)],
  ])('of %s has mode 0600, also when it had another mode before', async (_who, openIt) => {
    const umask = process.umask(0o022);
    onTestFinished(() => void process.umask(umask));
    await (await openIt(path)).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // The mode in earlier versions.
    chmodSync(path, 0o644);
    writeFileSync(`${path}-wal`, '');
    chmodSync(`${path}-wal`, 0o644);
    const database = await openIt(path);
    database.connection.exec('create table something (x); insert into something values (1)');
    for (const end of ['', '-wal', '-shm']) {
      expect(statSync(path + end).mode & 0o777, end).toBe(0o600);
    }
    await database.close();
  });

  test('gives back the space of deleted rows while it is in use, except for a reserve', async () => {
    const database = await open();
    const maintenance = createDatabaseMaintenance(database, path);
    fill(database, 10);
    const full = maintenance.sizes().fileBytes;
    database.connection.exec('delete from submission');
    expect(maintenance.sizes().fileBytes).toBe(full);
    const freed = await maintenance.vacuumIncrementally();
    expect(freed).toBeGreaterThan(8 * megabyte);
    maintenance.truncateWal();
    expect(statSync(path).size).toBe(full - freed);
    const { freeBytes } = maintenance.sizes();
    expect(freeBytes).toBeGreaterThan(0);
    expect(freeBytes).toBeLessThan(1.1 * megabyte);
    expect(await maintenance.vacuumIncrementally()).toBe(0);
    expect(database.connection.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  test('without auto_vacuum gets incremental auto_vacuum when it is opened', async () => {
    const first = await openDatabase({ path });
    first.connection.pragma('auto_vacuum = NONE');
    first.connection.exec("insert into submission values ('k', 'j', 1); vacuum");
    expect(first.connection.pragma('auto_vacuum', { simple: true })).toBe(0);
    await first.close();
    const database = await open();
    expect(database.connection.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(database.connection.prepare('select key from submission').all()).toEqual([{ key: 'k' }]);
  });
});

describe('the write-ahead log', () => {
  test('is not truncated while a backup reads, without waiting for the backup, and is truncated afterwards', async () => {
    const database = await open();
    const maintenance = createDatabaseMaintenance(database, path);
    fill(database, 1);
    const reader = new Sqlite(path, { readonly: true });
    reader.exec('begin');
    reader.prepare('select count(*) from submission').get();
    writeRow(database);
    expect(maintenance.truncateWal()).toBe(false);
    expect(maintenance.sizes().logBytes).toBeGreaterThan(0);
    expect(database.connection.pragma('busy_timeout', { simple: true })).toBeGreaterThan(0);
    reader.close();
    expect(maintenance.truncateWal()).toBe(true);
    expect(maintenance.sizes().logBytes).toBe(0);
  });

  test('shrinks to at most 8 MiB after a burst of writes', async () => {
    const database = await open();
    const maintenance = createDatabaseMaintenance(database, path);
    fill(database, 30);
    expect(maintenance.sizes().logBytes).toBeGreaterThan(25 * megabyte);
    writeRow(database);
    writeRow(database);
    expect(maintenance.sizes().logBytes).toBeLessThanOrEqual(8 * megabyte);
  });
});

let extra = 0;
/** One small commit. */
function writeRow({ connection }: Database): void {
  extra += 1;
  connection.prepare('insert into submission values (?, ?, 1)').run(`extra-${extra}`, 'j');
}

describe('a running core', () => {
  test('removes ended jobs with all their rows after the retention time, and keeps open jobs', async () => {
    const fixture = await openCore(
      {},
      { retentionSchedule: { keepMs: 0, everyMs: 20, walIdleMs: 60_000 } },
    );
    onTestFinished(() => fixture.close());
    fixture.small.script(direct('네'));
    const jobId = await fixture.client.submit({ message: '안녕', idempotency_key: 'k' });
    await until(async () => (await fixture.client.jobs({})).jobs.length === 0);
    await expect(fixture.client.job(jobId)).rejects.toThrow('GH_JOB_NOT_FOUND');
    const held: (() => void)[] = [];
    fixture.small.script(async (exchange) => {
      await new Promise<void>((resolve) => held.push(resolve));
      await direct('네')(exchange);
    });
    const open = await fixture.client.submit({ message: '아직' });
    await until(() => held.length === 1);
    const { journal } = fixture.core;
    expect(journal.stats.running).toBe(1);
    expect((await fixture.client.job(open)).outcome).toBeNull();
    held.pop()!();
    await until(async () => (await fixture.client.jobs({})).jobs.length === 0);
    const left = new Sqlite(fixture.config.database, { readonly: true });
    onTestFinished(() => void left.close());
    for (const table of ['job', 'journal', 'submission', 'delivery']) {
      expect(left.prepare(`select count(*) as n from ${table}`).get(), table).toEqual({ n: 0 });
    }
  });

  test('removes old delivery reports that arrived after their job was removed', async () => {
    const database = await open();
    const deliveries = createDeliveryStore(database);
    const report = { job_id: 'gone', channel: 'synology', parts: 1, error: null } as const;
    deliveries.record({ ...report, reply_id: 'gone:1', status: 'sent', at: 1_000 });
    deliveries.record({ ...report, reply_id: 'gone:2', status: 'sent', at: 3_000 });
    await createJobQueries(database).prune(2_000);
    expect(deliveries.ofJob('gone').map(({ reply_id }) => reply_id)).toEqual(['gone:2']);
  });

  test('truncates the write-ahead log when it is idle, and shows the sizes in its metrics', async () => {
    const fixture = await openCore(
      {},
      { retentionSchedule: { keepMs: 1e9, everyMs: 1e6, walIdleMs: 20 } },
    );
    onTestFinished(() => fixture.close());
    fixture.small.script(direct('네'));
    await fixture.ask('안녕');
    await until(() => statSync(`${fixture.config.database}-wal`).size === 0);
    const text = await (await fetch(`${fixture.core.url}/metrics`)).text();
    expect(text).toMatch(/^gatehouse_database_bytes [1-9]/m);
    expect(text).toMatch(/^gatehouse_database_log_bytes 0$/m);
  });
});

/** Checks of the doctor on the machine, the trace collector and the database: each fault with its advice. */
import { once } from 'node:events';
import { mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createServer as createWebServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkDatabase } from '#doctor/database-check';
import {
  checkCore,
  checkRunningCore,
  checkNode,
  checkTimeZone,
  checkTraces,
} from '#doctor/environment-check';
import { configSchema, type Config } from '#app/config/config';
import { openDatabase } from '#storage/database';
import { openCore } from '#test/support/core';
import { freePort } from '#test/support/free-port';
import { scratchFolder } from '#test/support/journal';
import { startOtlpReceiver } from '#test/observability/tracing/otlp-receiver';

function folder(): string {
  const scratch = scratchFolder();
  onTestFinished(() => scratch.remove());
  return scratch.path;
}

const configOf = (change: Record<string, unknown>): Config => configSchema.parse(change);

const listening = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
};

describe('the environment check of the doctor', () => {
  test('refuses a Node.js version below 24.12', () => {
    expect(checkNode()).toMatchObject({ ok: true });
    expect(checkNode('25.0.0')).toMatchObject({ ok: true });
    expect(checkNode('24.11.1')).toMatchObject({
      ok: false,
      advice: expect.stringContaining('24.12'),
    });
    expect(checkNode('20.19.0')).toMatchObject({ ok: false });
  });

  test('gives advice when the time of the machine differs from the time in the configured time zone', () => {
    const config = configOf({ timezone: 'Asia/Seoul' });
    expect(checkTimeZone(config, 'Asia/Seoul').advice).toBe(undefined);
    // Another zone with the same offset.
    expect(checkTimeZone(config, 'Asia/Tokyo').advice).toBe(undefined);
    expect(checkTimeZone(config, 'America/New_York')).toMatchObject({
      ok: true,
      advice: expect.stringContaining('`timezone`'),
    });
  });

  test('distinguishes a running core, a free port and another program at the configured address', async () => {
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const at = (port: number) => checkCore(configOf({ server: { port } }));
    expect(await at(Number(new URL(fixture.core.url).port))).toMatchObject({
      isThere: true,
      result: { ok: true, what: expect.stringContaining('runs at') },
    });
    expect(await at(await freePort())).toMatchObject({
      isThere: false,
      result: { ok: true, advice: expect.stringContaining('gatehouse serve') },
    });
    const silent = createServer((socket) => socket.destroy());
    const other = createWebServer((_request, response) => response.end('hello'));
    for (const server of [silent, other]) {
      expect(await at(await listening(server))).toMatchObject({
        isThere: false,
        result: { ok: false, advice: expect.stringContaining('server.port') },
      });
    }
  });

  test('reports the parts of the running core, a wrong API key and a missing database file', async () => {
    const fixture = await openCore({ server: { port: 0, apiKeys: ['key-of-operator'] } });
    onTestFinished(() => fixture.close());
    const port = Number(new URL(fixture.core.url).port);
    const look = (apiKeys: string[]) => checkRunningCore(configOf({ server: { port, apiKeys } }));
    expect(await look(['key-of-operator'])).toMatchObject([
      { ok: true, what: expect.stringContaining('storage up, nats off') },
    ]);
    expect(await look(['another-key'])).toMatchObject([{ ok: false }]);
    renameSync(fixture.config.database, `${fixture.config.database}.aside`);
    expect(await look(['key-of-operator'])).toMatchObject([
      { ok: false, what: expect.stringContaining('moved, deleted or replaced') },
    ]);
    renameSync(`${fixture.config.database}.aside`, fixture.config.database);
  });

  test('reports whether the trace collector accepts traces, and otherwise the reason', async () => {
    expect(await checkTraces({})).toEqual([]);
    const receiver = await startOtlpReceiver();
    onTestFinished(() => receiver.close());
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
    expect(await checkTraces(env)).toMatchObject([{ ok: true }]);
    receiver.status = 404;
    expect(await checkTraces(env)).toMatchObject([
      { ok: false, what: expect.stringContaining('404'), advice: expect.stringContaining('4318') },
    ]);
    const away = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    expect(await checkTraces({ ...away, OTEL_TRACES_SAMPLER: 'x' })).toMatchObject([
      { ok: false, what: expect.stringContaining('OTEL_TRACES_SAMPLER') },
      { ok: false, what: expect.stringContaining('ECONNREFUSED') },
    ]);
  });
});

describe('the database check of the doctor', () => {
  const check = (database: string, isCoreThere = false) =>
    checkDatabase(configOf({ database }), isCoreThere)[0];

  test('does not create a database that does not exist yet', () => {
    const path = join(folder(), 'deep', 'gatehouse.db');
    expect(check(path)).toMatchObject({ ok: true, what: expect.stringContaining('first start') });
    expect(check(path)).toMatchObject({ what: expect.stringContaining('first start') });
  });

  test('accepts a database in use when a core answers, and reports a fault when no core answers', async () => {
    const path = join(folder(), 'gatehouse.db');
    const owner = await openDatabase({ path });
    onTestFinished(() => owner.close());
    expect(check(path, true)).toMatchObject({
      ok: true,
      what: expect.stringMatching(/schema \d{4}-.*whole, in use by the running core/),
    });
    expect(check(path)).toMatchObject({
      ok: false,
      what: expect.stringContaining(`process ${process.pid}`),
      advice: expect.stringContaining('another `database`'),
    });
  });

  test('reports a database that is newer, damaged, not a database, or a folder', async () => {
    const path = join(folder(), 'gatehouse.db');
    await (await openDatabase({ path })).close();
    expect(check(path)).toMatchObject({ ok: true });
    const connection = new Sqlite(path);
    connection.exec("insert into kysely_migration values ('9999-later', '2030-01-01')");
    connection.close();
    expect(check(path)).toMatchObject({
      ok: false,
      advice: expect.stringContaining('that version'),
    });

    truncateSync(path, 8_192);
    expect(check(path)).toMatchObject({ ok: false, advice: expect.stringContaining('restore') });
    writeFileSync(path, 'a letter to somebody '.repeat(500));
    expect(check(path)).toMatchObject({ ok: false, advice: expect.stringContaining('restore') });
    mkdirSync(join(folder(), 'x'));
    expect(check(folder())).toMatchObject({ ok: false, advice: expect.stringContaining('path') });
  });

  test('advises a backup before the next start upgrades a database of an earlier version', async () => {
    const path = join(folder(), 'gatehouse.db');
    await (await openDatabase({ path })).close();
    const connection = new Sqlite(path);
    connection.exec(
      'delete from kysely_migration where name = (select max(name) from kysely_migration)',
    );
    connection.close();
    expect(check(path)).toMatchObject({ ok: true, advice: expect.stringContaining('backup') });
  });

  test('reports the free disk space, also for a folder that does not exist yet', () => {
    const [, room] = checkDatabase(configOf({ database: join(folder(), 'a', 'b.db') }), false);
    expect(room).toMatchObject({ part: 'disk', what: expect.stringMatching(/[\d,]+ MB free/) });
  });
});

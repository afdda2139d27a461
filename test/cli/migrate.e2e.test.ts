/** `gatehouse migrate` as a process: output, killed and interrupted in the middle, passwords, refusals. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#storage/database';
import { scratchFolder, until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { lastLine, startCommand, type StartedProcess } from './cli-process.ts';

const missing = postgresMissing();

describe.skipIf(missing !== null)('gatehouse migrate', () => {
  let server: PostgresServer;
  let scratch: ReturnType<typeof scratchFolder>;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    scratch = scratchFolder();
    const database = await openDatabase({ path: join(scratch.path, 'from.db') });
    const insert = database.connection.prepare('insert into submission values (?, ?, ?)');
    database.connection.transaction(() => {
      for (let n = 0; n < 20_000; n += 1) insert.run(`key-${n}`, `job-${n}`, n);
    })();
    await database.close();
  });
  afterEach(() => scratch.remove());

  const run = (...args: string[]): StartedProcess =>
    startCommand(['migrate', ...args], {
      cwd: scratch.path,
      env: { PGPASSWORD: server.role.password },
    });
  /** Without password. */
  const newAddress = async (): Promise<string> =>
    `postgres://gatehouse@127.0.0.1:${server.port}/${await server.createDatabase()}`;
  const keysIn = (file: string): unknown =>
    new Sqlite(join(scratch.path, file)).prepare('select * from submission order by key').all();

  test('goes on after it was killed and after Ctrl-C, in both directions, and reports equal tables', async () => {
    const address = await newAddress();
    const cut = async (signal: NodeJS.Signals, ...args: string[]): Promise<StartedProcess> => {
      const started = run(...args);
      await until(() => started.ran.err.includes('copy submission'));
      started.child.kill(signal);
      await started.ended;
      return started;
    };
    const killed = await cut('SIGKILL', 'from.db', address);
    expect(killed.child.signalCode).toBe('SIGKILL');
    const interrupted = await cut('SIGINT', 'from.db', address);
    expect([interrupted.ran.code, lastLine(interrupted.ran.err)]).toEqual([
      1,
      'gatehouse: interrupted: run the same command again, and it goes on where it stopped (GH_STORE_COPY)',
    ]);
    const done = await run('from.db', address).ended;
    expect(done.err).not.toContain('gatehouse:');
    expect(done.code).toBe(0);
    expect(done.out).toMatch(/^submission +20,000 rows, equal \([0-9a-f]{12}\)$/m);
    expect(done.out).toMatch(/has all 20,000 rows of .*from\.db$/m);
    await cut('SIGKILL', address, 'back.db');
    const back = await run(address, 'back.db', '--json').ended;
    expect(back.err).toBe('');
    const report = JSON.parse(back.out) as { tables: { name: string; rows: number }[] };
    expect(report.tables).toContainEqual(
      expect.objectContaining({ name: 'submission', rows: 20_000 }),
    );
    expect(keysIn('back.db')).toEqual(keysIn('from.db'));
  });

  test('takes the password from a file, and hides one in the address from the list of processes', async () => {
    const password = join(scratch.path, 'password');
    writeFileSync(password, `${server.role.password}\n`);
    const hidden = (address: string, ...more: string[]) =>
      startCommand(['migrate', 'from.db', address, ...more], {
        cwd: scratch.path,
        env: { PGPASSWORD: 'wrong' },
      });
    const byFile = await hidden(await newAddress(), '--password-file', 'password').ended;
    expect([byFile.code, byFile.err.includes('visible')]).toEqual([0, false]);
    const { child, ran, ended } = hidden(server.urlOf(await server.createDatabase()));
    await until(() => ran.err.includes('the password was visible'));
    const commandLine = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
    expect(commandLine).not.toContain(encodeURIComponent(server.role.password));
    child.kill();
    await ended;
    expect(ran.err + ran.out).not.toContain('ss%40');
  });

  test.each([
    ['postgres://gatehouse@127.0.0.1:1/none', /GH_STORE_UNREACHABLE/],
    ['postgres://nobody@127.0.0.1:PORT/none', /GH_STORE_LOGIN/],
    ['postgres://gatehouse@127.0.0.1:PORT/none', /GH_STORE_OPEN/],
    ['other.db', /gatehouse backup and gatehouse restore \(GH_STORE_TARGET\)/],
  ])('refuses %s in one line with a code', async (to, expected) => {
    const { code, err } = await run('from.db', to.replace('PORT', String(server.port))).ended;
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toMatch(expected);
  });

  test('draws one line on a terminal, and clears it at the end', async () => {
    const address = await newAddress();
    const command = [process.execPath, join(import.meta.dirname, '../../src/cli/gatehouse.ts')];
    const { spawn } = await import('node:child_process');
    const terminal = spawn(
      'script',
      ['-qec', [...command, 'migrate', 'from.db', address].join(' '), '/dev/null'],
      {
        cwd: scratch.path,
        env: { ...process.env, PGPASSWORD: server.role.password, COLUMNS: '90' },
      },
    );
    let out = '';
    terminal.stdout.on('data', (data: Buffer) => (out += data.toString()));
    await once(terminal, 'close');
    expect(out).toMatch(/\rcopy submission +█+ 100 %/);
    const end = out.slice(out.lastIndexOf('\r\u001b[K'));
    expect(end).toContain('has all 20,000 rows');
    expect(end).not.toContain('█');
  });
});

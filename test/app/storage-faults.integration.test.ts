/**
 * A full disk, a database that cannot be written, is damaged, or has a newer schema: a clear error, the process
 * continues where possible, and no accepted message is lost.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLog } from '#shared/log';
import { openDatabase } from '#storage/database';
import { direct, follow, openCore, type CoreFixture } from '#test/support/core';
import { scratchFolder, until } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

/** Mounts a real file system of 2 MB; false without the right to mount. */
function mountSmallDisk(path: string): boolean {
  try {
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], {
      stdio: 'ignore',
      timeout: 20_000,
    });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  let fixture: CoreFixture | null = null;
  let disk = '';
  afterEach(async () => {
    await fixture?.close();
    if (disk !== '') execFileSync('umount', [disk], { stdio: 'ignore', timeout: 20_000 });
    disk = '';
  });

  test('refuses new messages with 503 and two log lines, and accepted messages are answered once there is space', async ({
    skip,
  }) => {
    const path = join(scratch.path, 'disk');
    if (!mountSmallDisk(path)) skip('needs the right to mount a small file system');
    disk = path;
    const lines: { level: number; msg: string }[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as (typeof lines)[0]);
    const log = createLog({ level: 'info', pretty: false }, { write });
    fixture = await openCore({ database: join(disk, 'gatehouse.db') }, { log });
    const { core, small, client } = fixture;
    const held: (() => void)[] = [];
    small.script(async (exchange) => {
      await new Promise<void>((resolve) => held.push(resolve));
      await direct('네')(exchange);
    });
    const accepted = await client.submit({ message: '안녕', user_id: 'early' });
    await until(() => held.length === 1);

    fillDisk(disk);
    const send = (n: number) =>
      fetch(`${core.url}/chat`, {
        method: 'POST',
        body: JSON.stringify({ message: `안녕 ${'x'.repeat(6_000)}`, user_id: `u${n}` }),
      });
    const statuses: number[] = [];
    for (let n = 0; n < 40 && !statuses.includes(503); n += 1)
      statuses.push((await send(n)).status);
    expect(statuses).toContain(503);
    expect((await fetch(`${core.url}/healthz`)).status).toBe(200);
    // Small writes may still fit: send until the last commit has failed.
    let next = 100;
    await until(async () => {
      statuses.push((await send((next += 1))).status);
      return (await fetch(`${core.url}/readyz`)).status === 503;
    });
    held[0]!();
    for (let n = 0; n < 10; n += 1) statuses.push((await send((next += 1))).status);
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(2);

    rmSync(join(disk, 'ballast'));
    const { end } = await follow(client, accepted);
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '네' });
    expect((await send(99)).status).toBe(202);
    const fault = 'the turn could not be committed';
    const told = lines.map(({ msg }) => msg).filter((msg) => msg.startsWith(fault));
    expect(told).toEqual([fault, `${fault}: working again`]);
    expect(lines.filter(({ level }) => level >= 40)).toHaveLength(1);
    expect(statuses.every((status) => status === 202 || status === 503)).toBe(true);
    const { jobs } = await client.jobs({ limit: '500' });
    expect(jobs).toHaveLength(statuses.filter((status) => status === 202).length + 2);
  });
});

function fillDisk(disk: string): void {
  const ballast = join(disk, 'ballast');
  for (let size = 1_900_000; size > 0; size -= 20_000) {
    try {
      writeFileSync(ballast, Buffer.alloc(size));
      return;
    } catch {
      rmSync(ballast, { force: true });
    }
  }
}

describe('a database', () => {
  const open = () => openDatabase({ path: join(scratch.path, 'gatehouse.db') });

  test('whose folder cannot be created is refused with an error of one line', async () => {
    writeFileSync(join(scratch.path, 'file'), '');
    await expect(
      openDatabase({ path: join(scratch.path, 'file', 'gatehouse.db') }),
    ).rejects.toMatchObject({
      code: 'GH_STORE_OPEN',
      message: expect.not.stringContaining('\n'),
    });
  });

  test('that is read-only is refused with an error of one line', async ({ skip }) => {
    const path = join(scratch.path, 'disk');
    if (!mountSmallDisk(path)) skip('needs the right to mount a small file system');
    try {
      await (await openDatabase({ path: join(path, 'gatehouse.db') })).close();
      execFileSync('mount', ['-o', 'remount,ro', path], { timeout: 20_000 });
      await expect(openDatabase({ path: join(path, 'gatehouse.db') })).rejects.toMatchObject({
        code: 'GH_STORE_READ_ONLY',
        message: expect.not.stringContaining('\n'),
      });
    } finally {
      execFileSync('umount', [path], { timeout: 20_000 });
    }
  });

  test('that is no SQLite file is refused as corrupt', async () => {
    writeFileSync(join(scratch.path, 'gatehouse.db'), 'this is a letter to my aunt '.repeat(100));
    await expect(open()).rejects.toMatchObject({ code: 'GH_STORE_CORRUPT' });
  });

  test('from a newer version is refused', async () => {
    await (await open()).close();
    const file = new Sqlite(join(scratch.path, 'gatehouse.db'));
    file.exec(
      `insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2099')`,
    );
    file.close();
    await expect(open()).rejects.toMatchObject({ code: 'GH_STORE_NEWER' });
  });

  test('is locked while it is open, and can be opened again after it is closed', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'GH_STORE_LOCKED' });
    await first.close();
    await (await open()).close();
  });
});

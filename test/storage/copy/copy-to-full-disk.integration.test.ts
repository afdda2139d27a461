/** `gatehouse migrate` to a target without room, or that cannot be written: one line with a code, and it goes on later. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { copyDatabase } from '#storage/copy/copy-database';
import { openDatabase } from '#storage/database';
import { createJobStore } from '#jobs/store/job-store';
import { openSmallDisk, type SmallDisk } from '#test/chaos/small-disk';
import { jobInput, newJobChange } from '#test/support/jobs';
import { scratchFolder } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const jobs = 400;

describe.skipIf(postgresMissing() !== null)('a copy of a database', () => {
  let server: PostgresServer;
  let scratch: ReturnType<typeof scratchFolder>;
  let from: string;
  beforeAll(async () => {
    server = await startPostgres();
    scratch = scratchFolder();
    from = join(scratch.path, 'from.db');
    const database = await openDatabase({ path: from });
    const store = createJobStore(database);
    const rows = Array.from({ length: jobs }, (_, index) => {
      // Random: PostgreSQL compresses long texts.
      const message = randomBytes(6_000).toString('base64');
      const input = jobInput({ jobId: `job-${index}`, message });
      return newJobChange(input, [], 1_000);
    });
    store.commit(rows);
    await database.close();
  });
  afterAll(async () => {
    scratch.remove();
    await server.remove();
  });

  const openDisk = (skip: (why: string) => void): SmallDisk => {
    const disk = openSmallDisk(`/tmp/gatehouse-copy-disk-${process.pid}`);
    onTestFinished(() => {
      disk.unmount();
      rmSync(disk.path, { recursive: true, force: true });
    });
    if (!disk.canFill) skip('no right to mount a small disk');
    return disk;
  };
  /** The code and the line of an attempt that fails. */
  const refusalOf = async (source: string, to: string): Promise<string> => {
    const error = await copyDatabase({ from: source, to }).then(
      () => expect.fail('it was copied'),
      (reason: unknown) => reason as Error & { code: string },
    );
    expect(error.message).not.toContain('\n');
    return `${error.code} ${error.message}`;
  };

  test('to a server whose disk is full ends with one line, and goes on when there is room', async ({
    skip,
  }) => {
    const disk = openDisk(skip);
    server.adopt(disk.path);
    await server.run(`create tablespace small location '${disk.path}'`);
    const name = await server.createDatabase('tablespace small');
    onTestFinished(async () => {
      await server.run(`drop database ${name} with (force)`);
      await server.run('drop tablespace small');
    });
    disk.fill(2 * 1024 * 1024);
    const to = server.urlOf(name);
    expect(await refusalOf(from, to)).toMatch(
      /^GH_STORE_TARGET .*no room.*goes on where it stopped$/,
    );
    expect(await refusalOf(from, to)).toMatch(/^GH_STORE_TARGET .*no room/);
    disk.free();
    const { tables } = await copyDatabase({ from, to });
    expect(tables).toContainEqual(expect.objectContaining({ name: 'job', rows: jobs }));
  });

  test('to a file on a full or read-only disk ends with one line, and goes on when it can be written', async ({
    skip,
  }) => {
    const source = server.urlOf(await server.createDatabase());
    await copyDatabase({ from, to: source });
    const disk = openDisk(skip);
    const to = join(disk.path, 'to.db');
    disk.setReadOnly(true);
    expect(await refusalOf(source, to)).toMatch(/^GH_STORE_READ_ONLY .*to\.db/);
    disk.setReadOnly(false);
    disk.fill(2 * 1024 * 1024);
    expect(await refusalOf(source, to)).toMatch(
      /^GH_STORE_TARGET .*full.*goes on where it stopped$/,
    );
    expect(await refusalOf(source, to)).toMatch(/^GH_STORE_(?:TARGET|OPEN) .*full/);
    disk.free();
    const { tables } = await copyDatabase({ from: source, to });
    expect(tables).toContainEqual(expect.objectContaining({ name: 'job', rows: jobs }));
  });
});

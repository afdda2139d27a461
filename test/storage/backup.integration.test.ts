/**
 * Backups of a running core and their restore: a consistent copy, all data of the backup kept, one end for each of
 * its jobs, and the events of the jobs published on NATS.
 */
import {
  chownSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { backUp, restore } from '#storage/backup';
import { openDatabase } from '#storage/database';
import {
  broker,
  brokenJobs,
  connectClient,
  natsCommand,
  readEvents,
} from '#test/events/nats-fixture';
import { direct, follow, openCore, type ConfigInput, type CoreFixture } from '#test/support/core';
import { scratchFolder, until } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

const copyPath = (): string => join(scratch.path, 'copy.db');

async function core(change: ConfigInput = {}): Promise<CoreFixture> {
  const fixture = await openCore(change);
  onTestFinished(() => fixture.close());
  return fixture;
}

/** Holds the answers of the small model; each function in the list releases an answer. */
function holdAnswers(fixture: CoreFixture): (() => void)[] {
  const held: (() => void)[] = [];
  fixture.small.script(async (exchange) => {
    await new Promise<void>((resolve) => held.push(resolve));
    await direct('네')(exchange);
  });
  return held;
}

const ends = (types: string[]): number =>
  types.filter((type) => type === 'done' || type === 'cancelled').length;

describe('a backup', () => {
  test('is written to a new file with mode 0600, and never over an existing file', async () => {
    const fixture = await core();
    await fixture.ask('안녕');
    backUp(fixture.config.database, copyPath());
    expect(statSync(copyPath()).mode & 0o777).toBe(0o600);
    expect(existsSync(`${copyPath()}.partial`)).toBe(false);
    expect(() => backUp(fixture.config.database, copyPath())).toThrow(
      expect.objectContaining({ code: 'GH_STORE_TARGET' }),
    );
    expect(() => backUp(fixture.config.database, join(scratch.path, 'no', 'folder'))).toThrow(
      expect.objectContaining({ code: 'GH_STORE_TARGET' }),
    );
    expect(() => backUp(join(scratch.path, 'gone.db'), join(scratch.path, 'x'))).toThrow(
      expect.objectContaining({ code: 'GH_STORE_OPEN' }),
    );
  });

  test('of a killed core has the rows of its write-ahead log', async () => {
    const path = join(scratch.path, 'gatehouse.db');
    const database = await openDatabase({ path });
    database.connection.exec("insert into submission values ('k', 'j', 1)");
    // The state after a kill: the row is only in the write-ahead log.
    for (const end of ['', '-wal'])
      writeFileSync(join(scratch.path, `killed.db${end}`), readFileSync(path + end));
    await database.close();
    backUp(join(scratch.path, 'killed.db'), copyPath());
    const copy = new Sqlite(copyPath());
    expect(copy.prepare('select key from submission').all()).toEqual([{ key: 'k' }]);
    copy.close();
  });
});

describe('a restore', () => {
  test('is refused while a core owns the database', async () => {
    const fixture = await core();
    backUp(fixture.config.database, copyPath());
    expect(() => restore(copyPath(), fixture.config.database, 0)).toThrow(
      expect.objectContaining({ code: 'GH_STORE_LOCKED' }),
    );
  });

  test.each([
    ['a newer version', 'GH_STORE_NEWER', "insert into kysely_migration values ('9999-x', 'now')"],
    ['somebody else', 'GH_STORE_OPEN', 'drop table kysely_migration'],
  ])('of a file of %s is refused and changes nothing', async (_who, code, change) => {
    const path = join(scratch.path, 'gatehouse.db');
    await (await openDatabase({ path })).close();
    backUp(path, copyPath());
    const copy = new Sqlite(copyPath());
    copy.exec(change);
    copy.close();
    const before = readFileSync(path);
    expect(() => restore(copyPath(), path, 0)).toThrow(expect.objectContaining({ code }));
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('leaves no temporary files, whether it succeeds or fails', async () => {
    const path = join(scratch.path, 'gatehouse.db');
    await (await openDatabase({ path })).close();
    // The files that a killed backup leaves.
    for (const end of ['', '-journal', '-wal']) {
      writeFileSync(`${copyPath()}.partial${end}`, 'half');
    }
    backUp(path, copyPath());
    restore(copyPath(), path, 0);
    const bytes = readFileSync(copyPath());
    bytes.fill(0x5a, 5_000, 30_000);
    writeFileSync(copyPath(), bytes);
    expect(() => restore(copyPath(), path, 1)).toThrow();
    expect(readdirSync(scratch.path).filter((name) => /partial|incoming/.test(name))).toEqual([]);
  });

  test('of a damaged file is refused, and the database stays usable', async () => {
    const path = join(scratch.path, 'gatehouse.db');
    await (await openDatabase({ path })).close();
    backUp(path, copyPath());
    const bytes = readFileSync(copyPath());
    bytes.fill(0x5a, 5_000, 30_000);
    writeFileSync(copyPath(), bytes);
    expect(() => restore(copyPath(), path, 0)).toThrow(
      expect.objectContaining({ code: 'GH_STORE_CORRUPT' }),
    );
    await (await openDatabase({ path })).close();
  });

  test('works without an old database, and keeps the files of an unreadable old database', async () => {
    const path = join(scratch.path, 'gatehouse.db');
    await (await openDatabase({ path })).close();
    backUp(path, copyPath());
    rmSync(path);
    expect(restore(copyPath(), path, 0).kept).toBeNull();
    writeFileSync(path, 'rubbish');
    writeFileSync(`${path}-wal`, 'more rubbish');
    const { kept } = restore(copyPath(), path, 1);
    expect(readFileSync(kept!, 'utf8')).toBe('rubbish');
    expect(readFileSync(`${kept}-wal`, 'utf8')).toBe('more rubbish');
    await (await openDatabase({ path })).close();
  });

  test('keeps the replaced database, and the jobs of the backup continue to one end each', async () => {
    const fixture = await core();
    const early = await fixture.ask('먼저', { user_id: 'early' });
    const held = holdAnswers(fixture);
    const open = await fixture.client.submit({ message: '안녕', user_id: 'ann' });
    await until(() => held.length === 1);
    backUp(fixture.config.database, copyPath());
    held.pop()!();
    fixture.small.script(direct('네'));
    await follow(fixture.client, open);
    const late = await fixture.ask('나중', { user_id: 'late' });
    await fixture.core.stop();

    const { kept } = restore(copyPath(), fixture.config.database, Date.now());
    await fixture.restart();
    expect((await follow(fixture.client, early.jobId)).events).toEqual(early.events);
    const again = await follow(fixture.client, open);
    expect(again.end.data['outcome']).toBe('answered');
    expect(ends(again.types)).toBe(1);
    expect(again.events.map(({ seq }) => seq)).toEqual(again.events.map((_, index) => index + 1));
    await expect(fixture.client.job(late.jobId)).rejects.toThrow('GH_JOB_NOT_FOUND');
    const old = new Sqlite(kept!);
    expect(old.prepare('select outcome from job where id = ?').get(late.jobId)).toEqual({
      outcome: 'answered',
    });
    old.close();
  });

  test('gives no journal position twice, so that readers of /events miss nothing', async () => {
    const fixture = await core();
    fixture.small.script(direct('네'));
    await fixture.ask('하나');
    backUp(fixture.config.database, copyPath());
    const lost = await fixture.ask('둘');
    const lastLost = positionOf(fixture.config.database);
    await fixture.core.stop();
    restore(copyPath(), fixture.config.database, Date.now());
    await fixture.restart();
    const after = await fixture.ask('셋');
    const heard: string[] = [];
    const stop = new AbortController();
    const following = fixture.client.followAll(
      lastLost,
      (event) => {
        if ('job_id' in event) heard.push(event.job_id);
        if (event.type === 'done') stop.abort();
      },
      stop.signal,
    );
    await following;
    expect(new Set(heard)).toEqual(new Set([after.jobId]));
    expect(heard).not.toContain(lost.jobId);
  });

  test('over a database that was created after a loss skips the journal positions of the lost database', async () => {
    const fixture = await core();
    await fixture.ask('하나');
    backUp(fixture.config.database, copyPath());
    for (const message of ['둘', '셋', '넷']) await fixture.ask(message);
    const lastLost = positionOf(fixture.config.database);
    await fixture.core.stop();
    for (const end of ['', '-wal', '-shm']) rmSync(fixture.config.database + end, { force: true });
    // The new database begins at position 1, below the positions that readers have seen.
    await fixture.restart();
    await fixture.ask('다섯');
    expect(positionOf(fixture.config.database)).toBeLessThan(lastLost);
    await fixture.core.stop();
    restore(copyPath(), fixture.config.database, Date.now());
    await fixture.restart();
    const { jobId } = await fixture.ask('여섯');
    expect(firstPositionOf(fixture.config.database, jobId)).toBeGreaterThan(lastLost);
  });
});

const firstPositionOf = (path: string, jobId: string): number => {
  const connection = new Sqlite(path, { readonly: true });
  const { pos } = connection
    .prepare('select min(pos) as pos from journal join job on job = num where id = ?')
    .get(jobId) as { pos: number };
  connection.close();
  return pos;
};

const positionOf = (path: string): number => {
  const connection = new Sqlite(path, { readonly: true });
  const { pos } = connection.prepare('select max(pos) as pos from journal').get() as {
    pos: number;
  };
  connection.close();
  return pos;
};

describe.skipIf(natsCommand === null)('a restore of a core on NATS', () => {
  test('publishes all events of its jobs, although the stream ends with events that the backup lacks', async () => {
    const server = await broker();
    const fixture = await core((small) => ({
      nats: { mode: 'external', url: server.url },
      backends: [{ id: 'small', baseUrl: small.baseUrl, model: 'm', concurrency: 2 }],
      roles: {},
    }));
    const held = holdAnswers(fixture);
    const open = await fixture.client.submit({ message: '안녕', user_id: 'ann' });
    await until(() => held.length === 1);
    await until(() => fixture.core.messaging.flush());
    backUp(fixture.config.database, copyPath());
    // The lost history: the open job ends, and its events are the last of the stream.
    fixture.small.script(direct('네'));
    await fixture.ask('잊힐 것', { user_id: 'bob' });
    held.pop()!();
    const first = await follow(fixture.client, open);
    await until(() => fixture.core.messaging.flush());
    await fixture.core.stop();

    restore(copyPath(), fixture.config.database, Date.now());
    await server.kill();
    // The journal has events of a new job before the open job reaches the state that the stream has.
    const again = holdAnswers(fixture);
    await fixture.restart();
    await until(() => again.length === 1);
    fixture.small.script(direct('네'));
    const fresh = await fixture.ask('새 것', { user_id: 'cid' });
    again.pop()!();
    const second = await follow(fixture.client, open);
    await server.restart();
    await until(() => fixture.core.messaging.flush());

    const total = first.events.length + fresh.events.length;
    const { events } = await readEvents(await connectClient(server), total);
    const told = events.filter(({ job_id }) => job_id === fresh.jobId);
    expect(told).toEqual(fresh.events);
    expect(brokenJobs(events)).toEqual([]);
    expect(second.end.data['outcome']).toBe('answered');
    expect(fixture.core.messaging.status().lastError).toBeNull();
  });
});

test.skipIf(process.getuid?.() !== 0)(
  'a restore by root keeps the owner of the replaced database',
  async () => {
    const stranger = 54_321;
    const path = join(scratch.path, 'home', 'gatehouse.db');
    await (await openDatabase({ path })).close();
    backUp(path, copyPath());
    for (const name of [dirname(path), path, `${path}.lock`]) chownSync(name, stranger, stranger);
    restore(copyPath(), path, 1);
    for (const end of ['', '.lock']) expect(statSync(path + end).uid, end).toBe(stranger);
    rmSync(path);
    restore(copyPath(), path, 2);
    expect(statSync(path)).toMatchObject({ uid: stranger, gid: stranger });
  },
);

test('a restore that cannot write fails with GH_STORE_TARGET', () => {
  const inTheWay = join(scratch.path, 'file');
  const blocked = join(inTheWay, 'gatehouse.db');
  writeFileSync(inTheWay, '');
  writeFileSync(copyPath(), 'x');
  expect(() => restore(copyPath(), blocked, 1)).toThrow(
    expect.objectContaining({ code: 'GH_STORE_TARGET' }),
  );
});

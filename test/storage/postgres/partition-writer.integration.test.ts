/** Commits on PostgreSQL: committed, refused, in doubt, fenced (W1 to W4), against a real server and a network that fails. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JobChange, JournalRow } from '#jobs/job-store-port';
import { storableText } from '#storage/postgres/storable-text';
import { UnknownCommitError } from '#storage/commit-errors';
import type { WriterOptions } from '#storage/postgres/partition-writer';
import { openSeverableProxy } from '#test/chaos/severable-proxy';
import { openSmallDisk } from '#test/chaos/small-disk';
import { jobInput, newJobChange } from '#test/support/jobs';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker, type PostgresWorker } from '#test/support/postgres-worker';

const missing = postgresMissing();
let server: PostgresServer;

const rowOf = (n: number, text = ''): JournalRow => ({
  n,
  at: 1_000 + n,
  event: { type: `event.${n}`, text },
  value: 'ack',
  seq: n,
  emitted: [{ type: 'processing', state: 'ack', data: {} }],
});

const newJob = (id: string, more: Partial<JobChange> = {}): JobChange => ({
  ...newJobChange(jobInput({ jobId: id, userId: `user-${id}` }), [rowOf(1)], 1_000),
  ...more,
});

/** The next row of a job that is stored. */
const stepOf = (job: JobChange, n: number, text = ''): JobChange => ({
  ...job,
  created: null,
  head: null,
  keys: [],
  rows: [rowOf(n, text)],
});

describe.skipIf(missing !== null)('a commit on PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  const openOwner = async (
    url: string,
    timing: Partial<WriterOptions> = {},
  ): Promise<PostgresWorker> => {
    const owner = await openPostgresWorker({ url, connectTimeoutMs: 1_000 }, timing);
    onTestFinished(() => owner.close());
    await owner.takePartitions();
    return owner;
  };
  const openProxy = async () => {
    const proxy = await openSeverableProxy(server.port);
    onTestFinished(() => proxy.close());
    return proxy;
  };
  /** Every row of every job, once and in order: `counts` is the number of rows of each job. */
  const expectRows = async (
    database: string,
    counts: Record<string, number>,
    on = server,
  ): Promise<void> => {
    const { rows } = await on.run(
      `select id, array_agg(journal.n order by journal.pos) as numbers
        from job join journal on journal.job = job.num group by id`,
      database,
    );
    const found = rows.map(({ id, numbers }: { id: string; numbers: number[] }) => [id, numbers]);
    const expected = Object.entries(counts).map(([id, count]) => [
      id,
      Array.from({ length: count }, (_, index) => index + 1),
    ]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    const gaps = await on.run(
      `select part from journal group by part having max(pos) <> count(*)
        union all select lease.pos from lease where name like 'part/%' and pos > 0 and pos <>
          (select max(journal.pos) from journal where 'part/' || journal.part = lease.name)`,
      database,
    );
    expect(gaps.rows).toEqual([]);
  };

  test('is neither lost nor doubled when its connection is cut 200 times', async () => {
    const proxy = await openProxy();
    const database = await server.createDatabase();
    const owner = await openOwner(server.urlOf(database, proxy.port));
    const job = newJob('one');
    await owner.jobs.commit([job]);
    const counts: Record<string, number> = {};
    let n = 1;
    for (let cut = 0; cut < 200; cut += 1) {
      n += 1;
      const other = newJob(`job-${cut}`);
      const text = 'x'.repeat((cut % 7) * 900);
      const commit = owner.jobs.commit([stepOf(job, n, text), ...(cut % 5 === 0 ? [other] : [])]);
      // Cut before, while and after the statement reaches the server.
      for (let turn = 0; turn < cut % 13; turn += 1) await new Promise(setImmediate);
      proxy.sever();
      proxy.restore();
      await commit;
      if (cut % 5 > 0) continue;
      // Also when the answer with its number was lost.
      counts[other.jobId] = 1;
      expect((await owner.jobs.find(other.jobId))?.num).toBe(other.num);
    }
    await expectRows(database, { ...counts, one: n });
  }, 120_000);

  test('continues where it was after the server has crashed under load', async () => {
    const database = await server.createDatabase();
    const owner = await openOwner(server.urlOf(database));
    const jobs = ['a', 'b', 'c'].map((id) => newJob(id));
    await owner.jobs.commit(jobs);
    let [n, isOver] = [1, false];
    const load = (async () => {
      while (!isOver) {
        n += 1;
        const commit = owner.jobs.commit(jobs.map((job) => stepOf(job, n)));
        // Refused while the server is down for longer: the journal would try it again, too.
        await commit.catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
          n -= 1;
        });
      }
    })();
    for (let crash = 0; crash < 3; crash += 1) {
      const before = n;
      await until(() => n > before + 20);
      await server.crash();
      await server.start();
    }
    isOver = true;
    await load;
    await expectRows(database, { a: n, b: n, c: n });
  });

  test('is refused when nothing can be sent, and leaves nothing behind', async () => {
    const proxy = await openProxy();
    const database = await server.createDatabase();
    const owner = await openOwner(server.urlOf(database, proxy.port), { refuseAfterMs: 50 });
    const job = newJob('one');
    await owner.jobs.commit([job]);
    proxy.sever();
    // The loss of an idle connection is noticed before the next commit.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(owner.jobs.commit([stepOf(job, 2)])).rejects.toMatchObject({
      code: 'GH_STORE_UNAVAILABLE',
    });
    proxy.restore();
    await owner.jobs.commit([stepOf(job, 2)]);
    await expectRows(database, { one: 2 });
  });

  test('in doubt is reported as unknown, and settles when the server is back', async () => {
    const proxy = await openProxy();
    const database = await server.createDatabase();
    const owner = await openOwner(server.urlOf(database, proxy.port), { doubtAfterMs: 100 });
    const job = newJob('one');
    await owner.jobs.commit([job]);
    // The statement waits on the server for a lock, so that the connection is cut while it runs.
    const lock = server.run(
      `begin; lock table journal in access exclusive mode; select pg_sleep(0.3); commit`,
      database,
    );
    await until(async () => {
      const { rows } = await server.run(
        `select 1 from pg_locks where mode = 'AccessExclusiveLock' and granted
          and relation = 'journal'::regclass`,
        database,
      );
      return rows.length === 1;
    });
    const commit = owner.jobs.commit([stepOf(job, 2)]);
    const waiting = owner.jobs.commit([stepOf(job, 3)]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.sever();
    const error = await commit.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnknownCommitError);
    // It was not sent: nothing is written behind one whose outcome is unknown.
    await expect(waiting).rejects.toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
    proxy.restore();
    await lock;
    await (error as UnknownCommitError).settled;
    await expectRows(database, { one: 2 });
  });

  test('of an owner that was fenced changes nothing, and names what it lost', async () => {
    const database = await server.createDatabase();
    const stale = await openOwner(server.urlOf(database));
    const job = newJob('one', { keys: ['k'] });
    await stale.jobs.commit([job]);
    const owner = await openOwner(server.urlOf(database));
    const error = await stale.jobs
      .commit([stepOf(job, 2), newJob('two')])
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'GH_STORE_FENCED' });
    expect((error as { partitions: number[] }).partitions).toHaveLength(2);
    await expect(stale.jobs.commit([stepOf(job, 2)])).rejects.toMatchObject({
      code: 'GH_STORE_FENCED',
    });
    expect(await owner.jobs.find('two')).toBe(null);
    await owner.jobs.commit([stepOf({ ...job, num: (await owner.jobs.find('one'))!.num }, 2)]);
    await expectRows(database, { one: 2 });
  });

  test('is refused on a full disk, and nothing is lost', async ({ skip }) => {
    const disk = openSmallDisk(`/tmp/gatehouse-postgres-disk-${process.pid}`);
    onTestFinished(() => {
      disk.unmount();
      rmSync(disk.path, { recursive: true, force: true });
    });
    if (!disk.canFill) return skip('no right to mount a small disk');
    // The table is on a small disk of its own, the server's log of writes is not: the server goes on.
    server.adopt(disk.path);
    await server.run(`create tablespace small location '${disk.path}'`);
    const database = await server.createDatabase('tablespace small');
    const owner = await openOwner(server.urlOf(database));
    const job = newJob('one');
    await owner.jobs.commit([job]);
    disk.fill(64 * 1024);
    let n = 1;
    // Random: PostgreSQL compresses long texts.
    const text = () => Array.from({ length: 4_000 }, () => Math.random().toString(36)).join('');
    const fill = async (): Promise<unknown> => {
      for (;;) {
        const error = await owner.jobs
          .commit([stepOf(job, n + 1, text())])
          .catch((e: unknown) => e);
        if (error !== undefined) return error;
        n += 1;
      }
    };
    expect(await fill()).toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
    disk.free();
    n += 1;
    await owner.jobs.commit([stepOf(job, n)]);
    await expectRows(database, { one: n });
    await owner.close();
    await server.run(`drop database ${database} with (force)`);
    await server.run('drop tablespace small');
  });

  test('is refused while the disk of the whole server is full, and nothing is lost', async ({
    skip,
  }) => {
    const disk = openSmallDisk(`/tmp/gatehouse-postgres-whole-${process.pid}`);
    const clean = (): void => {
      disk.unmount();
      rmSync(disk.path, { recursive: true, force: true });
    };
    onTestFinished(clean);
    if (!disk.canFill) return skip('no right to mount a small disk');
    const whole = await startPostgres({ folder: disk.path });
    onTestFinished(() => whole.remove().catch(() => undefined));
    const database = await whole.createDatabase();
    const owner = await openOwner(whole.urlOf(database));
    const job = newJob('one');
    await owner.jobs.commit([job]);
    disk.fill(3 * 1024 * 1024);
    let n = 1;
    const codes = new Set<unknown>();
    const step = async (): Promise<boolean> => {
      const text = Array.from({ length: 4_000 }, () => Math.random().toString(36)).join('');
      const error = await owner.jobs.commit([stepOf(job, n + 1, text)]).catch((e: unknown) => e);
      if (error === undefined) n += 1;
      else if (error instanceof UnknownCommitError) await error.settled.then(() => (n += 1));
      else codes.add((error as { code: unknown }).code);
      return error === undefined;
    };
    // Its log of writes has no room either: the server stops.
    await until(async () => !(await step()), 60_000);
    expect([...codes]).toEqual(['GH_STORE_UNAVAILABLE']);
    disk.free();
    await whole.crash();
    await whole.start();
    await until(step, 60_000);
    await expectRows(database, { one: n }, whole);
  }, 120_000);

  test('stores U+0000 and lone surrogates as U+FFFD, and finds the job by what was sent', async () => {
    const owner = await openOwner(server.urlOf(await server.createDatabase()));
    const odd = 'a\0b\ud800c';
    const input = jobInput({ jobId: 'odd', userId: odd, message: odd });
    const job = { ...newJobChange(input, [rowOf(1, odd)], 1_000), keys: [odd] };
    job.created!.conversation = odd;
    await owner.jobs.commit([job]);
    expect(await owner.jobs.jobOfKey(odd)).toEqual({ jobId: 'odd', seqBefore: 0 });
    expect((await owner.jobs.runningJob(odd))?.id).toBe('odd');
    expect((await owner.jobs.find('odd'))?.input.message).toBe(storableText(odd));
    expect((await owner.jobs.rows(job.num!))[0]?.event['text']).toBe(odd);
  });
});

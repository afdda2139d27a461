/** `gatehouse backup` and `gatehouse restore` as commands, beside a core in its own process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoreClient } from '#http/client/core-client';
import { openDatabase } from '#storage/database';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { saysJson } from '#test/support/fake-llm-replies';
import { scratchFolder, until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'bin', 'gatehouse.mjs');

let scratch: ReturnType<typeof scratchFolder>;
let llm: FakeLlm;
let children: ChildProcess[];
beforeEach(async () => {
  scratch = scratchFolder();
  llm = await startFakeLlm({ reply: saysJson({ action: 'direct', response: '네' }) });
  children = [];
  writeFileSync(
    join(scratch.path, 'gatehouse.yaml'),
    `server: { port: 0 }\nnats: { mode: "off" }\nlogging: { pretty: false }\nbackends: [{ id: m, baseUrl: "${llm.baseUrl}", model: m }]\n`,
  );
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await llm.close();
  scratch.remove();
});

interface Ran {
  child: ChildProcess;
  out: string;
  err: string;
  ended: Promise<number | null>;
}

function start(...args: string[]): Ran {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: scratch.path,
  });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  const ran: Ran = { child, out: '', err: '', ended };
  child.stdout.on('data', (data: Buffer) => (ran.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (ran.err += data.toString()));
  return ran;
}

async function serve(): Promise<{ core: Ran; url: string }> {
  const core = start('serve');
  await until(() => core.err.includes('gatehouse is ready'));
  return { core, url: /"url":"([^"]+)"/.exec(core.err)?.[1] ?? '' };
}

test(
  'a backup of a running core is restored after the core was killed',
  { timeout: 60_000 },
  async () => {
    const { core, url } = await serve();
    const client = new CoreClient(url, null);
    const jobId = await client.submit({ message: '안녕' });
    await until(async () => (await client.job(jobId)).outcome !== null);

    const backup = start('backup', 'copy.db', '--json');
    expect(await backup.ended, backup.err).toBe(0);
    expect(JSON.parse(backup.out)).toMatchObject({ file: 'copy.db', jobs: 1, openJobs: 0 });
    const again = start('backup', 'copy.db');
    expect(await again.ended).toBe(1);
    expect(again.err).toMatch(/^gatehouse: copy\.db: .*GH_STORE_TARGET/);
    const tooEarly = start('restore', 'copy.db');
    expect(await tooEarly.ended).toBe(1);
    expect(tooEarly.err).toMatch(/in use by process \d+ \(GH_STORE_LOCKED\)/);
    const lost = await client.submit({ message: '잊힐 것' });
    core.child.kill('SIGKILL');
    await core.ended;

    const restore = start('restore', 'copy.db');
    expect(await restore.ended, restore.err).toBe(0);
    expect(restore.out).toMatch(/1 jobs \(0 open\)[\s\S]*before-restore-/);
    const after = new CoreClient((await serve()).url, null);
    expect((await after.job(jobId)).reply).toBe('네');
    await expect(after.job(lost)).rejects.toThrow('GH_JOB_NOT_FOUND');
    const wrong = start('backup');
    expect(await wrong.ended).toBe(2);
  },
);

/** Writes about 96 MB, so that a copy takes hundreds of milliseconds. */
async function fillDatabase(path: string): Promise<void> {
  const database = await openDatabase({ path, synchronous: 'NORMAL' });
  const { connection } = database;
  const insert = connection.prepare('insert into submission (key, job_id, at) values (?, ?, 1)');
  connection.transaction(() => {
    for (let n = 0; n < 6_000; n += 1) insert.run(`${n}-${'x'.repeat(16_000)}`, 'j');
  })();
  await database.close();
}

test(
  'a backup of a core under load is consistent, and jobs end while the backup is made',
  { timeout: 90_000 },
  async () => {
    const database = join(scratch.path, 'data', 'gatehouse.db');
    await fillDatabase(database);
    const client = new CoreClient((await serve()).url, null);
    let isOver = false;
    const ask = async (user: number): Promise<string[]> => {
      const asked: string[] = [];
      while (!isOver) {
        const jobId = await client.submit({ message: '안녕', user_id: `u${user}` });
        asked.push(jobId);
        await until(async () => (await client.job(jobId)).outcome !== null);
      }
      return asked;
    };
    const load = Promise.all([1, 2, 3, 4].map(ask));
    await until(async () => (await client.jobs({ limit: '20' })).jobs.length === 20);
    const backup = start('backup', 'copy.db', '--json');
    expect(await backup.ended, backup.err).toBe(0);
    isOver = true;
    const asked = (await load).flat();

    const path = join(scratch.path, 'copy.db');
    const copy = new Sqlite(path, { readonly: true });
    const inCopy = <Row>(sql: string): Row[] => copy.prepare<[], Row>(sql).all();
    expect(
      inCopy('select job from journal group by job having count(*) <> max(n)'),
      'jobs with a hole',
    ).toEqual([]);
    expect(inCopy('select 1 from journal where job not in (select num from job)')).toEqual([]);
    const report = JSON.parse(backup.out) as { jobs: number };
    expect(inCopy('select count(*) as n from job')).toEqual([{ n: report.jobs }]);
    // The database was read from the time of the newest row of the copy until the copy was complete. A batch takes its
    // time before its commit, which may be delayed, so jobs of one end time prove nothing.
    const [{ moment }] = inCopy<{ moment: number }>('select max(at) as moment from journal') as [
      { moment: number },
    ];
    copy.close();
    const writtenAt = statSync(path).mtimeMs;
    const source = new Sqlite(database, { readonly: true });
    const { n: ended } = source
      .prepare('select count(distinct ended_at) as n from job where ended_at > ? and ended_at < ?')
      .get(moment, writtenAt) as { n: number };
    const open = source.prepare('select count(*) as n from job where ended_at is null').get();
    source.close();
    expect(ended).toBeGreaterThan(2);
    expect(open).toEqual({ n: 0 });
    for (const jobId of asked) {
      const ends = (await client.events(jobId)).filter(({ type }) => type === 'done');
      expect(ends).toHaveLength(1);
    }
  },
);

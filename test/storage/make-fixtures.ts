/**
 * `node test/storage/make-fixtures.ts [MIGRATION …]` makes `fixtures/MIGRATION.sqlite`: a database of the version that
 * ended with this migration, with jobs in every stage; without a name, of the newest version. The rows come from a real
 * core. An existing fixture is not changed, because users have such databases on their disks.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { backUp } from '#storage/backup';
import { migrations } from '#storage/database';
import { direct, openCore, routed, type CoreFixture } from '#test/support/core';
import { says, saysJson, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

const folder = join(import.meta.dirname, 'fixtures');
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(migrations).slice(-1);

const fixture = await openCore({ jobs: { maxConcurrent: 10 } });
try {
  await fill(fixture);
  const real = join(fixture.folder, 'real.db');
  backUp(fixture.config.database, real);
  for (const name of names) await make(name, real);
} finally {
  await fixture.close();
}

/** Creates jobs: ended, cancelled, rejected, executed, waiting for a person, at the model, and queued. */
async function fill({ ask, client, core, small, large }: CoreFixture): Promise<void> {
  const draft = (title: string) =>
    saysJson({
      action: 'tools',
      tool: 'calendar',
      operation: 'create_draft',
      params: { title, date: '2031-03-05', time: '15:00' },
    });
  const drafted = async (title: string, user_id: string): Promise<string> => {
    small.script(draft(title));
    const jobId = await client.submit({ message: `2031년 3월 5일 3시에 ${title} 잡아줘`, user_id });
    await until(async () => (await client.job(jobId)).state === 'confirm-draft');
    return jobId;
  };
  const ended = (jobId: string) =>
    until(async () => ['done', 'cancelled'].includes((await client.job(jobId)).state));

  small.script(direct('네, 안녕하세요.'));
  await ask('안녕 👋', { user_id: 'ann', idempotency_key: 'first' });
  small.script(routed);
  large.script(says('하늘이 파란 까닭은 산란입니다.'));
  await ask('왜 하늘은 파래?', { user_id: 'ann' });
  for (const verb of ['confirm', 'reject'] as const) {
    const jobId = await drafted('치과', 'bob');
    await client.controlJob(jobId, verb);
    await ended(jobId);
  }
  small.script(stalls());
  const cancelled = await client.submit({ message: '취소할 것', user_id: 'cid' });
  await until(() => small.open > 0);
  await client.controlJob(cancelled, 'cancel');
  await ended(cancelled);
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const answer = await fetch(core.url + path, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  await post('/documents', { title: '회의록', text: '예산은 다음 주에 정한다.', user_id: 'ann' });
  const promote = async (text: string): Promise<string> => {
    const { id } = await post('/memos', { text, user_id: 'ann' });
    await post(`/memos/${id}/promote-to-document`, { user_id: 'ann' });
    return id;
  };
  small.script(says('# 초안\n\n우유와 빵을 산다.'));
  const memo = await promote('메모: 우유, 빵을 사고 치과에 전화하기');
  await until(async () => {
    const answer = await fetch(`${core.url}/documents/${memo}?user_id=ann`);
    return ((await answer.json()) as { md_content: string | null }).md_content !== null;
  });
  await post('/drafts/pause', {});
  await promote('메모: 다음 주 회의실을 잡고 과일을 주문하기');

  await drafted('미용실', 'dan');
  small.script(routed);
  large.script(stalls());
  await client.submit({ message: '길게 생각할 것', user_id: 'eve' });
  await until(() => large.open > 0);
  small.script(stalls());
  await client.submit({ message: '나누는 중', user_id: 'fay' });
  await until(() => small.open > 0);
  const waiting = await client.submit({ message: '기다리는 중', user_id: 'gus' });
  await until(async () => (await client.job(waiting)).state === 'classify');
}

/** Creates the schema by its migrations, and copies the rows of the columns that it has. */
async function make(name: string, real: string): Promise<void> {
  const path = join(folder, `${name}.sqlite`);
  if (existsSync(path)) {
    console.log(`${name}: is there, left as it is`);
    return;
  }
  const partial = join(dirname(real), `${name}.sqlite`);
  const connection = new Sqlite(partial);
  const db = new Kysely({ dialect: new SqliteDialect({ database: connection }) });
  const provider = { getMigrations: async () => migrations };
  const { error } = await new Migrator({ db, provider }).migrateTo(name);
  if (error !== undefined) throw error;
  connection.prepare('attach ? as real').run(real);
  // Allows writes to the shadow tables of the full-text search.
  connection.unsafeMode();
  for (const table of tablesOf(connection)) {
    const known = new Set(columnsOf(connection, 'real', table));
    const columns = columnsOf(connection, 'main', table).filter((column) => known.has(column));
    connection.exec(`delete from main.${table};
      insert into main.${table} (${columns.join()}) select ${columns.join()} from real.${table}`);
  }
  connection.exec('detach real; vacuum');
  await db.destroy();
  copyFileSync(partial, path);
  console.log(`${name}: made`);
}

function tablesOf(connection: Sqlite.Database): string[] {
  return connection
    .prepare<[], { name: string }>(
      "select name from main.sqlite_schema where type = 'table' and sql not like 'create virtual%'",
    )
    .all()
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('kysely_'));
}

function columnsOf(connection: Sqlite.Database, schema: string, table: string): string[] {
  const columns = connection.pragma(`${schema}.table_info(${table})`) as { name: string }[];
  return columns.map(({ name }) => `"${name}"`);
}

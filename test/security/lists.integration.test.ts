/** Lists are limited in bytes, charged by their size, and show the beginnings of texts. */
import { request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import type { openDatabase } from '#storage/database';
import { json, keyedCore, keys, type KeyedCore } from './keys.ts';

const listBytesMax = 1024 * 1024;

/** Writes rows into the database of an open core, through a second connection. */
async function written(core: KeyedCore, write: (connection: Connection) => void): Promise<void> {
  const { default: Sqlite } = await import('better-sqlite3');
  const connection = new Sqlite(core.config.database);
  connection.transaction(() => write(connection))();
  connection.close();
}
type Connection = Awaited<ReturnType<typeof openDatabase>>['connection'];

const longReply = (n: number): string => `${n} ${'답'.repeat(100_000)}`;

function addJobs(connection: Connection, count: number): void {
  const insert = connection.prepare(`
    insert into job (id, user_id, channel, conversation, message, input, machine_version, state, outcome, reply,
                     n, seq, created_at, updated_at, ended_at)
    values (?, 'ann', 'http', 'c', 'm', '{}', 1, 'done', 'answered', ?, 1, 1, 1, 1, 1)`);
  for (let n = 0; n < count; n += 1) insert.run(`job-${n}`, longReply(n));
}

/** The entries of all pages; each page is within the limit. */
async function allPages(core: KeyedCore, path: string, name: string): Promise<any[]> {
  const rows: any[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const answer = await core.call('ann', 'GET', `${path}${more}`);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(listBytesMax);
    const page = JSON.parse(text) as Record<string, any>;
    expect(page['next']).toBe(page['next_cursor']);
    expect(page[name].length > 0 || page['next'] === null).toBe(true);
    rows.push(...page[name]);
    cursor = page['next'];
  }
  return rows;
}

test('a list of jobs shows marked beginnings of long replies, and with texts=1 whole replies in pages of 1 MiB', async () => {
  const core = await keyedCore({ requestsPerMinute: 0 });
  await written(core, (connection) => addJobs(connection, 40));
  const heads = await json(core.call('ann', 'GET', '/jobs?limit=500'));
  expect(heads['jobs']).toHaveLength(40);
  for (const job of heads['jobs']) {
    expect(job).toMatchObject({ reply_cut: true });
    expect(Array.from(job.reply)).toHaveLength(1_000);
  }
  const whole = await allPages(core, '/jobs?limit=500&texts=1', 'jobs');
  expect(whole.map(({ reply }) => reply)).toEqual(
    Array.from({ length: 40 }, (_, back) => longReply(39 - back)),
  );
  expect(whole.every((job) => !('reply_cut' in job))).toBe(true);
  expect((await json(core.call('ann', 'GET', '/chat/job-7')))['reply']).toBe(longReply(7));
}, 60_000);

test('a list of document versions shows the beginnings of their texts, and one version is shown whole', async () => {
  const core = await keyedCore({ requestsPerMinute: 0 });
  const { id } = await json(core.call('ann', 'POST', '/documents', { text: '짧은 글' }));
  const text = (n: number): string => `# ${n}\n${'글'.repeat(n === 3 ? 900_000 : 50_000)}`;
  await written(core, (connection) => {
    const insert = connection.prepare(`insert into document_version
      (document_id, version, made_by, status, at, text_sha256, md_content) values (?, ?, 'edit', 'replaced', 1, '', ?)`);
    for (let n = 1; n <= 30; n += 1) insert.run(id, n, text(n));
  });
  const path = `/documents/${id}/versions`;
  const heads = await json(core.call('ann', 'GET', path));
  expect(heads['versions']).toHaveLength(30);
  for (const one of heads['versions']) expect(one.md_content_cut).toBe(true);
  const whole = await allPages(core, `${path}?texts=1`, 'versions');
  expect(whole.map(({ version }) => version)).toEqual(Array.from({ length: 30 }, (_, n) => 30 - n));
  // This version alone is larger than the limit of a list.
  expect(whole.filter((one) => one.md_content_cut).map(({ version }) => version)).toEqual([3]);
  expect((await json(core.call('ann', 'GET', `${path}/3`)))['md_content']).toBe(text(3));
  for (const [who, one] of [
    ['bob', '3'],
    ['ann', '31'],
    ['ann', 'x'],
  ] as const) {
    expect((await core.call(who, 'GET', `${path}/${one}`)).status).toBe(404);
  }
}, 60_000);

test('a list is charged by its bytes: a few large lists count as many requests', async () => {
  const core = await keyedCore({ requestsPerMinute: 40 });
  await written(core, (connection) => addJobs(connection, 40));
  const told: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    const answer = await core.call('ann', 'GET', '/jobs?texts=1');
    told.push(answer.status);
    await answer.text();
  }
  expect(told).toEqual([200, 200, 200, 429, 429, 429]);
  expect((await core.call('bob', 'GET', '/jobs')).status).toBe(200);
}, 60_000);

test('a HEAD request to a stream ends at once, with the content type of the stream', async () => {
  const core = await keyedCore();
  const { id } = await json(core.call('ann', 'POST', '/documents', { text: '글' }));
  const { job_id } = await json(core.call('ann', 'POST', '/chat', { message: '안녕' }));
  for (const path of ['/events', `/documents/${id}/stream`, `/chat/${job_id}/stream`]) {
    const answer = await core.call('ann', 'HEAD', path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    expect(await answer.text()).toBe('');
  }
});

test.each([true, false])(
  'a body far above the limit is answered with 413 before the connection ends (with Content-Length: %s)',
  async (isTold) => {
    const core = await keyedCore();
    const body = Buffer.alloc(12 * 1024 * 1024, 'x');
    const headers = {
      authorization: `Bearer ${keys.ann}`,
      ...(isTold ? { 'content-length': String(body.length) } : {}),
    };
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(
        `${core.core.url}/chat`,
        { method: 'POST', headers },
        (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode));
        },
      );
      request.once('error', reject);
      request.end(body);
    });
    expect(status).toBe(413);
  },
);

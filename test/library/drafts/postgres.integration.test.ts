/** Documents and drafting through a whole core on a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openDrafts, types } from './drafts-fixture.ts';

let server: PostgresServer;
beforeAll(async () => {
  if (postgresMissing() === null) server = await startPostgres();
});
afterAll(() => server?.remove());

const openOnPostgres = async (more: object = {}) =>
  openDrafts({ database: server.urlOf(await server.createDatabase()), ...more });

describe.skipIf(postgresMissing() !== null)('a memo on PostgreSQL', () => {
  test('is found, drafted and accepted, and its events are among those of the jobs', async () => {
    const { memo, promote, document, waitForEvent, events, call, fixture } = await openOnPostgres();
    const text = `보일러 점검: it's 5 & 6 | (a) <b>\n${'배관을 살펴본 날의 기록입니다. '.repeat(3)}`;
    const id = await memo(text);
    await memo('다른 메모');
    const found = await call('GET', `/documents/search?q=${encodeURIComponent('보일러를')}`);
    expect(JSON.stringify(found.body)).toContain(id);
    await promote(id);
    await waitForEvent(id, 'drafted');
    expect(await document(id)).toMatchObject({ extracted_text: text, md_draft_status: 'draft' });
    expect(types(await events(id))).toEqual(['queued', 'drafting', 'drafted']);
    await fixture.restart();
    expect((await events(id)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await document(id)).toMatchObject({ md_draft_status: 'draft' });
  });

  test('whose draft failed is drafted again, also after a restart of the core', async () => {
    const { promoted, waitForEvent, events, fixture } = await openOnPostgres();
    const id = await promoted(`FLAKY ${'내용이 있는 메모입니다. '.repeat(3)}`);
    await until(async () => types(await events(id)).includes('failed'));
    await fixture.restart();
    await waitForEvent(id, 'drafted');
    expect(types(await events(id))).toContain('failed');
    expect((await events(id)).map(({ seq }) => seq)).toEqual(
      (await events(id)).map((_, n) => n + 1),
    );
  });
});

/** Deleted documents are purged with all rows that belong to them; other documents lose nothing. */
import { expect, test } from 'vitest';
import Sqlite from 'better-sqlite3';
import { until } from '#test/support/journal';
import { openDrafts } from './drafts-fixture.ts';

const tables = {
  document: 'id',
  document_version: 'document_id',
  document_event: 'document_id',
  draft: 'document_id',
};

test('a deleted memo is purged with its versions, its events and its waiting draft, and no other memo is', async () => {
  const {
    promoted,
    waitForEvent: told,
    call,
    fixture,
  } = await openDrafts(
    {},
    // Deleted rows are old at once, and a retention round starts every 20 ms.
    { retentionSchedule: { keepMs: 0, everyMs: 20, walIdleMs: 60_000 } },
  );
  const text = '스무 글자가 넘는 메모가 여기에 하나 있습니다.';
  const [kept, gone] = [await promoted(text), await promoted(`${text} 둘`)];
  for (const id of [kept, gone]) await told(id, 'drafted');
  await call('POST', '/drafts/pause', {});
  const waiting = await promoted(`${text} 셋`);

  const connection = new Sqlite(fixture.config.database, { readonly: true });
  const idsOf = (table: keyof typeof tables): Set<string> => {
    const rows = connection.prepare(`select ${tables[table]} as id from ${table}`).all();
    return new Set((rows as { id: string }[]).map(({ id }) => id));
  };
  expect(idsOf('document_version')).toEqual(new Set([kept, gone]));
  expect(idsOf('draft')).toEqual(new Set([waiting]));
  for (const id of [gone, waiting]) {
    expect((await call('DELETE', `/documents/${id}?user_id=local`)).status).toBe(204);
  }
  await until(() => !idsOf('document').has(gone) && !idsOf('document').has(waiting));
  expect(idsOf('document')).toEqual(new Set([kept]));
  expect(idsOf('document_version')).toEqual(new Set([kept]));
  expect(idsOf('document_event')).toEqual(new Set([kept]));
  expect(idsOf('draft')).toEqual(new Set());
  connection.close();
  expect((await call('GET', `/documents/${gone}?user_id=local`)).status).toBe(404);
  expect((await call('GET', `/documents/${kept}?user_id=local`)).body).toMatchObject({
    extracted_text: text,
  });
});

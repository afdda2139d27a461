/** The stored state of drafting: rows that follow the marker, index order, and the newest events. */
import Sqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DraftRecord } from '#library/drafts/draft-storage-port';
import { createDraftStore } from '#library/store/draft-store';
import { openLibrary } from '../library-fixture.ts';
import { openDrafts } from './drafts-fixture.ts';

async function open() {
  const { database, storage, library, change, remove, close } = await openLibrary();
  onTestFinished(close);
  const { drafts } = storage;
  const waiting = async (owner: string | null) =>
    (await drafts.list(owner, 'waiting', 10)).map(({ documentId }) => documentId);
  const mark = (id: string, needs_draft: boolean) =>
    change('u', id, (current) => ({
      ...current,
      sourceMetadata: { ...current.sourceMetadata, needs_draft },
    }));
  const add = async (text: string, userId = 'u') =>
    (await library.create(userId, { text, origin: 'memo', metadata: { needs_draft: true } })).id;
  const save = (id: string, edit: Partial<DraftRecord>) =>
    library.commit(id, async (changes) =>
      changes.saveDraft({ ...(await changes.findDraft(id))!, ...edit }),
    );
  return { database, library, drafts, waiting, mark, add, save, change, remove };
}

describe('the row of a draft', () => {
  test('exists exactly while the document has the marker `needs_draft`', async () => {
    const { drafts, library, waiting, mark, add, remove } = await open();
    const { id } = await library.create('u', { text: '메모', origin: 'memo' });
    expect(await drafts.nextDue(0)).toBeNull();
    await mark(id, true);
    expect(await drafts.findListed(id)).toMatchObject({
      owner: 'u',
      title: '메모',
      chars: 2,
      attempts: 0,
    });
    expect(await drafts.nextDue(0)).toBe(id);
    await mark(id, false);
    expect(await drafts.find(id)).toBeNull();
    const other = await add('다른 메모');
    expect(await waiting('u')).toEqual([other]);
    await remove('u', other);
    expect(await waiting(null)).toEqual([]);
  });

  test('stays while it is claimed, and has the length of the current text', async () => {
    const { drafts, change, mark, add, save } = await open();
    const id = await add('짧다');
    await save(id, { state: 'drafting', attempts: 1 });
    await mark(id, false);
    expect(await drafts.claimed()).toMatchObject([{ documentId: id, attempts: 1 }]);
    await change('u', id, (current) => ({ ...current, extractedText: '더 긴 메모 😀' }));
    expect(await drafts.findListed(id)).toMatchObject({ chars: 8 });
  });

  test('deletes its finished sections when it is removed, and so does a new text', async () => {
    const { drafts, library, change, mark, add } = await open();
    const id = await add('긴 메모');
    const keep = () =>
      library.commit(id, async (changes) =>
        changes.saveSection({ documentId: id, section: 0, requestSha256: 'x', mdContent: '# 1' }),
      );
    await keep();
    await mark(id, true);
    expect(await drafts.sections(id)).toHaveLength(1);
    await change('u', id, (current) => ({ ...current, extractedText: '새 메모' }));
    expect(await drafts.sections(id)).toEqual([]);
    await keep();
    await library.commit(id, async (changes) => changes.removeDraft(id));
    expect(await drafts.sections(id)).toEqual([]);
  });
});

test('the queries of the draft worker and of the draft lists read their rows in index order', async () => {
  const { database, waiting, add, save } = await open();
  const [a, b, c] = [await add('하나'), await add('둘', 'v'), await add('셋')];
  await save(a, { dueAt: 7 });
  expect(await waiting(null)).toEqual([b, c, a]);
  expect(await waiting('u')).toEqual([c, a]);
  expect(await waiting('v')).toEqual([b]);
  const asked = spiedStatements(database.connection);
  createDraftStore(database);
  const plans = asked()
    .filter((sql) => /order by (due_at|md_generated_at)/.test(sql))
    .map((sql) =>
      database.connection
        .prepare<unknown[], { detail: string }>(
          `explain query plan ${sql.replace(/@\w+|\?/g, "'1'")}`,
        )
        .all()
        .map(({ detail }) => detail)
        .join('\n'),
    );
  expect(plans).toHaveLength(5);
  // The rows of one owner are found by the index of owners, without a scan of the rows of others.
  expect(plans.filter((plan) => plan.includes('(owner='))).toHaveLength(2);
  for (const plan of plans) {
    expect(plan).toContain('USING');
    expect(plan).not.toMatch(/TEMP B-TREE|SCAN document\b(?! USING INDEX)/);
  }
});

/** Records the statements that are prepared from now on. */
function spiedStatements(connection: { prepare(sql: string): unknown }): () => string[] {
  const prepare = connection.prepare.bind(connection);
  const seen: string[] = [];
  connection.prepare = (sql) => {
    seen.push(sql);
    return prepare(sql);
  };
  onTestFinished(() => {
    connection.prepare = prepare;
  });
  return () => [...seen];
}

test('a draft with a long history is shown with its newest events, in order', async () => {
  const { call, memo, fixture } = await openDrafts();
  const id = await memo('이야기가 긴 메모');
  const writer = new Sqlite(fixture.config.database);
  writer.exec(`
    with recursive counter (n) as (select 1 union all select n + 1 from counter where n < 620)
    insert into document_event select 1000 + n, '${id}', 'local', n, 'progress', 'drafting', 1, '{}'
      from counter`);
  writer.close();
  const { body } = await call('GET', `/drafts/${id}`);
  const seqs = (body['events'] as { seq: number }[]).map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 500 }, (_, n) => n + 121));
});

test('the version of the draft overview changes when the overview changes, and only then', async () => {
  const { call, memo, promoted, waitForEvent: told, fixture, model } = await openDrafts();
  const { draftsVersion, draftOverview } = fixture.core.drafts;
  await call('POST', '/drafts/pause');
  const seen = new Map<string, string>();
  const look = async (): Promise<number> => {
    const version = draftsVersion();
    const overview = JSON.stringify(await draftOverview());
    expect(seen.get(version) ?? overview).toBe(overview);
    seen.set(version, overview);
    return seen.size;
  };
  const before = await look();
  await memo('그냥 메모');
  await call('GET', '/drafts');
  expect(await look()).toBe(before);
  const id = await promoted('오늘 회의에서 정한 것을 여기에 적어 둔다.');
  expect(await look()).toBe(before + 1);
  await call('PATCH', `/memos/${id}`, { title: '다른 제목' });
  expect(await look()).toBe(before + 2);
  await call('POST', '/drafts/resume');
  await model.arrived(1);
  await look();
  await told(id, 'drafted');
  await look();
  const count = await look();
  await call('DELETE', `/documents/${id}`);
  expect(await look()).toBe(count + 1);
});

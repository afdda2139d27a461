/** Semantic search in a whole core: what it finds, and that full-text search works without it. */
import { createHash } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '#storage/database';
import { calls, says, stalls } from '#test/support/fake-llm-replies';
import {
  embeddingList,
  startFakeEmbeddings,
  type FakeEmbeddings,
} from '#test/support/fake-embeddings';
import { scratchFolder, until } from '#test/support/journal';
import { openAsk, reactRoles, toolTexts, type AskSetting } from '#test/ask/setting';

let embeddings: FakeEmbeddings;
let setting: AskSetting;
beforeEach(async () => {
  embeddings = await startFakeEmbeddings();
});
afterEach(async () => {
  await setting.close();
  await embeddings.refuse();
});

const open = async (change: Record<string, unknown> = {}): Promise<void> => {
  setting = await openAsk({
    roles: reactRoles,
    search: {
      embeddings: {
        baseUrl: embeddings.baseUrl,
        model: 'bag',
        minSimilarity: 0.4,
        queryTimeoutMs: 20_000,
        ...change,
      },
    },
  });
};

const found = async (query: string, user = 'local'): Promise<string[]> => {
  const params = new URLSearchParams({ q: query, user_id: user });
  const response = await fetch(`${setting.fixture.core.url}/documents/search?${params.toString()}`);
  const { results } = (await response.json()) as { results: { title: string }[] };
  return results.map(({ title }) => title);
};
const ready = async (): Promise<{ status: number; reasons: string[] }> => {
  const response = await fetch(`${setting.fixture.core.url}/readyz`);
  const { reasons } = (await response.json()) as { reasons: string[] };
  return { status: response.status, reasons };
};
/** Waits until all documents have their vectors. */
const indexed = () => until(async () => (await setting.fixture.core.search.backlog()) === 0);
const embedded = () => embeddings.requests.flatMap(({ input }) => input);

describe('semantic search', () => {
  test('finds a document that shares no word with the question, ranked behind a document that does', async () => {
    await open();
    await setting.bring('정비 영수증', '차량 정비 비용 12만원');
    await setting.bring('장보기', '우유와 달걀');
    await setting.bring('메모', '자동차 고장 신고 전화');
    await indexed();
    expect(await found('자동차 고장')).toEqual(['메모', '정비 영수증']);
    expect(await found('vehicle repair')).toEqual(expect.arrayContaining(['메모', '정비 영수증']));
  });

  test('is used by ask, by the ask loop and by the chat', async () => {
    await open();
    await setting.bring(
      '정비 영수증',
      `${'서문. '.repeat(600)}\n\n${'차량 정비 비용은 12만원. '.repeat(60)}\n\n${'끝. '.repeat(600)}`,
    );
    await indexed();
    const asked = await setting.post('/ask', { query: '자동차 고장' });
    expect(((await asked.json()) as { sources: unknown[] }).sources).toHaveLength(1);
    // Of a long document the model is given the passage that is nearest in meaning.
    expect(setting.messages(0).at(-1)!.content).toContain('12만원');
    setting.fixture.large.script(calls(['search', '{"query":"자동차 고장"}']), says('12만원 [1]'));
    const { body } = await setting.react({ query: '자동차 고장 비용?' });
    expect(body.sources).toMatchObject([{ title: '정비 영수증' }]);
    expect(toolTexts(setting.messages(2))[0]).toContain('12만원');
    const { end } = await setting.fixture.ask('자동차 고장 문서 찾아줘');
    expect(end.data['outcome']).toBe('answered');
    expect(JSON.stringify(setting.fixture.small.requests[0]!.body)).toContain('정비 영수증');
  });

  test('shows a user no document of another user', async () => {
    await open();
    await setting.bring('정비 영수증', '차량 정비 비용', 'minji');
    await indexed();
    expect(await found('자동차 고장', 'jun')).toEqual([]);
    expect(await found('자동차 고장', 'minji')).toEqual(['정비 영수증']);
  });

  test('deletes the vectors of a deleted document', async () => {
    await open();
    const id = await setting.bring('정비 영수증', '차량 정비 비용');
    await indexed();
    const response = await fetch(`${setting.fixture.core.url}/documents/${id}`, {
      method: 'DELETE',
    });
    expect(response.status).toBe(204);
    expect(await found('자동차 고장')).toEqual([]);
    const database = new Sqlite(setting.fixture.config.database, { readonly: true });
    const left = database.prepare('select count(*) as count from document_chunk').get();
    database.close();
    expect(left).toEqual({ count: 0 });
  });

  test('embeds the remaining documents after a restart, and embeds none twice', async () => {
    await open();
    await setting.bring('하나', '차량 정비');
    await indexed();
    await embeddings.refuse();
    await setting.bring('둘', '병원 진료');
    await embeddings.listen();
    await setting.fixture.restart();
    await until(() => embedded().some((text) => text.startsWith('둘')));
    await indexed();
    expect(embedded().filter((text) => text.startsWith('하나'))).toHaveLength(1);
    expect(await found('건강검진')).toEqual(['둘']);
  });

  test('embeds all documents again when another model is configured', async () => {
    await open();
    await setting.bring('하나', '차량 정비');
    await indexed();
    setting.fixture.config.search.embeddings!.model = 'other';
    await setting.fixture.restart();
    await until(() => embedded().filter((text) => text.startsWith('하나')).length === 2);
    await indexed();
    expect(embeddings.requests.at(-1)?.model).toBe('other');
    expect(await found('자동차 고장')).toEqual(['하나']);
  });

  test('embeds all documents again when the vectors of a model with the same name have another size', async () => {
    await open();
    await setting.bring('하나', '차량 정비');
    await indexed();
    embeddings.answer = ({ input }) => embeddingList(input.map(() => [1, 0, 0]));
    await setting.bring('둘', '병원 진료');
    await until(() => embedded().filter((text) => text.startsWith('하나')).length === 2);
    await indexed();
    expect((await found('아무거나')).sort()).toEqual(['둘', '하나']);
  });
});

describe('an embedding server', () => {
  test('that is down leaves full-text search, and readiness reports it with status 200', async () => {
    await embeddings.refuse();
    await open();
    await setting.bring('정비 영수증', '차량 정비 비용');
    await until(async () =>
      (await ready()).reasons.some((reason) => reason.startsWith('search: connect')),
    );
    expect((await ready()).status).toBe(200);
    expect(await found('차량')).toEqual(['정비 영수증']);
    expect(await found('자동차')).toEqual([]);
  });

  test('that does not answer in time leaves full-text search, and no model gate is held meanwhile', async () => {
    await open({ queryTimeoutMs: 500 });
    await setting.bring('메모', '자동차 고장 신고');
    await indexed();
    // It accepts the request and never answers.
    embeddings.answer = () => undefined;
    const before = embeddings.requests.length;
    setting.fixture.large.script(calls(['search', '{"query":"자동차"}']), says('답 [1]'));
    const asked = setting.react({ query: '자동차 고장 어디에 신고해?' });
    await until(() => embeddings.requests.length > before);
    const { gate } = setting.fixture.core.pool.find('large')!;
    expect(gate.view()).toMatchObject({ running: [], waiting: [] });
    expect((await asked).body).toMatchObject({ answer: '답 [1]', sources: [{ title: '메모' }] });
  });

  test('that refuses one document still embeds all others', async () => {
    await open();
    embeddings.answer = ({ input }, response) => {
      if (!input.some((text) => text.includes('독약')))
        return embeddingList(input.map(() => [1, 1]));
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"no"}}');
      return undefined;
    };
    await setting.bring('나쁜 것', '독약');
    await setting.bring('좋은 것', '보약');
    await indexed();
    expect(await found('무엇이든')).toEqual(['좋은 것']);
    expect((await ready()).reasons).toEqual([]);
  });

  test.each([
    ['', (url: string) => url],
    [
      ', whatever its address is written like',
      (url: string) => `${url.replace(/[\d.]+/, 'LOCALHOST')}/`,
    ],
  ])('that is also a backend is called through the gate of this backend%s', async (_, written) => {
    setting = await openAsk((small, large) => ({
      roles: { ...reactRoles },
      search: { embeddings: { baseUrl: written(large.baseUrl), model: 'm' } },
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm' },
        { id: 'large', baseUrl: large.baseUrl, model: 'm' },
      ],
    }));
    const { gate } = setting.fixture.core.pool.find('large')!;
    setting.fixture.large.script(stalls());
    const leaving = new AbortController();
    const asked = setting
      .post('/ask', { query: '하늘' }, { signal: leaving.signal })
      .catch(() => null);
    await setting.fixture.large.arrived(1);
    await setting.bring('메모', '자동차');
    await until(() => gate.view().waiting.length === 1);
    expect(gate.view().waiting).toMatchObject([{ kind: 'embed', priority: 'background' }]);
    leaving.abort();
    await asked;
    await until(() => gate.view().counters.grants === 2);
  });
});

test('a database of schema version 0003 is upgraded with all its documents in the backlog and unchanged texts', async () => {
  const scratch = scratchFolder();
  const path = `${scratch.path}/old.db`;
  copyFileSync(join(import.meta.dirname, '../../storage/fixtures/0003-drafts.sqlite'), path);
  const digest = createHash('sha256').update('본문').digest('hex');
  const old = new Sqlite(path);
  old.exec(`
    delete from document;
    insert into document (id, owner, created_at, updated_at, deleted_at, content_origin, title, source_metadata, extracted_text)
      values ('a', 'u', 1, 1, null, 'memo', '하나', '{}', '본문'), ('b', 'u', 1, 1, 2, 'memo', '둘', '{}', '본문')`);
  old.close();
  const upgraded = await openDatabase({ path });
  const rows = upgraded.connection
    .prepare(
      'select document.id, extracted_text as text from embedding_backlog join document on num = document',
    )
    .all() as { id: string; text: string }[];
  await upgraded.close();
  scratch.remove();
  expect(rows.map(({ id }) => id)).toEqual(['a']);
  expect(createHash('sha256').update(rows[0]!.text).digest('hex')).toBe(digest);
  setting = await openAsk();
});

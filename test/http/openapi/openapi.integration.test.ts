/**
 * docs/openapi.json describes the server as it is: exactly its routes, and schemas that the answers of the server
 * match.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { says, saysJson, stalls, type FakeReply } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { documentOf, problem, type Scene } from './operation.ts';
import { operations } from './operations.ts';
import { projectRoot } from '#test/support/project-root';

const path = join(projectRoot, 'docs', 'openapi.json');
const all = Object.values(operations).flat();

let fixture: CoreFixture;
let scene: Scene;
/** `GET /x` → access of the route. HEAD routes are left out. */
let served: Map<string, string | null>;
beforeAll(async () => {
  fixture = await openCore({ drafts: { intervalMs: 100 } });
  const { core } = fixture;
  served = new Map(
    core.routes
      .filter(({ method }) => method !== 'HEAD')
      .map(({ method, path, access }) => [`${method} ${path}`, access]),
  );
  scene = await setScene(fixture);
});
afterAll(() => fixture.close());

const draft = {
  action: 'tools',
  tool: 'calendar',
  operation: 'create_draft',
  params: { title: '치과', date: '2031-03-05', time: '15:00' },
};

/** Chooses the reply by the text of the message: each example gets the state of a job that it needs. */
const replies: FakeReply = (exchange) => {
  const text = JSON.stringify(exchange.request.body.messages.at(-1)?.content);
  if (text.includes('치과')) return saysJson(draft)(exchange);
  if (text.includes('오래')) return stalls()(exchange);
  if (text.includes('memo')) return says('# Drafted\n\nA document.')(exchange);
  return direct('네')(exchange);
};

async function setScene({ core, client, small, large, ask, folder }: CoreFixture): Promise<Scene> {
  for (const llm of [small, large]) llm.script(...Array.from({ length: 200 }, () => replies));
  const { jobId } = await ask('안녕', { user_id: 'ann' });
  const file = join(folder, 'note.md');
  writeFileSync(file, '# Note\nSome text.\n');
  const create = async (path: string, body: unknown): Promise<string> => {
    const answer = await fetch(core.url + path, { method: 'POST', body: JSON.stringify(body) });
    return ((await answer.json()) as { id: string }).id;
  };
  let count = 0;
  const submitTo = async (state: string, message: string): Promise<string> => {
    const id = await client.submit({ message, user_id: `user-${(count += 1)}` });
    await until(async () => (await client.job(id)).state === state);
    return id;
  };
  return {
    url: core.url,
    jobId,
    file,
    documentId: await create('/documents', { title: 'Plan', text: 'The budget is here.' }),
    memoId: await create('/memos', { text: 'call the dentist, buy milk and bread' }),
    waitingJob: () => submitTo('confirm-draft', '2031년 3월 5일 3시에 치과 잡아줘'),
    runningJob: () => submitTo('classify', '오래 생각해'),
    async draftedDocument() {
      const id = await create('/memos', { text: `a memo to be drafted, number ${(count += 1)}` });
      await fetch(`${core.url}/memos/${id}/promote-to-document`, { method: 'POST', body: '{}' });
      await until(async () => {
        const row = await (await fetch(`${core.url}/documents/${id}`)).json();
        return (row as { md_draft_status: string | null }).md_draft_status === 'draft';
      });
      return id;
    },
  };
}

test('every route of the server has a description, and every description names a route', () => {
  const described = all.map(({ route }) => route);
  expect(new Set(described).size).toBe(described.length);
  const missing = [...served.keys()].filter((route) => !described.includes(route as never));
  const gone = described.filter((route) => !served.has(route));
  expect({ missing, gone }, 'add or remove them in test/http/openapi/operations.ts').toEqual({
    missing: [],
    gone: [],
  });
});

test('docs/openapi.json equals the document that is generated from the descriptions', () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const made = documentOf(operations, version, (route) => served.get(route) ?? null);
  const text = `${JSON.stringify(made, null, 2)}\n`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
  const why = 'run: UPDATE_DOCS=1 npx vitest run test/http/openapi';
  expect(readFileSync(path, 'utf8'), why).toBe(text);
});

describe('docs/openapi.json', () => {
  type Schema = Record<string, unknown>;
  interface Api {
    paths: Record<
      string,
      Record<
        string,
        {
          operationId: string;
          responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
        }
      >
    >;
    components: { schemas: Record<string, Schema> };
  }
  const api = JSON.parse(readFileSync(path, 'utf8')) as Api;

  /** A schema of docs/openapi.json as a Zod schema. */
  function checkOf(schema: Schema): z.ZodType {
    const whole = { ...schema, $defs: api.components.schemas };
    const text = JSON.stringify(whole).replaceAll('"#/components/schemas/', '"#/$defs/');
    return z.fromJSONSchema(JSON.parse(text) as never);
  }

  test('has no broken reference and no operation id twice', () => {
    const text = JSON.stringify(api);
    for (const [, kind, name] of text.matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      expect(api.components, `${kind}/${name}`).toHaveProperty([kind!, name!]);
    }
    expect(text).not.toContain('$defs');
    const ids = Object.values(api.paths).flatMap((item) =>
      Object.values(item).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  /** The operations with an example request. */
  const asked = all.filter(({ example }) => typeof example === 'function');

  test.each(asked)(
    'describes the status, content type and body of the answer to $route',
    async (operation) => {
      const { route, status, answer, example } = operation;
      const [method = '', template = ''] = route.split(' ');
      if (typeof example !== 'function') return;
      const { path: names = {}, query = {}, body } = await example(scene);
      const address = template.replaceAll(/:(\w+)/g, (_, name: string) => names[name] ?? '');
      const stop = new AbortController();
      const response = await fetch(
        `${scene.url}${address}?${new URLSearchParams(query).toString()}`,
        {
          method,
          signal: stop.signal,
          ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
        },
      );
      const type = response.headers.get('content-type')?.split(';')[0] ?? null;
      if (typeof answer !== 'object') {
        expect([response.status, type]).toEqual([status, answer ?? null]);
        stop.abort();
        return;
      }
      const given: unknown = await response.json();
      expect(response.status, JSON.stringify(given)).toBe(status);
      expect(type).toBe('application/json');
      expect(answer.safeParse(given).error?.message).toBeUndefined();
      const item = api.paths[template.replaceAll(/:(\w+)/g, '{$1}')]![method.toLowerCase()]!;
      const { schema } = item.responses[String(status)]!.content!['application/json']!;
      expect(checkOf(schema).safeParse(given).error?.message).toBeUndefined();
    },
  );

  test('describes the problem document of a refused request', async () => {
    const refused = await fetch(`${scene.url}/chat/none`);
    const given: unknown = await refused.json();
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(problem.safeParse(given).error?.message).toBeUndefined();
    const { content } = api.paths['/chat/{id}']!['get']!.responses['404']!;
    expect(checkOf(content!['application/problem+json']!.schema).safeParse(given).success).toBe(
      true,
    );
    expect(checkOf(content!['application/problem+json']!.schema).safeParse({}).success).toBe(false);
  });
});

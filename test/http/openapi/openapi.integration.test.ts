/**
 * docs/openapi.json is generated from the routes of the server. The test compares what generation cannot know: whether
 * every route is described, and whether the responses of a running server match their schema.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenAPIV3_1 } from 'openapi-types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { problemSchema } from '#http/server/problem-details';
import type { RouteView } from '#http/server/route-access';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { says, saysJson, stalls, type FakeReply } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';
import { examples, type Scene } from './examples.ts';
import { documentOf, operationIn, tagOf, type Responses } from './openapi-document.ts';

const path = join(projectRoot, 'docs', 'openapi.json');
const api = JSON.parse(readFileSync(path, 'utf8')) as OpenAPIV3_1.Document;
const { schemas = {} } = api.components!;
/** `GET /chat/:id` of each operation in the document. */
const described = Object.entries(api.paths!).flatMap(([url, item]) =>
  Object.keys(item!).map(
    (method) => `${method.toUpperCase()} ${url.replaceAll(/\{(\w+)\}/g, ':$1')}`,
  ),
);

let fixture: CoreFixture;
let scene: Scene;
/** By method and path. HEAD routes are left out. */
let served: Map<string, RouteView>;
beforeAll(async () => {
  fixture = await openCore({ drafts: { intervalMs: 100 } });
  const { core } = fixture;
  served = new Map(
    core.routes
      .filter(({ method }) => method !== 'HEAD')
      .toSorted((one, other) => tagOf(one) - tagOf(other))
      .map((route) => [`${route.method} ${route.path}`, route]),
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
    newDocument: () => create('/documents', { text: 'gone soon' }),
    async newSchedule() {
      const body = JSON.stringify({ text: 'stretch', rule: { cron: '0 9 * * 1-5' } });
      const response = await fetch(`${core.url}/schedules`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      return ((await response.json()) as { schedule_id: string }).schedule_id;
    },
    newFact: () => create('/memory', { text: `my locker code is ${randomUUID()}` }),
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

test('every route of the server has a tag, a summary and a response', () => {
  const silent = [...served.values()].filter((route) => {
    const { summary, response = {} } = route.schema as { summary?: string; response?: Responses };
    return tagOf(route) < 0 || summary === undefined || Object.keys(response).length === 0;
  });
  expect(silent.map((route) => `${route.method} ${route.path}`)).toEqual([]);
});

test('docs/openapi.json equals the document that is generated from the routes', async () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const text = `${JSON.stringify(await documentOf([...served.values()], version), null, 2)}\n`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
  const why = 'run: UPDATE_DOCS=1 npx vitest run test/http/openapi';
  expect(readFileSync(path, 'utf8'), why).toBe(text);
});

test('every example names a route', () => {
  expect(Object.keys(examples).filter((route) => !served.has(route))).toEqual([]);
});

/** A schema of docs/openapi.json as a Zod schema. */
function checkOf(schema: object): z.ZodType {
  const whole = { ...schema, $defs: schemas };
  const text = JSON.stringify(whole).replaceAll('"#/components/schemas/', '"#/$defs/');
  return z.fromJSONSchema(JSON.parse(text) as never);
}

describe('docs/openapi.json', () => {
  test('has no broken reference and no operation id twice', () => {
    const text = JSON.stringify(api);
    for (const [, kind, name] of text.matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      expect(api.components, `${kind}/${name}`).toHaveProperty([kind!, name!]);
    }
    expect(text).not.toContain('$defs');
    const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(described.length);
    expect(ids).toHaveLength(described.length);
  });

  const asked = described.filter((route) => typeof examples[route] !== 'string');
  test.each(asked)(
    'describes the status, content type and body of the response to %s',
    async (name) => {
      const route = served.get(name)!;
      const [method = '', template = ''] = name.split(' ');
      const example = examples[name];
      const request = typeof example === 'function' ? await example(scene) : {};
      const address = template.replaceAll(/:(\w+)/g, (_, key: string) => request.path![key]!);
      const stop = new AbortController();
      const response = await fetch(
        `${scene.url}${address}?${new URLSearchParams(request.query).toString()}`,
        {
          method,
          signal: stop.signal,
          ...(method === 'GET' ? {} : { body: JSON.stringify(request.body ?? {}) }),
        },
      );
      const [[status, declared]] = Object.entries(route.schema.response as Responses) as [
        [string, Responses[string]],
      ];
      expect(response.status).toBe(Number(status));
      const type = response.headers.get('content-type')?.split(';')[0];
      const shown = operationIn(api, route).responses![status] as OpenAPIV3_1.ResponseObject;
      if (type === undefined) expect(shown.content).toBeUndefined();
      else expect(Object.keys(shown.content!)).toContain(type);
      if (type !== 'application/json') {
        stop.abort();
        return;
      }
      const given: unknown = await response.json();
      const schema =
        declared instanceof z.ZodType ? declared : declared.content['application/json']!.schema;
      expect(schema.safeParse(given).error?.message).toBeUndefined();
      const json = shown.content!['application/json']!.schema!;
      expect(checkOf(json).safeParse(given).error?.message).toBeUndefined();
    },
  );

  test('describes the problem document of a refused request', async () => {
    const refused = await fetch(`${scene.url}/chat/none`);
    const given: unknown = await refused.json();
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(problemSchema.safeParse(given).error?.message).toBeUndefined();
    const { responses } = operationIn(api, { method: 'GET', path: '/chat/:id' });
    const { content } = responses!['404'] as OpenAPIV3_1.ResponseObject;
    const check = checkOf(content!['application/problem+json']!.schema!);
    expect(check.safeParse(given).success).toBe(true);
    expect(check.safeParse({}).success).toBe(false);
  });
});

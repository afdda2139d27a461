/**
 * The access to the routes: every route of the real core is tried by clients without access. A new route is tested
 * automatically, and must be in the table of docs/security.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Core } from '#app/core';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { json, keyedCore, type KeyedCore } from './keys.ts';
import { projectRoot } from '#test/support/project-root';

const page = join(projectRoot, 'docs', 'security.md');
const nowhere = '01JZZZZZZZZZZZZZZZZZZZZZZZ';

/** Routes without a declared access: they are the operator's. A new route is added here, or declares its access. */
const ofOperator = [
  'GET /backends',
  'GET /cluster',
  'GET /mcp/servers',
  'GET /metrics',
  'GET /queue/stats',
  'GET /readyz',
  'POST /documents/import',
  'POST /drafts/pause',
  'POST /drafts/resume',
];

type Route = Core['routes'][number];

let core: KeyedCore;
let routes: Route[];
beforeEach(async () => {
  core = await keyedCore();
  routes = core.core.routes.toSorted((one, other) =>
    nameOf(one).localeCompare(nameOf(other), 'en'),
  );
});

const nameOf = ({ method, path }: Route): string => `${method} ${path}`;
const without = (access: Route['access'][]): Route[] =>
  routes.filter((route) => !access.includes(route.access));
const at = (path: string, id: string): string =>
  path.replace(/:(?:id|name|model)\b/g, id).replace(':machine', 'job');
const bodyFor = (method: string, body: object): object | undefined =>
  ['GET', 'HEAD'].includes(method) ? undefined : body;

describe('the routes of the core', () => {
  test('declare their access, or are listed as routes of the operator', () => {
    const silent = routes
      .filter(({ access, method }) => access === null && method !== 'HEAD')
      .map(nameOf);
    expect(silent).toEqual(ofOperator);
  });

  test('are those of the table in docs/security.md', () => {
    const rows = routes
      .filter(({ method }) => method !== 'HEAD')
      .map((route) => `| \`${nameOf(route)}\` | ${route.access ?? 'operator'} |`);
    const made = ['| route | for |', '|---|---|', ...rows].join('\n');
    const source = readFileSync(page, 'utf8');
    const table = /\| route \| for \|\n(?:\|.*\n)*/;
    if (process.env['UPDATE_DOCS'] === '1') {
      writeFileSync(
        page,
        source.replace(table, () => `${made}\n`),
      );
    }
    const shown = table.exec(readFileSync(page, 'utf8'))?.[0].trim();
    expect(shown, 'run: UPDATE_DOCS=1 npx vitest run test/security').toBe(made);
  });

  test('have the same access for HEAD as for GET', () => {
    for (const head of routes.filter(({ method }) => method === 'HEAD')) {
      const get = routes.find(({ method, path }) => method === 'GET' && path === head.path);
      expect(head.access, head.path).toBe(get?.access);
    }
  });

  test('need a key except five, and an unknown route is answered with 401 too', async () => {
    for (const { method, path } of without(['anyone'])) {
      const answer = await core.call('nobody', method, at(path, nowhere), bodyFor(method, {}));
      expect(answer.status, `${method} ${path}`).toBe(401);
    }
    const anyone = routes.filter(({ access, method }) => access === 'anyone' && method === 'GET');
    expect(anyone.map(({ path }) => path)).toEqual([
      '/',
      '/healthz',
      '/healthz/ready',
      '/inspect',
      '/inspect/assets/:name',
    ]);
    expect((await core.call('nobody', 'GET', '/no/such/route')).status).toBe(401);
  });

  test('of the operator are closed to a user', async () => {
    for (const { method, path } of without(['anyone', 'person', 'job'])) {
      const answer = await core.call('bob', method, at(path, nowhere), bodyFor(method, {}));
      expect(answer.status, `${method} ${path}`).toBe(403);
    }
  });

  test('refuse the name of another user in query or body', async () => {
    const name = (path: string): string => (path.startsWith('/v1/') ? 'user' : 'user_id');
    for (const { method, path } of routes.filter(({ access }) => access === 'person')) {
      const where = `${method} ${path}`;
      const field = name(path);
      const target = at(path, nowhere);
      for (const query of [`${field}=ann`, `${field}=bob&${field}=ann`, `${field}=`]) {
        const answer = await core.call('bob', method, `${target}?${query}`, bodyFor(method, {}));
        expect(answer.status, `${where}?${query}`).toBe(403);
      }
      if (bodyFor(method, {}) === undefined) continue;
      for (const given of ['ann', '', ['bob'], { bob: 1 }, 0]) {
        const answer = await core.call('bob', method, target, { [field]: given, message: 'x' });
        expect(answer.status, `${where} ${JSON.stringify(given)}`).toBe(403);
      }
    }
  });

  test('of a job answer another user as if the job did not exist', async () => {
    core.small.script(direct('네'));
    const { job_id: id } = await json(core.call('ann', 'POST', '/chat', { message: '비밀' }));
    await until(
      async () => (await json(core.call('ann', 'GET', `/chat/${id}`)))['outcome'] !== null,
    );
    const ofJob = routes.filter(({ access }) => access === 'job');
    expect(ofJob.length).toBeGreaterThan(10);
    for (const { method, path } of ofJob) {
      const body = bodyFor(method, { n: 1, event: { type: 'cancel', by: 'x' } });
      const told = await Promise.all(
        [String(id), nowhere].map(async (one) => {
          const answer = await core.call('bob', method, at(path, one), body);
          return [answer.status, await answer.text()];
        }),
      );
      expect(told[0], `${method} ${path}`).toEqual(told[1]);
      expect(told[0]?.[0], `${method} ${path}`).toBe(404);
    }
  });

  test('of documents and memos answer another user as if the object did not exist', async () => {
    const { id } = await json(
      core.call('ann', 'POST', '/memos', { text: '비밀 생일 선물은 자전거' }),
    );
    await core.call('ann', 'POST', `/memos/${id}/promote-to-document`);
    const ofDocument = routes.filter(
      ({ access, path }) => access === 'person' && path.includes('/:id'),
    );
    expect(ofDocument.length).toBeGreaterThan(8);
    for (const { method, path } of ofDocument) {
      const body = bodyFor(method, { text: 'x', md_content: 'x' });
      const told = await Promise.all(
        [String(id), nowhere].map(async (one) => {
          const answer = await core.call('bob', method, at(path, one), body);
          return [answer.status, await answer.text()];
        }),
      );
      expect(told[0], `${method} ${path}`).toEqual(told[1]);
      expect(told[0]?.[0], `${method} ${path}`).toBe(404);
    }
    for (const path of ['/documents', '/memos', '/drafts', '/documents/search?q=자전거']) {
      expect(await (await core.call('bob', 'GET', path)).text(), path).not.toContain('자전거');
    }
    expect(await (await core.call('ann', 'GET', '/memos')).text()).toContain('자전거');
  });
});

/**
 * The key of one user against all objects of another. The attacks are derived from the routes of the real core: a new
 * route is attacked automatically, and an unknown parameter fails the test.
 */
import { expect, test } from 'vitest';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { json, keyedCore, keys, type KeyedCore } from './keys.ts';

/** Part of every text of bob. */
const secret = 'bobs-geheimnis-4711';

interface Owned {
  job: string;
  document: string;
  memo: string;
  schedule: string;
  fact: string;
  session: string;
}

async function thingsOfBob(core: KeyedCore): Promise<Owned> {
  core.small.script(direct(`네 ${secret}`));
  const { job_id: job } = await json(
    core.call('bob', 'POST', '/chat', { message: `안녕 ${secret}` }),
  );
  await until(
    async () => (await json(core.call('bob', 'GET', `/chat/${job}`)))['outcome'] !== null,
  );
  const text = `${secret} 이것은 밥의 글입니다`;
  const { id: document } = await json(
    core.call('bob', 'POST', '/documents', { title: secret, text }),
  );
  const { id: memo } = await json(core.call('bob', 'POST', '/memos', { text }));
  await core.call('bob', 'POST', `/memos/${memo}/promote-to-document`);
  const rule = { cron: '0 9 * * *' };
  const { schedule_id } = await json(core.call('bob', 'POST', '/schedules', { text, rule }));
  const { id: fact } = await json(core.call('bob', 'POST', '/memory', { text }));
  await core.call('bob', 'POST', '/session', { key: keys.bob });
  const { sessions } = await json(core.call('bob', 'GET', '/sessions'));
  const ids = { job, document, memo, schedule: schedule_id, fact, session: sessions[0].id };
  return Object.fromEntries(
    Object.entries(ids).map(([name, id]) => [name, String(id)]),
  ) as unknown as Owned;
}

/** The parameters of all routes with the ids of bob's objects; null: the parameter names no object of a user. */
const parameters: Record<string, ((owned: Owned, path: string) => string[]) | null> = {
  id: ({ job, document, memo, schedule, fact, session }) => [
    job,
    document,
    memo,
    schedule,
    fact,
    session,
  ],
  version: () => ['1'],
  name: null,
  model: null,
  digest: null,
  machine: null,
};

/** The addresses of the route with the ids of bob's objects. */
function addresses(path: string, owned: Owned): string[] {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  return names.reduce<string[]>(
    (made, name) => {
      expect(parameters, `${path}: say in this test what :${name} names`).toHaveProperty(name);
      const values = parameters[name]?.(owned, path) ?? ['job'];
      return made.flatMap((one) => values.map((value) => one.replace(`:${name}`, value)));
    },
    [path],
  );
}

/** Names of parameters and fields that could select bob's objects in a query or a body. */
const names = ['user_id', 'user', 'owner', 'userId', 'x-user', 'as'];

test('the key of one user reaches no object of another through any route, by id, name, query or body', async () => {
  // More requests than a person may send in a minute.
  const core = await keyedCore({ requestsPerMinute: 100_000 });
  const owned = await thingsOfBob(core);
  let attacks = 0;
  for (const { method, path, access } of core.core.routes) {
    if (access === 'anyone' || path === '/events') continue;
    const hasId = path.includes(':id');
    for (const address of addresses(path, owned)) {
      const queries = ['', ...names.map((name) => `?${name}=bob`), '?user_id=ann&user_id=bob'];
      for (const query of queries) {
        const body = ['GET', 'HEAD'].includes(method)
          ? undefined
          : {
              ...Object.fromEntries(names.slice(2).map((name) => [name, 'bob'])),
              text: 'x',
              md_content: 'x',
              n: 1,
              event: { type: 'cancel', by: 'bob' },
              draft: { job_id: owned.job, draft_seq: 1 },
            };
        const answer = await core.call('ann', method, `${address}${query}`, body);
        const text = await answer.text();
        const where = `${method} ${address}${query}: ${answer.status}`;
        attacks += 1;
        expect(text, where).not.toContain(secret);
        expect(answer.status, where).toBeLessThan(500);
        if (hasId) expect([403, 404], where).toContain(answer.status);
      }
    }
  }
  expect(attacks).toBeGreaterThan(300);
  // All objects are unchanged and still belong to bob.
  const mine = await Promise.all(
    [
      `/chat/${owned.job}`,
      `/documents/${owned.document}`,
      `/documents/${owned.memo}`,
      `/schedules/${owned.schedule}`,
      `/memory/${owned.fact}`,
    ].map(async (path) => (await core.call('bob', 'GET', path)).text()),
  );
  for (const text of mine) expect(text).toContain(secret);
  const { sessions } = await json(core.call('bob', 'GET', '/sessions'));
  expect(sessions.map((one: { id: string }) => one.id)).toContain(owned.session);
}, 120_000);

test.each(['synology', 'synology-office', 'Synology', 'telegram', 'telegram-2'])(
  'the key of a user may not write into the channel %s of a bridge, and the key of the operator may',
  async (channel) => {
    const core = await keyedCore();
    core.small.script(direct('네'), direct('네'));
    const body = { message: '안녕', channel, thread: 'channel-42' };
    const refused = await core.call('ann', 'POST', '/chat', body);
    expect([refused.status, (await json(refused))['code']]).toEqual([403, 'GH_REQUEST_FORBIDDEN']);
    const taken = await core.call('operator', 'POST', '/chat', { ...body, user_id: 'ann' });
    expect(taken.status).toBe(202);
    const own = await core.call('ann', 'POST', '/chat', { message: '안녕', channel: 'kitchen' });
    expect(own.status).toBe(202);
  },
);

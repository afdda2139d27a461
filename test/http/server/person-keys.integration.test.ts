/** API keys of one person: they give no access to data of other persons, on any interface of the core. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

const keys = { operator: 'op-key', ann: 'ann-key', bob: 'bob-key' };
type Who = keyof typeof keys;
const secret = '비밀 생일 선물은 자전거';

let fixture: CoreFixture;
beforeEach(async () => {
  const apiKeys = [keys.operator, { key: keys.ann, user: 'ann' }, { key: keys.bob, user: 'bob' }];
  fixture = await openCore({ server: { port: 0, apiKeys } });
});
afterEach(() => fixture.close());

function call(who: Who, path: string, body?: unknown, method?: string): Promise<Response> {
  return fetch(`${fixture.core.url}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${keys[who]}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const json = async (response: Response | Promise<Response>): Promise<Record<string, any>> =>
  (await (await response).json()) as Record<string, any>;

/** Sends a message of this person and waits for its answer. Returns the job id. */
async function said(who: Who, message: string, answer = '네'): Promise<string> {
  fixture.small.script(direct(answer));
  const { job_id: id } = await json(call(who, '/chat', { message }));
  await until(async () => (await json(call(who, `/chat/${id}`)))['outcome'] !== null);
  return String(id);
}

/** Reads a stream until its text contains `enough`, for at most 10 s. */
async function heard(who: Who, path: string, enough: string): Promise<string> {
  const abort = new AbortController();
  const response = await fetch(`${fixture.core.url}${path}`, {
    headers: { authorization: `Bearer ${keys[who]}` },
    signal: AbortSignal.any([abort.signal, AbortSignal.timeout(10_000)]),
  });
  let text = '';
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes(enough)) break;
  }
  abort.abort();
  return text;
}

describe('the API key of a person', () => {
  test('acts for that person, and is refused for another user', async () => {
    const id = await said('ann', '안녕');
    expect(await json(call('operator', `/chat/${id}`))).toMatchObject({ user_id: 'ann' });
    const forged = await call('bob', '/chat', { message: '안녕', user_id: 'ann' });
    expect([forged.status, (await json(forged))['code']]).toEqual([403, 'GH_REQUEST_FORBIDDEN']);
    expect((await call('bob', '/jobs?user_id=ann')).status).toBe(403);
  });

  test('gets the same 404 for a job of another person as for a missing job', async () => {
    const id = await said('ann', secret);
    const nowhere = '01JZZZZZZZZZZZZZZZZZZZZZZZ';
    for (const path of ['', '/status', '/stream']) {
      const [theirs, none] = [
        await call('bob', `/chat/${id}${path}`),
        await call('bob', `/chat/${nowhere}${path}`),
      ];
      expect([theirs.status, await theirs.text()]).toEqual([none.status, await none.text()]);
      expect(theirs.status).toBe(404);
    }
    expect((await call('bob', `/jobs/${id}/events`)).status).toBe(404);
    expect((await json(call('bob', '/jobs')))['jobs']).toEqual([]);
    expect((await json(call('ann', '/jobs')))['jobs']).toHaveLength(1);
    expect((await json(call('operator', '/jobs')))['jobs']).toHaveLength(1);
  });

  test('gets no event of another person', async () => {
    await said('ann', secret);
    const bobs = await said('bob', '저는 밥입니다');
    const text = await heard('bob', '/events', 'event: done');
    expect(text).toContain(bobs);
    expect(text).not.toContain('자전거');
    expect(await heard('operator', '/events', '자전거')).toContain('자전거');
  });

  test('cannot confirm, reject or cancel a draft of another person', async () => {
    const create = {
      action: 'tools',
      tool: 'calendar',
      operation: 'create_draft',
      params: { title: '치과', date: '2031-03-04', time: '10:00' },
    };
    fixture.small.script(saysJson(create));
    const { job_id: id } = await json(
      call('ann', '/chat', { message: '3월 4일 10시에 치과 예약 넣어줘' }),
    );
    await until(async () => (await json(call('ann', `/chat/${id}`)))['state'] === 'confirm-draft');
    for (const verb of ['confirm', 'reject', 'cancel']) {
      expect((await call('bob', `/chat/${id}/${verb}`, {})).status).toBe(404);
    }
    expect(await json(call('ann', `/chat/${id}`))).toMatchObject({ state: 'confirm-draft' });
    // A yes of Bob does not confirm the draft of Ann.
    fixture.small.script(direct('무엇을요?'));
    const { job_id: other } = await json(call('bob', '/chat', { message: '확인' }));
    expect(other).not.toBe(id);
    expect((await call('ann', `/chat/${id}/confirm`, {})).status).toBe(202);
  });

  test('cannot read, find, delete or ask a document of another person', async () => {
    const { id } = await json(call('ann', '/documents', { title: '선물', text: secret }));
    expect((await call('bob', `/documents/${id}`)).status).toBe(404);
    expect((await call('bob', `/documents/${id}?user_id=ann`)).status).toBe(403);
    expect(await json(call('bob', '/documents/search?q=자전거'))).toEqual({ results: [] });
    expect((await call('bob', `/documents/${id}`, undefined, 'DELETE')).status).toBe(404);
    fixture.small.script(direct('모릅니다'));
    const asked = await json(call('bob', '/ask', { query: '자전거 선물' }));
    expect(asked['sources']).toEqual([]);
    expect(JSON.stringify(fixture.small.requests)).not.toContain('비밀');
    expect((await json(call('ann', '/documents/search?q=자전거')))['results']).toHaveLength(1);
  });

  test('puts no message of another person into the prompt of a model', async () => {
    await said('ann', secret);
    await said('bob', '방금 뭐라고 했지?');
    expect(JSON.stringify(fixture.small.requests.at(-1))).not.toContain('자전거');
  });

  test('exports no calendar entry of another person', async () => {
    const ics = (await (await call('ann', '/calendar.ics')).text()).replace(
      'END:VCALENDAR',
      'BEGIN:VEVENT\r\nUID:x1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20310304T010000Z\r\nDTEND:20310304T020000Z\r\nSUMMARY:자전거\r\nEND:VEVENT\r\nEND:VCALENDAR',
    );
    expect((await call('ann', '/calendar/import', { ics })).status).toBe(200);
    expect(await (await call('ann', '/calendar.ics')).text()).toContain('자전거');
    expect(await (await call('bob', '/calendar.ics')).text()).not.toContain('자전거');
  });

  test('acts for that person on the OpenAI API too', async () => {
    fixture.small.script(direct('네'));
    const body = { model: 'gatehouse', messages: [{ role: 'user', content: '안녕' }] };
    const answer = await json(call('ann', '/v1/chat/completions', body));
    expect(answer['object']).toBe('chat.completion');
    expect((await json(call('ann', '/jobs')))['jobs']).toHaveLength(1);
    const forged = await call('bob', '/v1/chat/completions', { ...body, user: 'ann' });
    expect(forged.status).toBe(403);
  });

  test('is refused on the routes of the operator', async () => {
    for (const path of ['/queue/stats', '/backends', '/metrics', '/readyz']) {
      expect((await call('ann', path)).status, path).toBe(403);
      expect((await call('operator', path)).status, path).not.toBe(403);
    }
    // The import reads files of the machine of the core.
    expect((await call('ann', '/documents/import', { paths: ['/etc'] })).status).toBe(403);
    expect((await call('ann', '/nowhere')).status).toBe(404);
  });
});

describe('the inspector with the API key of a person', () => {
  test('returns the user of the key in its session', async () => {
    expect(await json(call('bob', '/inspect/api/session'))).toMatchObject({ user: 'bob' });
    expect(await json(call('operator', '/inspect/api/session'))).toMatchObject({ user: null });
  });

  test('lists, finds and opens only jobs of that person', async () => {
    const id = await said('ann', secret);
    expect((await json(call('bob', '/inspect/api/jobs')))['jobs']).toEqual([]);
    expect((await json(call('bob', `/inspect/api/jobs?q=${id}`)))['jobs']).toEqual([]);
    expect((await json(call('ann', `/inspect/api/jobs?q=${id}`)))['jobs']).toHaveLength(1);
    expect((await call('bob', `/inspect/api/jobs/${id}/choices?n=1`)).status).toBe(404);
    const what = { n: 1, event: { type: 'cancel', by: 'user' } };
    expect((await call('bob', `/inspect/api/jobs/${id}/what-if`, what)).status).toBe(404);
    expect((await call('ann', `/inspect/api/jobs/${id}/what-if`, what)).status).toBe(200);
  });

  test('sends nothing of other persons over its socket', async () => {
    const id = await said('ann', secret);
    const socket = new WebSocket(
      `${fixture.core.url.replace('http', 'ws')}/inspect/ws`,
      ['gatehouse.v1'],
      {
        headers: { authorization: `Bearer ${keys.bob}` },
      },
    );
    const told: string[] = [];
    socket.on('message', (data) => told.push(String(data)));
    await new Promise((resolve) => socket.once('open', resolve));
    for (const message of [
      { type: 'gatehouse.jobs', on: true },
      { type: 'gatehouse.gates', on: true },
      { type: 'gatehouse.guests', on: true },
      { type: 'gatehouse.watch', jobId: id, afterN: 0 },
    ]) {
      socket.send(JSON.stringify(message));
    }
    await until(() => told.some((one) => one.includes('GH_JOB_NOT_FOUND')));
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    fixture.small.script(async (exchange) => {
      await held;
      await direct('네')(exchange);
    });
    await call('ann', '/chat', { message: `${secret} 둘` });
    // The gate is shown as held, without the name of Ann.
    await until(() => told.some((one) => one.includes('somebody else')));
    release();
    const bobs = await said('bob', '저는 밥입니다');
    await until(() => told.some((one) => one.includes(bobs)));
    expect(told.join('\n')).not.toContain('자전거');
    expect(told.join('\n')).not.toContain('"ann"');
    socket.close();
  });
});

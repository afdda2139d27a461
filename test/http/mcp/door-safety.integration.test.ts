/** What a program with a person's key cannot do at `POST /mcp`: say yes for the person, or reach another person. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { doorTools } from '#http/mcp/door-tools';
import { json, keyedCore, keys, openKeyedCore, type KeyedCore } from '#test/security/keys';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { saysJson, stalls } from '#test/support/fake-llm-replies';
import { connectDoor } from './door-fixture.ts';

let core: KeyedCore;
beforeAll(async () => {
  core = await openKeyedCore({ requestsPerMinute: 100_000 });
});
afterAll(() => core.close());

const eras = ['legacy', 'modern'] as const;

const drafted = (title: string) =>
  saysJson({
    action: 'tools',
    tool: 'calendar',
    operation: 'create_draft',
    params: { title, date: '2031-03-05', time: '15:00' },
  });

const calendarOf = async (who: 'ann' | 'bob'): Promise<string> =>
  (await core.call(who, 'GET', '/calendar.ics')).text();

describe.each(eras)('a draft, for a client of the %s protocol', (era) => {
  const title = `치과 ${era}`;

  test('comes back as text that says where the person decides, and no message of the client confirms it', async () => {
    core.small.script(drafted(title));
    const { call } = await connectDoor(core, 'ann', era);
    const { data, text, isError } = await call('chat', { message: `3월 5일 3시 ${title} 좀` });
    expect({ data, isError }).toMatchObject({
      isError: false,
      data: { status: 'waits_for_person', outcome: null, reply: null },
    });
    const { job_id: id, conversation, decide_at: place, draft } = data as Record<string, string>;
    expect(draft).toContain(title);
    expect(`${draft}${text}`).not.toMatch(/'확인' 또는|Reply 'yes'/);
    expect(place).toBe(`${core.core.url}/inspect#/jobs/${id}`);
    expect(text).toContain(place);

    // Everything a model could try.
    const words = ['확인', 'yes', 'confirm', '네 등록해줘', '응', `yes ${id}`];
    core.small.script(...words.map(() => direct('네')));
    for (const message of words) {
      const answer = await call('chat', { message, conversation });
      expect(answer.data['job_id'], message).not.toBe(id);
    }
    for (const extra of [
      { draft: { job_id: id, draft_seq: 1 } },
      { channel: 'http' },
      { confirm: true },
    ]) {
      core.small.script(direct('네'));
      await call('chat', { message: '확인', conversation, ...extra });
    }
    expect((await call('get_job', { job_id: id })).data).toMatchObject({
      status: 'waits_for_person',
      draft,
    });
    expect(await calendarOf('ann')).not.toContain(title);

    // The person themselves.
    expect((await core.call('ann', 'POST', `/chat/${id}/confirm`, {})).status).toBe(202);
    await until(
      async () => (await json(core.call('ann', 'GET', `/chat/${id}`)))['outcome'] !== null,
    );
    expect(await calendarOf('ann')).toContain(title);
  });

  test('can be dropped by the client: nothing is written', async () => {
    core.small.script(drafted(`${title} 취소`));
    const { call } = await connectDoor(core, 'ann', era);
    const { data } = await call('chat', { message: `3월 5일 3시 ${title} 취소용` });
    const cancelled = await call('cancel_job', { job_id: data['job_id'] });
    expect(cancelled.data).toMatchObject({ status: 'ended', state: 'cancelled' });
    expect((await call('cancel_job', { job_id: data['job_id'] })).isError).toBe(false);
    expect(await calendarOf('ann')).not.toContain(`${title} 취소`);
  });
});

test('no tool confirms: none names a draft, a yes or an offer in its input', () => {
  const inputs = doorTools.map(({ name, input }) => [name, Object.keys(input.shape)]);
  expect(inputs.filter(([name]) => /confirm|accept|approve/.test(String(name)))).toEqual([]);
  expect(inputs.flat(2).filter((field) => /draft|confirm|offer|user/.test(field))).toEqual([]);
});

describe.each(eras)('the key of one person, over the %s protocol', (era) => {
  test('reaches no job, document or memo of another', async () => {
    const secret = `bobs-geheimnis-${era}`;
    const bob = await connectDoor(core, 'bob', era);
    core.small.script(direct(`네 ${secret}`));
    const job = await bob.call('chat', { message: `안녕 ${secret}` });
    const memo = await bob.call('add_memo', { text: `${secret} 메모` });
    expect((await bob.call('search_documents', { query: secret })).text).toContain(secret);

    const ann = await connectDoor(core, 'ann', era);
    const id = job.data['job_id'] as string;
    const answers = await Promise.all([
      ann.call('get_job', { job_id: id, wait_seconds: 1 }),
      ann.call('cancel_job', { job_id: id }),
      ann.call('get_document', { id: memo.data['id'] }),
      ann.call('search_documents', { query: secret, user_id: 'bob' }),
      ann.call('list_jobs', { user_id: 'bob' }),
    ]);
    expect(answers.map(({ text }) => text).join('\n')).not.toContain(secret);
    expect(answers.slice(0, 3).map(({ text }) => text.split(':')[0])).toEqual([
      'GH_JOB_NOT_FOUND',
      'GH_JOB_NOT_FOUND',
      'GH_DOCUMENT_NOT_FOUND',
    ]);
    // The same conversation name is another conversation.
    core.small.script(direct('모릅니다'));
    const before = core.small.requests.length;
    await ann.call('chat', { message: '뭐라고 했지?', conversation: job.data['conversation'] });
    expect(JSON.stringify(core.small.requests[before]?.body)).not.toContain(secret);
    // The operator acts for the user of a single-user installation, and not for everybody.
    const operator = await connectDoor(core, 'operator', era);
    expect((await operator.call('get_job', { job_id: id })).text).toMatch(/^GH_JOB_NOT_FOUND/);
    expect((await operator.call('list_jobs')).text).not.toContain(secret);
  });
});

describe('a cancelled request', () => {
  test.each(eras)('of the %s protocol cancels the job that it has opened', async (era) => {
    const { client } = await connectDoor(core, 'ann', era);
    core.small.script(stalls());
    const before = core.small.requests.length;
    const cancelling = new AbortController();
    const message = `오래 생각해 ${era}`;
    const answer = client.callTool(
      { name: 'chat', arguments: { message } },
      { signal: cancelling.signal, onprogress: () => undefined },
    );
    await core.small.arrived(before + 1);
    cancelling.abort();
    await expect(answer).rejects.toThrow();
    const jobs = async () =>
      (await json(core.call('ann', 'GET', '/jobs')))['jobs'] as { state: string }[];
    await until(async () => (await jobs())[0]?.state === 'cancelled');
    expect((await jobs())[0]).toMatchObject({ message, state: 'cancelled' });
  });

  test('cancels no request of another client that has the same id', async () => {
    const [one, other] = [
      await connectDoor(core, 'ann', 'legacy'),
      await connectDoor(core, 'ann', 'legacy'),
    ];
    core.small.script(stalls(), stalls());
    const before = core.small.requests.length;
    const cancelling = new AbortController();
    const first = one.client.callTool(
      { name: 'chat', arguments: { message: '첫째' } },
      { signal: cancelling.signal },
    );
    await core.small.arrived(before + 1);
    const second = other.call('chat', { message: '둘째', wait_seconds: 1 });
    cancelling.abort();
    await expect(first).rejects.toThrow();
    const { data } = await second;
    expect(data).toMatchObject({ status: 'running', outcome: null });
    await core.call('ann', 'POST', `/chat/${data['job_id']}/cancel`);
  });

  /** A call of chat whose connection is cut when its job runs. */
  async function cutCall(message: string, session: string): Promise<void> {
    const cutting = new AbortController();
    const params = { name: 'chat', arguments: { message } };
    const before = core.small.requests.length;
    const cut = post({ id: 7, method: 'tools/call', params }, session, cutting.signal);
    await core.small.arrived(before + 1);
    cutting.abort();
    await cut.then((response) => response.text()).catch(() => undefined);
  }

  const post = (message: object, session: string, signal: AbortSignal | null = null) =>
    fetch(`${core.core.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: 'Bearer ann-key',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session,
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      signal,
    });

  test('of the older protocols that is only cut goes on, and its job can be read', async () => {
    core.small.script(direct('늦은 답'));
    await cutCall('연결이 끊겨도', 'cut');
    const { call } = await connectDoor(core, 'ann', 'legacy');
    const { data } = await call('list_jobs', { limit: 1 });
    const read = await call('get_job', { job_id: data['jobs'][0].job_id, wait_seconds: 10 });
    expect(read.data).toMatchObject({ status: 'ended', reply: '늦은 답' });
  });

  test('that is not open at this process, as at another worker, cancels its job', async () => {
    core.small.script(stalls());
    await cutCall('다른 곳에서', 'elsewhere');
    const { call } = await connectDoor(core, 'ann', 'legacy');
    const { data } = await call('list_jobs', { limit: 1 });
    const cancel = { method: 'notifications/cancelled', params: { requestId: 7 } };
    // A client of another name cancels nothing.
    expect((await post(cancel, 'another')).status).toBe(202);
    const id = data['jobs'][0].job_id as string;
    expect((await call('get_job', { job_id: id })).data).toMatchObject({ status: 'running' });
    expect((await post(cancel, 'elsewhere')).status).toBe(202);
    const read = await call('get_job', { job_id: id, wait_seconds: 10 });
    expect(read.data).toMatchObject({ status: 'ended', state: 'cancelled' });
  });

  test('whose id was used before is answered for its own message', async () => {
    core.small.script(direct('하나'), direct('둘'));
    const replies: string[] = [];
    for (const message of ['첫 질문', '다음 질문']) {
      const params = { name: 'chat', arguments: { message, conversation: 'same' } };
      const answer = await post({ id: 1, method: 'tools/call', params }, 'constant');
      replies.push(await answer.text());
    }
    expect(replies.map((text) => /하나|둘/.exec(text)?.[0])).toEqual(['하나', '둘']);
  });
});

describe.each(eras)('a core that a client of the %s protocol waits for', (era) => {
  test('goes on with the job after a restart, which cancels nothing', async () => {
    const restarted = await keyedCore();
    const { client } = await connectDoor(restarted, 'ann', era);
    restarted.small.script(stalls(), direct('답'));
    const lost = client
      .callTool({ name: 'chat', arguments: { message: '왜 하늘은 파래?' } }, { timeout: 3_000 })
      .then(
        () => 'answered',
        () => 'lost',
      );
    await restarted.small.arrived(1);
    await restarted.restart();
    // Only then: a client that gives up cancels its request.
    const { url } = restarted.core;
    const jobs = async () => {
      const headers = { authorization: `Bearer ${keys.ann}` };
      const page = await json(fetch(`${url}/jobs?limit=1`, { headers }));
      return page['jobs'] as { state: string; reply: string | null }[];
    };
    await until(async () => (await jobs())[0]?.state === 'done');
    expect((await jobs())[0]).toMatchObject({ reply: '답' });
    expect(await lost).toBe('lost');
  });
});

test('a job that fails is an error with its code, and its text', async () => {
  const dead = await keyedCore();
  await dead.small.refuse();
  await dead.large.refuse();
  const { call } = await connectDoor(dead, 'ann', 'legacy');
  const { isError, text, data } = await call('chat', { message: '안녕' });
  expect(isError).toBe(true);
  expect(text).toContain('응답을 받지 못했습니다.');
  expect(text).toContain('GH_BACKEND_UNAVAILABLE');
  expect(data).toMatchObject({ outcome: 'failed', error_code: 'GH_BACKEND_UNAVAILABLE' });
});

/** The tools of `POST /mcp` with the official client, in the newest protocol and in the older ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openKeyedCore, type KeyedCore } from '#test/security/keys';
import { direct, routed } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';
import { connectDoor } from './door-fixture.ts';

let core: KeyedCore;
beforeAll(async () => {
  core = await openKeyedCore();
});
afterAll(() => core.close());

const eras = ['legacy', 'modern'] as const;

describe.each(eras)('a client of the %s protocol', (era) => {
  test('gets every tool, with schemas that are objects without references', async () => {
    const { client } = await connectDoor(core, 'ann', era);
    expect(client.getServerVersion()?.name).toBe('gatehouse');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'chat',
      'ask',
      'search_documents',
      'get_document',
      'add_memo',
      'list_jobs',
      'get_job',
      'cancel_job',
    ]);
    for (const tool of tools) {
      expect(tool.inputSchema.type).toBe('object');
      expect(tool.outputSchema?.['type']).toBe('object');
      expect(JSON.stringify(tool)).not.toMatch(
        /\$ref|\$defs|"(?:one|any|all)Of":\[\{"type":"object/,
      );
    }
  });

  test('gets the reply to a message, with the stages before it as progress', async () => {
    core.small.script(routed);
    core.large.script(says('깊은 생각 끝에 드리는 답'));
    const { call } = await connectDoor(core, 'ann', era);
    const stages: string[] = [];
    const numbers: number[] = [];
    const { text, data, isError } = await call(
      'chat',
      { message: '양자역학이 뭐야?' },
      {
        onprogress: ({ progress, message }) => {
          numbers.push(progress);
          stages.push(message ?? '');
        },
      },
    );
    expect({ isError, data }).toMatchObject({
      isError: false,
      data: {
        status: 'ended',
        outcome: 'answered',
        reply: '깊은 생각 끝에 드리는 답',
        draft: null,
      },
    });
    expect(text).toContain('깊은 생각 끝에 드리는 답');
    expect(stages.length).toBeGreaterThan(2);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(
      await core.call('ann', 'GET', `/chat/${data['job_id']}`).then((r) => r.json()),
    ).toMatchObject({ user_id: 'ann', channel: 'mcp', thread: data['conversation'] });
  });

  test('continues a conversation that it names, and begins a new one without a name', async () => {
    core.small.script(direct('반가워요 민수님'), direct('민수님'), direct('모릅니다'));
    const { call } = await connectDoor(core, 'ann', era);
    const before = core.small.requests.length;
    const first = await call('chat', { message: '나는 민수야' });
    await call('chat', { message: '나는 누구야?', conversation: first.data['conversation'] });
    await call('chat', { message: '나는 누구야?' });
    const [, second, third] = core.small.requests
      .slice(before)
      .map(({ body }) => JSON.stringify(body.messages));
    expect(second).toContain('나는 민수야');
    expect(third).not.toContain('나는 민수야');
  });

  test('keeps a memo, finds it, and reads it in parts', async () => {
    const { call } = await connectDoor(core, 'ann', era);
    const body = `금고 번호 메모 ${era}\n${'가나다 '.repeat(50)}`;
    const { data } = await call('add_memo', { text: body, title: `금고 ${era}` });
    const found = await call('search_documents', { query: `금고 ${era}` });
    expect(found.data['results'][0]).toMatchObject({ id: data['id'], title: `금고 ${era}` });
    const part = await call('get_document', { id: data['id'], max_chars: 20 });
    expect(part.data).toMatchObject({ from: 0, next_from: 20, total_chars: body.length });
    const rest = await call('get_document', { id: data['id'], from: 20 });
    expect(`${part.data['text']}${rest.data['text']}`).toBe(body);
  });

  test('gets an answer from the documents with its sources', async () => {
    const { call } = await connectDoor(core, 'ann', era);
    await call('add_memo', { text: `The budget of ${era} is decided on Friday.`, title: 'Budget' });
    core.small.script(says('On Friday [1].'));
    const { data, text } = await call('ask', { query: `When is the budget of ${era} decided?` });
    expect(data['answer']).toContain('On Friday');
    expect(data['sources'].length).toBeGreaterThan(0);
    expect(text).toContain('Budget');
  });

  test('lists jobs, reads one and cancels one twice', async () => {
    core.small.script(direct('네'));
    const { call } = await connectDoor(core, 'ann', era);
    const { data } = await call('chat', { message: `목록 ${era}` });
    const page = await call('list_jobs', { limit: 1 });
    expect(page.data['jobs']).toMatchObject([{ job_id: data['job_id'], message: `목록 ${era}` }]);
    expect(page.data['next']).not.toBeNull();
    expect((await call('get_job', { job_id: data['job_id'] })).data).toEqual(data);
    const refused = await call('cancel_job', { job_id: data['job_id'] });
    expect(refused.isError).toBe(true);
    expect(refused.text).toMatch(/^GH_JOB_CONFLICT: /);
  });

  test('gets errors as results with a code and what to do', async () => {
    const { client, call } = await connectDoor(core, 'ann', era);
    const errors = await Promise.all([
      call('get_job', { job_id: 'none' }),
      call('get_document', { id: 'none' }),
      call('chat', { message: '   ' }),
      call('chat', {}),
      call('search_documents', { query: 'x', limit: 1_000 }),
      call('chat', { message: 'x'.repeat(20_000) }),
    ]);
    expect(errors.map(({ isError }) => isError)).toEqual(errors.map(() => true));
    expect(errors.map(({ text }) => text.split(':')[0])).toEqual([
      'GH_JOB_NOT_FOUND',
      'GH_DOCUMENT_NOT_FOUND',
      'GH_REQUEST_EMPTY',
      'GH_REQUEST_INVALID',
      'GH_REQUEST_INVALID',
      'GH_REQUEST_TOO_LONG',
    ]);
    await expect(client.callTool({ name: 'confirm_job', arguments: {} })).rejects.toThrow(
      /confirm_job/,
    );
    await expect(client.callTool({ name: '__proto__', arguments: {} })).rejects.toThrow();
  });
});

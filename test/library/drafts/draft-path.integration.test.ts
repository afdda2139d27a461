/** From memo to document through the whole core: drafting, retries, dead drafts, and memos that are not drafted. */
import { describe, expect, test } from 'vitest';
import { after, cutsAfter, fails, says, stalls, thinksOnly } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { openDrafts, types } from './drafts-fixture.ts';

const long = (text: string): string => `${text} ${'내용이 있는 메모입니다. '.repeat(3)}`;

describe('a promoted memo', () => {
  test('becomes a document at once: markdown beside its unchanged text', async () => {
    const {
      memo,
      promote,
      document,
      waitForEvent: told,
      events,
      model,
    } = await openDrafts({
      drafts: { intervalMs: 600_000 },
    });
    const text = long('회의록:\r\n- 예산 ');
    const id = await memo(text, { title: '주간 회의' });
    expect(await document(id)).toMatchObject({ content_origin: 'memo', md_content: null });
    await promote(id);
    await told(id, 'drafted');
    const drafted = await document(id);
    expect(drafted).toMatchObject({
      id,
      title: '주간 회의',
      extracted_text: text,
      content_origin: 'ai_drafted',
      md_draft_status: 'draft',
      md_status: 'success',
      md_extraction_engine: 'ai_draft',
      source_metadata: { source: 'memo', needs_draft: false },
    });
    expect(drafted['md_content']).toMatch(/^# 제목\n\n회의록:/);
    expect(Date.parse(String(drafted['md_generated_at']))).not.toBeNaN();
    expect(drafted['source_metadata']).toHaveProperty('drafted_at', drafted['md_generated_at']);
    expect(types(await events(id))).toEqual(['queued', 'drafting', 'drafted']);
    expect((await events(id)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    const [system] = model.requests[0]!.body.messages;
    expect(system!.content).toMatch(/메모에 있는 것만/);
  });

  test('is drafted once, however often it is promoted', async () => {
    const { promoted, promote, waitForEvent: told, events, model, call } = await openDrafts();
    const id = await promoted(long('한 번만'));
    await promote(id);
    await told(id, 'drafted');
    await promote(id);
    const { status, body } = await call('POST', `/memos/${id}/promote-to-document`);
    expect([status, body]).toEqual([202, { document_id: id }]);
    const other = await promoted(long('다음'));
    await told(other, 'drafted');
    expect(model.requests).toHaveLength(2);
    expect(types(await events(id))).toEqual(['queued', 'drafting', 'drafted']);
  });

  test('that is too short is skipped with an event, loses its marker, and is not sent to the model', async () => {
    const { promoted, document, waitForEvent: told, events, model } = await openDrafts();
    // 19 characters of two UTF-16 code units each: the limit counts characters.
    const id = await promoted(`  ${'😀'.repeat(19)}\n`);
    await told(id, 'skipped');
    expect((await events(id)).at(-1)!.data).toEqual({ reason: 'too_short' });
    expect(await document(id)).toMatchObject({
      content_origin: 'memo',
      md_content: null,
      source_metadata: { needs_draft: false },
    });
    const enough = await promoted('😀'.repeat(20));
    await told(enough, 'drafted');
    expect(model.requests).toHaveLength(1);
  });

  test('in English is drafted with an English prompt', async () => {
    const { promoted, waitForEvent: told, model } = await openDrafts();
    await told(await promoted('call the plumber, then buy milk and bread'), 'drafted');
    expect(model.requests[0]!.body.messages[0]!.content).toMatch(/Write only what the memo says/);
  });

  test('is stored without the code fence that a model puts around its whole answer', async () => {
    const { promoted, document, waitForEvent: told, model } = await openDrafts();
    model.script(says('```markdown\n# 제목\n\n```js\nlet a;\n```\n끝\n```'));
    const id = await promoted(long('울타리'));
    await told(id, 'drafted');
    expect((await document(id))['md_content']).toBe('# 제목\n\n```js\nlet a;\n```\n끝');
  });
});

describe('a failed attempt', () => {
  test.each([
    ['an empty answer', says(' \n'), 'GH_DRAFT_EMPTY'],
    ['an empty fence', says('```markdown\n```'), 'GH_DRAFT_EMPTY'],
    ['thinking that never ends', thinksOnly(), 'GH_DRAFT_EMPTY'],
    ['an answer cut at its limit', says('# 반', { finish: 'length' }), 'GH_DRAFT_TRUNCATED'],
    ['a stream that breaks off', cutsAfter('# 반'), 'GH_BACKEND_UNAVAILABLE'],
  ])(
    'because of %s is recorded with its code, and the memo is retried',
    async (_name, reply, code) => {
      const { promoted, document, waitForEvent: told, events, model } = await openDrafts();
      model.script(reply);
      const id = await promoted(long('다시'));
      await told(id, 'drafted');
      const failed = (await events(id)).find(({ type }) => type === 'failed')!;
      expect(failed).toMatchObject({ state: 'waiting', data: { code, attempt: 1 } });
      expect(Date.parse(String(failed.data['next_try_at']))).toBeGreaterThan(Date.parse(failed.at));
      expect(types(await events(id))).toEqual([
        'queued',
        'drafting',
        'failed',
        'drafting',
        'drafted',
      ]);
      expect(await document(id)).toMatchObject({ md_status: 'success' });
    },
  );

  test('that is the last one makes the draft dead with its error, and a user can retry it', async () => {
    const {
      promoted,
      document,
      waitForEvent: told,
      overview,
      call,
      events,
      model,
    } = await openDrafts({
      drafts: { maxAttempts: 2 },
    });
    const id = await promoted(long('FAIL'));
    await told(id, 'dead');
    const { dead, waiting } = await overview();
    expect(waiting).toEqual([]);
    expect(dead).toMatchObject([
      {
        document_id: id,
        attempts: 2,
        due_at: null,
        last_error: { code: 'GH_BACKEND_UNAVAILABLE' },
      },
    ]);
    expect(await document(id)).toMatchObject({ source_metadata: { needs_draft: true } });
    expect(model.requests).toHaveLength(2);
    model.script(says('# 됐다'));
    expect((await call('POST', `/drafts/${id}/retry`, {})).status).toBe(202);
    await told(id, 'drafted');
    expect((await events(id)).at(-1)!.seq).toBe((await events(id)).length);
    expect((await overview()).dead).toEqual([]);
  });

  test('that a user retries is the next draft, before memos that have waited longer', async () => {
    const {
      promoted,
      waitForEvent: told,
      call,
      events,
      model,
      overview,
    } = await openDrafts({
      drafts: { maxAttempts: 1, batch: 1 },
    });
    model.script(fails(500));
    const dead = await promoted(long('먼저'));
    await told(dead, 'dead');
    await call('POST', '/drafts/pause');
    const others: string[] = [];
    for (const name of ['둘', '셋', '넷']) others.push(await promoted(long(name)));
    const retriedAt = Date.now();
    await call('POST', `/drafts/${dead}/retry`, {});
    const [first] = (await overview()).waiting;
    expect(first).toMatchObject({ document_id: dead, attempts: 0 });
    expect(Date.parse(first!.due_at!)).toBeGreaterThanOrEqual(retriedAt);
    await call('POST', '/drafts/resume');
    for (const id of others) await told(id, 'drafted');
    const memos = model.requests.slice(1).map(({ body }) => body.messages.at(-1)!.content);
    expect(memos[0]).toContain('먼저');
    expect(types(await events(dead)).at(-1)).toBe('drafted');
  });

  test('of a memo that the user retries while it runs does not count: all attempts are available again, at once', async () => {
    const {
      promoted,
      waitForEvent: told,
      events,
      call,
      model,
      document,
    } = await openDrafts({
      drafts: { maxAttempts: 1, intervalMs: 600_000, batch: 2 },
    });
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    model.script(after(ended, fails(500)), says('# 됐다'));
    const id = await promoted(long('다시'));
    await model.arrived(1);
    expect((await call('POST', `/drafts/${id}/retry`, {})).status).toBe(202);
    end();
    await told(id, 'drafted');
    expect(types(await events(id))).toEqual([
      'queued',
      'drafting',
      'failed',
      'drafting',
      'drafted',
    ]);
    expect((await events(id))[2]).toMatchObject({ state: 'waiting', data: { attempt: 1 } });
    const nextAt = Date.parse(String((await events(id))[2]!.data['next_try_at']));
    expect(nextAt).toBeGreaterThanOrEqual(Date.parse((await events(id))[2]!.at) - 1_000);
    expect(await document(id)).toMatchObject({ md_content: '# 됐다' });
  });

  test('of a memo that is too long for any model makes it dead at once, without a model call', async () => {
    const { promoted, waitForEvent: told, events, model } = await openDrafts();
    const id = await promoted('긴 메모. '.repeat(20_000));
    await told(id, 'dead');
    expect((await events(id)).at(-1)!.data).toMatchObject({
      code: 'GH_DRAFT_TOO_LONG',
      attempts: 1,
    });
    expect(model.requests).toHaveLength(0);
  });
});

test('a long memo is drafted in sections that contain all of its lines in order', async () => {
  const { promoted, document, waitForEvent: told, model } = await openDrafts();
  const lines = Array.from({ length: 600 }, (_, n) => `${n}번째 줄에는 이런 내용이 있다.`);
  const id = await promoted(lines.join('\n'));
  await told(id, 'drafted');
  expect(model.requests.length).toBeGreaterThan(1);
  const markdown = String((await document(id))['md_content']);
  expect(markdown.split('\n').filter((line) => line.includes('번째'))).toEqual(lines);
  expect(model.requests[1]!.body.messages[1]!.content).toMatch(/2번째입니다/);
});

describe('a model server that is down', () => {
  test('costs a memo no attempts, and the memo is drafted once the server is back', async () => {
    const {
      promoted,
      waitForEvent: told,
      events,
      overview,
      model,
    } = await openDrafts({
      drafts: { maxAttempts: 1 },
    });
    await model.refuse();
    const id = await promoted(long('서버가 꺼져 있다'));
    await until(
      async () => (await events(id)).filter(({ type }) => type === 'drafting').length >= 3,
    );
    expect((await overview()).dead).toEqual([]);
    expect((await events(id)).find(({ data }) => data['reason'] === 'backend_away')).toMatchObject({
      type: 'queued',
      state: 'waiting',
      data: { error_reason: 'connect_refused' },
    });
    await model.listen();
    await told(id, 'drafted');
    expect((await events(id)).at(-2)!.data).toEqual({ attempt: 1 });
  });
});

describe('a memo that changes during or after its drafting', () => {
  test('by an edit is drafted again from the new text, and the aborted attempt does not count', async () => {
    const {
      promoted,
      document,
      waitForEvent: told,
      events,
      call,
      model,
    } = await openDrafts({
      drafts: { maxAttempts: 1 },
    });
    model.script(stalls());
    const id = await promoted(long('옛글'));
    const first = await model.arrived(1);
    const text = long('새글');
    expect((await call('PATCH', `/memos/${id}`, { text })).status).toBe(200);
    expect((await first.closed).closedBy).toBe('client');
    await told(id, 'drafted');
    const drafted = await document(id);
    expect(drafted).toMatchObject({ extracted_text: text });
    expect(drafted['md_content']).toContain('새글');
    expect(types(await events(id))).toEqual([
      'queued',
      'drafting',
      'queued',
      'drafting',
      'drafted',
    ]);
    expect((await events(id))[2]!.data).toEqual({ reason: 'edited' });
    expect((await events(id))[3]!.data).toEqual({ attempt: 1 });
  });

  test('by its deletion is not drafted, and nothing is written', async () => {
    const { promoted, waitForEvent: told, events, call, model, fixture } = await openDrafts();
    model.script(stalls());
    const id = await promoted(long('지울 메모'));
    const first = await model.arrived(1);
    expect((await call('DELETE', `/documents/${id}`)).status).toBe(204);
    await first.closed;
    await told(id, 'skipped');
    expect((await events(id)).at(-1)!.data).toEqual({ reason: 'deleted' });
    expect(await fixture.core.drafts.draftOverview()).toMatchObject({ waiting: [], dead: [] });
    expect((await call('GET', `/documents/${id}/versions`)).status).toBe(404);
  });

  test('after its draft is drafted again from the new text', async () => {
    const { promoted, document, waitForEvent: told, events, call } = await openDrafts();
    const id = await promoted(long('처음'));
    await told(id, 'drafted');
    await call('PATCH', `/memos/${id}`, { title: '제목만' });
    await call('PATCH', `/memos/${id}`, { text: long('나중') });
    await told(id, 'drafted');
    expect((await document(id))['md_content']).toContain('나중');
    expect(types(await events(id)).slice(3)).toEqual(['queued', 'drafting', 'drafted']);
    const { body } = await call('GET', `/documents/${id}/versions`);
    expect(body['versions']).toMatchObject([
      { version: 2, status: 'draft', made_by: 'draft' },
      { version: 1, status: 'replaced' },
    ]);
  });
});

/** A calendar draft from the message to the entry: shown, changed, confirmed, written once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

async function drafted(user = 'local'): Promise<string> {
  fixture.small.script(wantsDentist);
  const jobId = await fixture.client.submit({
    message: dentistMessage,
    user_id: user,
  });
  await until(async () => (await fixture.client.job(jobId)).state === 'confirm-draft');
  return jobId;
}

const ended = async (jobId: string) => {
  await until(async () => (await fixture.client.job(jobId)).reply !== null);
  return fixture.client.job(jobId);
};

/** The calendar entries of the day, as they are sent to the model that puts them into a sentence. */
const entries = async (user = 'local'): Promise<string> => {
  const jobId = await fixture.client.submit({
    message: '2031년 3월 5일 일정 알려줘',
    user_id: user,
  });
  await ended(jobId);
  return fixture.small.requests.at(-1)!.body.messages.at(-1)!.content;
};

const drafts = async (jobId: string): Promise<string[]> =>
  (await fixture.client.events(jobId))
    .filter((event) => event.type === 'result' && event.data['final'] === false)
    .map((event) => String(event.data['content']));

describe('a draft', () => {
  test('is written when its owner answers yes, and the answer is no new job', async () => {
    const jobId = await drafted();
    expect(await entries()).not.toContain('치과');
    expect(await fixture.client.submit({ message: '확인' })).toBe(jobId);
    expect(await ended(jobId)).toMatchObject({ state: 'done', outcome: 'answered' });
    expect(await entries()).toContain('치과');
  });

  test.each(['확인❓', '> 확인', 'is that correct', '이게 맞나', 'correct it'])(
    'is shown again, and not written, after an answer that is neither a clear yes nor a clear no: %s',
    async (message) => {
      const jobId = await drafted();
      expect(await fixture.client.submit({ message })).toBe(jobId);
      await until(async () => (await drafts(jobId)).length === 2);
      const [first, second] = await drafts(jobId);
      expect(second).toBe(first);
      expect(await entries()).not.toContain('치과');
      expect(await fixture.client.submit({ message: '네' })).toBe(jobId);
      expect(await ended(jobId)).toMatchObject({ state: 'done', outcome: 'answered' });
    },
  );

  test.each(['일정 추가해줘', 'create event'])(
    'is not changed by a message that is a request of its own: %s',
    async (message) => {
      const jobId = await drafted();
      fixture.small.script(direct('무슨 일정인가요?'));
      const other = await fixture.client.submit({ message });
      expect(other).not.toBe(jobId);
      await ended(other);
      expect((await fixture.client.job(jobId)).state).toBe('confirm-draft');
    },
  );

  test('is declined when its owner answers no', async () => {
    const jobId = await drafted();
    expect(await fixture.client.submit({ message: '취소' })).toBe(jobId);
    expect(await ended(jobId)).toMatchObject({
      outcome: 'declined',
      reply: '등록하지 않았습니다.',
    });
    expect(await entries()).not.toContain('치과');
  });

  test('is changed by a message about a detail, and shown again', async () => {
    const jobId = await drafted();
    const accepted = await fixture.client.submitMessage({ message: '4시로 바꿔' });
    expect(accepted).toMatchObject({ job_id: jobId, after_seq: expect.any(Number) });
    await until(async () => (await drafts(jobId)).length === 2);
    expect((await drafts(jobId))[1]).toContain('16:00');
    await fixture.client.controlJob(jobId, 'confirm');
    await ended(jobId);
    expect(await entries()).toContain('16:00');
  });

  test('that was changed cannot be confirmed with the `draft_seq` of its earlier form', async () => {
    const jobId = await drafted();
    const shown = async (): Promise<number[]> =>
      (await fixture.client.events(jobId))
        .filter(({ type, data }) => type === 'result' && data['final'] === false)
        .map(({ seq }) => seq);
    const [first] = await shown();
    await fixture.client.submitMessage({ message: '4시로 바꿔' });
    await until(async () => (await shown()).length === 2);
    const [, second] = await shown();
    const path = `/chat/${jobId}/confirm`;
    const confirm = (body: Record<string, unknown>) => fixture.client.request('POST', path, body);
    await expect(confirm({ draft_seq: first })).rejects.toThrow('GH_JOB_CONFLICT');
    await expect(confirm({ draft_seq: 'x' })).rejects.toThrow('GH_REQUEST_INVALID');
    expect(await fixture.client.job(jobId)).toMatchObject({ state: 'confirm-draft' });
    // After a restart the job is not yet loaded into memory.
    await fixture.restart();
    await expect(confirm({ draft_seq: first })).rejects.toThrow('GH_JOB_CONFLICT');
    await confirm({ draft_seq: second });
    await ended(jobId);
    expect(await entries()).toContain('16:00');
  });

  describe('that the message names in `draft`', () => {
    const seqOf = async (jobId: string): Promise<number> =>
      (await fixture.client.events(jobId)).findLast(({ type }) => type === 'result')!.seq;
    const seen = async (jobId: string) => ({ job_id: jobId, draft_seq: await seqOf(jobId) });

    test('is written by a yes, even if a newer draft waits', async () => {
      const shown = await drafted();
      const newer = await drafted();
      const sent = { message: '네', draft: await seen(shown), idempotency_key: 'k' };
      const accepted = await fixture.client.submitMessage(sent);
      expect(accepted.job_id).toBe(shown);
      expect(await ended(shown)).toMatchObject({ outcome: 'answered' });
      expect(await fixture.client.submitMessage(sent)).toEqual(accepted);
      expect((await fixture.client.job(newer)).state).toBe('confirm-draft');
    });

    test('is declined by a no and changed by a detail, even if a newer draft waits', async () => {
      const shown = await drafted();
      const newer = await drafted();
      await fixture.client.submitMessage({ message: '4시로 바꿔', draft: await seen(shown) });
      await until(async () => (await drafts(shown)).length === 2);
      await fixture.client.submitMessage({ message: '취소', draft: await seen(shown) });
      expect(await ended(shown)).toMatchObject({ outcome: 'declined' });
      expect(await drafts(newer)).toHaveLength(1);
    });

    test('accepts no answer after it was changed or decided, and no other draft accepts it instead', async () => {
      const shown = await drafted();
      const other = await drafted();
      const old = await seen(shown);
      await fixture.client.submitMessage({ message: '4시로 바꿔', draft: old });
      await until(async () => (await drafts(shown)).length === 2);
      for (const message of ['네', '취소', '5시로 바꿔', '이게 맞나']) {
        const sent = fixture.client.submitMessage({ message, draft: old });
        await expect(sent, message).rejects.toThrow('GH_JOB_CONFLICT');
      }
      const changed = await seen(shown);
      await fixture.client.controlJob(shown, 'cancel');
      await ended(shown);
      for (const message of ['네', '취소', '5시로 바꿔', '이게 맞나']) {
        const sent = fixture.client.submitMessage({ message, draft: changed });
        await expect(sent, message).rejects.toThrow('GH_JOB_CONFLICT');
      }
      expect((await fixture.client.job(other)).state).toBe('confirm-draft');
    });

    test('does not affect a message that is no answer, and is unknown in another conversation', async () => {
      const shown = await drafted();
      const draft = await seen(shown);
      fixture.small.script(direct('안녕하세요'));
      const other = await fixture.client.submit({ message: '안녕', draft });
      expect(other).not.toBe(shown);
      await ended(other);
      for (const place of [{ user_id: 'jun' }, { channel: 'terminal' }, { thread: 't' }]) {
        const sent = fixture.client.submitMessage({ message: '네', draft, ...place });
        await expect(sent).rejects.toThrow('GH_JOB_NOT_FOUND');
      }
    });

    test('may be null: then no message is an answer to a draft', async () => {
      const waiting = await drafted();
      fixture.small.script(direct('네, 무엇을 도와드릴까요?'));
      const other = await fixture.client.submit({ message: '네', draft: null });
      expect(other).not.toBe(waiting);
      await ended(other);
      expect((await fixture.client.job(waiting)).state).toBe('confirm-draft');
    });
  });

  test('is written once when button and message confirm it at the same time', async () => {
    const jobId = await drafted();
    await Promise.allSettled([
      fixture.client.controlJob(jobId, 'confirm'),
      fixture.client.controlJob(jobId, 'confirm'),
      fixture.client.submit({ message: '확인', idempotency_key: 'a' }),
      fixture.client.submit({ message: '확인', idempotency_key: 'b' }),
    ]);
    await ended(jobId);
    expect((await entries()).match(/"title":"치과"/g)).toHaveLength(1);
  });

  test('P8: is not written after a cancel', async () => {
    const jobId = await drafted();
    await fixture.client.controlJob(jobId, 'cancel');
    expect(await ended(jobId)).toMatchObject({ state: 'cancelled', outcome: null });
    expect(await entries()).not.toContain('치과');
  });

  test('can be confirmed after a restart', async () => {
    const jobId = await drafted();
    await fixture.restart();
    await fixture.client.submit({ message: '응' });
    expect(await ended(jobId)).toMatchObject({ outcome: 'answered' });
  });

  test('of one user is not confirmed by the message of another user, and its entry is not visible to them', async () => {
    const jobId = await drafted('ann');
    fixture.small.script(saysJson({ action: 'direct', response: '무엇을요?' }));
    const other = await fixture.client.submit({ message: '확인', user_id: 'bob' });
    expect(other).not.toBe(jobId);
    await ended(other);
    expect((await fixture.client.job(jobId)).state).toBe('confirm-draft');
    await fixture.client.controlJob(jobId, 'confirm');
    await ended(jobId);
    expect(await entries('bob')).not.toContain('치과');
    expect(await entries('ann')).toContain('치과');
  });

  test('expires with a `cancelled` event after its time limit', async () => {
    await fixture.close();
    fixture = await openCore({ jobs: { confirmTtlMs: 50 } });
    fixture.small.script(wantsDentist);
    const { end } = await fixture.ask(dentistMessage);
    expect(end).toMatchObject({ type: 'cancelled', data: { by: 'expiry' } });
    expect(await entries()).not.toContain('치과');
  });

  test('is not written because a model claims that the user has confirmed it', async () => {
    fixture.small.script(
      saysJson({
        action: 'tools',
        tool: 'calendar',
        operation: 'create_confirmed',
        params: { title: '치과', date: '2031-03-05', time: '15:00' },
      }),
    );
    const jobId = await fixture.client.submit({ message: dentistMessage });
    await until(async () => (await fixture.client.job(jobId)).state !== 'classify');
    await fixture.client.controlJob(jobId, 'cancel').catch(() => undefined);
    expect(await entries()).not.toContain('치과');
  });
});

describe('the documents of a user', () => {
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${fixture.core.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  };

  test('are added, found in Korean and English, read and deleted', async () => {
    const { body } = await call('POST', '/documents', {
      title: '법령',
      text: '산업안전보건법 Safety Act',
    });
    const { id } = body as { id: string };
    for (const q of ['안전보건', 'safety']) {
      const found = await call('GET', `/documents/search?q=${encodeURIComponent(q)}`);
      expect(found.body).toMatchObject({ results: [{ id, title: '법령' }] });
    }
    expect((await call('GET', `/documents/${id}`)).body).toMatchObject({
      id,
      md_draft_status: null,
    });
    expect((await call('GET', `/documents/${id}?user_id=bob`)).status).toBe(404);
    expect((await call('DELETE', `/documents/${id}`)).status).toBe(204);
    expect((await call('GET', `/documents/${id}`)).status).toBe(404);
    expect((await call('GET', '/documents/search?q=safety')).body).toEqual({ results: [] });
  });

  test('answer a question in the chat', async () => {
    await call('POST', '/documents', {
      title: '법령',
      text: '산업안전보건법에 따라 매월 점검한다.',
    });
    const { end } = await fixture.ask('문서 찾아줘 산업안전보건법');
    expect(end.data['outcome']).toBe('answered');
  });

  test('are refused without text, and a search for them is refused without words', async () => {
    expect((await call('GET', '/documents/search?q=%20')).status).toBe(400);
    expect((await call('POST', '/documents', { title: 'x' })).status).toBe(400);
  });
});

/** Cancel messages (취소, stop …) cancel the running job of the user, or reject the waiting draft if newer. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { isCancelRequest } from '#language/rules/consent';
import { direct, openCore } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

describe('isCancelRequest', () => {
  test.each([
    '취소',
    '취소해줘',
    '그만',
    '그만해',
    '이제 그만',
    '중단해줘',
    '멈춰',
    '취소해 주세요!',
    '관둬',
    'cancel',
    'stop',
    'Stop it please',
    'never mind',
    'abort',
    'cancel that',
  ])('accepts %s', (message) => {
    expect(isCancelRequest(message)).toBe(true);
  });

  test.each([
    '싫어',
    '아니',
    '등록하지 마',
    '취소하지 마',
    '내일 약속 취소해줘',
    '취소 수수료가 얼마야?',
    '취소?',
    'no',
    'delete',
    'how do I cancel my subscription',
    'stop the server at ten',
    '네',
  ])('does not accept %s', (message) => {
    expect(isCancelRequest(message)).toBe(false);
  });
});

async function open() {
  // Two requests at once, so that the job of one user does not hold up the job of another.
  const fixture = await openCore((small) => ({
    backends: [{ id: 'small', baseUrl: small.baseUrl, model: 'm', concurrency: 2 }],
    roles: {},
  }));
  onTestFinished(() => fixture.close());
  const stalled = async (user: string): Promise<string> => {
    const before = fixture.small.open;
    fixture.small.script(stalls());
    const id = await fixture.client.submit({ message: '안녕', user_id: user });
    await until(() => fixture.small.open > before);
    return id;
  };
  return { ...fixture, stalled };
}

describe('a cancel message while a job runs', () => {
  test('cancels this job, and is not a job of its own', async () => {
    const { client, stalled } = await open();
    const id = await stalled('ann');
    const { job_id: told, after_seq } = await client.submitMessage({
      message: '취소',
      user_id: 'ann',
    });
    expect(told).toBe(id);
    expect(after_seq).toBeGreaterThan(0);
    await until(async () => (await client.job(id)).state === 'cancelled');
    const last = (await client.events(id)).at(-1)!;
    expect(last).toMatchObject({
      type: 'cancelled',
      data: { by: 'ann', reply: '요청을 취소했습니다.' },
    });
    expect((await client.jobs({})).jobs).toHaveLength(1);
  });

  test('cancels only the running job of its user: not the next job, and no job of another user', async () => {
    const { client, stalled, small } = await open();
    const [mine, other] = [await stalled('ann'), await stalled('bob')];
    const next = await client.submit({ message: '다음 질문', user_id: 'ann' });
    small.script(direct('다음 답'));
    await client.submitMessage({ message: 'stop', user_id: 'ann' });
    await until(async () => (await client.job(next)).outcome === 'answered');
    expect(await client.job(mine)).toMatchObject({ state: 'cancelled' });
    expect(await client.job(other)).toMatchObject({ outcome: null });
  });

  test('that is sent twice with one key cancels once, and both responses are equal', async () => {
    const { client, stalled } = await open();
    const id = await stalled('ann');
    const word = { message: '그만', user_id: 'ann', idempotency_key: 'k1' };
    const first = await client.submitMessage(word);
    await until(async () => (await client.job(id)).state === 'cancelled');
    expect(await client.submitMessage(word)).toEqual(first);
    expect((await client.jobs({})).jobs).toHaveLength(1);
  });
});

describe('a message while a job runs and an older draft waits', () => {
  test('that cancels stops the running job, which is newer; sent again, it rejects the draft', async () => {
    const { client, stalled, small } = await open();
    small.script(wantsDentist);
    const waiting = await client.submit({ message: dentistMessage, user_id: 'ann' });
    await until(async () => (await client.job(waiting)).state === 'confirm-draft');
    const running = await stalled('ann');
    expect((await client.submitMessage({ message: '그만', user_id: 'ann' })).job_id).toBe(running);
    await until(async () => (await client.job(running)).state === 'cancelled');
    expect(await client.job(waiting)).toMatchObject({ state: 'confirm-draft' });
    expect((await client.submitMessage({ message: '그만', user_id: 'ann' })).job_id).toBe(waiting);
    await until(async () => (await client.job(waiting)).outcome === 'declined');
  });

  test('that says no without asking to stop rejects the draft', async () => {
    const { client, stalled, small } = await open();
    small.script(wantsDentist);
    const waiting = await client.submit({ message: dentistMessage, user_id: 'ann' });
    await until(async () => (await client.job(waiting)).state === 'confirm-draft');
    const running = await stalled('ann');
    expect((await client.submitMessage({ message: '싫어', user_id: 'ann' })).job_id).toBe(waiting);
    await until(async () => (await client.job(waiting)).outcome === 'declined');
    expect(await client.job(running)).toMatchObject({ outcome: null });
  });
});

describe('a cancel message while no job runs', () => {
  test('is answered like any other message', async () => {
    const { ask, small } = await open();
    small.script(direct('취소할 일이 없습니다'));
    expect((await ask('취소')).end.data).toMatchObject({ reply: '취소할 일이 없습니다' });
  });

  test('rejects the waiting draft', async () => {
    const { client, small } = await open();
    small.script(wantsDentist);
    const id = await client.submit({ message: dentistMessage, user_id: 'ann' });
    await until(async () => (await client.job(id)).state === 'confirm-draft');
    expect((await client.submitMessage({ message: '취소', user_id: 'ann' })).job_id).toBe(id);
    await until(async () => (await client.job(id)).outcome === 'declined');
  });
});

/** Notices about the queue of a model server: a job does not count its own call as a request ahead of it. */
import { expect, onTestFinished, test } from 'vitest';
import { direct, follow, openCore } from '#test/support/core';
import { says, stalls } from '#test/support/fake-llm-replies';

const first = { firstToken: 300 };

test('a job whose classification timed out gets no queue notice for its own call that still drains', async () => {
  const fixture = await openCore((small, large) => ({
    backends: [
      { id: 'small', baseUrl: small.baseUrl, model: 'm', timeoutsMs: first },
      { id: 'large', baseUrl: large.baseUrl, model: 'm' },
    ],
  }));
  onTestFinished(() => fixture.close());
  fixture.small.script(stalls(), says('그래도 답'));
  const { events, end } = await fixture.ask('안녕하세요, 오늘 기분이 어때요');
  expect(end.data['reply']).toContain('그래도 답');
  expect(fixture.small.requests).toHaveLength(2);
  const queued = events.filter(({ data }) => data['queue'] !== undefined);
  expect(queued).toEqual([]);
});

test('a job that waits for the call of another user gets a queue notice', async () => {
  const fixture = await openCore();
  onTestFinished(() => fixture.close());
  fixture.small.script(stalls(), direct('둘'));
  const one = await fixture.client.submit({ message: '하나는 무엇인가요', user_id: 'ann' });
  await fixture.small.arrived(1);
  const two = await fixture.client.submit({ message: '둘은 무엇인가요', user_id: 'bob' });
  const followed = follow(fixture.client, two);
  await expect
    .poll(async () => (await fixture.client.events(two)).some(({ data }) => data['queue']))
    .toBe(true);
  await fixture.client.controlJob(one, 'cancel');
  const { events } = await followed;
  const [notice] = events.filter(({ data }) => data['queue'] !== undefined);
  expect(notice!.data['message']).toContain('앞에 1건이 있습니다');
});

/** Attachments of messages: each is one document of its sender, even if the message had to be sent again. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore({ jobs: { maxConcurrent: 1, maxQueued: 1 } });
});
afterEach(() => fixture.close());

const attachment = { name: '계약.txt', text: '계약 기간은 2027년까지' };

const send = (change: object = {}): Promise<Response> =>
  fetch(`${fixture.core.url}/chat`, {
    method: 'POST',
    body: JSON.stringify({ message: '이거 봐줘', user_id: 'ann', attachment, ...change }),
  });

async function documents(user: string): Promise<{ id: string; title: string }[]> {
  const answer = await fetch(`${fixture.core.url}/documents?user_id=${user}`);
  return ((await answer.json()) as { documents: { id: string; title: string }[] }).documents;
}

/** Fills the running slot and the queue; the returned function cancels these jobs. */
async function fillQueue(): Promise<() => Promise<void>> {
  const { client, small } = fixture;
  small.script(stalls(), stalls());
  const ids: string[] = [];
  for (const user of ['x', 'y']) ids.push(await client.submit({ message: '안녕', user_id: user }));
  await until(() => small.open === 1);
  return async () => {
    for (const id of ids.toReversed()) await client.controlJob(id, 'cancel');
    await until(() => fixture.core.journal.stats.running === 0);
  };
}

test.each([
  ['without a key', {}],
  ['with a key', { idempotency_key: 'k' }],
])(
  'the attachment of a refused message that is sent again %s is one document',
  async (_, change) => {
    const empty = await fillQueue();
    expect((await send(change)).status).toBe(429);
    expect((await send(change)).status).toBe(429);
    await empty();
    fixture.small.script(direct('네'));
    expect((await send(change)).status).toBe(202);
    expect(await documents('ann')).toMatchObject([{ title: '계약.txt' }]);
  },
);

test.each([
  ['a yes', '확인'],
  ['a no', '취소'],
  ['a change', '4시로 바꿔줘'],
  ['an unclear answer', '확인❓'],
])('an attachment of %s to a draft is stored as a document', async (_, message) => {
  fixture.small.script(wantsDentist);
  const said = await send({ message: dentistMessage, attachment: undefined });
  const { job_id: jobId } = (await said.json()) as { job_id: string };
  await until(async () => (await fixture.client.job(jobId)).state === 'confirm-draft');
  expect(await (await send({ message })).json()).toMatchObject({ job_id: jobId });
  expect(await documents('ann')).toMatchObject([{ title: '계약.txt' }]);
});

test('an attachment with another name, another text or another user is another document', async () => {
  const files = [attachment, { ...attachment, name: 'b.txt' }, { ...attachment, text: '다른 글' }];
  for (const [n, file] of files.entries()) {
    fixture.small.script(direct('네'));
    await send({ attachment: file });
    await until(() => fixture.core.journal.stats.running === 0);
    expect(await documents('ann')).toHaveLength(n + 1);
  }
  fixture.small.script(direct('네'));
  await send({ user_id: 'bob' });
  expect(await documents('bob')).toHaveLength(1);
  expect(await documents('ann')).toHaveLength(3);
});

test('an attachment whose document was deleted is restored and found when it is sent again', async () => {
  fixture.small.script(direct('네'), direct('네'));
  await send();
  await until(() => fixture.core.journal.stats.running === 0);
  const [kept] = await documents('ann');
  const { id } = kept!;
  await fetch(`${fixture.core.url}/documents/${id}?user_id=ann`, { method: 'DELETE' });
  expect(await documents('ann')).toEqual([]);
  await send();
  expect(await documents('ann')).toMatchObject([{ id }]);
  const found = await fetch(
    `${fixture.core.url}/documents/search?q=${encodeURIComponent('계약')}&user_id=ann`,
  );
  expect(await found.json()).toMatchObject({ results: [{ id }] });
});

/** The agent protocol with a whole core: a text file becomes a document, a draft is written after the caller's yes. */
import { expect, onTestFinished, test } from 'vitest';
import { prompt } from '#test/events/agent/agent-caller';
import { agent, discover } from '#test/events/agent/agent-fixture';
import { broker, connectClient, natsCommand } from '#test/events/nats-fixture';
import { direct, openCore } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { until } from '#test/support/journal';

test.skipIf(natsCommand === null)('a prompt keeps its file, and writes after a yes', async () => {
  const server = await broker();
  const fixture = await openCore({ nats: { mode: 'external', url: server.url, agent } });
  onTestFinished(() => fixture.close());
  const nc = await connectClient(server);
  await until(() =>
    discover(nc, 'PING').then(
      () => true,
      () => false,
    ),
  );

  fixture.small.script(direct('보관했어요'));
  const content = Buffer.from('현관 비밀번호는 책상 서랍에 있다').toString('base64');
  const attachments = [{ filename: 'memo.txt', content }];
  const kept = prompt(nc, JSON.stringify({ prompt: '이거 보관해 줘', attachments }));
  await kept.ended;
  expect(kept).toMatchObject({ error: null });
  expect(kept.text()).toBe('보관했어요');
  const documents = await fetch(`${fixture.core.url}/documents?user_id=ann`);
  expect(await documents.text()).toContain('memo.txt');

  fixture.small.script(wantsDentist);
  const answers = ['그런가', '네'];
  const draft = prompt(nc, dentistMessage, {
    onQuestion: ({ reply_subject }) => nc.publish(reply_subject, answers.shift()),
  });
  await draft.ended;
  expect(draft.questions).toHaveLength(2);
  expect(draft.questions[0]?.prompt).toContain('치과');
  expect(draft.questions[1]?.prompt).toBe(draft.questions[0]?.prompt);
  const job = await fixture.client.job(draft.jobId());
  expect(job).toMatchObject({ outcome: 'answered', user_id: 'ann', channel: 'agents' });
  expect(draft.text()).toBe(job.reply);
});

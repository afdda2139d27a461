/** The questions of the agent protocol: a draft waits for the yes or no of the caller. */
import { describe, expect, test } from 'vitest';
import { until } from '#test/support/journal';
import { natsCommand } from '../nats-fixture.ts';
import { prompt } from './agent-caller.ts';
import { served } from './agent-fixture.ts';

describe.skipIf(natsCommand === null)('a draft', () => {
  test.each([
    ['yes', 'yes', 'answered'],
    ['{"prompt": "yes"}', 'yes', 'answered'],
    ['no', 'no', 'declined'],
  ])('is asked about; the answer %s applies to it', async (answer, _, outcome) => {
    const { rig, nc } = await served();
    const reply = prompt(nc, 'draft a', {
      onQuestion: ({ reply_subject }) => nc.publish(reply_subject, answer),
    });
    await reply.ended;
    expect(reply.questions).toHaveLength(1);
    expect(reply.questions[0]).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      reply_subject: expect.stringMatching(/^agents\.answer\.gatehouse\.home\.main\./),
    });
    expect(reply.chunks.at(-1)).toMatchObject({ data: 'done', outcome });
    const job = await rig.jobService.get(reply.jobId());
    expect(job.outcome).toBe(outcome);
    expect(reply.text()).toBe(job.reply);
  });

  test('is asked about again after an answer that says neither, and no other job begins', async () => {
    const { rig, nc } = await served();
    const answers = ['what is on tomorrow?', '{"prompt": ', '', 'yes'];
    const reply = prompt(nc, 'draft a', {
      onQuestion: ({ reply_subject }) => nc.publish(reply_subject, answers.shift()),
    });
    await reply.ended;
    expect(reply.questions).toHaveLength(4);
    expect(new Set(reply.questions.map(({ reply_subject }) => reply_subject)).size).toBe(4);
    expect((await rig.jobService.get(reply.jobId())).outcome).toBe('answered');
    expect((await rig.jobService.list({})).jobs).toHaveLength(1);
  });

  test('whose caller only talks nonsense is not asked about forever', async () => {
    const { nc } = await served();
    const reply = prompt(nc, 'draft a', {
      onQuestion: ({ reply_subject }) => nc.publish(reply_subject, ''),
    });
    await until(() => reply.questions.length === 10);
    const next = prompt(nc, 'yes');
    await Promise.all([reply.ended, next.ended]);
    expect(reply.questions).toHaveLength(10);
    expect(next.jobId()).toBe(reply.jobId());
  });

  test('takes one answer: a second one, and one to an older question, do nothing', async () => {
    const { rig, nc } = await served();
    const reply = prompt(nc, 'draft a');
    await until(() => reply.questions.length === 1);
    const [first] = reply.questions;
    nc.publish(first!.reply_subject, 'hm');
    await until(() => reply.questions.length === 2);
    nc.publish(first!.reply_subject, 'yes');
    nc.publish(reply.questions[1]!.reply_subject, 'no');
    nc.publish(reply.questions[1]!.reply_subject, 'yes');
    await reply.ended;
    expect((await rig.jobService.get(reply.jobId())).outcome).toBe('declined');
  });

  test('that nobody answers is given up in time, and the reply says so', async () => {
    const { rig, nc } = await served({ confirmTtlMs: 300 });
    const reply = prompt(nc, 'draft a');
    await reply.ended;
    expect(reply.questions).toHaveLength(1);
    const job = await rig.jobService.get(reply.jobId());
    expect(job.state).toBe('cancelled');
    expect(reply.chunks.at(-1)).toMatchObject({ data: 'done', outcome: 'cancelled' });
    expect(reply.text()).toBe(job.reply);
  });

  test('that was decided elsewhere ends the reply too', async () => {
    const { rig, nc } = await served();
    const reply = prompt(nc, 'draft a');
    await until(() => reply.questions.length === 1);
    await rig.jobService.confirm(reply.jobId(), 'ann');
    await reply.ended;
    expect(reply.chunks.at(-1)).toMatchObject({ data: 'done', outcome: 'answered' });
  });
});

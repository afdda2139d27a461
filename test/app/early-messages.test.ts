/** Answers to a draft that arrive while this draft is being changed. */
import { describe, expect, test } from 'vitest';
import { createFairSlices } from '#shared/fair-slices';
import { createJobService, type DraftCommand } from '#jobs/service/job-service';
import { createIdSource } from '#shared/ids';
import { effectOutputs, limits } from '#test/support/jobs';
import { until, type JournalFixture } from '#test/support/journal';
import { openParkedJob, stateOf, useJournals } from '#test/support/journal-fixtures';

const { start } = useJournals();

const words: Record<string, DraftCommand> = {
  확인: { type: 'confirm' },
  취소: { type: 'reject' },
  '4시로 바꿔': { type: 'edit', changes: { time: '16:00' } },
  '제목은 치과로': { type: 'edit', changes: { title: '치과' } },
};

async function shown() {
  const fixture = await start();
  const clock = { now: () => Date.now() };
  const jobService = createJobService({
    slices: createFairSlices(),
    ...fixture,
    clock,
    nextId: createIdSource(),
    messageMaxChars: 100,
    limits,
    locale: 'auto',
    parseDraftReply: (message) => words[message] ?? null,
    isCancelRequest: (message) => message === '취소',
  });
  const jobId = await openParkedJob(fixture);
  const say = async (message: string, key?: string) =>
    jobService.submit({ message, user_id: 'ann', ...(key && { idempotency_key: key }) });
  const revising = () => fixture.started.find(({ src }) => src === 'revise');
  return { fixture, jobId, say, revising };
}

const drafts = (fixture: JournalFixture): unknown[] =>
  fixture.events
    .filter(({ type, data }) => type === 'result' && data['final'] === false)
    .map(({ data }) => data['content']);

const wrote = (fixture: JournalFixture): boolean =>
  fixture.everStarted.some((key) => key.includes(':execute:'));

const changed = effectOutputs['revise']![0];

describe('P10: a yes before the changed draft is shown', () => {
  test('writes nothing and is no new job, and the changed draft must be confirmed again', async () => {
    const { fixture, jobId, say, revising } = await shown();
    await say('4시로 바꿔');
    await until(() => revising() !== undefined);
    expect((await say('확인')).job_id).toBe(jobId);
    expect(fixture.events.at(-1)).toMatchObject({
      type: 'processing',
      data: { message: expect.stringContaining('다시 답해주세요') },
    });
    await fixture.answer(jobId, 'revise', changed);
    await until(() => drafts(fixture).length === 2);
    expect(stateOf(fixture, jobId).state).toBe('confirm-draft');
    expect(wrote(fixture)).toBe(false);
    expect((await say('확인')).job_id).toBe(jobId);
    await until(() => wrote(fixture));
  });

  test('writes nothing if it arrives together with the change', async () => {
    const { fixture, jobId, say, revising } = await shown();
    const told = await Promise.all([say('4시로 바꿔'), say('확인')]);
    expect(told.map(({ job_id }) => job_id)).toEqual([jobId, jobId]);
    await until(() => revising() !== undefined);
    await fixture.answer(jobId, 'revise', changed);
    await until(() => drafts(fixture).length === 2);
    expect(wrote(fixture)).toBe(false);
  });

  test('writes nothing if it is sent again with its key after the changed draft is shown', async () => {
    const { fixture, jobId, say, revising } = await shown();
    await say('4시로 바꿔');
    await until(() => revising() !== undefined);
    await say('확인', 'k');
    await fixture.answer(jobId, 'revise', changed);
    await until(() => drafts(fixture).length === 2);
    expect((await say('확인', 'k')).job_id).toBe(jobId);
    expect(wrote(fixture)).toBe(false);
  });

  test('has the changed draft shown again if this draft was shown just before it is applied', async () => {
    const { fixture, jobId } = await shown();
    await fixture.journal.send(jobId, { type: 'confirm.early', by: 'ann' });
    expect(drafts(fixture)).toHaveLength(2);
    expect(stateOf(fixture, jobId).state).toBe('confirm-draft');
  });
});

describe('while a draft is being changed', () => {
  test('a no declines it', async () => {
    const { fixture, jobId, say, revising } = await shown();
    await say('4시로 바꿔');
    await until(() => revising() !== undefined);
    expect((await say('취소')).job_id).toBe(jobId);
    expect(stateOf(fixture, jobId)).toMatchObject({ state: 'done', outcome: 'declined' });
  });

  test('another change is applied together with the first', async () => {
    const { fixture, jobId, say, revising } = await shown();
    await say('4시로 바꿔');
    await until(() => revising() !== undefined);
    expect((await say('제목은 치과로')).job_id).toBe(jobId);
    const changes = () =>
      (revising()?.input as { changes?: Record<string, unknown> } | undefined)?.changes;
    await until(() => changes()?.['title'] !== undefined);
    expect(changes()).toEqual({ time: '16:00', title: '치과' });
    await fixture.answer(jobId, 'revise', changed);
    await until(() => drafts(fixture).length === 2);
    await say('4시로 바꿔');
    await until(() => revising() !== undefined);
    expect(changes()).toEqual({ time: '16:00' });
  });

  test('a message that is no answer to it becomes a job of its own', async () => {
    const { jobId, say, revising } = await shown();
    await say('4시로 바꿔');
    await until(() => revising() !== undefined);
    expect((await say('내일 날씨 어때')).job_id).not.toBe(jobId);
  });
});

/** A draft that waits for its user, over the OpenAI API: real job service and journal; the test answers the effects. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFairSlices } from '#shared/fair-slices';
import { createJobService } from '#jobs/service/job-service';
import { createLanguageAdapter } from '#jobs/effects/language-adapter';
import type { CompletionResponse } from '#http/openai/openai-response';
import { completeByJob } from '#http/openai/openai-job';
import { completionRequest, parseCompletionCall } from '#http/openai/openai-request';
import { systemClock } from '#shared/clock';
import { createIdSource } from '#shared/ids';
import { effectOutputs, limits } from '#test/support/jobs';
import { openJournal, scratchFolder, until } from '#test/support/journal';

const [, , withDraft] = effectOutputs['runTools']!;
const [written] = effectOutputs['execute']!;
const toTools = {
  decision: {
    by: 'classifier',
    action: 'tools',
    calls: [{ tool: 'calendar', operation: 'create_draft', params: {} }],
  },
  backend: 'small',
};

async function setUp() {
  const scratch = scratchFolder();
  const fixture = await openJournal({ path: `${scratch.path}/gatehouse.db` });
  onTestFinished(async () => {
    await fixture.close();
    scratch.remove();
  });
  const { journal, storage, queries, hub } = fixture;
  const jobService = createJobService({
    slices: createFairSlices(),
    journal,
    storage,
    queries,
    hub,
    clock: systemClock,
    nextId: createIdSource(),
    messageMaxChars: 8_000,
    limits,
    locale: 'auto',
    parseDraftReply: createLanguageAdapter({ timeZone: 'Asia/Seoul' }).parseDraftReply,
  });
  const nobodyLooks: CompletionResponse = {
    text: () => undefined,
    note: () => undefined,
    finish: () => undefined,
    fail: () => undefined,
    close: () => undefined,
  };

  const stopping = { is: false };
  /** One completion with this conversation; `leave` closes the client's connection. */
  function complete(...said: string[]) {
    const messages = said.map((content, n) => ({
      role: n % 2 === 0 ? 'user' : 'assistant',
      content,
    }));
    const leaving = new AbortController();
    const parts = { jobService, jobEvents: hub, isStopping: () => stopping.is };
    const call = parseCompletionCall(completionRequest.parse({ model: 'gatehouse', messages }), {});
    const ended = completeByJob(parts, call, nobodyLooks, leaving.signal);
    return { ended, leave: () => leaving.abort() };
  }

  /** Requests a calendar entry and waits until its draft is shown. */
  async function draft() {
    const { ended } = complete('내일 2시 치과 잡아줘');
    await until(() => fixture.started.length > 0);
    const { jobId } = fixture.started[0]!;
    await fixture.answer(jobId, 'classify', toTools);
    await fixture.answer(jobId, 'runTools', withDraft);
    return { jobId, shown: await ended };
  }
  return { ...fixture, jobService, complete, draft, stopping };
}

const draftText = "치과, 11월 25일 14시\n'확인' 또는 '취소'로 답해주세요.";

describe('a draft over the OpenAI API', () => {
  test('is shown as the answer: its text and the question to confirm it', async () => {
    const { draft } = await setUp();
    const { jobId, shown } = await draft();
    expect(shown).toMatchObject({
      text: draftText,
      finishReason: 'stop',
      about: { job_id: jobId, outcome: 'asked' },
    });
  });

  test('is executed after a yes in the same conversation, and the job of the draft answers the yes', async () => {
    const { draft, complete, answer, started } = await setUp();
    const { jobId } = await draft();
    const yes = complete('내일 2시 치과 잡아줘', draftText, '확인');
    await until(() => started.some(({ src }) => src === 'execute'));
    await answer(jobId, 'execute', written);
    expect(await yes.ended).toMatchObject({ about: { job_id: jobId, outcome: 'answered' } });
  });

  test('is not confirmed by a yes in another conversation', async () => {
    const { draft, complete, started, jobService } = await setUp();
    const { jobId } = await draft();
    const other = complete('확인');
    await until(() => started.length > 0);
    expect(started.map(({ src }) => src)).toEqual(['classify']);
    expect((await jobService.get(jobId)).state).toBe('confirm-draft');
    other.leave();
    expect(await other.ended).toBeNull();
  });

  test('that is being executed is not cancelled when the client closes its connection', async () => {
    const { draft, complete, answer, started, jobService } = await setUp();
    const { jobId } = await draft();
    const yes = complete('내일 2시 치과 잡아줘', draftText, '확인');
    await until(() => started.some(({ src }) => src === 'execute'));
    yes.leave();
    expect(await yes.ended).toBeNull();
    await answer(jobId, 'execute', written);
    await until(async () => (await jobService.get(jobId)).state === 'done');
    expect((await jobService.get(jobId)).outcome).toBe('answered');
  });

  test('that is rejected by a no is answered with a sentence that says so', async () => {
    const { draft, complete } = await setUp();
    await draft();
    const no = complete('내일 2시 치과 잡아줘', draftText, '취소');
    expect(await no.ended).toMatchObject({
      text: '등록하지 않았습니다.',
      about: { outcome: 'declined' },
    });
  });
});

test('a job whose client loses its connection because the process stops is not cancelled', async () => {
  const { complete, started, jobService, stopping } = await setUp();
  const { ended, leave } = complete('안녕');
  await until(() => started.length > 0);
  const { jobId } = started[0]!;
  stopping.is = true;
  leave();
  expect(await ended).toBeNull();
  expect((await jobService.get(jobId)).state).toBe('classify');
});

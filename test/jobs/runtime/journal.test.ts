/**
 * The journal over a real SQLite file: order of commit and effect, timers, parking, conversations, and what
 * happens when a commit fails.
 */
import { describe, expect, test } from 'vitest';
import { GatehouseError } from '#shared/errors';
import { replay } from '#jobs/runtime/job-runtime-state';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import type { JobStorage } from '#jobs/job-store-port';
import { effectOutputs, limits } from '#test/support/jobs';
import { yieldToEventLoop, until } from '#test/support/journal';
import {
  classifiedAsDirect,
  openParkedJob,
  stateOf,
  classifiedAsReasoning,
  useJournals,
} from '#test/support/journal-fixtures';
import { storageAnswers } from '#test/support/later-storage';

describe.each(storageAnswers)('with a storage that answers %s:', (answers) => {
  const { start, restart } = useJournals(answers);

  describe('a message', () => {
    test('is on disk when it is accepted, and is answered later', async () => {
      const fixture = await start();
      const jobId = await fixture.submit();
      expect(stateOf(fixture, jobId)).toMatchObject({ state: 'classify', outcome: null });
      await fixture.answer(jobId, 'classify', classifiedAsReasoning);
      await fixture.answer(jobId, 'reason', { text: '긴 답', backend: 'large' });
      await until(() => stateOf(fixture, jobId).endedAt !== null);
      expect(stateOf(fixture, jobId)).toMatchObject({
        state: 'done',
        outcome: 'answered',
        reply: '긴 답',
      });
      await until(() => fixture.journal.stats.loaded === 0);
    });

    test('P2: starts no effect before the step that requests it is on disk', async () => {
      const seen: string[] = [];
      const fixture = await start({
        effects: {
          classify: {
            run(call) {
              seen.push(fixture.storage.find(call.jobId)?.head.state ?? 'not stored');
              return new Promise(() => undefined);
            },
          },
        },
      });
      await fixture.submit();
      await until(() => seen.length > 0);
      expect(seen).toEqual(['classify']);
    });

    test('P5: has events numbered from 1 without a gap, stored as they were published', async () => {
      const fixture = await start();
      const jobId = await fixture.submit();
      await fixture.answer(jobId, 'classify', classifiedAsReasoning);
      await fixture.fail(jobId, 'reason');
      await fixture.answer(jobId, 'answer', { text: '짧은 답', backend: 'small' });
      await until(() => stateOf(fixture, jobId).endedAt !== null);
      const job = (await fixture.queries.find(jobId))!;
      const rows = await fixture.queries.eventRows(job, { afterSeq: 0 }, 1_000);
      const stored = rows.flatMap(({ events }) => events);
      expect(stored.map((event) => event.seq)).toEqual(stored.map((_, index) => index + 1));
      expect(fixture.events).toEqual(stored);
      expect(stored.map((event) => event.type)).toEqual([
        'ack',
        'state',
        'state',
        'state',
        'rewrite',
        'processing',
        'error',
        'state',
        'state',
        'result',
        'done',
      ]);
      expect(stored.at(-2)!.data).toMatchObject({
        content: '짧은 답',
        final: true,
        replaces: true,
      });
    });

    test('P4: has its stored state after a replay of its stored events', async () => {
      const fixture = await start();
      const jobId = await openParkedJob(fixture);
      await fixture.journal.send(jobId, { type: 'confirm', by: 'ann' });
      await fixture.answer(jobId, 'execute', effectOutputs['execute']![0]);
      await until(() => stateOf(fixture, jobId).endedAt !== null);
      const stored = fixture.storage.find(jobId)!;
      const state = replay(
        createJobMachineRunner(),
        stored.input,
        fixture.storage.rows(stored.num),
      );
      expect(state).toMatchObject({ rowNumber: stored.head.n, seq: stored.head.seq });
      expect(state.snapshot.context).toMatchObject({
        state: stored.head.state,
        reply: stored.head.reply,
      });
    });

    test('P4: fails its replay if a stored row was changed', async () => {
      const fixture = await start();
      const jobId = await openParkedJob(fixture);
      const stored = fixture.storage.find(jobId)!;
      fixture.database.connection
        .prepare(`update journal set emitted = '[]' where job = ? and n = 1`)
        .run(stored.num);
      expect(() =>
        replay(createJobMachineRunner(), stored.input, fixture.storage.rows(stored.num)),
      ).toThrow('does not replay');
    });
  });

  describe('an idempotency key', () => {
    test('gives one job, also when both messages arrive at once and after a restart', async () => {
      let fixture = await start();
      const [first, second] = await Promise.all([fixture.submit({}, 'k'), fixture.submit({}, 'k')]);
      expect(second).toBe(first);
      fixture = await restart(fixture);
      expect(await fixture.submit({}, 'k')).toBe(first);
      expect(fixture.database.connection.prepare('select count(*) as jobs from job').get()).toEqual(
        {
          jobs: 1,
        },
      );
    });
  });

  describe('a conversation', () => {
    test('runs its jobs in the order of arrival, beside the jobs of other conversations', async () => {
      const fixture = await start();
      const first = await fixture.submit({ userId: 'ann' });
      const second = await fixture.submit({ userId: 'ann' });
      const other = await fixture.submit({ userId: 'bob' });
      await until(() => fixture.started.length === 2);
      expect(fixture.started.map((call) => call.jobId)).toEqual([first, other]);
      expect(fixture.journal.queuePositionOf(second)).toMatchObject({ position: 1 });
      await fixture.answer(first, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => fixture.started.some((call) => call.jobId === second));
    });

    test('is not held up by a job that waits for a confirm', async () => {
      const fixture = await start();
      await openParkedJob(fixture);
      const next = await fixture.submit();
      await until(() => fixture.started.some((call) => call.jobId === next));
    });

    test('is refused a job when maxConcurrent jobs run and maxQueued jobs wait', async () => {
      const fixture = await start({ maxConcurrent: 1, maxQueued: 1 });
      await fixture.submit({ userId: 'ann' });
      await fixture.submit({ userId: 'bob' });
      await expect(fixture.submit({ userId: 'cid' })).rejects.toMatchObject({
        code: 'GH_JOB_QUEUE_FULL',
        retryAfterMs: expect.any(Number),
      });
      expect(fixture.journal.stats).toMatchObject({ queued: 1, running: 1 });
    });

    test('can cancel a queued job, and the jobs behind it move up', async () => {
      const fixture = await start({ maxConcurrent: 1 });
      await fixture.submit({ userId: 'ann' });
      const queued = await fixture.submit({ userId: 'bob' });
      const behind = await fixture.submit({ userId: 'cid' });
      await fixture.journal.send(queued, { type: 'cancel', by: 'bob' });
      expect(stateOf(fixture, queued).state).toBe('cancelled');
      expect(fixture.journal.queuePositionOf(behind)).toMatchObject({ position: 1 });
    });
  });

  describe('a job that waits for a confirm', () => {
    test('is not kept in memory, and continues at the confirm', async () => {
      const fixture = await start();
      const jobId = await openParkedJob(fixture);
      await yieldToEventLoop();
      expect(fixture.journal.stats.loaded).toBe(0);
      await fixture.journal.send(jobId, { type: 'confirm', by: 'ann' });
      await fixture.answer(jobId, 'execute', effectOutputs['execute']![0]);
      await until(() => stateOf(fixture, jobId).outcome === 'answered');
    });

    test('survives a restart, and expires by the time at which the draft was shown', async () => {
      let now = Date.now();
      const clock = { now: () => now };
      let fixture = await start({ clock });
      const jobId = await openParkedJob(fixture);
      now += limits.confirmTtlMs + 1;
      fixture = await restart(fixture, { clock });
      await until(() => stateOf(fixture, jobId).state === 'cancelled' && fixture.events.length > 0);
      expect(fixture.events.at(-1)?.data).toMatchObject({ by: 'expiry' });
    });

    test('takes the first confirm and refuses those that were sent after it', async () => {
      const fixture = await start();
      const jobId = await openParkedJob(fixture);
      const confirm = () => fixture.journal.send(jobId, { type: 'confirm', by: 'ann' });
      const results = await Promise.allSettled([confirm(), confirm(), confirm(), confirm()]);
      expect(results.map((result) => result.status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
      ]);
      await expect(confirm()).rejects.toMatchObject({ code: 'GH_JOB_CONFLICT' });
      expect(fixture.everStarted.filter((key) => key.includes(':execute:'))).toHaveLength(1);
    });

    test('shows the draft again after an edit', async () => {
      const fixture = await start();
      const jobId = await openParkedJob(fixture);
      await fixture.journal.send(jobId, { type: 'edit', by: 'ann', changes: { time: '15:00' } });
      await fixture.answer(jobId, 'revise', effectOutputs['revise']![0]);
      await until(() => fixture.events.filter((event) => event.type === 'result').length === 2);
      expect(fixture.events.at(-1)?.data['content']).toContain('15시');
    });
  });

  describe('a command to a job', () => {
    test('that does not exist is refused as not found, and to an ended job as a conflict', async () => {
      const fixture = await start();
      await expect(
        fixture.journal.send('nobody', { type: 'cancel', by: 'x' }),
      ).rejects.toMatchObject({
        code: 'GH_JOB_NOT_FOUND',
      });
      const jobId = await fixture.submit();
      await fixture.journal.send(jobId, { type: 'cancel', by: 'ann' });
      await expect(
        fixture.journal.send(jobId, { type: 'cancel', by: 'ann' }),
      ).rejects.toMatchObject({
        code: 'GH_JOB_CONFLICT',
      });
      await expect(
        fixture.journal.send(jobId, { type: 'confirm', by: 'ann' }),
      ).rejects.toMatchObject({
        code: 'GH_JOB_CONFLICT',
      });
    });

    test('P8: that cancels it aborts the running effect, and a late result of this effect changes nothing', async () => {
      const fixture = await start();
      const jobId = await fixture.submit();
      await until(() => fixture.started.length === 1);
      const call = fixture.started[0]!;
      await fixture.journal.send(jobId, { type: 'cancel', by: 'ann' });
      await yieldToEventLoop();
      expect(call.signal.aborted).toBe(true);
      const before = stateOf(fixture, jobId);
      call.resolve({ ok: true, output: classifiedAsDirect('zu spät') });
      await yieldToEventLoop();
      expect(stateOf(fixture, jobId)).toEqual(before);
      expect(before.state).toBe('cancelled');
    });
  });

  describe('after a restart', () => {
    test('P3: only the effect in flight runs again, with the same key', async () => {
      let fixture = await start();
      const jobId = await fixture.submit();
      await fixture.answer(jobId, 'classify', classifiedAsReasoning);
      await until(() => fixture.started.some((call) => call.src === 'reason'));
      const { key } = fixture.started[0]!;
      fixture = await restart(fixture);
      await until(() => fixture.started.length === 1);
      expect(fixture.everStarted).toEqual([key]);
      await fixture.answer(jobId, 'reason', { text: '긴 답', backend: 'large' });
      await until(() => stateOf(fixture, jobId).outcome === 'answered');
    });

    test('P3: a timer that came due while the process was down fires', async () => {
      let now = Date.now();
      const clock = { now: () => now };
      let fixture = await start({ clock });
      const jobId = await fixture.submit();
      await fixture.answer(jobId, 'classify', classifiedAsReasoning);
      await until(() => fixture.started.some((call) => call.src === 'reason'));
      now += limits.answerTimeoutMs + 1;
      fixture = await restart(fixture, { clock });
      await until(() => fixture.started.some((call) => call.src === 'answer'));
      expect(stateOf(fixture, jobId).state).toBe('fallback');
    });

    test('queued jobs wait in the same order as before, and are not loaded into memory', async () => {
      let fixture = await start({ maxConcurrent: 1 });
      const jobs: string[] = [];
      for (const userId of ['ann', 'bob', 'cid']) jobs.push(await fixture.submit({ userId }));
      fixture = await restart(fixture, { maxConcurrent: 1 });
      await until(() => fixture.started.length === 1);
      expect(fixture.journal.stats).toMatchObject({ running: 1, queued: 2, loaded: 1 });
      for (const jobId of jobs) await fixture.answer(jobId, 'classify', classifiedAsDirect('네'));
      const ended = () => fixture.events.filter((event) => event.type === 'done');
      await until(() => ended().length === 3);
      expect(ended().map((event) => event.job_id)).toEqual(jobs);
    });

    test('J3: a job whose rows cannot be replayed ends visibly as failed', async () => {
      let fixture = await start();
      const jobId = await fixture.submit();
      await until(() => fixture.started.length === 1);
      fixture.database.connection.prepare(`update journal set value = '"gone"' where n = 2`).run();
      fixture = await restart(fixture);
      await until(() => stateOf(fixture, jobId).endedAt !== null);
      expect(stateOf(fixture, jobId)).toMatchObject({ state: 'done', outcome: 'failed' });
      await until(() => fixture.events.length === 4);
      expect(fixture.events.map((event) => event.type)).toEqual([
        'error',
        'state',
        'result',
        'done',
      ]);
      expect(fixture.events[0]?.data).toMatchObject({ code: 'GH_JOB_VERSION' });
    });
  });

  describe('a failing commit', () => {
    const breakable = () => {
      const state = { isBroken: false };
      const wrapStorage = (real: JobStorage): JobStorage => ({
        ...real,
        commit(changes) {
          if (state.isBroken) throw new GatehouseError('GH_STORE_UNAVAILABLE', 'disk full');
          return real.commit(changes);
        },
      });
      return { state, wrapStorage };
    };

    test('refuses a new message and stores nothing of it', async () => {
      const { state, wrapStorage } = breakable();
      const fixture = await start({ wrapStorage });
      state.isBroken = true;
      await expect(fixture.submit()).rejects.toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
      expect(fixture.journal.stats).toMatchObject({ loaded: 0, running: 0, isStorageUp: false });
      state.isBroken = false;
      const jobId = await fixture.submit();
      await until(() => fixture.started.some((call) => call.jobId === jobId));
      expect(fixture.journal.stats.isStorageUp).toBe(true);
    });

    test('keeps the result of an effect until it can be stored, and refuses commands meanwhile', async () => {
      const { state, wrapStorage } = breakable();
      const fixture = await start({ wrapStorage });
      const jobId = await fixture.submit();
      await until(() => fixture.started.length === 1);
      state.isBroken = true;
      await fixture.answer(jobId, 'classify', classifiedAsReasoning);
      await expect(
        fixture.journal.send(jobId, { type: 'cancel', by: 'ann' }),
      ).rejects.toMatchObject({
        code: 'GH_STORE_UNAVAILABLE',
      });
      expect(stateOf(fixture, jobId).state).toBe('classify');
      expect(fixture.started).toEqual([]);
      state.isBroken = false;
      await until(() => fixture.started.some((call) => call.src === 'reason'));
      expect(fixture.everStarted.filter((key) => key.includes(':classify:'))).toHaveLength(1);
    });
  });

  describe('P1: an internal error', () => {
    test('in an effect ends as a failure of that effect', async () => {
      const fixture = await start({
        effects: {
          classify: {
            run() {
              throw new Error('oops');
            },
          },
        },
      });
      const jobId = await fixture.submit();
      await until(() => stateOf(fixture, jobId).state === 'fallback');
    });

    test('in the machine ends the job with an apology', async () => {
      const fixture = await start();
      const jobId = await fixture.submit();
      // A result without a decision breaks the contract of the effect: a guard of the machine throws.
      await fixture.answer(jobId, 'classify', null);
      await until(() => stateOf(fixture, jobId).endedAt !== null);
      expect(stateOf(fixture, jobId)).toMatchObject({ state: 'done', outcome: 'failed' });
      expect(stateOf(fixture, jobId).reply).toContain('내부 오류');
    });
  });
});

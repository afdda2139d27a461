/** Edge cases in which a job could be lost: clocks, unreadable rows, restarts, bursts, the stop. */
import { describe, expect, test } from 'vitest';
import { GatehouseError } from '#shared/errors';
import type { JobStorage } from '#jobs/job-store-port';
import { effectOutputs, limits } from '#test/support/jobs';
import { yieldToEventLoop, until, type OpenJournal } from '#test/support/journal';
import {
  classifiedAsDirect,
  openParkedJob,
  storedRows,
  storedState,
  classifiedAsReasoning,
  type Journals,
} from '#test/support/journal-fixtures';

export function edgeCases({ start, restart }: Journals<OpenJournal>): void {
  describe('the journal in edge cases', () => {
    const later = (clock: { at: number }, ms: number) => (clock.at += ms);

    test('a draft that becomes due between the two queries of the start still expires', async () => {
      const time = { at: Date.now() };
      let looks = 0;
      const clock = { now: () => time.at };
      const wrapStorage = (real: JobStorage): JobStorage => ({
        ...real,
        dueJobs(now) {
          looks += 1;
          const due = real.dueJobs(now);
          // The clock moves on between the two queries to the database.
          if (looks === 1) later(time, limits.confirmTtlMs + 1);
          return due;
        },
      });
      let fixture = await start({ clock });
      const jobId = await openParkedJob(fixture);
      later(time, limits.confirmTtlMs - 1);
      fixture = await restart(fixture, { clock, wrapStorage });
      await until(async () => (await storedState(fixture, jobId)).state === 'cancelled');
    });

    test('a draft that cannot be restored ends visibly when it is due', async () => {
      const time = { at: Date.now() };
      const clock = { now: () => time.at };
      let fixture = await start({ clock });
      const jobId = await openParkedJob(fixture);
      await fixture.run(`update job set snapshot = '{}'`);
      later(time, limits.confirmTtlMs + 1);
      fixture = await restart(fixture, { clock });
      await until(async () => (await storedState(fixture, jobId)).endedAt !== null);
      expect(await storedState(fixture, jobId)).toMatchObject({ state: 'done', outcome: 'failed' });
    });

    test('jobs that an older version accepted with another text continue, and the stored text stays', async () => {
      let fixture = await start({ maxConcurrent: 1 });
      const running = await fixture.submit({ userId: 'ann' });
      const queued = await fixture.submit({ userId: 'bob' });
      await until(() => fixture.started.length === 1);
      const ack = (text: string): string => `"message":"${text}"`;
      const [now, before] = [ack('요청을 확인했습니다.'), ack('요청을 받았습니다.')];
      await fixture.run(`update journal set emitted = replace(emitted, '${now}', '${before}')`);
      fixture = await restart(fixture, { maxConcurrent: 1 });
      await fixture.answer(running, 'classify', classifiedAsDirect('안녕하세요'));
      await fixture.answer(queued, 'classify', classifiedAsDirect('안녕하세요'));
      for (const jobId of [running, queued]) {
        await until(async () => (await storedState(fixture, jobId)).outcome === 'answered');
        const [first] = await storedRows(fixture, jobId);
        expect(first!.emitted[0]!.data['message']).toBe('요청을 받았습니다.');
      }
    });

    test.each([
      new GatehouseError('GH_STORE_UNAVAILABLE', 'disk error'),
      new GatehouseError('GH_STORE_UNREACHABLE', 'the synchronous standby does not answer'),
      new Error('read ECONNRESET'),
    ])(
      'a job is resumed later when the database could not be read at the start: %s',
      async (fault) => {
        let fixture = await start();
        const jobId = await fixture.submit();
        await until(() => fixture.started.length === 1);
        let failures = 2;
        const wrapStorage = (real: JobStorage): JobStorage => ({
          ...real,
          rows(num) {
            failures -= 1;
            if (failures >= 0) throw fault;
            return real.rows(num);
          },
        });
        fixture = await restart(fixture, { wrapStorage });
        await until(() => fixture.started.some((call) => call.jobId === jobId));
        expect((await storedState(fixture, jobId)).endedAt).toBeNull();
      },
    );

    test('a write in flight at a restart runs again with the same key and its whole time limit', async () => {
      const time = { at: Date.now() };
      const clock = { now: () => time.at };
      let fixture = await start({ clock });
      const jobId = await openParkedJob(fixture);
      await fixture.journal.send(jobId, { type: 'confirm', by: 'ann' });
      await until(() => fixture.started.some((call) => call.src === 'execute'));
      const { key } = fixture.started.find((call) => call.src === 'execute')!;
      later(time, limits.toolTimeoutMs + 1);
      fixture = await restart(fixture, { clock });
      await until(() => fixture.started.some((call) => call.key === key));
      await fixture.answer(jobId, 'execute', effectOutputs['execute']![0]);
      await until(async () => (await storedState(fixture, jobId)).outcome === 'answered');
    });

    test('a job that waited at a gate before a restart has its time limit running after it', async () => {
      let fixture = await start();
      const jobId = await fixture.submit();
      await until(() => fixture.started.length === 1);
      fixture.started[0]!.report.queued({ position: 1, ahead: 1, etaMs: null });
      await until(() => fixture.events.some((event) => event.type === 'processing'));
      fixture = await restart(fixture);
      const value = async () => (await storedRows(fixture, jobId)).at(-1)!.value;
      await until(async () => JSON.stringify(await value()) === '{"classify":"running"}');
    });

    test('a burst of messages is limited to maxQueued, even before any of them is queued', async () => {
      const fixture = await start({ maxConcurrent: 2, maxQueued: 3 });
      const burst = Array.from({ length: 20 }, (_, n) => fixture.submit({ userId: `u${n}` }));
      const results = await Promise.allSettled(burst);
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(5);
    });

    test('a burst of one user leaves room in the queue for other users, also over a restart', async () => {
      let fixture = await start({ maxConcurrent: 1, maxQueued: 20 });
      const burst = Array.from({ length: 30 }, () => fixture.submit({ userId: 'ann' }));
      const results = await Promise.allSettled(burst);
      // One job runs, ten wait.
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(11);
      const refused = { code: 'GH_JOB_QUEUE_FULL', message: expect.stringContaining('your own') };
      await expect(fixture.submit({ userId: 'ann' })).rejects.toMatchObject(refused);
      await fixture.submit({ userId: 'bob' });
      fixture = await restart(fixture, { maxConcurrent: 1, maxQueued: 20 });
      await expect(fixture.submit({ userId: 'ann' })).rejects.toMatchObject(refused);
      await fixture.submit({ userId: 'bob' });
    });

    test('a stopping journal starts no effect', async () => {
      const fixture = await start();
      const jobId = await fixture.submit();
      await until(() => fixture.started.length === 1);
      fixture.started[0]!.resolve({ ok: true, output: classifiedAsReasoning });
      await Promise.resolve();
      await fixture.journal.stop(0);
      await yieldToEventLoop();
      expect(fixture.everStarted.filter((key) => key.includes(':reason:'))).toEqual([]);
      expect((await storedState(fixture, jobId)).endedAt).toBeNull();
    });

    test('a confirm that is sent twice with one key while the disk fails is refused twice, and accepted later', async () => {
      const disk = { isBroken: false };
      const wrapStorage = (real: JobStorage): JobStorage => ({
        ...real,
        commit(changes) {
          if (disk.isBroken) throw new GatehouseError('GH_STORE_UNAVAILABLE', 'disk full');
          return real.commit(changes);
        },
      });
      const fixture = await start({ wrapStorage });
      const jobId = await openParkedJob(fixture);
      disk.isBroken = true;
      const say = (key: string | null) =>
        fixture.journal.send(jobId, { type: 'confirm', by: 'ann' }, key).then(
          () => 'taken',
          (error: GatehouseError) => error.code,
        );
      // The third has no key. A state that is then rolled back refuses it; the error must not be that of this state.
      const first = await Promise.all([say('k'), say('k'), say(null)]);
      expect(first).toEqual(Array.from({ length: 3 }, () => 'GH_STORE_UNAVAILABLE'));
      disk.isBroken = false;
      expect(await say('k')).toBe('taken');
      await until(() => fixture.started.some((call) => call.src === 'execute'));
    });
  });
}

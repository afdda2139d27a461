/** What the journal does when a commit is in doubt, fenced, or refused because of one job (Q5 to Q7). */
import { describe, expect, test } from 'vitest';
import type { JobStorage } from '#jobs/job-store-port';
import { GatehouseError } from '#shared/errors';
import { FencedError, UnknownCommitError } from '#storage/commit-errors';
import { until, yieldToEventLoop, type JournalFixture } from '#test/support/journal';
import {
  classifiedAsDirect,
  classifiedAsReasoning,
  openParkedJob,
  stateOf,
  useJournals,
} from '#test/support/journal-fixtures';
import { storageAnswers } from '#test/support/later-storage';

/** While `isCut`, each commit is in doubt until `settle` says whether it took effect. */
function doubtfulStorage() {
  const control = { isCut: false, settle: async (_isCommitted: boolean): Promise<void> => {} };
  const wrapStorage = (real: JobStorage): JobStorage => ({
    ...real,
    async commit(changes) {
      if (!control.isCut) return real.commit(changes);
      const outcome = Promise.withResolvers<void>();
      outcome.promise.catch(() => undefined);
      control.settle = async (isCommitted) => {
        control.isCut = false;
        if (isCommitted) await real.commit(changes);
        if (isCommitted) outcome.resolve();
        else outcome.reject(new GatehouseError('GH_STORE_UNAVAILABLE'));
        await yieldToEventLoop();
      };
      throw new UnknownCommitError(outcome.promise);
    },
  });
  return { control, wrapStorage };
}

const codeOf = (error: unknown): string => (error as GatehouseError).code;

describe.each(storageAnswers)('with a storage that answers %s:', (answers) => {
  const { start, restart } = useJournals(answers);

  describe('Q5: a commit in doubt', () => {
    const messageInDoubt = async () => {
      const { control, wrapStorage } = doubtfulStorage();
      const fixture = await start({ wrapStorage });
      control.isCut = true;
      expect(await fixture.submit({}, 'key').catch(codeOf)).toBe('GH_STORE_UNKNOWN');
      return { control, fixture };
    };

    test('starts, publishes and undoes nothing, and refuses later messages', async () => {
      const { fixture } = await messageInDoubt();
      expect(fixture.journal.stats).toMatchObject({ loaded: 1, running: 1, isStorageUp: false });
      expect(await fixture.submit({ userId: 'bob' }, 'other').catch(codeOf)).toBe(
        'GH_STORE_UNAVAILABLE',
      );
      await yieldToEventLoop();
      expect([fixture.events, fixture.everStarted]).toEqual([[], []]);
    });

    test('that took effect continues its jobs, and a repeat with the key gets the same job', async () => {
      const { control, fixture } = await messageInDoubt();
      const repeat = fixture.submit({}, 'key');
      await control.settle(true);
      const jobId = await repeat;
      await until(() => fixture.started.some((call) => call.jobId === jobId));
      expect(fixture.events[0]).toMatchObject({ job_id: jobId, seq: 1 });
      expect(fixture.journal.stats).toMatchObject({ loaded: 1, isStorageUp: true });
      expect(await fixture.submit({}, 'key')).toBe(jobId);
    });

    test('that took no effect is undone, and a repeat with the key is accepted', async () => {
      const { control, fixture } = await messageInDoubt();
      const repeat = fixture.submit({}, 'key').catch(codeOf);
      await control.settle(false);
      expect(await repeat).toBe('GH_STORE_UNAVAILABLE');
      expect(fixture.journal.stats).toMatchObject({ loaded: 0, running: 0 });
      const jobId = await fixture.submit({}, 'key');
      await until(() => fixture.started.some((call) => call.jobId === jobId));
      expect(fixture.database.connection.prepare('select count(*) as n from job').get()).toEqual({
        n: 1,
      });
    });

    test.each([true, false])(
      'keeps the results of effects that arrive meanwhile (it took effect: %s)',
      async (isCommitted) => {
        const { control, wrapStorage } = doubtfulStorage();
        const fixture = await start({ wrapStorage });
        const [one, other] = [
          await fixture.submit({ userId: 'ann' }),
          await fixture.submit({ userId: 'bob' }),
        ];
        await until(() => fixture.started.length === 2);
        control.isCut = true;
        await fixture.answer(one, 'classify', classifiedAsReasoning);
        await until(() => !fixture.journal.stats.isStorageUp);
        await fixture.answer(other, 'classify', classifiedAsReasoning);
        expect(fixture.started).toEqual([]);
        await control.settle(isCommitted);
        await until(() => fixture.started.length === 2);
        expect(fixture.everStarted.filter((key) => key.includes(':classify:'))).toHaveLength(2);
      },
    );

    test('does not hold up the stop, and the next process continues what is on disk', async () => {
      const { control, fixture } = await messageInDoubt();
      const repeat = fixture.submit({}, 'key').catch(codeOf);
      await yieldToEventLoop();
      await fixture.journal.stop(0);
      expect(await repeat).toBe('GH_STORE_UNKNOWN');
      await control.settle(true);
      expect(fixture.everStarted).toEqual([]);
      const next = await restart(fixture);
      await until(() => next.started.length === 1);
      expect(await next.submit({}, 'key')).toBe(next.started[0]!.jobId);
    });
  });

  describe('Q7: a partition that another process has taken over', () => {
    const partitionOf = (userId: string): number => (userId === 'ann' ? 1 : 2);
    const sharedStorage = () => {
      const owned = new Set([1, 2]);
      const wrapStorage = (real: JobStorage): JobStorage => ({
        ...real,
        partitionOf,
        owns: (partition) => owned.has(partition),
        openJobs: async (parts) =>
          (await real.openJobs()).filter(({ user_id: userId }) =>
            (parts ?? [...owned]).includes(partitionOf(userId)),
          ),
        commit(changes) {
          const lost = changes
            .map(({ userId }) => partitionOf(userId))
            .filter((p) => !owned.has(p));
          if (lost.length > 0) throw new FencedError(lost);
          return real.commit(changes);
        },
      });
      return { owned, wrapStorage };
    };
    const withTwoJobs = async () => {
      const fenced: number[] = [];
      const { owned, wrapStorage } = sharedStorage();
      const onFenced = (partitions: readonly number[]) => void fenced.push(...partitions);
      const fixture = await start({ wrapStorage, onFenced });
      const ann = await fixture.submit({ userId: 'ann' });
      const bob = await fixture.submit({ userId: 'bob' });
      await until(() => fixture.started.length === 2);
      return { fixture, ann, bob, owned, fenced };
    };
    const eventsOf = (fixture: JournalFixture, jobId: string) =>
      fixture.events.filter((event) => event.job_id === jobId);

    test('is left at the commit that is fenced: the other jobs of the turn continue', async () => {
      const { fixture, ann, bob, owned, fenced } = await withTwoJobs();
      const before = eventsOf(fixture, ann);
      const { signal } = fixture.started.find((call) => call.jobId === ann)!;
      const cancels = [ann, bob].map((jobId) =>
        fixture.journal.send(jobId, { type: 'cancel', by: 'x' }).then(() => 'done', codeOf),
      );
      const late = fixture.submit({ userId: 'bob' });
      // The storage learns of it with its commit.
      await Promise.resolve();
      owned.delete(1);
      expect(await Promise.all(cancels)).toEqual(['GH_STORE_FENCED', 'done']);
      await late;
      expect(fenced.every((partition) => partition === 1)).toBe(true);
      await until(() => signal.aborted || fixture.journal.stats.loaded === 1);
      expect(eventsOf(fixture, ann)).toEqual(before);
      expect(stateOf(fixture, bob).state).toBe('cancelled');
      expect(stateOf(fixture, ann).state).toBe('classify');
      expect(await fixture.submit({ userId: 'ann' }).catch(codeOf)).toBe('GH_STORE_FENCED');
    });

    test('loses its jobs when a result of them is fenced, and nothing of it is published', async () => {
      const { fixture, ann, bob, owned, fenced } = await withTwoJobs();
      const before = eventsOf(fixture, ann);
      owned.delete(1);
      await fixture.answer(ann, 'classify', classifiedAsDirect('안녕하세요'));
      await fixture.answer(bob, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => fixture.journal.stats.loaded === 0);
      expect(fenced).toEqual([1]);
      expect(eventsOf(fixture, ann)).toEqual(before);
      expect(stateOf(fixture, bob).outcome).toBe('answered');
      expect(fixture.journal.stats).toMatchObject({ running: 0, queued: 0 });
    });

    test('is evicted and resumed on request, with the same effect keys', async () => {
      const { fixture, ann, owned } = await withTwoJobs();
      const { key, signal } = fixture.started.find((call) => call.jobId === ann)!;
      owned.delete(1);
      fixture.journal.evict([1]);
      expect(signal.aborted).toBe(true);
      await until(() => fixture.journal.stats.loaded === 1);
      owned.add(1);
      await fixture.journal.resume([1]);
      await until(() => fixture.started.some((call) => call.key === key));
      await fixture.answer(ann, 'classify', classifiedAsDirect('안녕하세요'));
      await until(() => stateOf(fixture, ann).outcome === 'answered');
    });
  });

  describe('Q6: what cannot be stored', () => {
    const refuseRows = (fixture: JournalFixture) =>
      fixture.database.connection.exec(
        `create trigger no_poison before insert on journal when new.event like '%poison%'
          begin select raise(abort, 'not this one'); end`,
      );

    test('ends its job with a code, and the other jobs of the turn continue', async () => {
      const fixture = await start();
      refuseRows(fixture);
      const jobs: string[] = [];
      for (const userId of ['ann', 'bob', 'cid']) jobs.push(await fixture.submit({ userId }));
      await until(() => fixture.started.length === 3);
      const answersOf = ['안녕', 'poison', '안녕'];
      for (const call of fixture.started) {
        const text = answersOf[jobs.indexOf(call.jobId)]!;
        call.resolve({ ok: true, output: classifiedAsDirect(text) });
      }
      await until(() => jobs.every((jobId) => stateOf(fixture, jobId).endedAt !== null));
      expect(jobs.map((jobId) => stateOf(fixture, jobId).outcome)).toEqual([
        'answered',
        'failed',
        'answered',
      ]);
      await until(() => fixture.journal.stats.loaded === 0);
      const error = fixture.events.find(({ type }) => type === 'error');
      expect(error).toMatchObject({ job_id: jobs[1], data: { code: 'GH_STORE_REJECTED' } });
      expect(fixture.journal.stats).toMatchObject({ running: 0, isStorageUp: true });
    });

    test('of a new message refuses only this message', async () => {
      const fixture = await start();
      fixture.database.connection.exec(
        `create trigger no_poison before insert on job when new.message like '%poison%'
          begin select raise(abort, 'not this one'); end`,
      );
      const results = await Promise.all(
        ['a', 'poison', 'b'].map((message) =>
          fixture.submit({ message, userId: message }).then(() => 'accepted', codeOf),
        ),
      );
      expect(results).toEqual(['accepted', 'GH_STORE_REJECTED', 'accepted']);
      await until(() => fixture.started.length === 2);
      expect(fixture.journal.stats).toMatchObject({ running: 2, loaded: 2 });
    });
  });

  describe('a parked job', () => {
    test('leaves the memory again after an event that it refuses, or that cannot be stored', async () => {
      const disk = { isFull: false };
      const wrapStorage = (real: JobStorage): JobStorage => ({
        ...real,
        commit(changes) {
          if (disk.isFull) throw new GatehouseError('GH_STORE_UNAVAILABLE');
          return real.commit(changes);
        },
      });
      const fixture = await start({ wrapStorage });
      const jobId = await openParkedJob(fixture);
      const say = (draftSeq: number) =>
        fixture.journal.send(jobId, { type: 'confirm', by: 'ann', draftSeq }).catch(codeOf);
      expect(await say(1)).toBe('GH_JOB_CONFLICT');
      await until(() => fixture.journal.stats.loaded === 0);
      disk.isFull = true;
      expect(await say(stateOf(fixture, jobId).seq)).toBe('GH_STORE_UNAVAILABLE');
      await until(() => fixture.journal.stats.loaded === 0);
    });
  });

  test('the times of rows do not go back with a clock that is set back a little', async () => {
    const time = { at: Date.now() };
    const fixture = await start({ clock: { now: () => time.at } });
    const jobId = await fixture.submit();
    await until(() => fixture.started.length === 1);
    time.at -= 5_000;
    await fixture.answer(jobId, 'classify', classifiedAsReasoning);
    await until(() => fixture.started.some(({ src }) => src === 'reason'));
    const times = fixture.storage.rows(fixture.storage.find(jobId)!.num).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

/** The storage port of jobs: what holds on every database. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confirmState } from '#machines/job-states';
import type { JobChange, JobHead, JournalRow } from '#jobs/job-store-port';
import { jobInput, newJobChange } from '#test/support/jobs';
import { useStores } from '#test/support/stores';

const emitted = { type: 'processing' as const, state: 'ack' as const, data: {} };

const rowOf = (n: number, change: Partial<JournalRow> = {}): JournalRow => ({
  n,
  at: 1_000 + n,
  event: { type: `event.${n}` },
  value: 'ack',
  seq: n,
  emitted: [emitted],
  ...change,
});

const newJob = (id: string, change: Partial<JobChange> = {}, rows = [rowOf(1)]): JobChange => ({
  ...newJobChange(jobInput({ jobId: id, userId: `user-${id}` }), rows, 1_000),
  ...change,
});

const headOf = (change: Partial<JobHead>): JobHead => ({ ...newJob('x').head!, ...change });
const laterOf = (first: JobChange, change: Partial<JobChange>): JobChange => ({
  ...first,
  created: null,
  head: null,
  rows: [],
  keys: [],
  ...change,
});

describe.each(useStores())('the job storage on $name', ({ missing, open }) => {
  describe.skipIf(missing !== null)('when it is available', () => {
    test('stores new jobs with ascending numbers, and finds them as they were committed', async () => {
      const { jobs } = await open();
      const [one, two] = [
        newJob('one'),
        newJob('two', {}, [rowOf(1), rowOf(2, { value: 'tools' })]),
      ];
      await jobs.commit([one, two]);
      expect(two.num).toBeGreaterThan(one.num!);
      expect(await jobs.find('two')).toEqual({
        num: two.num,
        id: 'two',
        conversation: 'c',
        input: jobInput({ jobId: 'two', userId: 'user-two' }),
        isDamaged: false,
        machineVersion: 1,
        createdAt: 1_000,
        head: headOf({ state: 'tools', n: 2, seq: 2, updatedAt: 1_002 }),
      });
      expect(await jobs.find('three')).toBe(null);
    });

    test('returns the state of a running job from its last row', async () => {
      const { jobs } = await open();
      const job = newJob('one');
      await jobs.commit([job]);
      const rows = [rowOf(2, { value: { 'confirm-draft': 'revising' }, seq: 2, emitted: [] })];
      await jobs.commit([laterOf(job, { rows })]);
      const head = headOf({ state: 'confirm-draft', n: 2, seq: 1, updatedAt: 1_002 });
      expect((await jobs.find('one'))?.head).toEqual(head);
      expect((await jobs.openJobs())[0]?.state).toBe('confirm-draft');
    });

    test('returns the rows of a job in order, all or a part of them', async () => {
      const { jobs } = await open();
      const job = newJob(
        'one',
        {},
        [1, 2, 3, 4, 5].map((n) => rowOf(n)),
      );
      await jobs.commit([newJob('other'), job]);
      expect(await jobs.rows(job.num!)).toEqual(job.rows);
      const part = await jobs.rows(job.num!, { afterN: 1, limit: 2 });
      expect(part.map(({ n }) => n)).toEqual([2, 3]);
      expect(await jobs.rows(999)).toEqual([]);
    });

    test('lists open jobs in the order of acceptance, without parked and ended ones', async () => {
      const { jobs } = await open();
      const all = ['a', 'b', 'c', 'd'].map((id) => newJob(id));
      await jobs.commit(all);
      await jobs.commit([
        laterOf(all[1]!, { head: headOf({ state: 'confirm-draft', snapshot: '{}', wakeAt: 50 }) }),
        laterOf(all[2]!, { head: headOf({ state: 'done', outcome: 'answered', endedAt: 9 }) }),
      ]);
      expect((await jobs.openJobs()).map(({ id }) => id)).toEqual(['a', 'd']);
      const [first] = await jobs.openJobs();
      expect(first).toEqual({ id: 'a', user_id: 'user-a', conversation: 'c', state: 'ack' });
    });

    test('wakes parked jobs by their time, earliest first', async () => {
      const { jobs } = await open();
      const all = [300, 100, 200].map((wakeAt) =>
        newJob(`at-${wakeAt}`, { head: headOf({ snapshot: '{}', wakeAt }) }),
      );
      await jobs.commit(all);
      expect(await jobs.dueJobs(99)).toEqual([]);
      expect(await jobs.dueJobs(200)).toEqual(['at-100', 'at-200']);
      expect(await jobs.nextWakeAt(100)).toBe(200);
      expect(await jobs.nextWakeAt(300)).toBe(null);
    });

    test('uses an idempotency key for one job, and finds the events before it', async () => {
      const { jobs } = await open();
      const job = newJob('one', { keys: ['k1'] }, [rowOf(1), rowOf(2)]);
      await jobs.commit([{ ...job, at: 1_000 }]);
      const stored = (await jobs.find('one'))!;
      const rows = [rowOf(3, { at: 2_000 }), rowOf(4, { at: 2_000, emitted: [] })];
      await jobs.commit([laterOf(job, { num: stored.num, rows, at: 2_000, keys: ['k2'] })]);
      expect(await jobs.jobOfKey('k1')).toEqual({ jobId: 'one', seqBefore: 0 });
      expect(await jobs.jobOfKey('k2')).toEqual({ jobId: 'one', seqBefore: 2 });
      expect(await jobs.jobOfKey('k3')).toBe(null);
    });

    test('finds the running and the waiting job of a conversation', async () => {
      const { jobs } = await open();
      const draft = headOf({ state: confirmState, snapshot: '{}', wakeAt: 5_000 });
      const [parked, running, next] = ['parked', 'running', 'next'].map((id) => newJob(id));
      await jobs.commit([{ ...parked!, head: draft }, running!, next!]);
      expect((await jobs.runningJob('c'))?.id ?? null).toBe('running');
      expect((await jobs.waitingJob('c'))?.id ?? null).toBe('parked');
      const num = (await jobs.find('parked'))!.num;
      const revising = { [confirmState]: 'revising' };
      await jobs.commit([
        laterOf(parked!, {
          num,
          rows: [rowOf(2, { value: revising })],
          head: headOf({ state: confirmState, snapshot: null }),
        }),
      ]);
      expect((await jobs.runningJob('c'))?.id ?? null).toBe('running');
      expect((await jobs.waitingJob('c'))?.id ?? null).toBe('parked');
      expect((await jobs.runningJob('other'))?.id ?? null).toBe(null);
      expect((await jobs.waitingJob('other'))?.id ?? null).toBe(null);
    });

    test('writes a batch as a whole or not at all', async () => {
      const { jobs, events } = await open();
      await jobs.commit([newJob('one', { keys: ['k'] })]);
      const again = [newJob('two'), newJob('three', { keys: ['k'] })];
      // A key that is used: the data are at fault, not the database.
      await expect(jobs.commit(again)).rejects.toMatchObject({ code: 'GH_STORE_REJECTED' });
      expect(await jobs.find('two')).toBe(null);
      await jobs.commit([newJob('four')]);
      const { rows } = await events.after(0, 10);
      expect(rows.map((row) => row.events[0]?.id)).toEqual(['one:1', 'four:1']);
    });

    test('commits a batch of many users and rows', async () => {
      const { jobs } = await open();
      const all = Array.from({ length: 300 }, (_, index) =>
        newJob(`job-${index}`, { keys: [`key-${index}`] }, [rowOf(1), rowOf(2), rowOf(3)]),
      );
      await jobs.commit(all);
      expect((await jobs.openJobs()).map(({ id }) => id)).toEqual(all.map(({ jobId }) => jobId));
      expect(await jobs.rows(all[299]!.num!)).toEqual(all[299]!.rows);
      await jobs.commit([]);
    });

    test('returns every JSON text as it was written', async () => {
      const { jobs } = await open();
      let count = 0;
      const text = fc.string({ unit: 'binary', maxLength: 40 });
      const odd = fc.constantFrom(
        '\0',
        '\ud800',
        '"',
        '\\',
        '{NULL,"}',
        '\\u0000',
        '한글 ㅎ',
        '\u2028',
      );
      const json = fc.jsonValue({ stringUnit: 'binary', maxDepth: 2 });
      const property = fc.asyncProperty(text, odd, json, async (one, two, value) => {
        count += 1;
        const event = { type: one + two, value, [`${two}__proto`]: [two, one] };
        const row = rowOf(1, {
          event,
          value: { state: two },
          emitted: [{ ...emitted, data: { one, value } }],
        });
        const job = newJob(`job-${count}`, {}, [row]);
        await jobs.commit([job]);
        expect(JSON.stringify(await jobs.rows(job.num!))).toBe(JSON.stringify([row]));
      });
      await fc.assert(property, { numRuns: 60 });
    });

    test('separates a damaged job and a damaged row from all others', async () => {
      const { jobs, run } = await open();
      const all = ['input', 'row', 'sound'].map((id) => newJob(id));
      await jobs.commit(all);
      await run(`update job set input = '{"half' where id = 'input'`);
      await run(`update journal set event = '{"half' where job = ${all[1]!.num}`);
      expect(await jobs.find('input')).toMatchObject({ isDamaged: true, id: 'input' });
      await expect(jobs.rows(all[1]!.num!)).rejects.toMatchObject({ code: 'GH_STORE_CORRUPT' });
      expect((await jobs.openJobs()).map(({ id }) => id)).toEqual(['input', 'row', 'sound']);
      expect((await jobs.find('sound'))?.isDamaged).toBe(false);
    });
  });
});

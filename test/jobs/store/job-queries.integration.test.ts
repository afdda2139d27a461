/**
 * Queries of jobs and their removal, on each database: pages together contain all jobs, history, events, search texts,
 * and the retention.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { jobInput, newJobChange } from '#test/support/jobs';
import { useStores, type Stores } from '#test/support/stores';

interface Row {
  state?: string;
  outcome?: string | null;
  userId?: string;
  conversation?: string;
  message?: string;
  reply?: string | null;
  input?: string;
  createdAt?: number;
  endedAt?: number | null;
}

const literal = (value: string | number | null): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);

const done = (count: number): Row[] => Array.from({ length: count }, () => ({ state: 'done' }));

describe.each(useStores())('the queries of jobs on $name', ({ name, missing, open }) => {
  describe.skipIf(missing !== null)('when it is available', () => {
    let stores: Stores;
    let added = 0;
    beforeEach(async () => {
      stores = await open();
      added = 0;
    });

    /** Job rows without a journal, oldest first. */
    async function addJobs(rows: readonly Row[]): Promise<void> {
      const isPostgres = name === 'PostgreSQL';
      const values = rows.map((row) => {
        const { state = 'done', outcome = null, userId = 'ann', conversation = 'c' } = row;
        const { message = 'm', reply = null, input = '{}', createdAt = 1 } = row;
        const isOpen = state !== 'done' && state !== 'cancelled';
        const { endedAt = isOpen ? null : 1 } = row;
        const id = `job-${added}`;
        added += 1;
        const texts = [id, userId, 'http', conversation, message, input, state, outcome, reply];
        const numbers = [1, 1, 1, createdAt, 1, endedAt, ...(isPostgres ? [7] : [])];
        return `(${[...texts, ...numbers].map(literal).join(', ')})`;
      });
      await stores.run(`insert into job (id, user_id, channel, conversation, message, input, state, outcome, reply,
        machine_version, n, seq, created_at, updated_at, ended_at${isPostgres ? ', part' : ''}) values ${values.join(', ')}`);
    }
    const count = async (table: string): Promise<number> =>
      Number((await stores.run(`select count(*) as n from ${table}`))[0]!['n']);
    const idsOf = (page: { jobs: { id: string }[] }): string[] => page.jobs.map(({ id }) => id);

    test('find jobs in a rare state in pages with bounded scans, down to the oldest job', async () => {
      await addJobs([{ state: 'cancelled' }, ...done(2_500), { state: 'cancelled' }]);
      const found: string[] = [];
      let before: number | undefined;
      let pages = 0;
      do {
        const page = await stores.queries.list({ state: 'cancelled', before, limit: 10 });
        expect(page.looked).toBeLessThanOrEqual(1_000);
        found.push(...idsOf(page));
        before = page.before ?? undefined;
        pages += 1;
      } while (before !== undefined);
      expect(found).toEqual(['job-2501', 'job-0']);
      expect(pages).toBe(3);
    });

    test.each([{ userId: undefined }, { userId: 'ann' }])(
      'find open jobs in one page behind any number of ended jobs ($userId)',
      async ({ userId }) => {
        await addJobs([{ state: 'reason' }, { state: 'confirm-draft' }, ...done(2_500)]);
        await addJobs([{ state: 'reason', userId: 'bob' }]);
        const page = await stores.queries.list({ state: 'reason', userId, limit: 10 });
        expect(idsOf(page)).toEqual(userId === undefined ? ['job-2502', 'job-0'] : ['job-0']);
        expect(page.before).toBeNull();
      },
    );

    test('list ended jobs by outcome, where the outcome `cancelled` selects cancelled jobs', async () => {
      await addJobs([
        { state: 'reason' },
        { outcome: 'answered' },
        { outcome: 'failed' },
        { state: 'cancelled' },
        { outcome: 'answered' },
      ]);
      const listed = async (outcome: string) =>
        idsOf(await stores.queries.list({ outcome, limit: 10 }));
      expect(await listed('answered')).toEqual(['job-4', 'job-1']);
      expect(await listed('failed')).toEqual(['job-2']);
      expect(await listed('cancelled')).toEqual(['job-3']);
      expect(await listed('declined')).toEqual([]);
      const both = await stores.queries.list({
        outcome: 'answered',
        state: 'cancelled',
        limit: 10,
      });
      expect(both.jobs).toEqual([]);
    });

    test('name each person with the newest job, and where each wrote, without what schedules have opened', async () => {
      expect(await stores.queries.people(10)).toEqual([]);
      await addJobs([
        { userId: 'ann', conversation: 'synology:ann' },
        { userId: 'bob', conversation: 'http:bob' },
        { userId: 'ann', conversation: 'http:ann', input: '{"message":"\\"scheduled\\":1"}' },
        {
          userId: 'ann',
          conversation: 'synology/7:ann',
          input: '{"scheduled":{"kind":"reminder"}}',
        },
      ]);
      const people = await stores.queries.people(10);
      expect(people.map(({ user_id: userId }) => userId)).toEqual(['ann', 'bob']);
      const [ann] = people;
      const [first] = (await stores.queries.list({ userId: 'ann', limit: 1 })).jobs;
      expect(ann!.newest).toBe(first!.num);
      expect(await stores.queries.people(1)).toHaveLength(1);
      const written = await stores.queries.writtenIn('ann', 0, 10);
      expect(written.map(({ conversation }) => conversation)).toEqual(['http:ann', 'synology:ann']);
      expect(await stores.queries.writtenIn('ann', written[0]!.num, 10)).toEqual([]);
    });

    test('begin the page after a full page behind the last job of the full page', async () => {
      const states = ['cancelled', 'done', 'cancelled', 'done', 'cancelled'];
      await addJobs(states.map((state) => ({ state })));
      const first = await stores.queries.list({ state: 'cancelled', limit: 2 });
      expect(idsOf(first)).toEqual(['job-4', 'job-2']);
      const second = await stores.queries.list({
        state: 'cancelled',
        before: first.before!,
        limit: 2,
      });
      expect(idsOf(second)).toEqual(['job-0']);
      expect(second.before).toBeNull();
    });

    test('find a job with types, times and texts as they were stored', async () => {
      const message = `'; drop table job; -- 한글 👩‍👩‍👧 \\x00 %_ $1 ?`;
      const createdAt = 1_796_212_800_123;
      await addJobs([{ message, reply: '네', outcome: 'answered', createdAt, userId: 'Ann' }]);
      const found = await stores.queries.find('job-0');
      expect(found).toEqual({
        num: expect.any(Number) as number,
        id: 'job-0',
        user_id: 'Ann',
        channel: 'http',
        conversation: 'c',
        state: 'done',
        outcome: 'answered',
        seq: 1,
        message,
        reply: '네',
        created_at: createdAt,
        updated_at: 1,
        ended_at: 1,
        delivery: null,
      });
      // Names are compared exactly: no case folding, no collation.
      expect((await stores.queries.list({ userId: 'ann', limit: 1 })).jobs).toEqual([]);
      expect(await stores.queries.find('JOB-0')).toBeNull();
      expect(await stores.queries.find('\0\uD800')).toBeNull();
    });

    test('cut texts at characters, not at code units, and return whole texts without a limit', async () => {
      const message = '👩가나다'.repeat(20_000);
      await addJobs([{ message, reply: null }]);
      const [cut] = (await stores.queries.list({ limit: 1, textMax: 3 })).jobs;
      expect(cut).toMatchObject({ message: '👩가나', reply: null });
      expect((await stores.queries.list({ limit: 1 })).jobs[0]!.message).toBe(message);
    });

    test('show the worst delivery of a job, and keep the first report of a reply', async () => {
      await addJobs(done(1));
      const report = { job_id: 'job-0', channel: 'chat', parts: 2, error: null } as const;
      const record = (n: number, status: 'sent' | 'uncertain' | 'dead') =>
        stores.deliveries.record({ ...report, reply_id: `job-0:${n}`, status, at: 10 - n });
      const shown = async () => (await stores.queries.find('job-0'))!.delivery;
      expect(await record(1, 'sent')).toBe('stored');
      expect(await shown()).toBeNull();
      expect(await record(2, 'uncertain')).toBe('stored');
      expect(await record(2, 'sent')).toBe('known');
      expect(await shown()).toBe('uncertain');
      expect(await record(3, 'dead')).toBe('stored');
      expect(await shown()).toBe('dead');
      expect(await stores.deliveries.has('job-0:2')).toBe(true);
      expect(await stores.deliveries.has('job-0:9')).toBe(false);
      // Oldest first.
      const all = await stores.deliveries.ofJob('job-0');
      expect(all.map(({ reply_id }) => reply_id)).toEqual(['job-0:3', 'job-0:2', 'job-0:1']);
      expect(all[1]).toEqual({ ...report, reply_id: 'job-0:2', status: 'uncertain', at: 8 });
    });

    test('return exchanges without failed and cancelled jobs, within their count and since their oldest time', async () => {
      const outcomes = [
        'answered',
        'failed',
        'clarified',
        'cancelled',
        'declined',
        'answered',
        null,
      ];
      for (const [n, outcome] of outcomes.entries()) {
        const reply = outcome === 'declined' ? null : `r${n}`;
        await addJobs([
          { conversation: 'c', message: `m${n}`, reply, outcome, createdAt: n },
          { conversation: 'd', message: 'x', reply: 'x', outcome: 'answered', createdAt: n },
        ]);
      }
      const last = 'job-12';
      expect(await stores.queries.history('c', last, 10, 0)).toEqual([
        { position: 0, message: 'm0', reply: 'r0' },
        { position: 1, message: 'm2', reply: 'r2' },
        { position: 2, message: 'm4', reply: '' },
        { position: 3, message: 'm5', reply: 'r5' },
      ]);
      const places = async (...rest: [max: number, since: number]): Promise<number[]> =>
        (await stores.queries.history('c', last, ...rest)).map(({ position: place }) => place);
      expect(await places(2, 0)).toEqual([2, 3]);
      expect(await places(10, 3)).toEqual([2, 3]);
      expect(await places(0, 0)).toEqual([]);
    });

    test('return what was before a job that is not stored yet: all of its conversation', async () => {
      const question = { conversation: 'c', outcome: 'clarified', reply: 'when?', endedAt: 5 };
      await addJobs([
        { ...question, message: 'm0', outcome: 'answered' },
        { ...question, message: 'm1' },
        { ...question, message: 'other', conversation: 'd' },
      ]);
      const history = await stores.queries.history('c', 'not-stored', 10, 0);
      expect(history.map(({ message }) => message)).toEqual(['m0', 'm1']);
      const asked = await stores.queries.asked('c', 'not-stored', 0);
      expect(asked.map(({ message }) => message)).toEqual(['m1']);
    });

    test('return the events after a `seq` or a row, and the path of a running job', async () => {
      const event = (state: string) => ({ type: 'processing', state, data: { of: state } });
      const rows = [
        { n: 1, at: 10, value: 'ack', seq: 1, emitted: [event('ack'), event('ack')] },
        { n: 2, at: 11, value: 'ack', seq: 3, emitted: [] },
        { n: 3, at: 12, value: { 'confirm-draft': 'revising' }, seq: 3, emitted: [event('c')] },
        { n: 4, at: 13, value: 'reason', seq: 4, emitted: [event('reason')] },
      ].map((row) => ({ ...row, event: { type: `e${row.n}` } })) as never[];
      await stores.jobs.commit([newJobChange(jobInput({ jobId: 'running' }), rows, 10)]);
      const job = (await stores.queries.find('running'))!;
      expect(job).toMatchObject({ state: 'reason', seq: 4, updated_at: 13 });
      const seqs = async (from: { afterSeq: number } | { afterN: number }, limit = 9) =>
        (await stores.queries.eventRows(job, from, limit)).map(({ n, events }) => [
          n,
          ...events.map(({ seq }) => seq),
        ]);
      expect(await seqs({ afterSeq: 0 })).toEqual([[1, 1, 2], [2], [3, 3], [4, 4]]);
      expect(await seqs({ afterSeq: 1 })).toEqual([[1, 2], [2], [3, 3], [4, 4]]);
      expect(await seqs({ afterSeq: 2 }, 2)).toEqual([[1], [2]]);
      expect(await seqs({ afterN: 3 })).toEqual([[4, 4]]);
      expect(await stores.queries.path(job.num)).toEqual([
        ['ack', 10],
        ['confirm-draft', 12],
        ['reason', 13],
      ]);
    });

    test('remove more jobs and delivery reports than one batch holds, and leave the rest', async () => {
      await addJobs(Array.from({ length: 450 }, () => ({ endedAt: 1_000 })));
      await addJobs([{ endedAt: 2_000 }, { state: 'reason' }]);
      await stores.run(`insert into submission select 'k' || id, id, 1 from job`);
      const report = { channel: 'chat', parts: 1, error: null, status: 'sent', at: 1_000 } as const;
      const reports = async (job_id: string, many: number): Promise<void> => {
        for (let n = 0; n < many; n += 1) {
          await stores.deliveries.record({ ...report, job_id, reply_id: `${job_id}:${n}` });
        }
      };
      await reports('job-450', 250);
      await reports('gone', 450);
      await reports('job-3', 2);
      expect(await stores.queries.prune(2_000)).toBe(450);
      expect(await count('job')).toBe(2);
      expect(await count('submission')).toBe(2);
      expect(await count('delivery')).toBe(250);
      expect(await stores.queries.prune(2_000)).toBe(0);
    });

    test('remove all rows of an ended job, and none of another job', async () => {
      const row = { n: 1, at: 1, event: { type: 'e' }, value: 'ack', seq: 1, emitted: [] };
      await stores.jobs.commit(
        ['old', 'young'].map((jobId) => newJobChange(jobInput({ jobId }), [row], 1)),
      );
      await stores.run(`update job set ended_at = 5 where id = 'old'`);
      expect(await stores.queries.prune(6)).toBe(1);
      expect(await stores.queries.find('old')).toBeNull();
      const young = (await stores.queries.find('young'))!;
      expect(await stores.jobs.rows(young.num)).toHaveLength(1);
      expect(await count('journal')).toBe(1);
    });

    test('count documents, drafts and waiting jobs', async () => {
      expect(await stores.counts()).toEqual({
        documents: 0,
        drafts: { waiting: 0, drafting: 0, dead: 0 },
        parked: 0,
      });
      await addJobs([{ state: 'confirm-draft' }, { state: 'confirm-draft', endedAt: 9 }]);
      await stores.run('update job set wake_at = 5');
      await stores.run(`insert into draft (document_id, owner, chars, state, attempts, due_at, queued_at)
        values ('a', 'u', 1, 'waiting', 0, 0, 0), ('b', 'u', 1, 'dead', 0, 0, 0), ('c', 'u', 1, 'dead', 0, 0, 0)`);
      expect(await stores.counts()).toEqual({
        documents: 0,
        drafts: { waiting: 1, drafting: 0, dead: 2 },
        parked: 1,
      });
    });
  });
});

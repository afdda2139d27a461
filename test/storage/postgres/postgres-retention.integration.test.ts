/** Retention on PostgreSQL: ranges of the order of events, the history of ownership, and the plans of the statements. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pruneEventRanges } from '#events/store/postgres/event-range-prune';
import type { JobChange } from '#jobs/job-store-port';
import { createPostgresJobQueries } from '#jobs/store/postgres/postgres-job-queries';
import { createPostgresMaintenance } from '#storage/postgres/postgres-maintenance';
import { jobInput, newJobChange } from '#test/support/jobs';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker, type PostgresWorker } from '#test/support/postgres-worker';

const missing = postgresMissing();
let server: PostgresServer;

/** A job with one event, which ended at `endedAt`. */
function endedJob(id: string, user: string, endedAt: number | null): JobChange {
  const emitted = [{ type: 'processing' as const, state: 'ack' as const, data: {} }];
  const at = endedAt ?? 10_000;
  const row = { n: 1, at, event: { type: 'x' }, value: 'ack', seq: 1, emitted };
  const change = newJobChange(jobInput({ jobId: id, userId: user }), [row], at);
  return { ...change, head: { ...change.head!, endedAt } };
}

describe.skipIf(missing !== null)('the retention on PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  async function openWorker(): Promise<PostgresWorker & { name: string }> {
    const name = await server.createDatabase();
    const worker = await openPostgresWorker({ url: server.urlOf(name) });
    onTestFinished(() => worker.close());
    await worker.takePartitions();
    return { ...worker, name };
  }

  test('removes empty ranges, keeps the last of each partition, and positions of subscribers stay valid', async () => {
    const worker = await openWorker();
    const { database, events, jobs } = worker;
    const sequencer = await worker.takeSequencer();
    const add = async (...changes: JobChange[]): Promise<void> => {
      await jobs.commit(changes);
      await sequencer.append();
    };
    for (let n = 1; n <= 4; n += 1) {
      await add(endedJob(`a${n}`, 'ann', n * 100), endedJob(`b${n}`, 'bob', n * 100));
    }
    await add(endedJob('open', 'ann', null));
    await add(endedJob('a5', 'ann', 500), endedJob('b5', 'bob', 500));
    await events.saveWatermark('events', 3);
    const read = async (from: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let pos = from; ;) {
        const { rows, upTo } = await events.after(pos, 2);
        ids.push(...rows.flatMap((row) => row.events.map(({ id }) => `${row.pos} ${id}`)));
        if (upTo === pos) return ids;
        pos = upTo;
      }
    };
    const before = await read(3);
    const queries = createPostgresJobQueries(database);
    expect(await queries.prune(450)).toBe(8);
    // The jobs of two batches ended later, and the open job has an old row.
    expect(await pruneEventRanges(database, 450)).toBe(8);
    expect(await pruneEventRanges(database, 450)).toBe(0);
    const kept = before.filter((line) => / (?:open|a5|b5):/.test(line));
    expect(kept).toHaveLength(3);
    // From the watermark, from the start, and from a place whose range is gone.
    for (const from of [await events.watermark('events'), 0, 5, 8]) {
      expect(await read(from)).toEqual(kept);
    }

    expect(await queries.prune(20_000)).toBe(2);
    await pruneEventRanges(database, 20_000);
    const parts = await server.run('select count(*) as n from event_range', worker.name);
    // The last of each user's partition, and that of the open job.
    expect(parts.rows).toEqual([{ n: '3' }]);
    const [place] = before.map((line) => Number(line.split(' ')[0])).slice(-1);
    await add(endedJob('next', 'bob', null));
    expect(await read(place!)).toEqual([`${place! + 1} next:1`]);
    expect(await events.positionOf('next', 1)).toMatchObject({ pos: place! + 1 });
  });

  test('looks at no range behind the first row that is young', async () => {
    const worker = await openWorker();
    const sequencer = await worker.takeSequencer();
    for (let n = 0; n < 3; n += 1) {
      await worker.jobs.commit([endedJob(`young-${n}`, 'ann', 5_000)]);
      await sequencer.append();
    }
    await server.run('update event_range set seq_from = seq_from * 1000', worker.name);
    await server.run(
      `insert into event_range (seq_from, part, pos_from, count) select seq, 99, seq, 1 from generate_series(4000, 6000) as seq`,
      worker.name,
    );
    const count = () => server.run('select count(*) as n from event_range', worker.name);
    await pruneEventRanges(worker.database, 1_000);
    // The first batch has the young rows, and 497 of the 2,001 empty ranges.
    expect((await count()).rows).toEqual([{ n: String(3 + 2_001 - 497) }]);
  });

  test('forgets owners of leases long past, and keeps the last hundred', async () => {
    const worker = await openWorker();
    await server.run(
      `insert into lease_history select 'part/0', epoch, 'w', 0 from generate_series(2, 300) as epoch;
       update lease set epoch = 300 where name = 'part/0'`,
      worker.name,
    );
    expect(await createPostgresMaintenance(worker.database).reclaim()).toBe(0);
    const { rows } = await server.run(
      `select min(epoch) as first, count(*) as n from lease_history where name = 'part/0'`,
      worker.name,
    );
    expect(rows).toEqual([{ first: '200', n: '101' }]);
  });

  test('reads and removes by indexes: no statement scans a large table or sorts it', async () => {
    const worker = await openWorker();
    await server.run(
      `insert into job (id, part, user_id, channel, conversation, message, input, state, machine_version, n, seq,
          created_at, updated_at, ended_at)
        select 'job-' || n, 1, 'u' || n % 50, 'http', 'c' || n % 500, 'm', '{}', 'done', 1, 2, 1, n, n, n
          from generate_series(1, 20000) as n;
       insert into journal (part, pos, job, n, at, event, value, state, seq, events, emitted)
        select 1, n, n, 1, n, '{}', '"ack"', 'ack', 1, 1, '[]' from generate_series(1, 20000) as n;
       insert into delivery select 'r' || n, 'job-' || n, 'chat', 'sent', 1, null, n
          from generate_series(1, 20000) as n;
       insert into submission select 'k' || n, 'job-' || n, n from generate_series(1, 20000) as n;
       insert into document_event (part, pos, at, seq, document_id, user_id, type, state, data)
        select 2, n, n, 1, 'd' || n, 'u', 'queued', 'waiting', '{}' from generate_series(1, 20000) as n;
       insert into event_range (seq_from, pos_from, count, part) select n, n, 1, 1 from generate_series(1, 20000) as n;
       analyze`,
      worker.name,
    );
    const seen: { text: string; values: readonly unknown[] }[] = [];
    const spied = {
      ...worker.database,
      run: (statement: { text: string }, values: readonly unknown[]) => {
        seen.push({ text: statement.text, values });
        return worker.database.run(statement as never, values);
      },
    } as PostgresWorker['database'];
    const queries = createPostgresJobQueries(spied);
    await queries.find('job-7');
    for (const filter of [{}, { userId: 'u7' }, { state: 'done' }, { state: 'reason' }]) {
      await queries.list({ ...filter, limit: 10, before: 15_000 });
    }
    await queries.history('c7', 'job-19507', 10, 0);
    await queries.prune(3);
    await pruneEventRanges(spied, 3);
    const plans: string[] = [];
    for (const { text, values } of seen) {
      const rows = await worker.database.run<Record<string, string>>(
        { name: '', text: `explain ${text}` },
        values,
      );
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
    }
    expect(plans.length).toBeGreaterThan(8);
    expect(plans.filter((plan) => /Seq Scan on (?!lease)|Hash Join/.test(plan))).toEqual([]);
  });

  test('measures the database, its connections and what waits for the sequencer', async () => {
    const worker = await openWorker();
    await worker.jobs.commit([endedJob('a', 'ann', 1)]);
    const sizes = await createPostgresMaintenance(worker.database).sizes();
    expect(sizes).toMatchObject({
      freeBytes: null,
      logBytes: null,
      server: { replicas: 0, replicaLagBytes: null, unordered: 1 },
    });
    expect(sizes.fileBytes).toBeGreaterThan(1_000_000);
    expect(sizes.server!.connections).toBeGreaterThan(0);
    expect(sizes.server!.deadRows).toBeGreaterThanOrEqual(0);
    await (await worker.takeSequencer()).append();
    const { server: later } = await createPostgresMaintenance(worker.database).sizes();
    expect(later!.unordered).toBe(0);
  });
});

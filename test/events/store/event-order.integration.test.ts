/** The global order of events on PostgreSQL, while owners and sequencers take their leases from each other. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JobChange } from '#jobs/job-store-port';
import { jobInput, newJobChange } from '#test/support/jobs';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';

const missing = postgresMissing();
let server: PostgresServer;

const jobOf = (id: string, user: string): JobChange => {
  const emitted = [{ type: 'processing' as const, state: 'ack' as const, data: {} }];
  const row = { n: 1, at: Date.now(), event: { type: 'x' }, value: 'ack', seq: 1, emitted };
  return newJobChange(jobInput({ jobId: id, userId: user }), [row], row.at);
};

describe.skipIf(missing !== null)('the order of events on PostgreSQL', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  const openWorker = async (database: string) => {
    const worker = await openPostgresWorker({ url: server.urlOf(database) });
    onTestFinished(() => worker.close());
    return worker;
  };

  test('has no hole and no inversion for a reader while two writers and two sequencers fight', async () => {
    const database = await server.createDatabase();
    const writers = [await openWorker(database), await openWorker(database)];
    const reader = await openWorker(database);
    const [commitsEach, users] = [150, 7];
    const committed = new Set<string>();
    let isOver = false;

    const write = async (worker: (typeof writers)[number], name: string): Promise<void> => {
      for (let count = 0; count < commitsEach; count += 1) {
        const batch = [0, 1, 2].map((k) =>
          jobOf(`${name}-${count}-${k}`, `user-${(count + k) % users}`),
        );
        // Fenced by the other writer, which is fenced in turn: each takes the partitions back.
        for (;;) {
          const error = await worker.jobs.commit(batch).catch((e: unknown) => e);
          if (error === undefined) break;
          expect(error).toMatchObject({ code: 'GH_STORE_FENCED' });
          await worker.takePartitions();
        }
        for (const { jobId } of batch) committed.add(jobId);
      }
    };
    const sequence = async (worker: (typeof writers)[number]): Promise<void> => {
      let sequencer = await worker.takeSequencer();
      while (!isOver) {
        const error = await sequencer.append().catch((e: unknown) => e);
        if (typeof error === 'number') continue;
        expect(error).toMatchObject({ code: 'GH_STORE_FENCED' });
        sequencer = await worker.takeSequencer();
      }
    };
    const read: { pos: number; id: string }[] = [];
    let cursor = 0;
    const readNext = async (): Promise<number> => {
      const { rows, upTo } = await reader.events.after(cursor, 50);
      read.push(...rows.map(({ pos, events }) => ({ pos, id: events[0]!.id })));
      // Every place up to `upTo` holds a row: a hole would be skipped for ever.
      expect(rows.length).toBe(upTo - cursor);
      cursor = upTo;
      return rows.length;
    };
    const follow = async (): Promise<void> => {
      while (!isOver) await readNext();
    };

    const background = [...writers.map(sequence), follow()];
    await Promise.all(writers.map((worker, index) => write(worker, `w${index}`)));
    isOver = true;
    await Promise.all(background);
    await (await reader.takeSequencer()).append();
    while ((await readNext()) > 0);

    expect(read.map(({ pos }) => pos)).toEqual(read.map((_, index) => index + 1));
    expect(read.map(({ id }) => id).sort()).toEqual([...committed].map((id) => `${id}:1`).sort());
    // Within a partition the order is that of the commits.
    const { rows } = await server.run(
      `select range.seq_from - range.pos_from as shift, range.part, range.pos_from from event_range as range
        order by range.seq_from`,
      database,
    );
    const lastOf = new Map<number, number>();
    for (const { part, pos_from: from } of rows as { part: number; pos_from: string }[]) {
      expect(Number(from)).toBeGreaterThan(lastOf.get(part) ?? 0);
      lastOf.set(part, Number(from));
    }
    // No two owners wrote one position: each epoch begins where the one before has ended, or after it.
    const history = await server.run(
      `select 1 from lease_history as a join lease_history as b
        on a.name = b.name and b.epoch = a.epoch + 1 where b.pos_from < a.pos_from`,
      database,
    );
    expect(history.rows).toEqual([]);
  });

  test('counts what has no place yet as backlog', async () => {
    const worker = await openWorker(await server.createDatabase());
    await worker.takePartitions();
    const sequencer = await worker.takeSequencer();
    await worker.jobs.commit([jobOf('a', 'ann')]);
    await sequencer.append();
    const job = jobOf('b', 'bob');
    await worker.jobs.commit([job]);
    expect(await worker.events.after(0, 10)).toMatchObject({ upTo: 1 });
    expect(await worker.events.backlog(1)).toEqual({ rows: 1, upTo: 2, oldestAt: job.rows[0]!.at });
    const ended = new AbortController();
    const running = sequencer.run(ended.signal);
    sequencer.wake();
    while ((await worker.events.after(0, 10)).upTo < 2);
    ended.abort();
    await running;
    await (await worker.takeSequencer()).append();
    await expect(sequencer.append()).rejects.toMatchObject({ code: 'GH_STORE_FENCED' });
  });
});

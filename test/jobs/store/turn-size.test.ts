/** A transaction batch of any size is stored whole and in order: its rows are inserted several at a time. */
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '#storage/database';
import type { JobChange, JournalRow } from '#jobs/job-store-port';
import { createJobStore } from '#jobs/store/job-store';
import { jobInput, newJobChange } from '#test/support/jobs';

const at = 1_000;

const rowOf = (jobId: string, n: number): JournalRow => ({
  n,
  at,
  event: { type: `${jobId}:${n}` },
  value: 'ack',
  seq: n,
  emitted: [{ type: 'processing', state: 'ack', data: { n } }],
});

const newJob = (jobId: string, rows: number): JobChange =>
  newJobChange(
    jobInput({ jobId }),
    Array.from({ length: rows }, (_, index) => rowOf(jobId, index + 1)),
    at,
  );

test.each([1, 7, 8, 9, 16, 100])(
  '%i jobs of one transaction batch are stored with all their rows, in order',
  async (count) => {
    const database = await openDatabase({ path: ':memory:' });
    onTestFinished(() => database.close());
    const storage = createJobStore(database);
    // One, two or three rows each.
    const turn = Array.from({ length: count }, (_, index) =>
      newJob(`job-${index}`, 1 + (index % 3)),
    );

    storage.commit(turn);

    const stored = await database.query
      .selectFrom('journal')
      .innerJoin('job', 'job.num', 'journal.job')
      .select(['job.id', 'journal.event'])
      .orderBy('pos')
      .execute();
    const written = turn.flatMap(({ jobId, rows }) =>
      rows.map(({ event }) => ({ id: jobId, event: JSON.stringify(event) })),
    );
    expect(stored).toEqual(written);
    for (const { num, rows } of turn) expect(storage.rows(num!)).toEqual(rows);
  },
);

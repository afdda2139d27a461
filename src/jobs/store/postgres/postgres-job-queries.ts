/** Queries of jobs on PostgreSQL: those of SQLite, and the removal of old jobs. */
import type { Kysely } from 'kysely';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import type { Schema } from '#storage/schema';
import { JobQueries, type JobQuery } from '../job-queries.ts';

/** Rows that one statement removes: more would hold the locks of a commit for long. */
const batchRows = 200;

export const createPostgresJobQueries = (database: PostgresDatabase): JobQueries =>
  new JobQueries({
    // The tables that it reads have all columns of SQLite's.
    query: database.query as unknown as Kysely<Schema>,
    async read<Row>(query: JobQuery<Row>) {
      const { sql: text, parameters } = query.compile();
      return guardPostgres('The database cannot be read', () =>
        database.run<Row>({ name: '', text }, parameters),
      );
    },
    prune: (endedBefore) =>
      guardPostgres('Old jobs could not be removed', () => pruneJobs(database, endedBefore)),
  });

// Arrays, because the tables would be scanned for a join where their statistics are old.
const removeJobs = {
  name: 'prune_jobs',
  text: `with old as (select num, id from job where ended_at < $1 order by ended_at limit $2),
      reports as (delete from delivery where job_id = any(array(select id from old))),
      keys as (delete from submission where job_id = any(array(select id from old))),
      rows as (delete from journal where job = any(array(select num from old)))
    delete from job where num = any(array(select num from old)) returning num`,
};

// A report can arrive after its job was removed: from a bridge that was offline for long.
const removeLateReports = {
  name: 'prune_reports',
  text: `with batch as (select at, reply_id, job_id from delivery
        where at < $1 and (at, reply_id) > ($2, $3) order by at, reply_id limit $4),
      gone as (delete from delivery where reply_id = any(array(select reply_id from batch
        where not exists (select 1 from job where id = batch.job_id))))
    select at, reply_id from batch order by at, reply_id`,
};

async function pruneJobs(database: PostgresDatabase, endedBefore: number): Promise<number> {
  let removed = 0;
  for (;;) {
    const jobs = await database.run(removeJobs, [endedBefore, batchRows]);
    removed += jobs.length;
    if (jobs.length < batchRows) break;
  }
  // The cursor passes the reports of kept jobs once, and does not start from the first again.
  let last = { at: 0, reply_id: '' };
  for (;;) {
    const reports = await database.run<typeof last>(removeLateReports, [
      endedBefore,
      last.at,
      last.reply_id,
      batchRows,
    ]);
    if (reports.length < batchRows) return removed;
    last = reports.at(-1)!;
  }
}

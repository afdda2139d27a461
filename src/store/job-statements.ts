/**
 * The statements of the hot path. Each is compiled by Kysely once, so that it is checked against the
 * schema, and then runs as a prepared statement (4 µs a row against 50 to 70 for `execute()`).
 */
import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { OpenJob } from './job-storage.ts';
import { bound, preparer } from './prepared.ts';
import type { JobNowView, JobTable, JournalTable } from './schema.ts';

export type JobRow = Omit<JobTable, 'num'> & { num: number };
export type JobNow = Pick<JobNowView, 'n' | 'seq' | 'updated_at'> & { state: string | null };
export type JournalRecord = Omit<JournalTable, 'pos' | 'job'>;

// As in the view `job_now`, which fails as a whole where one row holds no JSON: one damaged row must not stop all.
const stateIn = sql<string | null>`case
  when not json_valid(journal.value) then null
  when journal.value like '{%' then (select key from json_each(journal.value) limit 1)
  else json_extract(journal.value, '$')
end`.as('state');
const lastSeqIn = sql<number>`journal.seq - 1 +
  case when json_valid(journal.emitted) then json_array_length(journal.emitted) else 1 end`.as(
  'seq',
);

/** Rows of one statement in a full turn: a call costs as much as half a row. More than 8 gain nothing. */
export const rowsAtOnce = 8;

const journalRow = {
  job: bound,
  n: bound,
  at: bound,
  event: bound,
  value: bound,
  seq: bound,
  emitted: bound,
};

export function prepareWrites(database: Database) {
  const { query } = database;
  const prepare = preparer(database);
  return {
    insertJob: prepare(
      query.insertInto('job').values({
        id: bound,
        user_id: bound,
        channel: bound,
        conversation: bound,
        message: bound,
        input: bound,
        machine_version: bound,
        created_at: bound,
        state: bound,
        outcome: bound,
        reply: bound,
        n: bound,
        seq: bound,
        snapshot: bound,
        wake_at: bound,
        updated_at: bound,
        ended_at: bound,
      }),
    ),
    updateJob: prepare(
      query
        .updateTable('job')
        .set({
          state: bound,
          outcome: bound,
          reply: bound,
          n: bound,
          seq: bound,
          snapshot: bound,
          wake_at: bound,
          updated_at: bound,
          ended_at: bound,
          machine_version: bound,
        })
        .where('num', '=', bound),
    ),
    insertRow: prepare(query.insertInto('journal').values(journalRow)),
    insertRows: prepare(
      query.insertInto('journal').values(Array.from({ length: rowsAtOnce }, () => journalRow)),
    ),
    insertKey: prepare(
      query.insertInto('submission').values({ key: bound, job_id: bound, at: bound }),
    ),
  };
}

export function prepareReads(database: Database) {
  const { query } = database;
  const prepare = preparer(database);
  return {
    selectJob: prepare<JobRow>(query.selectFrom('job').selectAll().where('id', '=', bound)),
    selectNow: prepare<JobNow>(
      query
        .selectFrom('journal')
        .select(['n', 'at as updated_at', stateIn, lastSeqIn])
        .where('job', '=', bound)
        .orderBy('n', 'desc')
        .limit(sql.lit(1)),
    ),
    selectOpen: prepare<OpenJob>(
      query
        .selectFrom('job')
        .select(['id', 'user_id', 'conversation'])
        .select((job) =>
          job.fn
            .coalesce(
              job
                .selectFrom('journal')
                .select(stateIn)
                .whereRef('journal.job', '=', 'job.num')
                .orderBy('n', 'desc')
                .limit(sql.lit(1)),
              'job.state',
            )
            .as('state'),
        )
        .where('ended_at', 'is', null)
        .where('snapshot', 'is', null)
        .orderBy('num'),
    ),
    selectDue: prepare<{ id: string }>(
      query.selectFrom('job').select('id').where('wake_at', '<=', bound).orderBy('wake_at'),
    ),
    selectWake: prepare<{ at: number | null }>(
      query
        .selectFrom('job')
        .select((row) => row.fn.min('wake_at').as('at'))
        .where('wake_at', '>', bound),
    ),
    selectRows: prepare<JournalRecord>(
      query
        .selectFrom('journal')
        .select(['n', 'at', 'event', 'value', 'seq', 'emitted'])
        .where('job', '=', bound)
        .where('n', '>', bound)
        .orderBy('n')
        .limit(bound),
    ),
    ...prepareKeyReads(database),
  };
}

function prepareKeyReads(database: Database) {
  const { query } = database;
  const prepare = preparer(database);
  return {
    selectKey: prepare<{ job_id: string }>(
      query.selectFrom('submission').select('job_id').where('key', '=', bound),
    ),
    // The events that a key's use caused were committed with it, at the same time.
    selectSeqBefore: prepare<{ seq: number | null }>(
      query
        .selectFrom('submission')
        .innerJoin('job', 'job.id', 'submission.job_id')
        .innerJoin('journal', 'journal.job', 'job.num')
        .select(
          sql<number | null>`max(journal.seq + json_array_length(journal.emitted) - 1)`.as('seq'),
        )
        .where('submission.key', '=', bound)
        .whereRef('journal.at', '<', 'submission.at')
        .where('journal.emitted', '<>', sql.lit('[]')),
    ),
  };
}

/** The draft that a person was shown is being changed: they still have the word. */
const isRevising = sql<boolean>`(job.state = 'confirm-draft' and job.snapshot is null and
  (select value from journal where journal.job = job.num order by n desc limit 1) =
    '{"confirm-draft":"revising"}')`;

/** What is open in a conversation. */
export function prepareConversationReads(database: Database) {
  const { query } = database;
  const prepare = preparer(database);
  return {
    selectRunning: prepare<{ id: string }>(
      query
        .selectFrom('job')
        .select('id')
        .where('conversation', '=', bound)
        .where('ended_at', 'is', null)
        .where('snapshot', 'is', null)
        .where(isRevising, 'is not', sql.lit(true))
        .orderBy('num')
        .limit(sql.lit(1)),
    ),
    selectWaiting: prepare<{ id: string }>(
      query
        .selectFrom('job')
        .select('id')
        .where('conversation', '=', bound)
        .where('ended_at', 'is', null)
        .where((job) => job.or([job('snapshot', 'is not', null), isRevising]))
        .orderBy('num', 'desc')
        .limit(sql.lit(1)),
    ),
  };
}

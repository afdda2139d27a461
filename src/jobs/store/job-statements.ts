/**
 * The statements of the hot path. Each is compiled by Kysely once, so that it is checked against the schema, and then
 * runs as a prepared statement (4 µs a row, instead of 50 to 70 µs for `execute()`).
 */
import { sql } from 'kysely';
import { confirmState } from '#machines/job-states';
import type { Database } from '#storage/database';
import type { OpenJob } from '../job-store-port.ts';
import { param, statementCompiler } from '#storage/compile-statement';
import type { JobRow, JournalRecord, LatestJobRow } from './job-rows.ts';

// As in the view `job_now`, which fails as a whole when one row holds no JSON: one damaged row must not stop all.
const stateIn = sql<string | null>`case
  when not json_valid(journal.value) then null
  when journal.value like '{%' then (select key from json_each(journal.value) limit 1)
  else json_extract(journal.value, '$')
end`.as('state');
const lastSeqIn = sql<number>`journal.seq - 1 +
  case when json_valid(journal.emitted) then json_array_length(journal.emitted) else 1 end`.as(
  'seq',
);

/** Rows of one insert statement in a large batch: a call costs as much as half a row. More than 8 gain nothing. */
export const rowsAtOnce = 8;

const journalRow = {
  job: param,
  n: param,
  at: param,
  event: param,
  value: param,
  seq: param,
  emitted: param,
};

/** In the order in which the store binds them. */
const headColumns = {
  state: param,
  outcome: param,
  reply: param,
  n: param,
  seq: param,
  snapshot: param,
  wake_at: param,
  updated_at: param,
  ended_at: param,
};

export function prepareWrites(database: Database) {
  const { query } = database;
  const compile = statementCompiler(database);
  return {
    insertJob: compile(
      query.insertInto('job').values({
        id: param,
        user_id: param,
        channel: param,
        conversation: param,
        message: param,
        input: param,
        machine_version: param,
        created_at: param,
        ...headColumns,
      }),
    ),
    updateJob: compile(
      query
        .updateTable('job')
        .set({ ...headColumns, machine_version: param })
        .where('num', '=', param),
    ),
    insertRow: compile(query.insertInto('journal').values(journalRow)),
    insertRows: compile(
      query.insertInto('journal').values(Array.from({ length: rowsAtOnce }, () => journalRow)),
    ),
    insertKey: compile(
      query.insertInto('submission').values({ key: param, job_id: param, at: param }),
    ),
  };
}

export function prepareReads(database: Database) {
  const { query } = database;
  const compile = statementCompiler(database);
  return {
    selectJob: compile<JobRow>(query.selectFrom('job').selectAll().where('id', '=', param)),
    selectNow: compile<LatestJobRow>(
      query
        .selectFrom('journal')
        .select(['n', 'at as updated_at', stateIn, lastSeqIn])
        .where('job', '=', param)
        .orderBy('n', 'desc')
        .limit(sql.lit(1)),
    ),
    selectOpen: compile<OpenJob>(
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
    selectDue: compile<{ id: string }>(
      query.selectFrom('job').select('id').where('wake_at', '<=', param).orderBy('wake_at'),
    ),
    selectWake: compile<{ at: number | null }>(
      query
        .selectFrom('job')
        .select((row) => row.fn.min('wake_at').as('at'))
        .where('wake_at', '>', param),
    ),
    selectLastAt: compile<{ at: number }>(
      query.selectFrom('journal').select('at').orderBy('pos', 'desc').limit(sql.lit(1)),
    ),
    selectRows: compile<JournalRecord>(
      query
        .selectFrom('journal')
        .select(['n', 'at', 'event', 'value', 'seq', 'emitted'])
        .where('job', '=', param)
        .where('n', '>', param)
        .orderBy('n')
        .limit(param),
    ),
    ...prepareKeyReads(database),
  };
}

function prepareKeyReads(database: Database) {
  const { query } = database;
  const compile = statementCompiler(database);
  return {
    selectKey: compile<{ job_id: string }>(
      query.selectFrom('submission').select('job_id').where('key', '=', param),
    ),
    // The events that the use of a key caused were committed with the key, at the same time.
    selectSeqBefore: compile<{ seq: number | null }>(
      query
        .selectFrom('submission')
        .innerJoin('job', 'job.id', 'submission.job_id')
        .innerJoin('journal', 'journal.job', 'job.num')
        .select(
          sql<number | null>`max(journal.seq + json_array_length(journal.emitted) - 1)`.as('seq'),
        )
        .where('submission.key', '=', param)
        .whereRef('journal.at', '<', 'submission.at')
        .where('journal.emitted', '<>', sql.lit('[]')),
    ),
  };
}

/** The draft that the user saw is being changed: the user's next message still goes to this job. */
const isRevising = sql<boolean>`(job.state = ${sql.lit(confirmState)} and job.snapshot is null and
  (select value from journal where journal.job = job.num order by n desc limit 1) =
    ${sql.lit(JSON.stringify({ [confirmState]: 'revising' }))})`;

/** Open jobs of a conversation. */
export function prepareConversationReads(database: Database) {
  const { query } = database;
  const compile = statementCompiler(database);
  return {
    selectRunning: compile<{ id: string }>(
      query
        .selectFrom('job')
        .select('id')
        .where('conversation', '=', param)
        .where('ended_at', 'is', null)
        .where('snapshot', 'is', null)
        .where(isRevising, 'is not', sql.lit(true))
        .orderBy('num')
        .limit(sql.lit(1)),
    ),
    selectWaiting: compile<{ id: string }>(
      query
        .selectFrom('job')
        .select('id')
        .where('conversation', '=', param)
        .where('ended_at', 'is', null)
        .where((job) => job.or([job('snapshot', 'is not', null), isRevising]))
        .orderBy('num', 'desc')
        .limit(sql.lit(1)),
    ),
  };
}

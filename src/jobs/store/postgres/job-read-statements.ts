/** The reads of the journal on PostgreSQL. State and number of events are columns: no statement parses JSON. */
import { sql, type Kysely } from 'kysely';
import { confirmState } from '#machines/job-states';
import type { PreparedStatement } from '#storage/postgres/postgres-database';
import { param, prepared } from '#storage/postgres/prepared-statement';
import type { PostgresSchema } from '#storage/postgres/schema';
import type { OpenJob } from '../../job-store-port.ts';
import type { JobRow, JournalRecord } from '../job-rows.ts';

const one = sql.lit(1);
const lastSeq = sql<number>`journal.seq + journal.events - 1`;

/** A parameter of its own: the partitions. */
const isInPart = sql<boolean>`job.part = any(${param}::smallint[])`;

/** Null unless the job runs. */
interface LastRow {
  last_n: number | null;
  last_at: number;
  last_state: string;
  last_seq: number;
}

export function prepareReads(query: Kysely<PostgresSchema>) {
  return {
    // While a job runs, its last journal row has its state.
    selectJob: prepared<JobRow & LastRow>(
      'select_job',
      query
        .selectFrom('job')
        .leftJoinLateral(
          (last) =>
            last
              .selectFrom('journal')
              .select(['n', 'at', 'state', lastSeq.as('seq')])
              .whereRef('journal.job', '=', 'job.num')
              .where('job.ended_at', 'is', null)
              .where('job.snapshot', 'is', null)
              .orderBy('n', 'desc')
              .limit(one)
              .as('last'),
          (join) => join.onTrue(),
        )
        .selectAll('job')
        .select(['last.n as last_n', 'last.at as last_at'])
        .select(['last.state as last_state', 'last.seq as last_seq'])
        .where('id', '=', param),
    ),
    selectOpen: prepared<OpenJob>(
      'select_open',
      query
        .selectFrom('job')
        .select(['id', 'user_id', 'conversation'])
        .select((job) =>
          job.fn
            .coalesce(
              job
                .selectFrom('journal')
                .select('state')
                .whereRef('journal.job', '=', 'job.num')
                .orderBy('n', 'desc')
                .limit(one),
              'job.state',
            )
            .as('state'),
        )
        .where('ended_at', 'is', null)
        .where('snapshot', 'is', null)
        .where(isInPart)
        .orderBy('num'),
    ),
    selectDue: prepared<{ id: string }>(
      'select_due',
      query
        .selectFrom('job')
        .select('id')
        .where('wake_at', '<=', param)
        .where(isInPart)
        .orderBy('wake_at'),
    ),
    selectWake: prepared<{ at: number | null }>(
      'select_wake',
      query
        .selectFrom('job')
        .select((row) => row.fn.min('wake_at').as('at'))
        .where('wake_at', '>', param)
        .where(isInPart),
    ),
    ...prepareRowReads(query),
  };
}

function prepareRowReads(query: Kysely<PostgresSchema>) {
  return {
    selectLastAt: {
      name: 'select_last_at',
      text: `select max(at) as at from unnest($1::smallint[]) as own (part), lateral (
        select at from journal where journal.part = own.part order by pos desc limit 1) as last`,
    } as PreparedStatement<{ at: number | null }>,
    // No limit is null.
    selectRows: prepared<JournalRecord>(
      'select_rows',
      query
        .selectFrom('journal')
        .select(['n', 'at', 'event', 'value', 'seq', 'emitted'])
        .where('job', '=', param)
        .where('n', '>', param)
        .orderBy('n')
        .limit(param),
    ),
    selectNumbers: prepared<{ id: string; num: number }>(
      'select_numbers',
      query
        .selectFrom('job')
        .select(['id', 'num'])
        .where(sql<boolean>`id = any(${param})`),
    ),
  };
}

export function prepareKeyReads(query: Kysely<PostgresSchema>) {
  return {
    // Who finds its key takes its message for stored. A restarted primary shows rows that its synchronous standby does
    // not have: the lock makes this a transaction that writes, so its end waits for the standby.
    selectKey: prepared<{ job_id: string }>(
      'lock_key',
      query.selectFrom('submission').select('job_id').where('key', '=', param).forKeyShare(),
    ),
    // The events that the use of a key caused were committed with the key, at the same time.
    selectSeqBefore: prepared<{ seq: number | null }>(
      'select_seq_before',
      query
        .selectFrom('submission')
        .innerJoin('job', 'job.id', 'submission.job_id')
        .innerJoin('journal', 'journal.job', 'job.num')
        .select(sql<number | null>`max(${lastSeq})`.as('seq'))
        .where('submission.key', '=', param)
        .whereRef('journal.at', '<', 'submission.at')
        .where('journal.events', '>', sql.lit(0)),
    ),
  };
}

/** The draft that the user saw is being changed: the user's next message still goes to this job. */
const isRevising = sql<boolean>`(job.state = ${sql.lit(confirmState)} and job.snapshot is null and
  coalesce((select value from journal where journal.job = job.num order by n desc limit 1) =
    ${sql.lit(JSON.stringify({ [confirmState]: 'revising' }))}, false))`;

/** Open jobs of a conversation. */
export function prepareConversationReads(query: Kysely<PostgresSchema>) {
  const ofConversation = query
    .selectFrom('job')
    .select('id')
    .where('conversation', '=', param)
    .where('ended_at', 'is', null)
    .limit(one);
  return {
    selectRunning: prepared<{ id: string }>(
      'select_running',
      ofConversation
        .where('snapshot', 'is', null)
        .where(isRevising, 'is not', sql.lit(true))
        .orderBy('num'),
    ),
    selectWaiting: prepared<{ id: string }>(
      'select_waiting',
      ofConversation
        .where((job) => job.or([job('snapshot', 'is not', null), isRevising]))
        .orderBy('num', 'desc'),
    ),
  };
}

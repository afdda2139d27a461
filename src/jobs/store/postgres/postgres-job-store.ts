/** Jobs and their journal on PostgreSQL: the commit of a batch, and the reads that the journal needs. */
import type { Promised } from '#shared/maybe-promise';
import { UnknownCommitError } from '#storage/commit-errors';
import { leaseClaimCount, type PartitionWriter } from '#storage/postgres/partition-writer';
import { partitionOf, partitions } from '#storage/postgres/partition';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import { journalRow, storedJob, withLatestRow } from '../job-rows.ts';
import type { JobChange, JobStorage, StoredJob } from '../../job-store-port.ts';
import { batchArgumentCount, batchArguments, countPositions } from './batch-arguments.ts';
import { prepareConversationReads, prepareKeyReads, prepareReads } from './job-read-statements.ts';

const placeholders = Array.from(
  { length: leaseClaimCount + batchArgumentCount },
  (_, index) => `$${index + 1}`,
);

const commitStatement = {
  name: 'commit_batch',
  text: `select commit_batch(${placeholders.join(', ')}) as nums`,
};

/** Of a read: callers of messages wait for it, as long as for a commit in doubt at most. */
const answerTimeoutMs = 8_000;

/** Numbers of the new jobs, in their order. */
interface CommitAnswer {
  nums: (number | string)[];
}

/**
 * `commit` is durable when it resolves. It rejects with GH_STORE_UNAVAILABLE, GH_STORE_REJECTED or `FencedError` when nothing
 * was written, and with `UnknownCommitError` when that is not known.
 */
export function createPostgresJobStore(
  database: PostgresDatabase,
  writer: PartitionWriter,
): Promised<JobStorage> {
  const { query } = database;
  const reads = {
    ...prepareReads(query),
    ...prepareKeyReads(query),
    ...prepareConversationReads(query),
  };
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () =>
      database.run(statement, values, answerTimeoutMs),
    );
  const first = async <Row>(
    statement: PreparedStatement<Row>,
    ...values: unknown[]
  ): Promise<Row | undefined> => (await all(statement, ...values))[0];

  /** The numbers of new jobs whose commit had no answer. */
  const readNumbers = async (created: readonly JobChange[]): Promise<CommitAnswer> => {
    const rows = await all(
      reads.selectNumbers,
      created.map(({ jobId }) => jobId),
    );
    const numbers = new Map(rows.map(({ id, num }) => [id, num]));
    return { nums: created.map(({ jobId }) => numbers.get(jobId)!) };
  };

  const find = async (jobId: string): Promise<StoredJob | null> => {
    const found = await first(reads.selectJob, jobId);
    if (found === undefined) return null;
    const { last_n: n, last_seq: seq, last_at: at, last_state: state } = found;
    return storedJob(
      withLatestRow(found, n === null ? undefined : { n, seq, updated_at: at, state }),
    );
  };
  const ownParts = (): number[] =>
    Array.from({ length: partitions }, (_, part) => part).filter((part) => writer.holds(part));
  const findFirst = ([row]: readonly { id: string }[]): Promise<StoredJob | null> | null =>
    row === undefined ? null : find(row.id);

  return {
    commit: (changes) => commit(writer, changes, readNumbers),
    find: (jobId) => find(storableText(jobId)),
    async rows(num, part) {
      const rows = await all(reads.selectRows, num, part?.afterN ?? 0, part?.limit ?? null);
      return rows.map(journalRow);
    },
    partitionOf,
    owns: (partition) => writer.holds(partition),
    openJobs: (parts = ownParts()) => all(reads.selectOpen, parts),
    dueJobs: async (now) => (await all(reads.selectDue, now, ownParts())).map(({ id }) => id),
    nextWakeAt: async (now) => (await first(reads.selectWake, now, ownParts()))?.at ?? null,
    lastCommitAt: async (parts = ownParts()) => (await first(reads.selectLastAt, parts))?.at ?? 0,
    async jobOfKey(key) {
      const jobId = (await first(reads.selectKey, storableText(key)))?.job_id;
      if (jobId === undefined) return null;
      const before = await first(reads.selectSeqBefore, storableText(key));
      return { jobId, seqBefore: before?.seq ?? 0 };
    },
    runningJob: async (conversation) =>
      findFirst(await all(reads.selectRunning, storableText(conversation))),
    waitingJob: async (conversation) =>
      findFirst(await all(reads.selectWaiting, storableText(conversation))),
  };
}

async function commit(
  writer: PartitionWriter,
  changes: readonly JobChange[],
  readNumbers: (created: readonly JobChange[]) => Promise<CommitAnswer>,
): Promise<void> {
  if (changes.length === 0) return;
  const created = changes.filter((change) => change.created !== null);
  const setNumbers = (answer: CommitAnswer | null): void => {
    for (const [index, change] of created.entries()) change.num = Number(answer?.nums[index]);
  };
  let answer: CommitAnswer | null;
  try {
    answer = await writer.write<CommitAnswer>({
      counts: countPositions(changes),
      statement: commitStatement,
      values: (claims, before) => [...claims, ...batchArguments(changes, before)],
      readAnswer: () => readNumbers(created),
    });
  } catch (error) {
    if (!(error instanceof UnknownCommitError)) throw error;
    const settled = (error.settled as Promise<CommitAnswer>).then(setNumbers);
    settled.catch(() => undefined);
    throw new UnknownCommitError(settled);
  }
  setNumbers(answer);
}

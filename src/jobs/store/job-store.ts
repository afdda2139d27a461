/** Jobs and their journal on disk: the commit of a batch, and the reads that the journal needs. */
import { GatehouseError } from '#shared/errors';
import type { Database } from '#storage/database';
import { rejectedError } from '#storage/commit-errors';
import { guardStorage } from '#storage/guard-storage';
import type { SameTick } from '#shared/maybe-promise';
import {
  prepareConversationReads,
  prepareReads,
  prepareWrites,
  rowsAtOnce,
} from './job-statements.ts';
import { inputText, journalRow, storedJob, withLatestRow } from './job-rows.ts';
import type { JobChange, JobHead, JobStorage, NewJob, StoredJob } from '../job-store-port.ts';

/** A negative limit means no limit. */
const wholeJournal = { afterN: 0, limit: -1 };

export function createJobStore(database: Database): SameTick<JobStorage> {
  const writes = prepareWrites(database);
  const reads = { ...prepareReads(database), ...prepareConversationReads(database) };

  const writeAll = database.connection.transaction((changes: readonly JobChange[]) => {
    for (const change of changes) writeJob(change, writes);
    writeRows(changes.flatMap(rowsOf), writes);
  });

  const find = (jobId: string): StoredJob | null => {
    const row = guardRead(() => {
      const found = reads.selectJob.get(jobId);
      // While a job runs, its last journal row has its state.
      const isRunning = found?.ended_at === null && found.snapshot === null;
      return found && withLatestRow(found, isRunning ? reads.selectNow.get(found.num) : undefined);
    });
    return row === undefined ? null : storedJob(row);
  };
  const findFirst = (ids: { id: string } | undefined): StoredJob | null =>
    ids === undefined ? null : find(ids.id);

  return {
    commit: (changes) =>
      guardStorage('The message could not be stored', () => {
        database.ensureInPlace();
        try {
          writeAll.immediate(changes);
        } catch (error) {
          throw isRejection(error) ? rejectedError(error) : error;
        }
      }),
    partitionOf: () => 0,
    owns: () => true,
    find,
    rows: (num, part = wholeJournal) =>
      guardRead(() => reads.selectRows.all(num, part.afterN, part.limit)).map(journalRow),
    openJobs: () => guardRead(() => reads.selectOpen.all()),
    dueJobs: (now) => guardRead(() => reads.selectDue.all(now).map((row) => row.id)),
    nextWakeAt: (now) => guardRead(() => reads.selectWake.get(now)?.at ?? null),
    lastCommitAt: () => guardRead(() => reads.selectLastAt.get()?.at ?? 0),
    jobOfKey: (key) =>
      guardRead(() => {
        const jobId = reads.selectKey.get(key)?.job_id;
        if (jobId === undefined) return null;
        return { jobId, seqBefore: reads.selectSeqBefore.get(key)?.seq ?? 0 };
      }),
    runningJob: (conversation) => findFirst(guardRead(() => reads.selectRunning.get(conversation))),
    waitingJob: (conversation) => findFirst(guardRead(() => reads.selectWaiting.get(conversation))),
  };
}

/** The data themselves are at fault: a constraint or a limit of SQLite, or a value that is no text. */
const isRejection = (error: unknown): boolean =>
  /^SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test((error as { code?: string }).code ?? '') ||
  ((error instanceof RangeError || error instanceof TypeError) && !/database/.test(error.message));

/** A damaged page stays damaged; all other errors of SQLite may be temporary. */
function guardRead<Value>(read: () => Value): Value {
  return guardStorage('The database cannot be read', () => {
    try {
      return read();
    } catch (error) {
      if ((error as { code?: string }).code?.startsWith('SQLITE_CORRUPT') !== true) throw error;
      throw new GatehouseError('GH_STORE_CORRUPT', undefined, { cause: error });
    }
  });
}

type Writes = ReturnType<typeof prepareWrites>;

function writeJob(change: JobChange, statements: Writes): void {
  const { created, head } = change;
  if (created !== null) change.num = insert(change, created, head!, statements);
  else if (head !== null)
    statements.updateJob.run(...headValues(head), change.machineVersion, change.num);
  for (const key of change.keys) statements.insertKey.run(key, change.jobId, change.at);
}

/** In the given order: the relay publishes the rows in this order. */
function writeRows(rows: unknown[][], { insertRow, insertRows }: Writes): void {
  const single = rows.length % rowsAtOnce;
  for (const row of rows.slice(0, single)) insertRow.run(...row);
  for (let from = single; from < rows.length; from += rowsAtOnce) {
    insertRows.run(...rows.slice(from, from + rowsAtOnce).flat());
  }
}

const rowsOf = ({ num, rows }: JobChange): unknown[][] =>
  rows.map((row) => [
    num,
    row.n,
    row.at,
    JSON.stringify(row.event),
    JSON.stringify(row.value),
    row.seq,
    JSON.stringify(row.emitted),
  ]);

function insert(
  { machineVersion }: JobChange,
  created: NewJob,
  head: JobHead,
  statements: Writes,
): number {
  const { input } = created;
  const { lastInsertRowid } = statements.insertJob.run(
    created.id,
    input.userId,
    input.channel,
    created.conversation,
    input.message,
    inputText(created),
    machineVersion,
    created.createdAt,
    ...headValues(head),
  );
  return Number(lastInsertRowid);
}

const headValues = (head: JobHead): unknown[] => [
  head.state,
  head.outcome,
  head.reply,
  head.n,
  head.seq,
  head.snapshot,
  head.wakeAt,
  head.updatedAt,
  head.endedAt,
];

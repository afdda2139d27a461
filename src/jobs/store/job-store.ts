/** Jobs and their journal on disk: the commit of a batch, and the reads that the journal needs. */
import type { JobInput } from '#machines/job-types';
import { localeOf } from '#machines/texts';
import { GatehouseError } from '#shared/errors';
import type { Database } from '#storage/database';
import { guardStorage } from '#storage/guard-storage';
import {
  prepareConversationReads,
  prepareReads,
  prepareWrites,
  rowsAtOnce,
  type LatestJobRow,
  type JobRow,
  type JournalRecord,
} from './job-statements.ts';
import type {
  JobChange,
  JobHead,
  JobStorage,
  JournalEvent,
  JournalRow,
  NewJob,
  StoredJob,
} from '../job-store-port.ts';

/** A negative limit means no limit. */
const wholeJournal = { afterN: 0, limit: -1 };

export function createJobStore(database: Database): JobStorage {
  const writes = prepareWrites(database);
  const reads = { ...prepareReads(database), ...prepareConversationReads(database) };

  const writeAll = database.connection.transaction((changes: readonly JobChange[]) => {
    for (const change of changes) writeJob(change, writes);
    writeRows(changes.flatMap(rowsOf), writes);
  });

  return {
    commit: (changes) =>
      guardStorage('The message could not be stored', () => {
        database.ensureInPlace();
        writeAll.immediate(changes);
      }),
    find(jobId) {
      const row = guardRead(() => {
        const found = reads.selectJob.get(jobId);
        // While a job runs, its last journal row has its state.
        const isRunning = found?.ended_at === null && found.snapshot === null;
        return (
          found && withLatestRow(found, isRunning ? reads.selectNow.get(found.num) : undefined)
        );
      });
      return row === undefined ? null : storedJob(row);
    },
    rows: (num, part = wholeJournal) =>
      guardRead(() => reads.selectRows.all(num, part.afterN, part.limit)).map(journalRow),
    openJobs: () => guardRead(() => reads.selectOpen.all()),
    dueJobs: (now) => guardRead(() => reads.selectDue.all(now).map((row) => row.id)),
    nextWakeAt: (now) => guardRead(() => reads.selectWake.get(now)?.at ?? null),
    jobOfKey: (key) => guardRead(() => reads.selectKey.get(key)?.job_id ?? null),
    seqBeforeKey: (key) => guardRead(() => reads.selectSeqBefore.get(key)?.seq ?? 0),
    runningJob: (conversation) =>
      guardRead(() => reads.selectRunning.get(conversation)?.id ?? null),
    waitingJob: (conversation) =>
      guardRead(() => reads.selectWaiting.get(conversation)?.id ?? null),
  };
}

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
    // The message has a column of its own.
    JSON.stringify({ ...input, message: undefined }),
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

function journalRow(row: JournalRecord): JournalRow {
  const { n, at, seq } = row;
  try {
    return {
      n,
      at,
      event: JSON.parse(row.event) as JournalEvent,
      value: JSON.parse(row.value) as unknown,
      seq,
      emitted: JSON.parse(row.emitted) as JournalRow['emitted'],
    };
  } catch (error) {
    throw new GatehouseError('GH_STORE_CORRUPT', `row ${n} cannot be read`, { cause: error });
  }
}

const withLatestRow = (row: JobRow, now: LatestJobRow | undefined): JobRow =>
  now === undefined ? row : { ...row, ...now, state: now.state ?? row.state };

/** The submitted input; when it cannot be read, only what the other columns hold. */
function inputOf(row: JobRow): Pick<StoredJob, 'input' | 'isDamaged'> {
  const { id, user_id: userId, channel, message } = row;
  try {
    return { input: { ...(JSON.parse(row.input) as JobInput), message }, isDamaged: false };
  } catch {
    const rest = { locale: localeOf(message), limits: {} as JobInput['limits'] };
    return { input: { jobId: id, userId, channel, message, ...rest }, isDamaged: true };
  }
}

const storedJob = (row: JobRow): StoredJob => ({
  num: row.num,
  id: row.id,
  conversation: row.conversation,
  ...inputOf(row),
  machineVersion: row.machine_version,
  createdAt: row.created_at,
  head: {
    state: row.state,
    outcome: row.outcome,
    reply: row.reply,
    n: row.n,
    seq: row.seq,
    snapshot: row.snapshot,
    wakeAt: row.wake_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
  },
});

/**
 * Jobs and their journal on disk: the commit of a turn, and the reads that the journal needs.
 */
import type { JobInput } from '../../machines/job-types.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Database } from './database.ts';
import {
  prepareConversationReads,
  prepareReads,
  prepareWrites,
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
} from './job-storage.ts';

export function createJobStore(database: Database): JobStorage {
  const writes = prepareWrites(database);
  const reads = { ...prepareReads(database), ...prepareConversationReads(database) };

  const writeAll = database.connection.transaction((changes: Iterable<JobChange>) => {
    for (const change of changes) write(change, writes);
  });

  return {
    commit: (changes) =>
      orUnavailable('The message could not be stored', () => writeAll.immediate(changes)),
    find: (jobId) =>
      reading(() => {
        const row = reads.selectJob.get(jobId);
        if (row === undefined) return null;
        return storedJob({ ...row, ...reads.selectNow.get(row.num) });
      }),
    rows: (num) => reading(() => reads.selectRows.all(num).map(journalRow)),
    openJobs: () => reading(() => reads.selectOpen.all()),
    dueJobs: (now) => reading(() => reads.selectDue.all(now).map((row) => row.id)),
    nextWakeAt: (now) => reading(() => reads.selectWake.get(now)?.at ?? null),
    jobOfKey: (key) => reading(() => reads.selectKey.get(key)?.job_id ?? null),
    seqBeforeKey: (key) => reading(() => reads.selectSeqBefore.get(key)?.seq ?? 0),
    runningJob: (conversation) => reading(() => reads.selectRunning.get(conversation)?.id ?? null),
    waitingJob: (conversation) => reading(() => reads.selectWaiting.get(conversation)?.id ?? null),
  };
}

const reading = <Value>(read: () => Value): Value =>
  orUnavailable('The database cannot be read', read);

/** SQLite's own errors are the disk's: they may pass, and must not be taken for a fault of the job. */
function orUnavailable<Value>(what: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw new GatehouseError('GH_STORE_UNAVAILABLE', what, { cause: error });
  }
}

function write(change: JobChange, statements: ReturnType<typeof prepareWrites>): void {
  const { created, head } = change;
  if (created !== null) change.num = insert(change, created, head!, statements);
  else if (head !== null)
    statements.updateJob.run(...headValues(head), change.machineVersion, change.num);
  for (const row of change.rows) {
    statements.insertRow.run(
      change.num,
      row.n,
      row.at,
      JSON.stringify(row.event),
      JSON.stringify(row.value),
      row.seq,
      JSON.stringify(row.emitted),
    );
  }
  for (const key of change.keys) statements.insertKey.run(key, change.jobId, change.at);
}

function insert(
  { machineVersion }: JobChange,
  created: NewJob,
  head: JobHead,
  statements: ReturnType<typeof prepareWrites>,
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

const journalRow = (row: JournalRecord): JournalRow => ({
  n: row.n,
  at: row.at,
  event: JSON.parse(row.event) as JournalEvent,
  value: JSON.parse(row.value) as unknown,
  seq: row.seq,
  emitted: JSON.parse(row.emitted) as JournalRow['emitted'],
});

const storedJob = (row: JobRow): StoredJob => ({
  num: row.num,
  id: row.id,
  conversation: row.conversation,
  input: { ...(JSON.parse(row.input) as JobInput), message: row.message },
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

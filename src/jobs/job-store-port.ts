/** Storage port for jobs and their journal: nothing here names SQL. */
import type { JobEmitted, JobInput } from '#machines/job-types';
import type { MaybePromise } from '#shared/maybe-promise';

/** One machine event of one job, and the state events that it caused. */
export interface JournalRow {
  n: number;
  /** Epoch ms. */
  at: number;
  event: JournalEvent;
  /** State value after the event: a string or nested objects, as XState has it. */
  value: unknown;
  /** `seq` of the first event in `emitted`. */
  seq: number;
  emitted: JobEmitted[];
}

export interface JournalEvent {
  type: string;
  [field: string]: unknown;
}

/** The job row as of its last journal row. */
export interface JobHead {
  state: string;
  outcome: string | null;
  reply: string | null;
  n: number;
  seq: number;
  /** JSON; null unless the job is parked. */
  snapshot: string | null;
  wakeAt: number | null;
  updatedAt: number;
  endedAt: number | null;
}

export interface NewJob {
  id: string;
  conversation: string;
  input: JobInput;
  /** Epoch ms. */
  createdAt: number;
}

/** All changes of one batch to one job. */
export interface JobChange {
  jobId: string;
  /** Owner of the job. */
  userId: string;
  /** Number of the stored job; null for a new one, and set by the commit. */
  num: number | null;
  /** Version of the machine that made `rows` and `head`. */
  machineVersion: number;
  /** Null unless the job is new. */
  created: NewJob | null;
  rows: JournalRow[];
  /** Null while the job only continues: its rows have its state. */
  head: JobHead | null;
  at: number;
  /** Idempotency keys that this change uses up. */
  keys: string[];
}

export interface StoredJob {
  num: number;
  id: string;
  conversation: string;
  input: JobInput;
  /** Its input could not be read: `input` is filled from the other columns, without limits. The job cannot continue. */
  isDamaged: boolean;
  machineVersion: number;
  createdAt: number;
  head: JobHead;
}

export interface OpenJob {
  id: string;
  user_id: string;
  conversation: string;
  state: string;
}

export interface KeyedJob {
  jobId: string;
  /** The job's last `seq` before the key was used for it; 0 when the key opened the job. */
  seqBefore: number;
}

/** A call that fails throws, or rejects, alike. */
export interface JobStorage {
  /**
   * Writes all changes in one transaction, durable when it returns or resolves. Sets `num` of new jobs. The journal
   * calls it once at a time.
   * @throws UnknownCommitError when it is not known whether it was written. Otherwise nothing was written:
   * GH_STORE_UNAVAILABLE when a repeat may succeed, GH_STORE_REJECTED when the data of one change at least cannot be
   * stored, FencedError when another process owns one of the partitions.
   */
  commit(changes: readonly JobChange[]): MaybePromise<void>;
  /** All jobs of a user are in one partition. */
  partitionOf(userId: string): number;
  /** Whether this process owns the partition: only then its jobs are run, and its changes committed. */
  owns(partition: number): boolean;
  /** @throws GH_STORE_CORRUPT when the job's row is on a damaged page */
  find(jobId: string): MaybePromise<StoredJob | null>;
  /**
   * Rows of the job, in order. `part`: only those after the row `afterN`, at most `limit`.
   * @throws GH_STORE_CORRUPT when one of them cannot be read
   */
  rows(num: number, part?: { afterN: number; limit: number }): MaybePromise<JournalRow[]>;
  /** Open jobs of these partitions (of all that are owned) that are not parked, in order of acceptance. */
  openJobs(parts?: readonly number[]): MaybePromise<OpenJob[]>;
  /** Ids of parked jobs of the owned partitions whose wake-up time has come, earliest first. */
  dueJobs(now: number): MaybePromise<string[]>;
  /** The next time after `now` at which a parked job of the owned partitions must be woken. */
  nextWakeAt(now: number): MaybePromise<number | null>;
  /** Time of the last row of these partitions (of all that are owned), epoch ms; 0 without rows. */
  lastCommitAt(parts?: readonly number[]): MaybePromise<number>;
  /** The job for which an idempotency key was used; null if the key is new. */
  jobOfKey(key: string): MaybePromise<KeyedJob | null>;
  /** The oldest open job of the conversation that `waitingJob` excludes: the running job, or the next one. */
  runningJob(conversation: string): MaybePromise<StoredJob | null>;
  /** The newest job of the conversation whose draft waits for the user, or is being changed at the user's request. */
  waitingJob(conversation: string): MaybePromise<StoredJob | null>;
}

/**
 * Jobs and their journal as the rest of the system sees them on disk: nothing here names SQL.
 */
import type { JobEmitted, JobInput } from '../../machines/job-types.ts';

/** One machine event of one job, and what the world was told because of it. */
export interface JournalRow {
  n: number;
  /** Epoch ms. */
  at: number;
  event: JournalEvent;
  /** State value after the event: a string or nested objects, as XState has it. */
  value: unknown;
  /** `seq` of the first of `emitted`. */
  seq: number;
  emitted: JobEmitted[];
}

export interface JournalEvent {
  type: string;
  [field: string]: unknown;
}

/** The job row as of the last of its rows. */
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
  createdAt: number;
}

/** All that one turn changed of one job. */
export interface JobChange {
  jobId: string;
  /** Number of the stored job; null for a new one, and set by the commit. */
  num: number | null;
  /** Of the machine that made `rows` and `head`. */
  machineVersion: number;
  /** Present for a new job. */
  created: NewJob | null;
  rows: JournalRow[];
  /** Null where the job only went on: its rows say how. */
  head: JobHead | null;
  at: number;
  /** Idempotency keys that are used up by this change. */
  keys: string[];
}

export interface StoredJob {
  num: number;
  id: string;
  conversation: string;
  input: JobInput;
  /** Its input could not be read: `input` has what the other columns know, and no limits. It cannot go on. */
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

export interface JobStorage {
  /** Writes all changes in one transaction, durable when it returns. Sets `num` of new jobs. @throws when nothing was written. */
  commit(changes: readonly JobChange[]): void;
  /** @throws GH_STORE_CORRUPT when the job's row is on a damaged page. */
  find(jobId: string): StoredJob | null;
  /** @throws GH_STORE_CORRUPT when one of them cannot be read. In order. Of a part: those after the row `afterN`, and no more than `limit`. */
  rows(num: number, part?: { afterN: number; limit: number }): JournalRow[];
  /** Open jobs that are not parked, in order of acceptance. */
  openJobs(): OpenJob[];
  /** Parked jobs whose time has come, earliest first. */
  dueJobs(now: number): string[];
  /** The next time after `now` at which a parked job must be woken. */
  nextWakeAt(now: number): number | null;
  /** The job that an idempotency key was used for. */
  jobOfKey(key: string): string | null;
  /** The job's last `seq` before the key was used for it: 0 where the key opened the job. */
  seqBeforeKey(key: string): number;
  /** The oldest open job of the conversation that is nothing for `waitingJob`: the one that runs, or is next. */
  runningJob(conversation: string): string | null;
  /** The newest job of the conversation whose draft waits for a word, or is being changed after one. */
  waitingJob(conversation: string): string | null;
}

/**
 * The jobs in memory. A job is loaded when an event for it arrives and evicted when it ends or parks. A job that is not
 * in memory is complete on disk.
 *
 * A1: a job is loaded once at a time: who asks meanwhile gets the same job.
 */
import { logFieldsOf } from '#shared/wire/trace';
import { GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import type { Log } from '#shared/log';
import { jobMachineVersion } from '#machines/job';
import { settle, type MaybePromise } from '#shared/maybe-promise';
import { FencedError } from '#storage/commit-errors';
import type { JobStorage, JournalRow, NewJob, StoredJob } from '../job-store-port.ts';
import {
  createState,
  isEquivalentTransition,
  replay,
  deserializeParked,
  type JobRuntimeState,
} from './job-runtime-state.ts';
import type { JobMachineRunner } from './job-machine-runner.ts';

export interface ActiveJob extends Readonly<NewJob> {
  /** Null until its first commit. */
  num: number | null;
  state: JobRuntimeState;
  /** Set when the stored job could not be restored: the next event, of any type, ends it with a visible error (P1). */
  readonly restoreError: ErrorCode | null;
}

export interface ActiveJobCache {
  add(job: ActiveJob): void;
  evict(jobId: string): void;
  get(jobId: string): ActiveJob | undefined;
  /**
   * @returns null when the job has ended, never existed or its row is damaged. Throws or rejects only when the database
   * fails, and with FencedError when another process owns the job's partition. Events of one job that wait for its load are continued in the order in which they asked.
   */
  load(jobId: string): MaybePromise<ActiveJob | null>;
  all(): Iterable<ActiveJob>;
  readonly size: number;
}

export function createActiveJobCache(
  storage: JobStorage,
  machine: JobMachineRunner,
  log: Log,
): ActiveJobCache {
  const jobs = new Map<string, ActiveJob>();
  const loading = new Map<string, Promise<ActiveJob | null>>();

  const load = (jobId: string): MaybePromise<ActiveJob | null> =>
    settle(
      () => storage.find(jobId),
      (stored) => {
        if (stored === null || stored.head.endedAt !== null) return null;
        // A parked job is restored from its snapshot; any other from its rows.
        if (stored.isDamaged || hasUsableSnapshot(stored)) return keep(stored, null);
        return settle(
          () => storage.rows(stored.num),
          (rows) => keep(stored, rows),
          (error) => keepDamaged(stored, assertDamage(error)),
        );
      },
      (error) => {
        // A job whose own row is damaged cannot be written: it counts as not existing, and does not block other jobs.
        if (!isDamage(error)) throw error;
        log.error({ ...logFieldsOf(jobId), error: messageOf(error.cause) }, 'job is lost');
        return null;
      },
    );

  /** @param rows null for a job that is restored without them */
  const keep = (stored: StoredJob, rows: JournalRow[] | null): ActiveJob => {
    ensureOwned(storage, stored.input.userId);
    try {
      return add(stored, restore(machine, stored, rows), null);
    } catch (error) {
      return keepDamaged(stored, error);
    }
  };

  const keepDamaged = (stored: StoredJob, error: unknown): ActiveJob => {
    const who = logFieldsOf(stored.id, stored.input.traceparent);
    log.error({ ...who, error: messageOf(error) }, 'job cannot be resumed');
    const { n, seq } = stored.head;
    const { state } = createState(machine, stored.input, stored.createdAt);
    const empty = { ...state, rowNumber: n, seq, effects: [], timers: [] };
    return add(stored, empty, isDamage(error) ? 'GH_STORE_CORRUPT' : 'GH_JOB_VERSION');
  };

  const add = (
    { id, num, conversation, input, createdAt }: StoredJob,
    state: JobRuntimeState,
    restoreError: ErrorCode | null,
  ): ActiveJob => {
    const job = { id, num, conversation, input, createdAt, state, restoreError };
    jobs.set(id, job);
    return job;
  };

  return {
    add: (job) => void jobs.set(job.id, job),
    evict: (jobId) => void jobs.delete(jobId),
    get: (jobId) => jobs.get(jobId),
    all: () => jobs.values(),
    load(jobId) {
      const known = jobs.get(jobId) ?? loading.get(jobId);
      if (known !== undefined) return known;
      const loaded = load(jobId);
      if (!(loaded instanceof Promise)) return loaded;
      const pending = loaded.finally(() => loading.delete(jobId));
      loading.set(jobId, pending);
      return pending;
    },
    get size() {
      return jobs.size;
    },
  };
}

/** @throws FencedError when another process owns the partition of this user */
export function ensureOwned(storage: JobStorage, userId: string): void {
  const partition = storage.partitionOf(userId);
  if (!storage.owns(partition)) throw new FencedError([partition]);
}

const isDamage = (error: unknown): error is GatehouseError =>
  error instanceof GatehouseError && error.code === 'GH_STORE_CORRUPT';

/** @throws the error of a database that fails: the job can be read later */
function assertDamage(error: unknown): GatehouseError {
  if (isDamage(error)) return error;
  throw error;
}

const hasUsableSnapshot = ({ head, machineVersion }: StoredJob): boolean =>
  head.snapshot !== null && machineVersion === jobMachineVersion;

/** @throws Error if the stored job cannot be restored */
function restore(
  machine: JobMachineRunner,
  stored: StoredJob,
  rows: JournalRow[] | null,
): JobRuntimeState {
  if (stored.isDamaged) throw new GatehouseError('GH_STORE_CORRUPT', 'its input cannot be read');
  if (rows !== null) return replay(machine, stored.input, rows, { isSame: isEquivalentTransition });
  const { snapshot, n, seq } = stored.head;
  return deserializeParked(machine, snapshot!, { rowNumber: n, seq });
}

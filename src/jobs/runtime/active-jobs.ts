/**
 * The jobs in memory. A job is loaded when an event for it arrives and evicted when it ends or parks. A job that is not
 * in memory is complete on disk.
 */
import { logFieldsOf } from '#shared/wire/trace';
import { GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import type { Log } from '#shared/log';
import { jobMachineVersion } from '#machines/job';
import type { JobStorage, NewJob, StoredJob } from '../job-store-port.ts';
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
   * @returns null when the job has ended, never existed or its row is damaged. @throws only when the database fails.
   */
  load(jobId: string): ActiveJob | null;
  readonly size: number;
}

export function createActiveJobCache(
  storage: JobStorage,
  machine: JobMachineRunner,
  log: Log,
): ActiveJobCache {
  const jobs = new Map<string, ActiveJob>();

  const restoreOrReport = (stored: StoredJob): Pick<ActiveJob, 'state' | 'restoreError'> => {
    try {
      return { state: restore(stored), restoreError: null };
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : null;
      if (code === 'GH_STORE_UNAVAILABLE') throw error;
      const who = logFieldsOf(stored.id, stored.input.traceparent);
      log.error({ ...who, error: messageOf(error) }, 'job cannot be resumed');
      const { n, seq } = stored.head;
      const { state } = createState(machine, stored.input, stored.createdAt);
      const restoreError = code === 'GH_STORE_CORRUPT' ? code : 'GH_JOB_VERSION';
      return { state: { ...state, rowNumber: n, seq, effects: [], timers: [] }, restoreError };
    }
  };

  const restore = (stored: StoredJob): JobRuntimeState => {
    const { snapshot, n, seq } = stored.head;
    if (stored.isDamaged) throw new GatehouseError('GH_STORE_CORRUPT', 'its input cannot be read');
    if (snapshot !== null && stored.machineVersion === jobMachineVersion) {
      return deserializeParked(machine, snapshot, { rowNumber: n, seq });
    }
    return replay(machine, stored.input, storage.rows(stored.num), {
      isSame: isEquivalentTransition,
    });
  };

  /** A job whose own row is damaged cannot be written: it is treated as not existing, and does not block other jobs. */
  const findUnlessLost = (jobId: string): StoredJob | null => {
    try {
      return storage.find(jobId);
    } catch (error) {
      if (!(error instanceof GatehouseError) || error.code !== 'GH_STORE_CORRUPT') throw error;
      log.error({ ...logFieldsOf(jobId), error: messageOf(error.cause) }, 'job is lost');
      return null;
    }
  };

  return {
    add: (job) => void jobs.set(job.id, job),
    evict: (jobId) => void jobs.delete(jobId),
    get: (jobId) => jobs.get(jobId),
    load(jobId) {
      const known = jobs.get(jobId);
      if (known !== undefined) return known;
      const stored = findUnlessLost(jobId);
      if (stored === null || stored.head.endedAt !== null) return null;
      const { id, num, conversation, input, createdAt } = stored;
      const job = { id, num, conversation, input, createdAt, ...restoreOrReport(stored) };
      jobs.set(id, job);
      return job;
    },
    get size() {
      return jobs.size;
    },
  };
}

/**
 * The jobs in memory. A job is loaded when an event for it comes and dropped when it ends or parks:
 * what is not here is on disk, complete.
 */
import { logFieldsOf } from '../contract/trace.ts';
import { GatehouseError, messageOf, type ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { JobInput } from '../../machines/job-types.ts';
import type { JobStorage, StoredJob } from '../store/job-storage.ts';
import { begin, isSameCourse, replay, thawParked, type JobState } from './job-state.ts';
import type { PureMachine } from './pure-machine.ts';

export interface ActiveJob {
  readonly id: string;
  /** Null until its first commit. */
  num: number | null;
  readonly conversation: string;
  readonly input: JobInput;
  readonly createdAt: number;
  state: JobState;
  /** Set when the stored job could not be restored: the next event, whatever it is, ends it visibly (P1). */
  readonly fault: ErrorCode | null;
}

/** From a stored machine version to the current one: the frozen machine in, the frozen machine out (J3). */
export type Migrations = Readonly<Record<number, (frozen: string) => string>>;

export interface JobTable {
  add(job: ActiveJob): void;
  drop(jobId: string): void;
  peek(jobId: string): ActiveJob | undefined;
  /** @returns null when the job has ended, never was or is lost. @throws only when the database cannot be read. */
  load(jobId: string): ActiveJob | null;
  readonly size: number;
}

export function createJobTable(options: {
  storage: JobStorage;
  machine: PureMachine;
  machineVersion: number;
  migrations: Migrations;
  log: Log;
}): JobTable {
  const { storage, machine, machineVersion, migrations, log } = options;
  const jobs = new Map<string, ActiveJob>();

  const restored = (stored: StoredJob): Pick<ActiveJob, 'state' | 'fault'> => {
    try {
      return { state: restore(stored), fault: null };
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : null;
      if (code === 'GH_STORE_UNAVAILABLE') throw error;
      const who = logFieldsOf(stored.id, stored.input.traceparent);
      log.error({ ...who, error: messageOf(error) }, 'job cannot be resumed');
      const { n, seq } = stored.head;
      const { state } = begin(machine, stored.input, stored.createdAt);
      const fault = code === 'GH_STORE_CORRUPT' ? code : 'GH_JOB_VERSION';
      return { state: { ...state, n, seq, effects: [], timers: [] }, fault };
    }
  };

  const restore = (stored: StoredJob): JobState => {
    const { snapshot, n, seq } = stored.head;
    if (stored.isDamaged) throw new GatehouseError('GH_STORE_CORRUPT', 'its input cannot be read');
    if (snapshot !== null) {
      const migrate = migrations[stored.machineVersion];
      if (stored.machineVersion === machineVersion)
        return thawParked(machine, snapshot, { n, seq });
      if (migrate !== undefined) return thawParked(machine, migrate(snapshot), { n, seq });
    }
    return replay(machine, stored.input, storage.rows(stored.num), { isSame: isSameCourse });
  };

  /** Nothing can be written of a job whose own row is lost: it is as if it never was, and holds nobody else up. */
  const readable = (jobId: string): StoredJob | null => {
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
    drop: (jobId) => void jobs.delete(jobId),
    peek: (jobId) => jobs.get(jobId),
    load(jobId) {
      const known = jobs.get(jobId);
      if (known !== undefined) return known;
      const stored = readable(jobId);
      if (stored === null || stored.head.endedAt !== null) return null;
      const { id, num, conversation, input, createdAt } = stored;
      const job = { id, num, conversation, input, createdAt, ...restored(stored) };
      jobs.set(id, job);
      return job;
    },
    get size() {
      return jobs.size;
    },
  };
}

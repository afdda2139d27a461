/**
 * A job's journal as frames, from the first row to the last and then on as it grows. It reads what is
 * committed and nothing else: whoever comes back after a loss asks for the rows after the last one seen, so
 * nothing is missed and nothing comes twice.
 */
import { GatehouseError, messageOf } from '../lib/errors.ts';
import {
  advance,
  begin,
  freezeParked,
  headOf,
  type Advance,
  type JobState,
} from '../journal/job-state.ts';
import type { JobStorage, JournalRow, StoredJob } from '../store/job-storage.ts';
import { createTracedMachine, frameOf, type Frame } from './frame.ts';

/** Whether the rows, run again, give what is stored (P4). */
export interface ReplayCheck {
  ok: boolean;
  /** The rows that were run. */
  rows: number;
  /** What differs: fields of the stored job, or `row N`. */
  differs: string[];
}

export interface JobFollower {
  readonly job: StoredJob;
  /** The frames of the rows that came since the last call. Throws only when the database cannot be read. */
  pull(): Frame[];
  check(): ReplayCheck;
  readonly isEnded: boolean;
  /** The job as it was after row `n`, for a look at what might have been; null where there is no such row. */
  stateAt(n: number): JobState | null;
}

type Rows = Pick<JobStorage, 'find' | 'rows'>;

/** @throws GH_JOB_NOT_FOUND */
export function followJob(storage: Rows, jobId: string): JobFollower {
  const found = storage.find(jobId);
  if (found === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
  const job = found;
  const machine = createTracedMachine();
  const states: JobState[] = [];
  const differs: string[] = [];
  let isStuck = false;

  const run = (stored: JournalRow): Frame | null => {
    const before = states.at(-1) ?? null;
    try {
      const step: Advance =
        before === null
          ? begin(machine, job.input, stored.at)
          : advance(machine, before, stored.event, stored.at);
      const frame = frameOf(before, step, machine.taken());
      if (JSON.stringify(step.row) !== JSON.stringify(rowOf(stored)))
        differs.push(`row ${stored.n}`);
      states.push(step.state);
      return frame;
    } catch (error) {
      isStuck = true;
      differs.push(`row ${stored.n}: ${messageOf(error)}`);
      return null;
    }
  };

  return {
    job,
    pull() {
      if (isStuck) return [];
      const fresh = storage.rows(job.num).slice(states.length);
      return fresh.map((row) => (isStuck ? null : run(row))).filter((frame) => frame !== null);
    },
    check() {
      const state = states.at(-1);
      const stored = storage.find(jobId);
      const fields = state === undefined || stored === null ? ['job'] : headDiffers(stored, state);
      const all = [...differs, ...(isStuck ? [] : fields)];
      return { ok: all.length === 0, rows: states.length, differs: all };
    },
    get isEnded() {
      const state = states.at(-1);
      return state !== undefined && (state.broken || state.snapshot.status !== 'active');
    },
    stateAt: (n) => states[n - 1] ?? null,
  };

  function headDiffers(stored: StoredJob, state: JobState): string[] {
    const { head } = stored;
    const made = { ...headOf(state), n: state.n, seq: state.seq };
    const names = Object.keys(made) as (keyof typeof made)[];
    const wrong: string[] = names.filter((name) => made[name] !== head[name]);
    if (head.snapshot !== null && !sameParked(head.snapshot, freezeParked(machine, state))) {
      wrong.push('snapshot');
    }
    return wrong;
  }
}

/** The fields in the order in which the machine's own rows have them. */
const rowOf = ({ n, at, event, value, seq, emitted }: JournalRow): JournalRow => ({
  n,
  at,
  event,
  value,
  seq,
  emitted,
});

/** Equal in every field; the order of the fields does not count. */
const sameParked = (one: string, other: string): boolean => opened(one) === opened(other);

/** A parked job keeps its machine as JSON within JSON. */
function opened(parked: string): string {
  const fields = JSON.parse(parked) as { machine: string };
  return JSON.stringify(sorted({ ...fields, machine: JSON.parse(fields.machine) as unknown }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

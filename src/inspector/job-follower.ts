/**
 * A job's journal as frames, from the first row to the last and then on as it grows. It reads what is
 * committed and nothing else: whoever comes back after a loss asks for the rows after the last one seen, so
 * nothing is missed and nothing comes twice.
 */
import { GatehouseError, messageOf } from '../lib/errors.ts';
import {
  advance,
  begin,
  differInWordsOnly,
  freezeParked,
  headOf,
  type Advance,
  type JobState,
} from '../journal/job-state.ts';
import type { JobStorage, JournalRow, StoredJob } from '../store/job-storage.ts';
import type { PureMachine } from '../journal/pure-machine.ts';
import { createTracedMachine, frameOf, type Frame } from './frame.ts';

/** Whether the rows, run again, give what is stored (P4). */
export interface ReplayCheck {
  ok: boolean;
  /** The rows that were run. */
  rows: number;
  /** What differs: fields of the stored job, or `row N`. */
  differs: string[];
  /** Rows that differ only in sentences for people: another version told them, and what it told is shown. */
  reworded: number[];
}

export interface JobFollower {
  readonly job: StoredJob;
  /** Rows that were run so far. */
  readonly known: number;
  /** Runs the rows that came since the last call, or the first of them. Throws only when the database cannot be read. */
  pull(rowsMax?: number): Frame[];
  /** The frames of at most so many rows after this one, which must be known; new rows are run for it. */
  read(afterN: number, rowsMax: number): Frame[];
  check(): ReplayCheck;
  readonly isEnded: boolean;
  /** A row could not be run: nothing comes after it. */
  readonly isStuck: boolean;
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
  const frames: Frame[] = [];
  const differs: string[] = [];
  const reworded: number[] = [];
  let isStuck = false;

  const run = (stored: JournalRow): void => {
    const before = states.at(-1) ?? null;
    try {
      const step: Advance =
        before === null
          ? begin(machine, job.input, stored.at)
          : advance(machine, before, stored.event, stored.at);
      const kept = rowOf(stored);
      const isSame = JSON.stringify(step.row) === JSON.stringify(kept);
      const isReworded = !isSame && differInWordsOnly(step.row, kept);
      const row = isReworded ? kept : step.row;
      const frame = frameOf(before, { state: step.state, row }, machine.taken());
      if (isReworded) reworded.push(stored.n);
      else if (!isSame) differs.push(`row ${stored.n}`);
      states.push(step.state);
      frames.push(frame);
    } catch (error) {
      isStuck = true;
      differs.push(`row ${stored.n}: ${messageOf(error)}`);
    }
  };

  const pull = (rowsMax = -1): Frame[] => {
    if (isStuck) return [];
    const afterN = states.length;
    for (const row of storage.rows(job.num, { afterN, limit: rowsMax })) if (!isStuck) run(row);
    return frames.slice(afterN);
  };

  return {
    job,
    get known() {
      return states.length;
    },
    pull,
    read(afterN, rowsMax) {
      if (afterN === states.length) pull(rowsMax);
      return frames.slice(afterN, afterN + rowsMax);
    },
    check() {
      const state = states.at(-1);
      const stored = storage.find(jobId);
      const fields =
        state === undefined || stored === null
          ? ['job']
          : headDiffers(stored, { ...headOf(state), reply: toldReply(frames) }, state, machine);
      const all = [...differs, ...(isStuck ? [] : fields)];
      return { ok: all.length === 0, rows: states.length, differs: all, reworded };
    },
    get isEnded() {
      const state = states.at(-1);
      return state !== undefined && (state.broken || state.snapshot.status !== 'active');
    },
    get isStuck() {
      return isStuck;
    },
    stateAt: (n) => states[n - 1] ?? null,
  };
}

type Head = ReturnType<typeof headOf>;

function headDiffers(
  { head }: StoredJob,
  now: Head,
  state: JobState,
  machine: PureMachine,
): string[] {
  const made = { ...now, n: state.n, seq: state.seq };
  const names = Object.keys(made) as (keyof typeof made)[];
  const wrong: string[] = names.filter((name) => made[name] !== head[name]);
  if (head.snapshot !== null && !sameParked(head.snapshot, freezeParked(machine, state))) {
    wrong.push('snapshot');
  }
  return wrong;
}

/** The answer as people have read it: an older version may have worded it otherwise. Null while there is none. */
function toldReply(frames: readonly Frame[]): string | null {
  const end = frames.at(-1)?.emitted.find(({ type }) => type === 'done' || type === 'cancelled');
  return end === undefined ? null : String(end.data['reply']);
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

/**
 * A job's journal as frames, from the first row to the last and then on as it grows. It reads only committed rows. A
 * client that reconnects requests the rows after the last one it has, so no row is missed or sent twice.
 */
import { GatehouseError, messageOf } from '#shared/errors';
import {
  applyEvent,
  createState,
  differsOnlyInTexts,
  serializeParked,
  summaryOf,
  type AppliedEvent,
  type JobRuntimeState,
} from '#jobs/runtime/job-runtime-state';
import type { JobStorage, JournalRow, StoredJob } from '#jobs/job-store-port';
import type { JobMachineRunner } from '#jobs/runtime/job-machine-runner';
import type { ReplayCheck, ReplayFrame } from '../page-messages.ts';
import { createTracingRunner, toReplayFrame } from './replay-frame.ts';

type Rows = Pick<JobStorage, 'find' | 'rows'>;

/** @throws GH_JOB_NOT_FOUND */
export async function openJournalReader(storage: Rows, jobId: string) {
  const found = await storage.find(jobId);
  if (found === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
  const job = found;
  const machine = createTracingRunner();
  const states: JobRuntimeState[] = [];
  const frames: ReplayFrame[] = [];
  const differs: string[] = [];
  const reworded: number[] = [];
  let isStuck = false;

  const run = (stored: JournalRow): void => {
    const before = states.at(-1) ?? null;
    try {
      const step: AppliedEvent =
        before === null
          ? createState(machine, job.input, stored.at)
          : applyEvent(machine, before, stored.event, stored.at);
      const kept = rowOf(stored);
      const isSame = JSON.stringify(step.row) === JSON.stringify(kept);
      const isReworded = !isSame && differsOnlyInTexts(step.row, kept);
      const row = isReworded ? kept : step.row;
      const frame = toReplayFrame(before, { state: step.state, row }, machine.takenEdges());
      if (isReworded) reworded.push(stored.n);
      else if (!isSame) differs.push(`row ${stored.n}`);
      states.push(step.state);
      frames.push(frame);
    } catch (error) {
      isStuck = true;
      differs.push(`row ${stored.n}: ${messageOf(error)}`);
    }
  };

  const readNext = async (rowsMax = -1): Promise<ReplayFrame[]> => {
    if (isStuck) return [];
    const afterN = states.length;
    const rows = await storage.rows(job.num, { afterN, limit: rowsMax });
    for (const row of rows) if (!isStuck) run(row);
    return frames.slice(afterN);
  };

  return {
    storedJob: job,
    /** The number of rows replayed so far. */
    get rowsRead(): number {
      return states.length;
    },
    /**
     * Replays the rows added since the last call, or the first `rowsMax` of them. Rejects only when the database cannot be
     * read. One call at a time.
     */
    readNext,
    /**
     * The frames of at most `rowsMax` rows after row `afterN`, which must have been replayed; replays new rows as needed.
     */
    async framesAfter(afterN: number, rowsMax: number): Promise<ReplayFrame[]> {
      if (afterN === states.length) await readNext(rowsMax);
      return frames.slice(afterN, afterN + rowsMax);
    },
    /** Null if the job has rows that are not read yet: the two states would be of different moments. */
    async verify(): Promise<ReplayCheck | null> {
      const stored = await storage.find(jobId);
      const isBehind = stored !== null && stored.head.n > states.length;
      if (isBehind && (await readNext(1)).length > 0) return null;
      const state = states.at(-1);
      const fields =
        state === undefined || stored === null
          ? ['job']
          : headDiffers(stored, state, emittedReply(frames), machine);
      const all = [...differs, ...(isStuck ? [] : fields)];
      return { ok: all.length === 0, rows: states.length, differs: all, reworded };
    },
    get isEnded(): boolean {
      const state = states.at(-1);
      return state !== undefined && (state.hasInternalError || state.snapshot.status !== 'active');
    },
    /** A row could not be replayed: no later row can be either. */
    get isStuck(): boolean {
      return isStuck;
    },
    /** The job as it was after row `n`, for "what if"; null where there is no such row. */
    stateAt: (n: number): JobRuntimeState | null => states[n - 1] ?? null,
  };
}
export type JournalReader = Awaited<ReturnType<typeof openJournalReader>>;

function headDiffers(
  { head }: StoredJob,
  state: JobRuntimeState,
  reply: string | null,
  machine: JobMachineRunner,
): string[] {
  const made = { ...summaryOf(state), reply, n: state.rowNumber, seq: state.seq };
  const names = Object.keys(made) as (keyof typeof made)[];
  const wrong: string[] = names.filter((name) => made[name] !== head[name]);
  if (head.snapshot !== null && !sameParked(head.snapshot, serializeParked(machine, state))) {
    wrong.push('snapshot');
  }
  return wrong;
}

/** The answer as it was published: an older version may have worded it differently. Null while there is none. */
function emittedReply(frames: readonly ReplayFrame[]): string | null {
  const end = frames.at(-1)?.emitted.find(({ type }) => type === 'done' || type === 'cancelled');
  return end === undefined ? null : String(end.data['reply']);
}

/** The fields in the order of the machine's own rows. */
const rowOf = ({ n, at, event, value, seq, emitted }: JournalRow): JournalRow => ({
  n,
  at,
  event,
  value,
  seq,
  emitted,
});

/** Compares all fields; their order does not matter. */
const sameParked = (one: string, other: string): boolean =>
  normalizeParked(one) === normalizeParked(other);

/** A parked job stores its machine as JSON within JSON. */
function normalizeParked(parked: string): string {
  const fields = JSON.parse(parked) as { machine: string };
  return JSON.stringify(sortKeys({ ...fields, machine: JSON.parse(fields.machine) as unknown }));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

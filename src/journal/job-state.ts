/**
 * One job between two of its events, and how an event changes it. Pure and immutable: a turn that could
 * not be committed is undone by taking the old value again, and a replay is the same function over the
 * stored rows.
 *
 * J1: an effect's key is `<job>:<invoke id>:<n of the row that started it>`: the same after every restart.
 */
import { GatehouseError } from '../lib/errors.ts';
import type { JobEmitted, JobInput } from '../../machines/job-types.ts';
import { textsOf } from '../../machines/texts.ts';
import type { JournalEvent, JournalRow } from '../store/job-storage.ts';
import type { JobSnapshot, PureMachine, Step } from './pure-machine.ts';

export interface PendingEffect {
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
  readonly key: string;
}

export interface PendingTimer {
  readonly id: string;
  readonly event: JournalEvent;
  /** Epoch ms. */
  readonly dueAt: number;
  /** From when it was set. */
  readonly delayMs: number;
}

export interface JobState {
  readonly snapshot: JobSnapshot;
  readonly n: number;
  readonly seq: number;
  readonly effects: readonly PendingEffect[];
  readonly timers: readonly PendingTimer[];
  /** Set when the job was ended by a fault of ours instead of by its machine. */
  readonly broken: boolean;
}

export interface Advance {
  state: JobState;
  row: JournalRow;
}

/** The first row of every job. Its input is in the job row. */
export const initEvent: JournalEvent = { type: 'xstate.init' };

/** Ends a job that cannot go on (P1): written by the journal, never sent to the machine. */
export const brokenType = 'gatehouse.broken';

export function begin(machine: PureMachine, input: JobInput, at: number): Advance {
  const empty = { n: 0, seq: 0, effects: [], timers: [], broken: false };
  return apply(empty, input.jobId, initEvent, at, machine.initial(input));
}

export function advance(
  machine: PureMachine,
  state: JobState,
  event: JournalEvent,
  at: number,
): Advance {
  const { jobId } = state.snapshot.context;
  if (event.type === brokenType) return breakOff(state, event, at);
  const step = machine.next(state.snapshot, event);
  if (step.snapshot.status === 'error') {
    const cause = (step.snapshot as { error?: unknown }).error;
    throw new GatehouseError('GH_JOB_BUG', `job ${jobId}: ${String(cause)}`, { cause });
  }
  return apply(state, jobId, event, at, step);
}

function apply(
  before: Omit<JobState, 'snapshot'>,
  jobId: string,
  event: JournalEvent,
  at: number,
  step: Step,
): Advance {
  const n = before.n + 1;
  let { effects, timers } = before;
  if (step.stopped.length > 0) effects = effects.filter((one) => !step.stopped.includes(one.id));
  if (step.started.length > 0) {
    effects = [
      ...effects,
      ...step.started.map((one) => ({ ...one, key: `${jobId}:${one.id}:${n}` })),
    ];
  }
  if (step.cleared.length > 0) timers = timers.filter((one) => !step.cleared.includes(one.id));
  if (step.set.length > 0) {
    timers = [...timers, ...step.set.map((one) => ({ ...one, dueAt: at + one.delayMs }))];
  }
  const { snapshot, emitted } = step;
  return {
    state: { snapshot, n, seq: before.seq + emitted.length, effects, timers, broken: false },
    row: { n, at, event, value: snapshot.value, seq: before.seq + 1, emitted },
  };
}

function breakOff(state: JobState, event: JournalEvent, at: number): Advance {
  const { context } = state.snapshot;
  const reply = textsOf(context.locale).broken;
  const code = String(event['code']);
  const emitted: JobEmitted[] = [
    { type: 'error', state: context.state, data: { code, message: reply } },
    { type: 'state', state: 'done', data: { from: context.state, to: 'done', reason: code } },
    { type: 'result', state: 'done', data: { content: reply, final: true, replaces: true } },
    { type: 'done', state: 'done', data: { outcome: 'failed', reply } },
  ];
  const n = state.n + 1;
  return {
    state: { ...state, n, seq: state.seq + emitted.length, effects: [], timers: [], broken: true },
    row: { n, at, event, value: 'done', seq: state.seq + 1, emitted },
  };
}

export const isEnded = (state: JobState): boolean =>
  state.broken || state.snapshot.status !== 'active';

/** A job that only waits for a person costs a row, not memory (J5). */
export const isParked = (state: JobState): boolean =>
  !isEnded(state) && state.effects.length === 0 && state.snapshot.hasTag('waits-for-person');

/** Top-level state, outcome and reply, as every listing shows them. */
export function headOf(state: JobState): {
  state: string;
  outcome: string | null;
  reply: string | null;
} {
  const { context } = state.snapshot;
  if (state.broken) {
    return { state: 'done', outcome: 'failed', reply: textsOf(context.locale).broken };
  }
  return {
    state: context.state,
    outcome: context.outcome,
    reply: isEnded(state) ? context.reply : null,
  };
}

export interface ReplayOptions {
  /** How alike a row must come out; equal in every field where nothing is said. */
  isSame?: (made: JournalRow, stored: JournalRow) => boolean;
  onRow?: (advance: Advance) => void;
}

/**
 * Runs stored rows through the machine again (P3, P4).
 *
 * @throws GH_JOB_VERSION when a row does not come out as it was stored.
 */
export function replay(
  machine: PureMachine,
  input: JobInput,
  rows: readonly JournalRow[],
  { isSame = isSameRow, onRow }: ReplayOptions = {},
): JobState {
  let state: JobState | null = null;
  for (const stored of rows) {
    const step: Advance =
      state === null
        ? begin(machine, input, stored.at)
        : advance(machine, state, stored.event, stored.at);
    if (!isSame(step.row, stored)) {
      throw new GatehouseError(
        'GH_JOB_VERSION',
        `job ${input.jobId}: row ${stored.n} does not replay to what was stored`,
      );
    }
    onRow?.(step);
    ({ state } = step);
  }
  if (state === null) throw new GatehouseError('GH_JOB_BUG', `job ${input.jobId} has no rows`);
  return state;
}

/**
 * Whether the same happened, whatever was said of it: the texts of another version differ, and a job must not end
 * because of a sentence. What was stored stays what people have read.
 */
export const isSameCourse = (made: JournalRow, stored: JournalRow): boolean =>
  made.n === stored.n &&
  made.seq === stored.seq &&
  JSON.stringify(made.value) === JSON.stringify(stored.value) &&
  made.emitted.length === stored.emitted.length &&
  made.emitted.every(({ type, state }, index) => {
    const told = stored.emitted[index];
    return type === told?.type && state === told.state;
  });

const isSameRow = (made: JournalRow, stored: JournalRow): boolean =>
  isSameCourse(made, stored) && JSON.stringify(made.emitted) === JSON.stringify(stored.emitted);

/** Fields of events that hold sentences for people. */
const sentences: ReadonlySet<string> = new Set(['message', 'content', 'reply']);

/** Whether two rows are equal but for the sentences that people were told. */
export function differInWordsOnly(made: JournalRow, stored: JournalRow): boolean {
  const silent = ({ emitted }: JournalRow): string =>
    JSON.stringify(emitted, (key, value: unknown) => (sentences.has(key) ? typeof value : value));
  return isSameCourse(made, stored) && silent(made) === silent(stored);
}

/** A parked job as its row keeps it. */
export const freezeParked = (machine: PureMachine, state: JobState): string =>
  JSON.stringify({ machine: machine.freeze(state.snapshot), timers: state.timers });

export function thawParked(
  machine: PureMachine,
  json: string,
  counts: { n: number; seq: number },
): JobState {
  const { machine: frozen, timers } = JSON.parse(json) as {
    machine: string;
    timers: PendingTimer[];
  };
  return { snapshot: machine.thaw(frozen), ...counts, effects: [], timers, broken: false };
}

/**
 * The state of one job between two events, and how an event changes it. Pure and immutable: a batch that could not be
 * committed is rolled back by restoring the old value, and a replay applies the same function to the stored rows.
 *
 * J1: an effect's key is `<job>:<invoke id>:<n of the row that started it>`: the same after every restart.
 * J2: a job that only waits for a person is kept on disk, not in memory.
 * J3: a job whose rows cannot be replayed ends visibly as failed, at its next event (active-jobs.ts).
 */
import { GatehouseError } from '#shared/errors';
import type { JobEmitted, JobInput, ReplyPlace } from '#machines/job-types';
import { textsOf } from '#machines/texts';
import type { JournalEvent, JournalRow } from '../job-store-port.ts';
import type {
  JobMachineRunner,
  JobSnapshot,
  MachineTransition,
  ScheduledTimer,
  StartedEffect,
} from './job-machine-runner.ts';

export interface PendingEffect extends Readonly<StartedEffect> {
  readonly key: string;
}

export interface PendingTimer extends Readonly<ScheduledTimer> {
  /** Epoch ms. */
  readonly dueAt: number;
}

export interface JobRuntimeState {
  readonly snapshot: JobSnapshot;
  readonly rowNumber: number;
  readonly seq: number;
  readonly effects: readonly PendingEffect[];
  readonly timers: readonly PendingTimer[];
  /** Where the person spoke last, if that is not the place of the job. Not kept while the job is parked. */
  readonly via?: ReplyPlace | undefined;
  /** Set when the journal ended the job after an internal error. */
  readonly hasInternalError: boolean;
}

export interface AppliedEvent {
  state: JobRuntimeState;
  row: JournalRow;
}

/** The first row of every job. The job's input is in the job row. */
export const initEvent: JournalEvent = { type: 'xstate.init' };

/** Ends a job that cannot continue (P1): written by the journal, never sent to the machine. */
export const internalErrorEventType = 'gatehouse.broken';

export function createState(machine: JobMachineRunner, input: JobInput, at: number): AppliedEvent {
  const empty = { rowNumber: 0, seq: 0, effects: [], timers: [], hasInternalError: false };
  return applyTransition(empty, input.jobId, initEvent, at, machine.initialTransition(input));
}

export function applyEvent(
  machine: JobMachineRunner,
  state: JobRuntimeState,
  event: JournalEvent,
  at: number,
): AppliedEvent {
  const { jobId } = state.snapshot.context;
  if (event.type === internalErrorEventType) return failWithInternalError(state, event, at);
  const transition = machine.transition(state.snapshot, event);
  if (transition.snapshot.status === 'error') {
    const cause = (transition.snapshot as { error?: unknown }).error;
    throw new GatehouseError('GH_JOB_BUG', `job ${jobId}: ${String(cause)}`, { cause });
  }
  return applyTransition(state, jobId, event, at, transition);
}

function applyTransition(
  before: Omit<JobRuntimeState, 'snapshot'>,
  jobId: string,
  event: JournalEvent,
  at: number,
  transition: MachineTransition,
): AppliedEvent {
  const n = before.rowNumber + 1;
  let { effects, timers } = before;
  if (transition.stoppedEffectIds.length > 0)
    effects = effects.filter((one) => !transition.stoppedEffectIds.includes(one.id));
  if (transition.startedEffects.length > 0) {
    effects = [
      ...effects,
      ...transition.startedEffects.map((one) => ({ ...one, key: `${jobId}:${one.id}:${n}` })),
    ];
  }
  if (transition.cancelledTimerIds.length > 0)
    timers = timers.filter((one) => !transition.cancelledTimerIds.includes(one.id));
  if (transition.scheduledTimers.length > 0) {
    timers = [
      ...timers,
      ...transition.scheduledTimers.map((one) => ({ ...one, dueAt: at + one.delayMs })),
    ];
  }
  const { snapshot } = transition;
  const via = viaAfter(before, event);
  const emitted = addVia(transition.emitted, via);
  return {
    state: {
      snapshot,
      ...(via === undefined ? {} : { via }),
      rowNumber: n,
      seq: before.seq + emitted.length,
      effects,
      timers,
      hasInternalError: false,
    },
    row: { n, at, event, value: snapshot.value, seq: before.seq + 1, emitted },
  };
}

const viaAfter = (
  before: Pick<JobRuntimeState, 'via'>,
  event: JournalEvent,
): ReplyPlace | undefined =>
  'by' in event ? (event['via'] as ReplyPlace | undefined) : before.via;

const addVia = (emitted: JobEmitted[], via: ReplyPlace | undefined): JobEmitted[] =>
  via === undefined ? emitted : emitted.map((one) => ({ ...one, via }));

function failWithInternalError(
  state: JobRuntimeState,
  event: JournalEvent,
  at: number,
): AppliedEvent {
  const { context } = state.snapshot;
  const reply = textsOf(context.locale).broken;
  const code = String(event['code']);
  const made: JobEmitted[] = [
    { type: 'error', state: context.state, data: { code, message: reply } },
    { type: 'state', state: 'done', data: { from: context.state, to: 'done', reason: code } },
    { type: 'result', state: 'done', data: { content: reply, final: true, replaces: true } },
    { type: 'done', state: 'done', data: { outcome: 'failed', reply } },
  ];
  const emitted = addVia(made, state.via);
  const n = state.rowNumber + 1;
  return {
    state: {
      ...state,
      rowNumber: n,
      seq: state.seq + emitted.length,
      effects: [],
      timers: [],
      hasInternalError: true,
    },
    row: { n, at, event, value: 'done', seq: state.seq + 1, emitted },
  };
}

export const isEnded = (state: JobRuntimeState): boolean =>
  state.hasInternalError || state.snapshot.status !== 'active';

/** A job that only waits for a person is kept on disk, not in memory (J2). */
export const isParked = (state: JobRuntimeState): boolean =>
  !isEnded(state) && state.effects.length === 0 && state.snapshot.hasTag('waits-for-person');

/** Top-level state, outcome and reply, as listings show them. */
export function summaryOf(state: JobRuntimeState): {
  state: string;
  outcome: string | null;
  reply: string | null;
} {
  const { context } = state.snapshot;
  if (state.hasInternalError) {
    return { state: 'done', outcome: 'failed', reply: textsOf(context.locale).broken };
  }
  return {
    state: context.state,
    outcome: context.outcome,
    reply: isEnded(state) ? context.reply : null,
  };
}

export interface ReplayOptions {
  /** Compares a replayed row with the stored one. Default: they must be equal in every field. */
  isSame?: (made: JournalRow, stored: JournalRow) => boolean;
  onRow?: (advance: AppliedEvent) => void;
}

/**
 * Runs stored rows through the machine again (P3, P4).
 *
 * @throws GH_JOB_VERSION when a row does not come out as it was stored.
 */
export function replay(
  machine: JobMachineRunner,
  input: JobInput,
  rows: readonly JournalRow[],
  { isSame = isSameRow, onRow }: ReplayOptions = {},
): JobRuntimeState {
  let state: JobRuntimeState | null = null;
  for (const stored of rows) {
    const applied: AppliedEvent =
      state === null
        ? createState(machine, input, stored.at)
        : applyEvent(machine, state, stored.event, stored.at);
    if (!isSame(applied.row, stored)) {
      throw new GatehouseError(
        'GH_JOB_VERSION',
        `job ${input.jobId}: row ${stored.n} does not replay to what was stored`,
      );
    }
    onRow?.(applied);
    ({ state } = applied);
  }
  if (state === null) throw new GatehouseError('GH_JOB_BUG', `job ${input.jobId} has no rows`);
  return state;
}

/**
 * Whether both rows are the same transition, whatever the texts of their events: another version may word them
 * differently, and a job must not end because of a sentence. The stored texts are those that users have read, and stay.
 */
export const isEquivalentTransition = (made: JournalRow, stored: JournalRow): boolean =>
  made.n === stored.n &&
  made.seq === stored.seq &&
  JSON.stringify(made.value) === JSON.stringify(stored.value) &&
  made.emitted.length === stored.emitted.length &&
  made.emitted.every(({ type, state }, index) => {
    const storedEvent = stored.emitted[index];
    return type === storedEvent?.type && state === storedEvent.state;
  });

const isSameRow = (made: JournalRow, stored: JournalRow): boolean =>
  isEquivalentTransition(made, stored) &&
  JSON.stringify(made.emitted) === JSON.stringify(stored.emitted);

/** Fields of events that hold texts for users. */
const textFields: ReadonlySet<string> = new Set(['message', 'content', 'reply']);

/** Whether two rows are equal except for the texts for users. */
export function differsOnlyInTexts(made: JournalRow, stored: JournalRow): boolean {
  const withoutTexts = ({ emitted }: JournalRow): string =>
    JSON.stringify(emitted, (key, value: unknown) => (textFields.has(key) ? typeof value : value));
  return isEquivalentTransition(made, stored) && withoutTexts(made) === withoutTexts(stored);
}

/** A parked job as stored in `snapshot` of its row. */
export const serializeParked = (machine: JobMachineRunner, state: JobRuntimeState): string =>
  JSON.stringify({ machine: machine.serialize(state.snapshot), timers: state.timers });

export function deserializeParked(
  machine: JobMachineRunner,
  json: string,
  counts: { rowNumber: number; seq: number },
): JobRuntimeState {
  const { machine: serialized, timers } = JSON.parse(json) as {
    machine: string;
    timers: PendingTimer[];
  };
  return {
    snapshot: machine.deserialize(serialized),
    ...counts,
    effects: [],
    timers,
    hasInternalError: false,
  };
}

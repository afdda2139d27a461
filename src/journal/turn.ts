/**
 * One turn: the events that are applied together and committed in one transaction. It changes jobs in
 * memory only; `undo` takes all of it back.
 */
import { logFieldsOf } from '../contract/trace.ts';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { jobMachineVersion } from '../../machines/job.ts';
import type { JobChange, JobHead, JournalEvent, JournalRow } from '../store/job-storage.ts';
import {
  advance,
  begin,
  brokenType,
  freezeParked,
  headOf,
  isEnded,
  isParked,
  type Advance,
  type JobState,
  type PendingTimer,
} from './job-state.ts';
import type { ActiveJob, JobTable } from './job-table.ts';
import type { PureMachine } from './pure-machine.ts';

/** Somebody outside waits to hear that the event is on disk. */
export interface Outside {
  /** Idempotency key that this event uses up. */
  key: string | null;
  resolve(): void;
  reject(error: unknown): void;
}

export interface Mail {
  jobId: string;
  event: JournalEvent;
  /** The event is the result of this effect, and void if the effect is no longer wanted (J1). */
  effectKey: string | null;
  /** The event is this timer's, and void if it was cleared. */
  timer: PendingTimer | null;
  outside: Outside | null;
  /** The event opens this job. */
  opens: NewJob | null;
}

export const timerMail = (jobId: string, timer: PendingTimer): Mail => ({
  jobId,
  event: timer.event,
  effectKey: null,
  timer,
  outside: null,
  opens: null,
});

export type NewJob = Omit<ActiveJob, 'state' | 'fault'>;

export interface Change {
  job: ActiveJob;
  /** Null for a job that was opened in this turn. */
  before: JobState | null;
  rows: JournalRow[];
  mails: Mail[];
}

export interface Turn {
  readonly changes: ReadonlyMap<string, Change>;
  /** Applies one event. Refuses it, or ignores it, where the job is not in a state for it: `refuse` says so. */
  apply(mail: Mail): Change | null;
  /**
   * Tells those whose event was refused. Only once the turn is on disk: what refused them may be undone, and
   * then they are told that instead.
   */
  refuse(undone?: unknown): void;
  /** What is to be written. */
  records(): JobChange[];
  undo(): void;
}

export function createTurn(options: {
  table: JobTable;
  machine: PureMachine;
  now: number;
  log: Log;
}): Turn {
  const { table, machine, now, log } = options;
  const changes = new Map<string, Change>();
  const refused: { outside: Outside; error: GatehouseError }[] = [];
  const refuse = ({ outside }: Mail, why: string): null => {
    if (outside !== null) {
      refused.push({ outside, error: new GatehouseError('GH_JOB_CONFLICT', why) });
    }
    return null;
  };

  const open = (created: NewJob, mail: Mail): Change => {
    const first = begin(machine, created.input, now);
    const job: ActiveJob = { ...created, state: first.state, fault: null };
    table.add(job);
    return record(job, null, first, mail);
  };

  const step = (job: ActiveJob, event: JournalEvent): Advance => {
    try {
      return advance(machine, job.state, event, now);
    } catch (error) {
      const who = logFieldsOf(job.id, job.input.traceparent);
      log.error({ ...who, event: event.type, error: messageOf(error) }, 'job broken');
      const code = error instanceof GatehouseError ? error.code : 'GH_JOB_BUG';
      return advance(machine, job.state, { type: brokenType, code }, now);
    }
  };

  const record = (job: ActiveJob, before: JobState | null, next: Advance, mail: Mail): Change => {
    let change = changes.get(job.id);
    if (change === undefined) {
      change = { job, before, rows: [], mails: [] };
      changes.set(job.id, change);
    }
    job.state = next.state;
    change.rows.push(next.row);
    change.mails.push(mail);
    return change;
  };

  return {
    changes,
    apply(mail) {
      if (mail.opens !== null) return open(mail.opens, mail);
      const job = table.load(mail.jobId);
      if (job === null) return refuse(mail, 'The job has already ended');
      const due = mail.outside === null ? undefined : overdue(job, now);
      if (due !== undefined) record(job, job.state, step(job, due.event), timerMail(job.id, due));
      if (isEnded(job.state)) return refuse(mail, 'The job has already ended');
      const why = job.fault === null ? refusalOf(job.state, mail) : null;
      if (why !== null) return refuse(mail, why);
      const event = job.fault === null ? mail.event : { type: brokenType, code: job.fault };
      return record(job, job.state, step(job, event), mail);
    },
    refuse(undone) {
      for (const { outside, error } of refused) outside.reject(undone ?? error);
    },
    records: () => [...changes.values()].map((change) => recordOf(change, machine, now)),
    undo() {
      for (const { job, before } of changes.values()) {
        if (before === null) table.drop(job.id);
        else job.state = before;
      }
    },
  };
}

/**
 * The time of a job that waits for a person is over, though no timer has told of it: timers stand while a machine
 * sleeps. Whoever comes with a word finds it over.
 */
const overdue = ({ state, fault }: ActiveJob, now: number): PendingTimer | undefined =>
  fault === null && isParked(state) ? state.timers.find(({ dueAt }) => dueAt <= now) : undefined;

/** Why the job does not take it, or null. */
function refusalOf(state: JobState, mail: Mail): string | null {
  if (!isWanted(state, mail)) return `The job is in ${state.snapshot.context.state}`;
  return isOfOldDraft(state, mail.event) ? 'The draft has changed since' : null;
}

function isWanted(state: JobState, mail: Mail): boolean {
  const { effectKey, timer, outside, event } = mail;
  if (effectKey !== null) return state.effects.some((effect) => effect.key === effectKey);
  if (timer !== null) {
    return state.timers.some((one) => one.id === timer.id && one.dueAt === timer.dueAt);
  }
  return outside === null || state.snapshot.can(event as never);
}

/** The draft is the last that a job tells while it waits for a person. */
const isOfOldDraft = ({ seq }: JobState, event: JournalEvent): boolean =>
  event.type === 'confirm' && event['draftSeq'] !== undefined && event['draftSeq'] !== seq;

function recordOf(
  { job, before, rows, mails }: Change,
  machine: PureMachine,
  now: number,
): JobChange {
  const { state } = job;
  const isNew = before === null;
  // While a job only goes on, its row is left alone: the last journal row says where it is.
  const isHeadDue = isNew || isEnded(state) || isParked(state) || isParked(before);
  return {
    jobId: job.id,
    num: job.num,
    machineVersion: jobMachineVersion,
    created: isNew ? createdOf(job) : null,
    rows,
    head: isHeadDue ? fullHead(state, machine, now) : null,
    at: now,
    keys: mails.flatMap((mail) => mail.outside?.key ?? []),
  };
}

const createdOf = ({ id, conversation, input, createdAt }: ActiveJob): JobChange['created'] => ({
  id,
  conversation,
  input,
  createdAt,
});

function fullHead(state: JobState, machine: PureMachine, now: number): JobHead {
  const parked = isParked(state);
  return {
    ...headOf(state),
    n: state.n,
    seq: state.seq,
    snapshot: parked ? freezeParked(machine, state) : null,
    wakeAt: parked ? Math.min(...state.timers.map((timer) => timer.dueAt)) : null,
    updatedAt: now,
    endedAt: isEnded(state) ? now : null,
  };
}

/**
 * The events that are applied together and committed in one transaction (group commit). A batch changes jobs in memory
 * only; `rollBack` restores them.
 */
import assert from 'node:assert/strict';
import { logFieldsOf } from '#shared/wire/trace';
import { GatehouseError, messageOf } from '#shared/errors';
import { jobMachineVersion } from '#machines/job';
import type { JobChange, JobHead, JournalEvent, JournalRow } from '../job-store-port.ts';
import {
  applyEvent,
  createState,
  internalErrorEventType,
  serializeParked,
  summaryOf,
  isEnded,
  isParked,
  type AppliedEvent,
  type JobRuntimeState,
  type PendingTimer,
} from './job-runtime-state.ts';
import type { ActiveJob } from './active-jobs.ts';
import {
  acknowledgementOf,
  timerEnvelope,
  type Acknowledgement,
  type Envelope,
  type NewActiveJob,
} from './envelope.ts';
import type { JobMachineRunner } from './job-machine-runner.ts';
import type { JournalParts } from './journal-parts.ts';

export const alreadyEnded = 'The job has already ended';

export interface BatchedChange {
  job: ActiveJob;
  /** Null for a job that was opened in this batch. */
  before: JobRuntimeState | null;
  rows: JournalRow[];
  envelopes: Envelope[];
}

export type TransactionBatch = ReturnType<typeof createTransactionBatch>;

export function createTransactionBatch(parts: JournalParts) {
  const { activeJobs, machine } = parts;
  const now = parts.clock.now();
  const changes = new Map<string, BatchedChange>();
  const refused: { acknowledgement: Acknowledgement; error: GatehouseError }[] = [];
  const refuse = (envelope: Envelope, why: string): null => {
    const acknowledgement = acknowledgementOf(envelope);
    if (acknowledgement !== null) {
      refused.push({ acknowledgement, error: new GatehouseError('GH_JOB_CONFLICT', why) });
    }
    return null;
  };

  const open = (newJob: NewActiveJob, envelope: Envelope): BatchedChange => {
    const first = createState(machine, newJob.input, now);
    const job: ActiveJob = { ...newJob, state: first.state, restoreError: null };
    activeJobs.add(job);
    return record(job, null, first, envelope);
  };

  const step = (job: ActiveJob, event: JournalEvent) => applyOrFail(parts, job, event, now);

  const record = (
    job: ActiveJob,
    before: JobRuntimeState | null,
    next: AppliedEvent,
    envelope: Envelope,
  ): BatchedChange => {
    const change = changes.get(job.id) ?? { job, before, rows: [], envelopes: [] };
    changes.set(job.id, change);
    job.state = next.state;
    change.rows.push(next.row);
    change.envelopes.push(envelope);
    return change;
  };

  return {
    changes: changes as ReadonlyMap<string, BatchedChange>,
    /**
     * Applies one event to its job; `job` is null if there is none (any more). Returns null if the job is not in a state
     * for it; a command is then refused by `rejectRefused`.
     */
    apply(envelope: Envelope, job: ActiveJob | null): BatchedChange | null {
      if (envelope.kind === 'open') return open(envelope.newJob, envelope);
      if (job === null) return refuse(envelope, alreadyEnded);
      const due = envelope.kind === 'command' ? overdueTimer(job, now) : undefined;
      if (due !== undefined) {
        record(job, job.state, step(job, due.event), timerEnvelope(job.id, due));
      }
      if (isEnded(job.state)) return refuse(envelope, alreadyEnded);
      const why = job.restoreError === null ? refusalReason(job.state, envelope) : null;
      if (why !== null) return refuse(envelope, why);
      const event =
        job.restoreError === null
          ? envelope.event
          : { type: internalErrorEventType, code: job.restoreError };
      return record(job, job.state, step(job, event), envelope);
    },
    /**
     * Rejects the refused commands. Only after the commit: the change that refused them may be rolled back, and then
     * they are rejected with the error of the commit.
     */
    rejectRefused(commitError?: unknown): void {
      for (const { acknowledgement, error } of refused)
        acknowledgement.reject(commitError ?? error);
    },
    /** The changes to write. */
    toJobChanges: (): JobChange[] =>
      [...changes.values()].map((change) => toJobChange(change, machine, now)),
    rollBack(): void {
      for (const { job, before } of changes.values()) {
        if (before === null) activeJobs.evict(job.id);
        else job.state = before;
      }
    },
  };
}

/** A machine that throws is a bug: the job gets the internal error, and ends. */
function applyOrFail(
  { machine, log }: JournalParts,
  job: ActiveJob,
  event: JournalEvent,
  now: number,
): AppliedEvent {
  try {
    const next = applyEvent(machine, job.state, event, now);
    const { n, seq, emitted } = next.row;
    assert.equal(n, job.state.rowNumber + 1, 'a row follows the last row of its job');
    assert.equal(seq, job.state.seq + 1, 'P5: the events of a job have no gap');
    assert.equal(next.state.seq, job.state.seq + emitted.length, 'P5: each event is counted');
    return next;
  } catch (error) {
    const who = logFieldsOf(job.id, job.input.traceparent);
    log.error({ ...who, event: event.type, error: messageOf(error) }, 'job broken');
    const code = error instanceof GatehouseError ? error.code : 'GH_JOB_BUG';
    return applyEvent(machine, job.state, { type: internalErrorEventType, code }, now);
  }
}

/**
 * A timer of a parked job that is due and has not fired: timers stand still while a machine sleeps. An overdue timer is
 * applied before a command.
 */
const overdueTimer = ({ state, restoreError }: ActiveJob, now: number): PendingTimer | undefined =>
  restoreError === null && isParked(state)
    ? state.timers.find(({ dueAt }) => dueAt <= now)
    : undefined;

/** Why the job refuses the event, or null. */
function refusalReason(state: JobRuntimeState, envelope: Envelope): string | null {
  if (!isAccepted(state, envelope)) return `The job is in ${state.snapshot.context.state}`;
  return isForOutdatedDraft(state, envelope.event) ? 'The draft has changed since' : null;
}

function isAccepted(state: JobRuntimeState, envelope: Envelope): boolean {
  switch (envelope.kind) {
    case 'effectResult':
      return state.effects.some(({ key }) => key === envelope.effectKey);
    case 'timer':
      return state.timers.some(
        ({ id, dueAt }) => id === envelope.timer.id && dueAt === envelope.timer.dueAt,
      );
    case 'internal':
      return true;
    case 'open':
    case 'command':
      return state.snapshot.can(envelope.event as never);
  }
}

/** A draft is the last event of a job that waits for a person. */
const isForOutdatedDraft = ({ seq }: JobRuntimeState, event: JournalEvent): boolean =>
  event.type === 'confirm' && event['draftSeq'] !== undefined && event['draftSeq'] !== seq;

function toJobChange(
  { job, before, rows, envelopes }: BatchedChange,
  machine: JobMachineRunner,
  now: number,
): JobChange {
  const { state } = job;
  const isNew = before === null;
  // The row of a job that runs is not written: the last journal row has its state.
  const isHeadDue = isNew || isEnded(state) || isParked(state) || isParked(before);
  return {
    jobId: job.id,
    userId: job.input.userId,
    num: job.num,
    machineVersion: jobMachineVersion,
    created: isNew ? job : null,
    rows,
    head: isHeadDue ? toJobHead(state, machine, now) : null,
    at: now,
    keys: envelopes.flatMap((envelope) => acknowledgementOf(envelope)?.key ?? []),
  };
}

function toJobHead(state: JobRuntimeState, machine: JobMachineRunner, now: number): JobHead {
  const parked = isParked(state);
  return {
    ...summaryOf(state),
    n: state.rowNumber,
    seq: state.seq,
    snapshot: parked ? serializeParked(machine, state) : null,
    wakeAt: parked ? Math.min(...state.timers.map((timer) => timer.dueAt)) : null,
    updatedAt: now,
    endedAt: isEnded(state) ? now : null,
  };
}

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

interface Refusal {
  jobId: string;
  acknowledgement: Acknowledgement;
  error: GatehouseError;
}

export class TransactionBatch {
  readonly changes = new Map<string, BatchedChange>();
  /** All envelopes that were applied or refused, in order. */
  readonly taken: Envelope[] = [];
  readonly #parts: JournalParts;
  /** Time of all its rows, epoch ms. */
  readonly #at: number;
  readonly #refusals: Refusal[] = [];
  /** Parked jobs that were loaded for an event that they refused. */
  readonly #idleJobs = new Set<ActiveJob>();

  constructor(parts: JournalParts, at: number) {
    this.#parts = parts;
    this.#at = at;
  }

  /**
   * Applies one event to its job; `job` is null if there is none (any more). Returns null if the job is not in a state
   * for it; a command is then refused by `rejectRefused`.
   */
  apply(envelope: Envelope, job: ActiveJob | null): BatchedChange | null {
    this.taken.push(envelope);
    if (envelope.kind === 'open') return this.#open(envelope.newJob, envelope);
    if (job === null) return this.#refuse(envelope, null, alreadyEnded);
    const due = envelope.kind === 'command' ? overdueTimer(job, this.#at) : undefined;
    if (due !== undefined) {
      this.#record(job, job.state, this.#step(job, due.event), timerEnvelope(job.id, due));
    }
    if (isEnded(job.state)) return this.#refuse(envelope, job, alreadyEnded);
    const why = job.restoreError === null ? refusalReason(job.state, envelope) : null;
    if (why !== null) return this.#refuse(envelope, job, why);
    const event =
      job.restoreError === null
        ? envelope.event
        : { type: internalErrorEventType, code: job.restoreError };
    return this.#record(job, job.state, this.#step(job, event), envelope);
  }

  /** Parked jobs that did not change: they need not stay in memory. */
  get idleJobs(): ActiveJob[] {
    return [...this.#idleJobs].filter(({ id, state }) => !this.changes.has(id) && isParked(state));
  }

  /**
   * Rejects the refused commands. Only after the commit: the change that refused them may be rolled back, and then
   * they are rejected with the error of the commit.
   */
  rejectRefused(commitError?: unknown): void {
    for (const { acknowledgement, error } of this.#refusals.splice(0))
      acknowledgement.reject(commitError ?? error);
  }

  /** Answers all its commands with an error. They are not applied again. */
  rejectAll(error: unknown): void {
    this.rejectRefused(error);
    for (const envelope of this.taken) acknowledgementOf(envelope)?.reject(error);
    const inner = this.taken.filter((envelope) => acknowledgementOf(envelope) === null);
    this.taken.splice(0, Infinity, ...inner);
  }

  /** The changes to write. */
  toJobChanges(): JobChange[] {
    return [...this.changes.values()].map((change) =>
      toJobChange(change, this.#parts.machine, this.#at),
    );
  }

  rollBack(): void {
    for (const { job, before } of this.changes.values()) {
      if (before === null) this.#parts.activeJobs.evict(job.id);
      else job.state = before;
    }
  }

  /** The same batch as one for each job: what one job writes does not depend on another. */
  split(): TransactionBatch[] {
    return [...new Set(this.taken.map(({ jobId }) => jobId))].map((jobId) => {
      const part = new TransactionBatch(this.#parts, this.#at);
      const change = this.changes.get(jobId);
      if (change !== undefined) part.changes.set(jobId, change);
      part.taken.push(...this.taken.filter((envelope) => envelope.jobId === jobId));
      part.#refusals.push(...this.#refusals.filter((refusal) => refusal.jobId === jobId));
      return part;
    });
  }

  #refuse(envelope: Envelope, job: ActiveJob | null, why: string): null {
    const acknowledgement = acknowledgementOf(envelope);
    if (job !== null) this.#idleJobs.add(job);
    if (acknowledgement !== null) {
      const error = new GatehouseError('GH_JOB_CONFLICT', why);
      this.#refusals.push({ jobId: envelope.jobId, acknowledgement, error });
    }
    return null;
  }

  #open(newJob: NewActiveJob, envelope: Envelope): BatchedChange {
    const first = createState(this.#parts.machine, newJob.input, this.#at);
    const job: ActiveJob = { ...newJob, state: first.state, restoreError: null };
    this.#parts.activeJobs.add(job);
    return this.#record(job, null, first, envelope);
  }

  #step(job: ActiveJob, event: JournalEvent): AppliedEvent {
    return applyOrFail(this.#parts, job, event, this.#at);
  }

  #record(
    job: ActiveJob,
    before: JobRuntimeState | null,
    next: AppliedEvent,
    envelope: Envelope,
  ): BatchedChange {
    const change = this.changes.get(job.id) ?? { job, before, rows: [], envelopes: [] };
    this.changes.set(job.id, change);
    job.state = next.state;
    change.rows.push(next.row);
    change.envelopes.push(envelope);
    return change;
  }
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

/** An item of the journal's mailbox: an event for one job, and where it comes from. */
import type { JournalEvent } from '../job-store-port.ts';
import type { ActiveJob } from './active-jobs.ts';
import type { PendingTimer } from './job-runtime-state.ts';

/** The sender of a command waits until its event is on disk. */
export interface Acknowledgement {
  /** Idempotency key that this event uses up. */
  key: string | null;
  resolve(): void;
  reject(error: unknown): void;
}

export type NewActiveJob = Omit<ActiveJob, 'state' | 'restoreError'>;

export type Envelope = { jobId: string; event: JournalEvent } & (
  | { kind: 'open'; newJob: NewActiveJob; acknowledgement: Acknowledgement }
  | { kind: 'command'; acknowledgement: Acknowledgement }
  /** The result of an effect; void if the effect is no longer pending (J1). */
  | { kind: 'effectResult'; effectKey: string }
  /** Void if the timer was cleared. */
  | { kind: 'timer'; timer: PendingTimer }
  | { kind: 'internal' }
);

export const timerEnvelope = (jobId: string, timer: PendingTimer): Envelope => ({
  kind: 'timer',
  jobId,
  event: timer.event,
  timer,
});

export const internalEnvelope = (jobId: string, event: JournalEvent): Envelope => ({
  kind: 'internal',
  jobId,
  event,
});

/** Null for an event from inside: no sender waits for it. */
export const acknowledgementOf = (envelope: Envelope): Acknowledgement | null =>
  envelope.kind === 'open' || envelope.kind === 'command' ? envelope.acknowledgement : null;

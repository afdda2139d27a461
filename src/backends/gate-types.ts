/**
 * The gate as its users see it: ask for a permit, hold it while the request runs, give it back.
 * The rules G1-G9 that stand behind it are in machines/gate.ts.
 */
import type { ErrorReason, PriorityClass, QueuePosition, RequestKind } from '../contract/model.ts';

export interface GateRequest {
  kind: RequestKind;
  priority: PriorityClass;
  user: string;
  preemptible: boolean;
  /** Aborting leaves the queue, or frees the slot of a holder, in the same tick. */
  signal: AbortSignal;
  /** By the wall clock as it goes now, epoch ms; a request that still waits then is told `deadline`. */
  deadlineAt: number | null;
  /** For which job; what it holds itself is not ahead of it. */
  jobId?: string | undefined;
  /** Called with the requests of others ahead, never with none: a wait that no other request causes gives no notice. */
  onQueued: (position: QueuePosition) => void;
}

/** The right to have one request running at the backend. Fenced: a stale holder's calls do nothing. */
export interface Permit {
  /** Grows with every grant of this gate. */
  readonly fence: number;
  /** Wait at the gate before this grant. */
  readonly queuedMs: number;
  /**
   * Aborts when the caller cancelled or the gate preempts; `signal.reason` is `'cancelled'` or `'preempted'`,
   * or `'expired'` when the holder outlived its lease. From then on the slot is `draining`.
   * It may have aborted between the grant and the moment in which the caller sees the permit.
   */
  readonly signal: AbortSignal;
  /** The request has ended by itself; the slot is free now. `ok` feeds the circuit and the service times. */
  release(end: PermitEnd): void;
  /**
   * The request was aborted and its connection closed; the server may still be busy with it.
   * The slot stays taken (`draining`) until the promise settles, or for the gate's drain bound at most.
   */
  drain(drained: Promise<void>): void;
  /**
   * After a preemption: waits again at the request's old place, and answers like `acquire`.
   * The old slot is still given back with `drain` or `release`, before or after. Once per permit;
   * throws when the permit was not preempted (a bug of the caller).
   */
  requeue(): Promise<GateAnswer>;
}

export interface PermitEnd {
  /** `unreachable` counts towards opening the circuit; `failed` is an answer with an error and does not. */
  result: 'ok' | 'failed' | 'unreachable';
}

export type GateAnswer =
  | { ok: true; permit: Permit }
  | {
      ok: false;
      errorReason: Extract<ErrorReason, 'queue_full' | 'deadline' | 'breaker_open' | 'cancelled'>;
      /**
       * When to come again, in ms: from measured service times with `queue_full` (null while nothing has been
       * measured), until the next probe with `breaker_open`; else null.
       */
      retryAfterMs: number | null;
    };

export interface Gate {
  readonly id: string;
  acquire(request: GateRequest): Promise<GateAnswer>;
}

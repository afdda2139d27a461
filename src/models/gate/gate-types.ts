/**
 * The interface of a gate for its callers: acquire a permit, hold it while the request runs, give it back. The
 * guarantees G1-G10 are in docs/gate.md.
 */
import type { ErrorReason, RequestKind } from '#shared/model/model';
import type { PriorityClass } from '#machines/gate-queue';
import type { QueuePosition } from '#machines/job-types';

export interface GateRequest {
  kind: RequestKind;
  priority: PriorityClass;
  user: string;
  preemptible: boolean;
  /**
   * Takes a free slot or is refused with `queue_full`; aborted as `preempted` as soon as any request has to wait, until
   * `Permit.adopt`.
   */
  speculative?: boolean | undefined;
  /** Aborting removes a waiter from the queue, or aborts a holder's permit, in the same tick. */
  signal: AbortSignal;
  /** Epoch ms by the current wall clock; a request that still waits then is refused with `deadline`. */
  deadlineAt: number | null;
  /** The job of the request; slots held by the same job do not count as ahead of it. */
  jobId?: string | undefined;
  /**
   * Reports the position with the number of other requests ahead, never 0: a wait that no other request causes is not
   * reported.
   */
  onQueued: (position: QueuePosition) => void;
}

/** The right to run one request at the backend. Fenced: calls of a stale holder have no effect. */
export interface Permit {
  /** Grows with every grant of this gate. */
  readonly fence: number;
  /** Over several workers: `EPOCH.N`, which a gate proxy before the model server checks. */
  readonly wireFence?: string | null;
  /** Wait at the gate before this grant, ms. */
  readonly queuedMs: number;
  /**
   * Aborts when the caller cancels or the gate preempts; `signal.reason` is `'cancelled'`, `'preempted'`, or
   * `'expired'` when the holder exceeded its lease. From then on the slot is `draining`. May be aborted already when
   * the caller receives the permit.
   */
  readonly signal: AbortSignal;
  /** The request ended without an abort; the slot is free now. `ok` feeds the circuit breaker and the service times. */
  release(end: PermitEnd): void;
  /**
   * The request was aborted and its connection closed; the server may still be busy with it. The slot stays taken
   * (`draining`) until the promise settles, or for the gate's drain limit at most.
   */
  drain(drained: Promise<void>): void;
  /** A speculative request becomes an ordinary one. No effect on others, and after an abort. */
  adopt(): void;
  /**
   * After a preemption: waits again at the request's old position, with the same result as `acquire`. The old slot must
   * still be given back with `drain` or `release`, before or after. Once per permit; throws when the permit was not
   * preempted (a bug of the caller).
   */
  requeue(): Promise<AcquireResult>;
}

export interface PermitEnd {
  /** `unreachable` counts towards opening the circuit; `failed` is a response with an error and does not. */
  result: 'ok' | 'failed' | 'unreachable';
}

export type AcquireResult =
  | { ok: true; permit: Permit }
  | {
      ok: false;
      errorReason: Extract<ErrorReason, 'queue_full' | 'deadline' | 'breaker_open' | 'cancelled'>;
      /**
       * When to retry, in ms: from measured service times with `queue_full` (null without a measurement), until the
       * next probe with `breaker_open`; otherwise null.
       */
      retryAfterMs: number | null;
    };

export interface Gate {
  readonly id: string;
  acquire(request: GateRequest): Promise<AcquireResult>;
}

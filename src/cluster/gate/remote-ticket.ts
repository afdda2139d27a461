/** One request of this worker at a shared gate, with its permit. */
import type { MonotonicTimers } from '#models/gate/gate-options';
import type { AcquireResult, GateRequest, Permit, PermitEnd } from '#models/gate/gate-types';
import type { QueuePosition } from '#machines/job-types';
import type { TicketReport } from './gate-messages.ts';

type AbortReason = 'cancelled' | 'preempted' | 'expired';

export interface TicketOwner {
  timers: MonotonicTimers;
  /** The server may still be busy with an aborted request for this time. */
  drainBoundMs: number;
  /** The ticket is over; with the result of a request that ended by itself. */
  finished(ticket: RemoteTicket, result: PermitEnd['result'] | null): void;
  changed(): void;
  requeue(ticket: RemoteTicket): Promise<AcquireResult>;
}

export interface TicketInit {
  id: number;
  turn: number;
  /** By the monotonic clock. */
  arrivedAt: number;
  preemptions: number;
}

export class RemoteTicket implements Permit {
  readonly request: GateRequest;
  readonly init: TicketInit;
  readonly result: Promise<AcquireResult>;
  phase: TicketReport['phase'] = 'waiting';
  wireFence: string | null = null;
  fence = 0;
  queuedMs = 0;
  /** By the monotonic clock. */
  dueAt: number | null = null;
  /** Clears its deadline timer. */
  clearDeadline: () => void = () => {};
  readonly #owner: TicketOwner;
  readonly #controller = new AbortController();
  readonly #since: number;
  readonly #cancel: () => void;
  #resolve: (result: AcquireResult) => void = () => {};
  #lastPosition = '';
  #drainTimer: unknown = null;
  #hasEnded = false;
  #isFinished = false;
  #mayRequeue = false;
  #isSpeculative: boolean;

  constructor(request: GateRequest, init: TicketInit, owner: TicketOwner) {
    this.request = request;
    this.init = init;
    // A speculative request queues again only after it was adopted.
    this.#isSpeculative = request.speculative === true && init.turn === 1;
    this.#owner = owner;
    this.#since = owner.timers.monotonicNow();
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#cancel = () => {
      if (this.phase === 'waiting') this.refuse('cancelled', null);
      else this.abort('cancelled');
    };
    request.signal.addEventListener('abort', this.#cancel, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  report(): TicketReport {
    const { kind, priority, user, jobId, preemptible } = this.request;
    const { id, turn, arrivedAt, preemptions } = this.init;
    const waitedMs = Math.max(0, this.#owner.timers.monotonicNow() - arrivedAt);
    return {
      id,
      turn,
      phase: this.phase,
      fence: this.wireFence,
      waitedMs,
      preemptions,
      isAdmitted: this.phase !== 'waiting' || turn > 1 || this.#lastPosition !== '',
      kind,
      priority,
      user,
      preemptible,
      ...(jobId === undefined ? {} : { jobId }),
      ...(this.#isSpeculative ? { speculative: true as const } : {}),
    };
  }

  grant(wireFence: string, fence: number): void {
    this.clearDeadline();
    this.phase = 'running';
    this.wireFence = wireFence;
    this.fence = fence;
    this.queuedMs = Math.floor(this.#owner.timers.monotonicNow() - this.#since);
    this.#resolve({ ok: true, permit: this });
  }

  /** Reported once per position. */
  moved(position: QueuePosition): void {
    // An arbiter of an earlier version lets it wait.
    if (this.#isSpeculative) return this.refuse('queue_full', null);
    const { ahead, etaMs } = position;
    const text = `${position.position} ${ahead} ${etaMs}`;
    if (text === this.#lastPosition) return;
    this.#lastPosition = text;
    try {
      this.request.onQueued(position);
    } catch {
      // A fault of a listener must not stop the gate, as at the local gate.
    }
  }

  refuse(
    errorReason: Extract<AcquireResult, { ok: false }>['errorReason'],
    retryAfterMs: number | null,
  ): void {
    this.#finish(null);
    this.#resolve({ ok: false, errorReason, retryAfterMs });
  }

  abort(reason: AbortReason): void {
    if (this.phase !== 'running') return;
    this.#startDrain();
    this.#mayRequeue = reason === 'preempted';
    this.#controller.abort(reason);
    this.#owner.changed();
  }

  release({ result }: PermitEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#finish(result);
  }

  drain(drained: Promise<void>): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#startDrain();
    const end = (): void => this.#finish(null);
    drained.then(end, end);
    this.#owner.changed();
  }

  adopt(): void {
    if (!this.#isSpeculative) return;
    this.#isSpeculative = false;
    this.#owner.changed();
  }

  requeue(): Promise<AcquireResult> {
    if (!this.#mayRequeue)
      throw new Error(`permit ${this.fence} was not preempted, or asked twice`);
    this.#mayRequeue = false;
    return this.#owner.requeue(this);
  }

  #startDrain(): void {
    if (this.phase !== 'running') return;
    this.phase = 'draining';
    this.#drainTimer = this.#owner.timers.setTimeout(
      () => this.#finish(null),
      this.#owner.drainBoundMs,
    );
  }

  #finish(result: PermitEnd['result'] | null): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.clearDeadline();
    this.request.signal.removeEventListener('abort', this.#cancel);
    if (this.#drainTimer !== null) this.#owner.timers.clearTimeout(this.#drainTimer);
    this.#owner.finished(this, result);
  }
}

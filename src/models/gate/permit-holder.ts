/**
 * One holder of a slot, and its permit. Owns the timers of the lease and of the drain. The statechart checks the fence:
 * calls of a holder whose slot was freed have no effect.
 *
 * H1 The first call of `release` and `drain` counts; later calls are ignored.
 * H2 An aborted holder that makes no call loses the slot after the drain limit, a holder that never ends after its
 *    lease and the drain limit.
 */
import type { AbortReason, EventOf } from '#machines/gate-steps';
import type { Ticket } from '#machines/gate-queue';
import type { MonotonicTimers } from './gate-options.ts';
import type { AcquireResult, Permit, PermitEnd, GateRequest } from './gate-types.ts';
import type { QueuePosition } from '#machines/job-types';

type PermitEvent =
  | EventOf<'ended'>
  | EventOf<'drainStarted'>
  | EventOf<'drained'>
  | EventOf<'adopted'>
  | EventOf<'leaseExpired'>;

interface PermitHolderDependencies {
  timers: MonotonicTimers;
  now: () => number;
  send: (event: PermitEvent) => void;
  requeue: (ticket: Ticket) => Promise<AcquireResult>;
  leaseMs: number;
  drainBoundMs: number;
}

export class PermitHolder implements Permit {
  readonly fence: number;
  readonly queuedMs: number;
  readonly waiter: GateWaiter;
  /** How the request ended by itself; null before. */
  result: PermitEnd['result'] | null = null;
  /** The drain limit freed the slot; the end of the drain was not reported. */
  drainTimedOut = false;
  readonly #dependencies: PermitHolderDependencies;
  readonly #controller = new AbortController();
  readonly #leaseTimer: unknown;
  #drainTimer: unknown = null;
  #hasEnded = false;
  #isClosed = false;
  #stopForwardingAbort: () => void = () => {};
  /** The ticket with which a preempted request queues again. */
  #requeueTicket: Ticket | null = null;

  constructor(
    waiter: GateWaiter,
    fence: number,
    queuedMs: number,
    dependencies: PermitHolderDependencies,
  ) {
    this.waiter = waiter;
    this.fence = fence;
    this.queuedMs = queuedMs;
    this.#dependencies = dependencies;
    this.#leaseTimer =
      dependencies.leaseMs === Number.POSITIVE_INFINITY
        ? undefined
        : dependencies.timers.setTimeout(
            () => this.#send({ type: 'leaseExpired', at: dependencies.now(), fence }),
            Math.min(dependencies.leaseMs, timerMaxMs),
          );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  release({ result }: PermitEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopForwardingAbort();
    this.result = result;
    this.#send({ type: 'ended', at: this.#dependencies.now(), fence: this.fence, result });
  }

  drain(drained: Promise<void>): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopForwardingAbort();
    this.#send({ type: 'drainStarted', at: this.#dependencies.now(), fence: this.fence });
    this.#startDrainTimeout();
    const sendDrained = (): void =>
      this.#send({ type: 'drained', at: this.#dependencies.now(), fence: this.fence });
    drained.then(sendDrained, sendDrained);
  }

  adopt(): void {
    this.#send({ type: 'adopted', at: this.#dependencies.now(), fence: this.fence });
  }

  requeue(): Promise<AcquireResult> {
    const ticket = this.#requeueTicket;
    if (ticket === null) throw new Error(`permit ${this.fence} was not preempted, or asked twice`);
    this.#requeueTicket = null;
    return this.#dependencies.requeue(ticket);
  }

  /** The gate aborts the request: the slot drains from now on. */
  abort(reason: AbortReason, ticket: Ticket): void {
    if (reason === 'preempted') this.#requeueTicket = ticket;
    this.#startDrainTimeout();
    this.#controller.abort(reason);
  }

  /** The slot is free, or the gate has stopped: clears all timers and listeners of this holder. */
  close(): void {
    this.#isClosed = true;
    this.#stopForwardingAbort();
    this.#dependencies.timers.clearTimeout(this.#leaseTimer);
    if (this.#drainTimer !== null) this.#dependencies.timers.clearTimeout(this.#drainTimer);
    this.waiter.detach();
  }

  /** The gate has stopped: from now on only the caller's own signal aborts the request. */
  detachFromGate(): void {
    this.close();
    const { signal } = this.waiter.request;
    const forwardAbort = (): void => this.#controller.abort('cancelled' satisfies AbortReason);
    signal.addEventListener('abort', forwardAbort, { once: true });
    this.#stopForwardingAbort = () => signal.removeEventListener('abort', forwardAbort);
  }

  #startDrainTimeout(): void {
    if (this.#drainTimer !== null || this.#isClosed) return;
    this.#drainTimer = this.#dependencies.timers.setTimeout(() => {
      this.drainTimedOut = true;
      this.#send({ type: 'drained', at: this.#dependencies.now(), fence: this.fence });
    }, this.#dependencies.drainBoundMs);
  }

  #send(event: PermitEvent): void {
    this.#dependencies.send(event);
  }
}

/** Node fires a timer with a longer delay at once. */
export const timerMaxMs = 2_147_483_647;

/**
 * Calls `onDeadline` once, when `now` has reached `dueAt`: a timer may fire a millisecond early, and a delay of more
 * than 24 days needs several timers. Returns the cancel function; idempotent.
 */
export function setDeadline(
  timers: MonotonicTimers,
  now: () => number,
  dueAt: number,
  onDeadline: (at: number) => void,
): () => void {
  let timer: unknown;
  const arm = (): void => {
    const delayMs = Math.min(Math.max(1, dueAt - now()), timerMaxMs);
    timer = timers.setTimeout(() => {
      const at = now();
      if (at >= dueAt) onDeadline(at);
      else arm();
    }, delayMs);
  };
  arm();
  return () => timers.clearTimeout(timer);
}

interface GateWaiterInit {
  id: number;
  /** When this wait began, by the gate's clock. */
  since: number;
  resolve: (result: AcquireResult) => void;
  withdraw: () => void;
}

/** One request at the gate, from `acquire` or `requeue` until it is refused or its slot is free. */
export class GateWaiter {
  readonly request: GateRequest;
  readonly id: number;
  readonly since: number;
  readonly resolve: (result: AcquireResult) => void;
  /** The position that it was last notified of. */
  lastPosition: QueuePosition | null = null;
  /** Clears its deadline timer. */
  clearDeadline: () => void = () => {};
  readonly #withdraw: () => void;

  constructor(request: GateRequest, links: GateWaiterInit) {
    this.request = request;
    this.id = links.id;
    this.since = links.since;
    this.resolve = links.resolve;
    this.#withdraw = links.withdraw;
    request.signal.addEventListener('abort', this.#withdraw, { once: true });
  }

  onQueued(position: QueuePosition): void {
    this.request.onQueued(position);
  }

  /** Stops listening to the caller's signal, which may outlive the request. */
  detach(): void {
    this.request.signal.removeEventListener('abort', this.#withdraw);
  }
}
